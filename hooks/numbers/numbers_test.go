package numbers

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

const url = "/api/collections/phone_numbers/records"

type desk struct {
	*deskkit.Desk
	vapi  *vapi.Client
	stand *sandbox.Server
}

func open(t *testing.T) *desk {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	d := &desk{stand: stand, vapi: vapi.NewClient(vapi.WithToken(stand.Key()), vapi.WithBaseURL(stand.URL()),
		vapi.WithMaxAttempts(1))}
	d.Desk = deskkit.Open(t, func(on *deskkit.Desk) {
		Register(on,
			Deps{Tools: on.Tools, Vapi: d.vapi, WebhookSecret: func(string) (string, error) { return "hook-secret", nil }})
	})
	return d
}

func (d *desk) create(body map[string]any) string {
	d.T.Helper()
	body["organization"] = testkit.Acme
	var made struct{ ID string }
	d.Do("POST", url, testkit.AcmeOwner, body).Want(200).JSON(&made)
	return made.ID
}

// settle waits until nothing about the number is on its way.
func (d *desk) settle(id string) *core.Record {
	d.T.Helper()
	n, err := d.FindRecordById(collections.PhoneNumbers, id)
	if err != nil {
		d.T.Fatal(err)
	}
	if err := d.Mirror.Wait(d.T.Context(), n); err != nil {
		d.T.Fatal(err)
	}
	return n
}

// at is the number as Vapi has it.
func (d *desk) at(n *core.Record) map[string]any {
	d.T.Helper()
	copied, err := d.vapi.PhoneNumbers.Get(d.T.Context(), n.GetString(phoneID))
	if err != nil {
		d.T.Fatalf("%v (%s)", err, n.GetString("sync_error"))
	}
	var doc map[string]any
	if err := json.Unmarshal(copied.Raw, &doc); err != nil {
		d.T.Fatal(err)
	}
	return doc
}

func (d *desk) fault(kind, method string) {
	d.T.Helper()
	testkit.Fault(d.T, d.stand.URL(), kind, method, "/phone-number")
}

func TestNumber_from_vapi_gets_its_digits_and_becomes_active(t *testing.T) {
	d := open(t)
	id := d.create(map[string]any{
		"provider": "vapi", "area_code": "415", "friendly_name": "Night line", "assistant": testkit.AcmeAssistant,
		"phone_number":    "+12025550199",
		"fallback_number": "(202) 555-0170", "fallback_message": "One moment.",
	})
	n := d.settle(id)
	if n.GetString("sync_status") != collections.SyncSynced || !strings.HasPrefix(n.GetString("phone_number"), "+1415") ||
		n.GetString("status") != collections.NumberPending || n.GetString("fallback_number") != "+12025550170" {
		t.Errorf("row %s %s %s %s: %s", n.GetString("sync_status"), n.GetString("phone_number"), n.GetString("status"),
			n.GetString("fallback_number"),
			n.GetString("sync_error"))
	}
	copied := d.at(n)
	server, _ := copied["server"].(map[string]any)
	headers, _ := server["headers"].(map[string]any)
	fallback, _ := copied["fallbackDestination"].(map[string]any)
	if copied["assistantId"] != nil || server["url"] != "https://desk.example.com/api/webhooks/vapi" ||
		headers["X-Vapi-Secret"] != "hook-secret" ||
		fallback["number"] != "+12025550170" || copied["name"] != "Night line" {
		t.Errorf("the copy is %v", copied)
	}
	for range 2 { // what is active already is not asked after
		if err := d.Schedule.RunNow(t.Context(), "numbers.activate"); err != nil {
			t.Fatal(err)
		}
	}
	if n = d.settle(id); n.GetString("status") != collections.NumberActive ||
		n.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("after the job %s, %s", n.GetString("status"), n.GetString("sync_status"))
	}

	d.Do("PATCH", url+"/"+id, testkit.AcmeOwner,
		map[string]any{"fallback_number": "", "friendly_name": "Day line", "assistant": ""}).Want(200)
	if copied = d.at(d.settle(id)); copied["fallbackDestination"] != nil || copied["name"] != "Day line" {
		t.Errorf("the copy is %v", copied)
	}
	d.Do("DELETE", url+"/"+id, testkit.AcmeOwner, nil).Want(204)
	d.Mirror.Wait(t.Context(), n)
	if _, err := d.FindRecordById(collections.PhoneNumbers, id); err == nil {
		t.Error("the row stays")
	}
	if all, err := d.vapi.PhoneNumbers.List(t.Context(), nil); err != nil || len(all) != 0 {
		t.Errorf("%d numbers stay at Vapi, %v", len(all), err)
	}
}

