package calls

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// ready is a number whose calls are answered.
func ready(changes ...func(*numberEntry)) *numberEntry {
	n := &numberEntry{
		ID: "n", Organization: "o", Status: collections.NumberActive, OrganizationName: "Acme",
		State:   collections.OrganizationActive,
		Balance: collections.BalanceOK, Language: "en", Assistant: "a", AssistantName: "Front desk",
		AssistantStatus: collections.AssistantActive, AssistantVapiID: "va", AssistantSync: collections.SyncSynced,
	}
	for _, change := range changes {
		change(n)
	}
	return n
}

func TestDecide_says_who_answers(t *testing.T) {
	off := func(n *numberEntry) { n.Status = collections.NumberInactive }
	number := func(n *numberEntry) { n.FallbackNumber = "+12025550190" }
	message := func(n *numberEntry) { n.FallbackMessage = "Back at nine." }
	french := func(n *numberEntry) { n.Language = "fr" }
	say := func(language, reason string) string {
		b, err := json.Marshal(sentences[language][reason])
		if err != nil {
			t.Fatal(err)
		}
		return `{"error":` + string(b) + `,"data":{"error":` + string(b) + `}}`
	}
	const answered = `{"assistantId":"va","data":{"assistant":{"id":"va","name":"Front desk"}}}`
	for _, one := range []struct {
		name   string
		number *numberEntry
		want   string
	}{
		{"all is well", ready(), answered},
		{"all is well, whatever the fallbacks", ready(number, message), answered},
		{"statuses nobody set", ready(func(n *numberEntry) {
			n.State, n.Status, n.AssistantStatus, n.Balance = "", "",
				"", ""
		}), answered},
		{"the assistant is being changed at the provider",
			ready(func(n *numberEntry) { n.AssistantSync = collections.SyncPending }), answered},
		{"the balance is low", ready(func(n *numberEntry) { n.Balance = collections.BalanceLow }), answered},
		{"the provider still prepares the number", ready(func(n *numberEntry) { n.Status = collections.NumberPending }),
			answered},
		{"nobody's number", nil, say("en", "unknown")},
		{"the number is suspended", ready(func(n *numberEntry) { n.Status = collections.NumberSuspended }),
			say("en", "number")},
		{"the organization is suspended", ready(func(n *numberEntry) { n.State = collections.OrganizationSuspended }),
			say("en", "closed")},
		{"the number is off", ready(off), say("en", "number")},
		{"the balance is empty", ready(func(n *numberEntry) { n.Balance = collections.BalanceEmpty }),
			say("en", "balance")},
		{"no assistant", ready(func(n *numberEntry) { n.Assistant = "" }), say("en", "assistant")},
		{"the assistant is not at the provider", ready(func(n *numberEntry) { n.AssistantVapiID = "" }),
			say("en", "assistant")},
		{"the assistant is being deleted", ready(func(n *numberEntry) { n.AssistantSync = collections.SyncDeleting }),
			say("en", "assistant")},
		{"the assistant is off", ready(func(n *numberEntry) { n.AssistantStatus = collections.AssistantInactive }),
			say("en", "assistant")},
		{"in French", ready(off, french), say("fr", "number")},
		{"in a language without sentences", ready(off, func(n *numberEntry) { n.Language = "xx" }),
			say("en", "number")},
		{"a number to fall back to", ready(off, number),
			`{"destination":{"type":"number","number":"+12025550190"},"data":{}}`},
		{"a number and a message", ready(off, number, message),
			`{"destination":{"type":"number","message":"Back at nine.","number":"+12025550190"},"data":{}}`},
		{"a message to fall back to", ready(off, message),
			`{"error":"Back at nine.","data":{"error":"Back at nine."}}`},
	} {
		got, err := json.Marshal(decide(one.number).reply())
		if err != nil {
			t.Fatal(err)
		}
		if !callskit.SameJSON(t, got, []byte(one.want)) {
			t.Errorf("%s: got %s, want %s", one.name, got, one.want)
		}
	}
}

func TestSentences_exist_in_each_language_and_say_nothing_of_money(t *testing.T) {
	reasons := slices.Sorted(maps.Keys(sentences["en"]))
	for language, all := range sentences {
		if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, reasons) {
			t.Errorf("%s has %v, want %v", language, got, reasons)
		}
		for reason, text := range all {
			for _, word := range []string{"balance", "pay", "credit", "solde", "payer", "crédit"} {
				if text == "" || strings.Contains(strings.ToLower(text), word) {
					t.Errorf("%s %s says %q", language, reason, text)
				}
			}
		}
	}
}

