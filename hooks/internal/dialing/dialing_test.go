package dialing

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

func TestCheck_home_country_and_what_was_allowed(t *testing.T) {
	c := core.NewBaseCollection("organizations")
	c.Fields.Add(&core.TextField{Name: "country"}, &core.JSONField{Name: "limits"})
	for _, one := range []struct {
		country, limits, line, number, want string
	}{
		{"US", "", "", "+14155552671", "+14155552671"},
		{"US", "", "", "415 555 2671", "+14155552671"},
		{"us", "", "", "415 555 2671", "+14155552671"},
		{"US", "", "", "\u202a+1 (415) 555\u20112671\u202c", "+14155552671"}, // pasted from an address book
		{"US", "", "", "\u200e+1\u00a0415\u00a0555\u00a02671\ufeff", "+14155552671"},
		{"US", "", "", "＋１４１５５５５２６７１", "+14155552671"},
		{"US", "", "", "+442079460018", ""},
		{"US", `{"outbound_countries":["GB"]}`, "", "+442079460018", "+442079460018"},
		{"US", `{"outbound_countries":["GB"]}`, "", "+33123456789", ""},
		{"US", `{"outbound_countries":["*"]}`, "", "+33123456789", "+33123456789"},
		{"US", "", "", "+18765551234", ""},
		{"US", "", "", "+18095551234", ""}, // the Dominican Republic, by each of its area codes
		{"US", "", "", "+18295551234", ""},
		{"US", "", "", "+18495551234", ""},
		{"US", "", "", "+12845551234", ""},
		{"US", "", "", "+16495551234", ""},
		{"US", "", "", "+18005551234", "+18005551234"},
		{"DE", "", "", "089 12345678", "+498912345678"},
		{"BE", "", "", "09 225 00 00", "+3292250000"},
		{"US", `{"outbound_countries":["JM"]}`, "", "+18765551234", "+18765551234"},
		{"FR", "", "", "01 23 45 67 89", "+33123456789"},
		{"", "", "+33123456780", "+33123456789", "+33123456789"},
		{"", "", "+33123456780", "+14155552671", ""},
		{"", "", "", "+14155552671", ""},
		{"US", "not json", "", "+14155552671", "+14155552671"},
		{"US", "", "", "911", ""},
		{"US", "", "", "sip:x@example.com", ""},
		{"US", "", "", "anonymous", ""},
		{"US", "", "", "{{number}}", ""},
		{"US", "", "", strings.Repeat("9", 300), ""},
	} {
		o := core.NewRecord(c)
		o.Set("country", one.country)
		o.Set("limits", types.JSONRaw(one.limits))
		got, problem := policy(o, cmp.Or(one.country, one.line)).Check(one.number)
		if got != one.want || (problem == "") != (one.want != "") {
			t.Errorf("%s %s calling %q: got %q (%s), want %q", one.country, one.limits, one.number, got, problem, one.want)
		}
	}
}

func TestCheck_premium_and_satellite_numbers_are_never_dialled(t *testing.T) {
	everywhere := Policy{Home: "US", Countries: []string{"*"}}
	for _, number := range []string{
		"+19005551234", "1-900-555-1234", "900 555 1234", "+19001111111", "+12129761234", "+447012345678",
		"+449012345678", "+448431234567",
		"+33899123456", "0033 899 12 34 56", "+4990012345678", "+39892123", "+39892123456", "+41901123456",
		"+611900654321", "+81990123456",
		"+881612345678", "+870773123456", "+8821621234567", "+883510012345", "+979123456789", "+87812345678901",
		"+80812345678", "+88812345678",
		"+99112345678", "+19765551234", "976-555-1234", "1 (976) 555-1234",
		"+14159761234", "+17005551234", "+15005551234", "+15335551234", "+449312345678", "+33897000000",
		"+491901234567", "+61198912345",
		"tel:+1-976-555-1234", "tel:+1-900-555-1234", "sip:+19005551234@example.com", "\u202d+1 900 555 1234",
	} {
		if got, problem := everywhere.Check(number); got != "" || problem == "" {
			t.Errorf("%q is dialled as %q", number, got)
		}
	}
}

func TestSettings_are_looked_through(t *testing.T) {
	p := Policy{Home: "US"}
	for raw, want := range map[string]string{
		`{"hooks":[{"on":"call.ending","do":[{"type":"transfer","destination":{"type":"number","number":"+19005551234"}}]}]}`: "hooks",
		`{"hooks":[{"do":[{"destination":{"type":"sip","sipUri":"sip:+19005551234@carrier.example.com"}}]}]}`:                 "hooks",
		`{"forwardingPhoneNumber":"+881612345678"}`: "forwardingPhoneNumber",
		`{"a":{"Number":"{{caller}}"}}`:             "a",
		`{"hooks":[{"do":[{"destination":{"type":"number","number":"+14155552671"}}]}],"backgroundSound":"office"}`: "",
		`{"hooks":[{"do":[{"destination":{"type":"sip","sipUri":"sip:desk@pbx.example.com"}}]}]}`:                   "",
		`{"hooks":[{"do":[{"destination":{"type":"number","number":19005551234}}]}]}`:                               "hooks",
		`{"number":7,"keypadInputPlan":{"enabled":true,"timeoutSeconds":2}}`:                                        "",
	} {
		var settings map[string]any
		if err := json.Unmarshal([]byte(raw), &settings); err != nil {
			t.Fatal(err)
		}
		if got, problem := p.Settings(settings); got != want || (problem != "") != (want != "") {
			t.Errorf("%s: got %q (%s), want %q", raw, got, problem, want)
		}
	}
	var deep any = "x"
	for range 100 {
		deep = []any{deep}
	}
	if got, _ := p.Settings(map[string]any{"deep": deep}); got != "deep" {
		t.Errorf("got %q", got)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("(202) 555-0170", "US")
	f.Add("06 12 34 56 78", "FR")
	f.Add("+14155550100;ext=2", "")
	f.Fuzz(func(t *testing.T, text, home string) {
		number, problem := Policy{Home: home, Countries: []string{"*"}}.Check(text)
		if problem == "" && (!strings.HasPrefix(number, "+") || strings.Trim(number[1:], "0123456789") != "") {
			t.Fatalf("%q became %q", text, number)
		}
	})
}