func TestNumber_from_twilio_is_imported_with_a_token_nobody_reads(t *testing.T) {
	d := open(t)
	const marker = "MARKER0123456789abcdef"
	body := map[string]any{"organization": testkit.Acme, "provider": "twilio", "phone_number": "(202) 555-0155",
		"twilio_account_sid": "AC0123456789", "twilio_auth_token": marker}
	answer := d.Do("POST", url, testkit.AcmeOwner, body).Want(200)
	var made struct {
		ID  string
		Set bool `json:"twilio_auth_token_set"`
	}
	answer.JSON(&made)
	if !made.Set || bytes.Contains(answer.Body, []byte(marker)) ||
		bytes.Contains(answer.Body, []byte(`"twilio_auth_token"`)) {
		t.Errorf("answer %s", answer.Body)
	}
	n := d.settle(made.ID)
	if n.GetString("sync_status") != collections.SyncSynced || n.GetString("phone_number") != "+12025550155" ||
		n.GetString("status") != collections.NumberActive ||
		n.GetString("country_code") != "US" {
		t.Errorf("row %s %s %s %s: %s", n.GetString("sync_status"), n.GetString("phone_number"), n.GetString("status"),
			n.GetString("country_code"),
			n.GetString("sync_error"))
	}
	if copied := d.at(n); copied["smsEnabled"] != false || copied["number"] != "+12025550155" {
		t.Errorf("the copy is %v", copied)
	}
	if text := n.GetString("twilio_auth_token"); !sealed.Is(text) || strings.Contains(text, marker) {
		t.Errorf("stored %q", text)
	}
	promises, err := d.FindAllRecords(collections.Outbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range promises {
		if strings.Contains(p.GetString("payload")+p.GetString("error"), marker) {
			t.Error("a promise holds the token")
		}
	}
}

func TestNumber_is_bought_once_when_the_answer_is_lost(t *testing.T) {
	d := open(t)
	d.fault("500-after", "POST")
	id := d.create(map[string]any{"provider": "vapi"})
	if n := d.settle(id); n.GetString("sync_status") != collections.SyncPending {
		t.Fatalf("status %s", n.GetString("sync_status"))
	}
	d.Do("POST", "/api/sync/phone_numbers/"+id+"/retry", testkit.AcmeOwner, nil).Want(202)
	n := d.settle(id)
	all, err := d.vapi.PhoneNumbers.List(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].ID != n.GetString(phoneID) || n.GetString("phone_number") != all[0].Number {
		t.Errorf("%d numbers at Vapi, the row has %q %q, %v: %s", len(all), n.GetString(phoneID), n.GetString("phone_number"),
			err, n.GetString("sync_error"))
	}
}

func TestNumber_that_was_found_again_is_taken_off_its_assistant(t *testing.T) {
	d := open(t)
	d.fault("500-after", "POST")
	id := d.create(map[string]any{"provider": "vapi", "area_code": "415"})
	d.settle(id)
	all, err := d.vapi.PhoneNumbers.List(t.Context(), nil)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d numbers at Vapi, %v", len(all), err)
	}
	there, err := d.vapi.Assistants.Create(t.Context(), &vapi.AssistantDTO{Name: "Somebody's"})
	if err != nil {
		t.Fatal(err)
	}
	assigned := &vapi.PhoneNumberDTO{AssistantID: vapi.Value(there.ID)}
	if _, err := d.vapi.PhoneNumbers.Update(t.Context(), all[0].ID, assigned); err != nil {
		t.Fatal(err)
	}
	d.Do("POST", "/api/sync/phone_numbers/"+id+"/retry", testkit.AcmeOwner, nil).Want(202)
	n := d.settle(id)
	if copied := d.at(n); copied["assistantId"] != nil || copied["id"] != all[0].ID ||
		n.GetString("phone_number") != all[0].Number {
		t.Errorf("the copy is %v, the row has %s", copied, n.GetString("phone_number"))
	}
	// Later it is the provider's own business.
	if _, err := d.vapi.PhoneNumbers.Update(t.Context(), all[0].ID, assigned); err != nil {
		t.Fatal(err)
	}
	d.Do("PATCH", url+"/"+id, testkit.AcmeOwner, map[string]any{"friendly_name": "Renamed"}).Want(200)
	if copied := d.at(d.settle(id)); copied["assistantId"] != there.ID || copied["name"] != "Renamed" {
		t.Errorf("the copy is %v", copied)
	}
}