// The answer comes although another transaction holds the only write
// connection: nothing is written before it.
func TestAssistantRequest_is_answered_while_the_database_is_being_written(t *testing.T) {
	d := newDesk(t, nil)
	body := callskit.Sample(t, "assistant-request.json")
	id := callskit.CallID(t, body)
	err := d.RunInTransaction(func(tx core.App) error {
		if _, err := tx.NonconcurrentDB().NewQuery("UPDATE contacts SET notes = 'held'").Execute(); err != nil {
			return err
		}
		rec := d.Send(body)
		if rec.Code != http.StatusOK || callskit.Object(t, rec)["assistantId"] != callskit.SampleAssistant {
			t.Errorf("got %d %s", rec.Code, rec.Body)
		}
		if got := callskit.Object(t, d.Send(callskit.Sample(t, "knowledge-base-request.json")))["documents"]; got == nil {
			t.Error("a knowledge-base-request is not answered")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.await(id)
	if got := d.Rows(`SELECT c.organization, c.status FROM calls c
		JOIN provider_events p ON p.event_key LIKE c.vapi_call_id || ':assistant-request:%'
		WHERE c.vapi_call_id = ?`, id); got != testkit.Acme+" | queued\n" {
		t.Errorf("stored %q", got)
	}
}

func TestAssistantRequest_has_exactly_the_documented_keys(t *testing.T) {
	d := newDesk(t, nil)
	keys := func() string {
		got := callskit.Object(t, d.Send(callskit.Sample(t, "assistant-request.json")))
		inner, _ := got["data"].(map[string]any)
		return strings.Join(slices.Sorted(maps.Keys(got)), " ") + " / " + strings.Join(slices.Sorted(maps.Keys(inner)),
			" ")
	}
	if got := keys(); got != "assistantId data / assistant" {
		t.Errorf("answered: got %s", got)
	}
	d.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"status": collections.NumberInactive})
	if got := keys(); got != "data error / error" {
		t.Errorf("refused: got %s", got)
	}
	d.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"fallback_number": "+12025550190"})
	if got := keys(); got != "data destination / " {
		t.Errorf("forwarded: got %s", got)
	}
}

func TestAssistantRequest_sees_a_change_at_once(t *testing.T) {
	d := newDesk(t, nil)
	answer := func() any {
		got := callskit.Object(t, d.Send(callskit.Sample(t, "assistant-request.json")))
		for _, key := range []string{"assistantId", "error"} {
			if got[key] != nil {
				return got[key]
			}
		}
		return got["destination"].(map[string]any)["number"]
	}
	for _, step := range []struct {
		collection, id string
		change         map[string]any
		want           string
	}{
		{collections.Contacts, testkit.AcmeContact, map[string]any{"notes": "unrelated"}, callskit.SampleAssistant},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"status": collections.NumberInactive},
			"We will call you back."},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"fallback_number": "+12025550190"},
			"+12025550190"},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"status": collections.NumberActive},
			callskit.SampleAssistant},
		{collections.Assistants, testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": "made-anew"}, "made-anew"},
		{collections.Assistants, testkit.AcmeAssistant, map[string]any{"status": collections.AssistantInactive},
			"+12025550190"},
		{collections.Assistants, testkit.AcmeAssistant, map[string]any{"status": collections.AssistantActive},
			"made-anew"},
		{collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceEmpty},
			"+12025550190"},
		{collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceOK}, "made-anew"},
		{collections.Organizations, testkit.Acme, map[string]any{"paused": true}, "+12025550190"},
		{collections.Organizations, testkit.Acme, map[string]any{"paused": false}, "made-anew"},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": "elsewhere"},
			sentences["en"]["unknown"]},
	} {
		answer() // whatever is remembered, is remembered now
		d.Set(step.collection, step.id, step.change)
		if got := answer(); got != step.want {
			t.Errorf("after %s %v: got %v, want %s", step.collection, step.change, got, step.want)
		}
	}
	// A deletion too.
	d.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": callskit.SampleNumber})
	answer()
	r, err := d.FindRecordById(collections.PhoneNumbers, testkit.AcmeNumber)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(r); err != nil {
		t.Fatal(err)
	}
	if got := answer(); got != sentences["en"]["unknown"] {
		t.Errorf("after deleting the number: got %v", got)
	}
}

