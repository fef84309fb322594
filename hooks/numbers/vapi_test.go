package numbers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/vapi"
)

func row(fields map[string]any) *core.Record {
	r := core.NewRecord(collections.ByName(collections.PhoneNumbers))
	r.Id = "num000000000001"
	r.Load(fields)
	return r
}

func TestToNumber(t *testing.T) {
	const server = `"server":{"url":"https://desk.example.com/hook","timeoutSeconds":20,"headers":{"X-Vapi-Secret":"s"},` +
		`"backoffPlan":{"type":"exponential","maxRetries":3,"baseDelaySeconds":1}}`
	for _, c := range []struct {
		name   string
		fields map[string]any
		want   string
	}{
		{"a free number", map[string]any{"provider": "vapi", "area_code": "415", "assistant": "a", "friendly_name": "Main"},
			`{"provider":"vapi","name":"Main",` + server + `,"numberDesiredAreaCode":"415"}`},
		{"one from twilio", map[string]any{"provider": "twilio", "phone_number": "+14155550100", "twilio_account_sid": "AC1",
			"credential_id": "no"},
			`{"provider":"twilio",` + server +
				`,"number":"+14155550100","twilioAccountSid":"AC1","twilioAuthToken":"opened","smsEnabled":false}`},
		{"one from telnyx", map[string]any{"provider": "telnyx", "phone_number": "+14155550100", "credential_id": "cred",
			"twilio_account_sid": "no"},
			`{"provider":"telnyx",` + server + `,"number":"+14155550100","credentialId":"cred"}`},
		{"a trunk", map[string]any{"provider": "byo", "credential_id": "cred"},
			`{"provider":"byo-phone-number",` + server + `,"credentialId":"cred"}`},
		{"a fallback", map[string]any{"provider": "vapi", "fallback_number": "+14155550199",
			"fallback_message": "One moment."},
			`{"provider":"vapi",` + server +
				`,"fallbackDestination":{"type":"number","number":"+14155550199","message":"One moment."}}`},
		{"a long name", map[string]any{"provider": "vapi", "friendly_name": strings.Repeat("n", 50)},
			`{"provider":"vapi","name":"` + strings.Repeat("n", 40) + `",` + server + `}`},
	} {
		got, err := json.Marshal(toNumber(row(c.fields), "opened", vapi.NewServer("https://desk.example.com/hook", "s")))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestStatusAfter(t *testing.T) {
	for _, c := range []struct{ ours, vapis, want string }{
		{"", "active", "active"}, {"", "", "active"}, {"pending", "active", "active"}, {"", "activating", "pending"},
		{"pending", "activating", "pending"}, {"active", "activating", "active"}, {"inactive", "active", "inactive"},
		{"inactive", "activating", "inactive"}, {"suspended", "active", "suspended"}, {"active", "blocked", "suspended"},
	} {
		if got := statusAfter(c.ours, c.vapis); got != c.want {
			t.Errorf("ours %q, Vapi's %q: got %q, want %q", c.ours, c.vapis, got, c.want)
		}
	}
}

func TestApply_keeps_an_imported_numbers_digits(t *testing.T) {
	n := row(map[string]any{"provider": "twilio", "phone_number": "+14155550100"})
	apply(n, &vapi.PhoneNumber{Number: "+10000000000", SIPURI: "sip:x@sip.vapi.ai"})
	if n.GetString("phone_number") != "+14155550100" || n.GetString("sip_uri") != "sip:x@sip.vapi.ai" {
		t.Errorf("row has %q, %q", n.GetString("phone_number"), n.GetString("sip_uri"))
	}
}

func TestFields_are_columns(t *testing.T) {
	c := collections.ByName(collections.PhoneNumbers)
	for _, name := range fields {
		if c.Fields.GetByName(name) == nil {
			t.Errorf("no column %s", name)
		}
	}
	for provider, names := range required {
		for _, name := range names {
			if c.Fields.GetByName(name) == nil {
				t.Errorf("%s: no column %s", provider, name)
			}
		}
	}
}