func TestNumber_shows_vapis_words(t *testing.T) {
	d := open(t)
	id := d.create(map[string]any{"provider": "vonage", "phone_number": "+12025550155", "credential_id": "cred"})
	d.settle(id)
	second := d.create(map[string]any{"provider": "telnyx", "phone_number": "+12025550156", "credential_id": "cred"})
	d.settle(second)
	d.Do("PATCH", url+"/"+second, testkit.AcmeOwner, map[string]any{"phone_number": "+12025550157"}).Want(200)
	if n := d.settle(second); n.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("%s: %s", n.GetString("sync_status"), n.GetString("sync_error"))
	}
	// A number that somebody else has at Vapi.
	if _, err := d.vapi.PhoneNumbers.Create(t.Context(),
		&vapi.PhoneNumberDTO{Provider: "telnyx", Number: "+12025550158", CredentialID: "x"}); err != nil {
		t.Fatal(err)
	}
	third := d.create(map[string]any{"provider": "telnyx", "phone_number": "+12025550158", "credential_id": "cred"})
	n := d.settle(third)
	if n.GetString("sync_status") != collections.SyncFailed ||
		!strings.Contains(n.GetString("sync_error"), "Existing phone number") || n.GetString(phoneID) != "" {
		t.Errorf("%s with %q: %s", n.GetString("sync_status"), n.GetString(phoneID), n.GetString("sync_error"))
	}
}

func TestNumber_released_at_vapi_is_not_silently_replaced(t *testing.T) {
	d := open(t)
	free := d.settle(d.create(map[string]any{"provider": "vapi"}))
	imported := d.settle(d.create(map[string]any{"provider": "telnyx", "phone_number": "+12025550155",
		"credential_id": "cred"}))
	for _, n := range []*core.Record{free, imported} {
		if err := d.vapi.PhoneNumbers.Delete(t.Context(), n.GetString(phoneID)); err != nil {
			t.Fatal(err)
		}
		d.Do("PATCH", url+"/"+n.Id, testkit.AcmeOwner, map[string]any{"friendly_name": "Renamed"}).Want(200)
	}
	if n := d.settle(free.Id); n.GetString("sync_status") != collections.SyncFailed ||
		n.GetString("phone_number") != free.GetString("phone_number") ||
		!strings.Contains(n.GetString("sync_error"), "no longer has this number") {
		t.Errorf("the free number is %s %s: %s", n.GetString("sync_status"), n.GetString("phone_number"),
			n.GetString("sync_error"))
	}
	if n := d.settle(imported.Id); n.GetString("sync_status") != collections.SyncSynced ||
		n.GetString("phone_number") != "+12025550155" {
		t.Errorf("the imported number is %s: %s", n.GetString("sync_status"), n.GetString("sync_error"))
	}
	d.Do("DELETE", url+"/"+free.Id, testkit.AcmeOwner, nil).Want(204)
	d.Mirror.Wait(t.Context(), free)
	if _, err := d.FindRecordById(collections.PhoneNumbers, free.Id); err == nil {
		t.Error("a number that Vapi does not have cannot be deleted")
	}
}

func TestNumber_without_a_provider_has_no_copy(t *testing.T) {
	d := open(t)
	id := d.create(map[string]any{"provider": "other", "phone_number": "+33 6 12 34 56 78"})
	n := d.settle(id)
	if n.GetString("sync_status") != "" || n.GetString("phone_number") != "+33612345678" ||
		n.GetString("country_code") != "FR" || n.GetString("status") != collections.NumberActive {
		t.Errorf("row %q %s %s %s", n.GetString("sync_status"), n.GetString("phone_number"), n.GetString("country_code"),
			n.GetString("status"))
	}
	d.Do("DELETE", url+"/"+id, testkit.AcmeOwner, nil).Want(204)
	if _, err := d.FindRecordById(collections.PhoneNumbers, id); err == nil {
		t.Error("the row stays")
	}
}

func TestAssignment_needs_no_request_and_stays_in_the_organization(t *testing.T) {
	d := open(t)
	d.Do("PATCH", url+"/"+testkit.AcmeNumber, testkit.AcmeOwner, map[string]any{"assistant": ""}).Want(200)
	d.Do("PATCH", url+"/"+testkit.AcmeNumber, testkit.AcmeOwner,
		map[string]any{"assistant": testkit.AcmeAssistant}).Want(200)
	n := d.settle(testkit.AcmeNumber)
	// Pushed, it would be missing at the stand-in and get another id.
	if n.GetString(phoneID) != "number-acme" || n.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("the assignment went to Vapi: %s %s", n.GetString(phoneID), n.GetString("sync_status"))
	}
	if _, err := d.NonconcurrentDB().NewQuery("UPDATE assistants SET sync_status = 'deleting' WHERE id = '" +
		testkit.AcmeAssistant + "'").Execute(); err != nil {
		t.Fatal(err)
	}
	d.Do("PATCH", url+"/"+testkit.AcmeNumber, testkit.AcmeOwner, map[string]any{"assistant": ""}).Want(200)
	for _, assistant := range []string{testkit.BoltAssistant, testkit.AcmeAssistant} {
		var answer struct{ Data map[string]any }
		d.Do("PATCH", url+"/"+testkit.AcmeNumber, testkit.AcmeOwner,
			map[string]any{"assistant": assistant}).Want(400).Nothing().JSON(&answer)
		if answer.Data["assistant"] == nil {
			t.Errorf("%s: the answer names %v", assistant, answer.Data)
		}
	}
}