func TestDirectory_knows_a_number_until_a_row_changes(t *testing.T) {
	d := newDesk(t, nil)
	want := func(id, message string) {
		t.Helper()
		n, err := d.engine.directory.number(t.Context(), id)
		if err != nil || n == nil || n.FallbackMessage != message {
			t.Errorf("%s: got %+v, %v, want %q", id, n, err, message)
		}
	}
	d.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"fallback_message": "First"})
	want(callskit.SampleNumber, "First")
	d.Execute(`UPDATE phone_numbers SET fallback_message = 'Untold'`)
	want(callskit.SampleNumber, "First")
	d.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"friendly_name": "Other"})
	want(callskit.SampleNumber, "Untold")
	// That a number is not ours is not remembered.
	if n, err := d.engine.directory.number(t.Context(), "another"); n != nil || err != nil {
		t.Errorf("a number that is not ours: got %v, %v", n, err)
	}
	d.Execute(`UPDATE phone_numbers SET vapi_phone_id = 'another', fallback_message = 'Ours' WHERE id = ?`,
		testkit.AcmeNumber)
	want("another", "Ours")
}

func TestRequests_are_answered_in_their_own_shape(t *testing.T) {
	d := newDesk(t, nil)
	for _, one := range []struct{ file, want string }{
		{"transfer-destination-request.json", `{"error":"There is no number to transfer this call to."}`},
		{"handoff-destination-request.json", `{"error":"There is nobody to hand this call to."}`},
		{"knowledge-base-request.json", `{"documents":[]}`},
		{"campaign.predial.json", `{"eligible":false}`},
		{"call.endpointing.request.json", `{"timeoutSeconds":0.5}`},
	} {
		if rec := d.Send(callskit.Sample(t, one.file)); rec.Code != http.StatusOK ||
			!callskit.SameJSON(t, rec.Body.Bytes(), []byte(one.want)) {
			t.Errorf("%s: got %d %s, want %s", one.file, rec.Code, rec.Body, one.want)
		}
	}
	d.Set(collections.Assistants, testkit.AcmeAssistant, map[string]any{"forwarding_phone_number": "+12025550177"})
	rec := d.Send(callskit.Sample(t, "transfer-destination-request.json"))
	if want := `{"destination":{"type":"number","number":"+12025550177"}}`; !callskit.SameJSON(t, rec.Body.Bytes(),
		[]byte(want)) {
		t.Errorf("got %s, want %s", rec.Body, want)
	}
}

// Sound goes to the caller as it is: the documented body is raw sound, and no JSON.
func TestVoice_requests_get_sound_of_the_rate_they_ask_for(t *testing.T) {
	d := newDesk(t, nil)
	body := callskit.Sample(t, "voice-request.json")
	for rate, samples := range map[any]int{24_000: 2_400, 16_000: 1_600, 8_000: 800, 0: 2_400, -5: 2_400,
		1e12: 2_400, "x": 2_400} {
		rec := d.Send(callskit.Remake(t, body, map[string]any{"message.sampleRate": rate}))
		sound := rec.Body.Bytes()
		if rec.Code != http.StatusOK || len(sound) != 2*samples ||
			rec.Header().Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%v: got %d, %d bytes of %s", rate, rec.Code, len(sound), rec.Header().Get("Content-Type"))
		}
		if slices.ContainsFunc(sound, func(b byte) bool { return b != 0 }) {
			t.Errorf("%v: somebody hears %q", rate, sound)
		}
	}
}

// The caller names a number; the call goes to the one the assistant has.
func TestTransfer_never_goes_where_the_caller_says(t *testing.T) {
	d := newDesk(t, nil)
	d.Set(collections.Assistants, testkit.AcmeAssistant, map[string]any{"forwarding_phone_number": "+12025550177"})
	body := callskit.Remake(t, callskit.Sample(t, "transfer-destination-request.json"), map[string]any{
		"message.destination": map[string]any{"type": "number", "number": "+19005550100"},
		"message.number":      "+19005550100",
	})
	if rec := d.Send(body); strings.Contains(rec.Body.String(), "1900") ||
		!strings.Contains(rec.Body.String(), "+12025550177") {
		t.Errorf("got %s", rec.Body)
	}
}

// Rows may be older than the policy, or their organization moved.
func TestAnswers_never_dial_a_stored_number_that_must_not_be_dialled(t *testing.T) {
	d := newDesk(t, nil)
	for _, number := range []string{"+19005551234", "+881612345678", "+18765551234", "call me"} {
		d.Set(collections.Assistants, testkit.AcmeAssistant, map[string]any{"forwarding_phone_number": number})
		d.Set(collections.PhoneNumbers, testkit.AcmeNumber,
			map[string]any{"fallback_number": number, "status": collections.NumberInactive})
		if got := callskit.Object(t, d.Send(callskit.Sample(t, "assistant-request.json"))); got["destination"] != nil ||
			got["error"] != "We will call you back." {
			t.Errorf("%s: a call gets %v", number, got)
		}
		if got := callskit.Object(t,
			d.Send(callskit.Sample(t, "transfer-destination-request.json"))); got["destination"] != nil ||
			got["error"] == nil {
			t.Errorf("%s: a transfer gets %v", number, got)
		}
	}
}