func TestValidation_names_the_field(t *testing.T) {
	d := open(t)
	for name, c := range map[string]struct {
		body   map[string]any
		fields []string
	}{
		"no number": {map[string]any{"provider": "other", "phone_number": "call me"},
			[]string{"phone_number"}},
		"too short":             {map[string]any{"provider": "other", "phone_number": "12"}, []string{"phone_number"}},
		"missing number":        {map[string]any{"provider": "other"}, []string{"phone_number"}},
		"a fallback nobody has": {map[string]any{"provider": "vapi", "fallback_number": "x"}, []string{"fallback_number"}},
		"area code":             {map[string]any{"provider": "vapi", "area_code": "015"}, []string{"area_code"}},
		"twilio without a token": {map[string]any{"provider": "twilio", "phone_number": "+12025550155",
			"twilio_account_sid": "AC1"}, []string{"twilio_auth_token"}},
		"a token that is none": {map[string]any{"provider": "twilio", "phone_number": "+12025550155",
			"twilio_auth_token": "a b\nc"}, []string{"twilio_auth_token"}},
		"telnyx without its parts": {map[string]any{"provider": "telnyx"}, []string{"phone_number", "credential_id"}},
		"a trunk without its part": {map[string]any{"provider": "byo"}, []string{"credential_id"}},
		"another's assistant": {map[string]any{"provider": "vapi", "assistant": testkit.BoltAssistant},
			[]string{"assistant"}},
	} {
		c.body["organization"] = testkit.Acme
		var answer struct{ Data map[string]any }
		d.Do("POST", url, testkit.AcmeOwner, c.body).Want(400).Nothing().JSON(&answer)
		if len(answer.Data) != len(c.fields) {
			t.Errorf("%s: the answer names %v, want %v", name, answer.Data, c.fields)
		}
		for _, field := range c.fields {
			if answer.Data[field] == nil {
				t.Errorf("%s: the answer names %v, want %s", name, answer.Data, field)
			}
		}
	}
	if all, err := d.vapi.PhoneNumbers.List(t.Context(), nil); err != nil || len(all) != 0 {
		t.Errorf("refused input made %d numbers, %v", len(all), err)
	}
}

func TestNumber_is_managed_by_owners_and_admins_only(t *testing.T) {
	d := open(t)
	body := map[string]any{"organization": testkit.Acme, "provider": "vapi"}
	for _, email := range []string{testkit.Guest, testkit.BoltOwner, testkit.AcmeViewer, testkit.AcmeManager} {
		d.Do("POST", url, email, body).Want(400).Nothing()
		d.Do("PATCH", url+"/"+testkit.AcmeNumber, email, map[string]any{"assistant": ""}).Want(404).Nothing()
		d.Do("DELETE", url+"/"+testkit.AcmeNumber, email, nil).Want(404).Nothing()
	}
	if n := d.settle(testkit.AcmeNumber); n.GetString("sync_status") != collections.SyncSynced ||
		n.GetString("assistant") == "" {
		t.Errorf("row %s, assistant %q", n.GetString("sync_status"), n.GetString("assistant"))
	}
}

func TestCopy_has_no_stored_number_that_must_not_be_dialled(t *testing.T) {
	d := open(t)
	n, err := d.FindRecordById(collections.PhoneNumbers, testkit.AcmeNumber)
	if err != nil {
		t.Fatal(err)
	}
	domain := &domain{Deps: Deps{Sealed: d.Sealed, PublicURL: "https://desk.example.com",
		WebhookSecret: func(string) (string, error) { return "x", nil }}, app: d}
	for number, want := range map[string]bool{"+12025550170": true, "+19005551234": false, "+881612345678": false} {
		n.Set("fallback_number", number)
		dto, err := domain.copyOf(n, mirror.Mark{})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(dto)
		if err != nil || strings.Contains(string(raw), number) != want || n.GetString("fallback_number") != number {
			t.Errorf("%s: the copy is %s, %v", number, raw, err)
		}
	}
}
