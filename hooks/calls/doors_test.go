package calls

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/vapi"
)

// written is everything a message can change.
const written = `SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM provider_events),
	(SELECT count(*) FROM messages),
	(SELECT count(*) FROM call_events), (SELECT count(*) FROM usage_events),
	(SELECT group_concat(id || status || summary || updated) FROM calls)`

func (d *desk) secretOf(organization string) http.Header {
	d.T.Helper()
	s, err := d.engine.Keyring.Secret(provider, organization)
	if err != nil {
		d.T.Fatal(err)
	}
	return http.Header{vapi.SecretHeader: {s}}
}

// The secret of one organization vouches for nothing of another, whatever a
// message names.
func TestWebhook_secret_of_an_organization_reaches_no_row_of_another(t *testing.T) {
	d := newDesk(t, nil)
	acme := d.secretOf(testkit.Acme)
	const (
		ours   = `"phoneNumberId":"` + callskit.SampleNumber + `"`
		theirs = `"phoneNumberId":"number-bolt"`
	)
	call := func(kind, fields, more string) string {
		return fmt.Sprintf(`{"message":{"type":%q,"timestamp":1795000000000,"call":{%s}%s}}`, kind, fields, more)
	}
	before := d.Rows(written)
	for name, body := range map[string]string{
		"their number":                  call("status-update", `"id":"n1",`+theirs, `,"status":"in-progress"`),
		"their number beside the call":  call("status-update", `"id":"n2"`, `,"phoneNumber":{"id":"number-bolt"}`),
		"their assistant":               call("end-of-call-report", `"id":"n3","assistantId":"assistant-bolt"`, ``),
		"their assistant beside it":     call("hang", `"id":"n4"`, `,"assistant":{"id":"assistant-bolt"}`),
		"their assistant on our number": call("hang", `"id":"n5",`+ours+`,"assistantId":"assistant-bolt"`, ``),
		"our assistant on their number": call("hang",
			`"id":"n6",`+theirs+`,"assistantId":"`+callskit.SampleAssistant+`"`, ``),
		"their running call, our number": call("status-update", `"id":"live-bolt",`+ours, `,"status":"ended"`),
		"their running call, our assistant": call("end-of-call-report",
			`"id":"live-bolt","assistantId":"`+callskit.SampleAssistant+`"`,
			`,"analysis":{"summary":"forged"}`),
		"their running call alone": call("transcript", `"id":"live-bolt"`,
			`,"role":"user","transcriptType":"final","transcript":"forged"`),
		"their finished call": call("end-of-call-report", `"id":"call-bolt",`+ours,
			`,"analysis":{"summary":"forged"}`),
		"deleting their call":      call("call.deleted", `"id":"call-bolt"`, ``),
		"who answers their number": call("assistant-request", `"id":"n7",`+theirs, ``),
		"their functions": call("tool-calls", `"id":"live-bolt",`+ours,
			`,"toolCallList":[{"id":"t1","function":{"name":"book","arguments":"{}"}}]`),
		"where their calls go": call("transfer-destination-request", `"id":"n8","assistantId":"assistant-bolt"`,
			``),
		"a chat with their assistant":  `{"message":{"type":"chat.created","chat":{"id":"c1","assistantId":"assistant-bolt"}}}`,
		"a session with it":            `{"message":{"type":"session.created","session":{"id":"s1","assistantId":"assistant-bolt"}}}`,
		"their knowledge, their voice": call("knowledge-base-request", `"id":"n9",`+theirs, ``),
	} {
		rec := d.Post(strings.NewReader(body), acme)
		if rec.Code != http.StatusUnauthorized || strings.Contains(rec.Body.String(), "olt") {
			t.Errorf("%s: got %d %s, want 401", name, rec.Code, rec.Body)
		}
		if after := d.Rows(written); after != before {
			t.Fatalf("%s changed something:\n%s%s", name, before, after)
		}
	}
	for name, body := range map[string]string{
		"our number": call("status-update", `"id":"o1",`+ours, `,"status":"in-progress"`),
		"our assistant": call("status-update", `"id":"o2","assistantId":"`+callskit.SampleAssistant+`"`,
			`,"status":"in-progress"`),
		"our call alone":          call("hang", `"id":"live-acme"`, ``),
		"our call again":          call("status-update", `"id":"o1"`, `,"status":"ended"`),
		"our assistant, unknown":  call("hang", `"id":"o3",`+ours+`,"assistantId":"nobodys"`, ``),
		"our number, our support": call("hang", `"id":"o4",`+ours+`,"assistantId":"`+callskit.SampleAssistant+`"`, ``),
	} {
		if rec := d.Post(strings.NewReader(body), acme); rec.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", name, rec.Code, rec.Body)
		}
	}
	if got := d.Rows(`SELECT vapi_call_id, organization FROM calls WHERE vapi_call_id IN ('o1', 'o2')
		ORDER BY vapi_call_id`); got != "o1 | "+testkit.Acme+"\no2 | "+testkit.Acme+"\n" {
		t.Errorf("its own calls: %q", got)
	}
	// What belongs to nobody waits with whom the secret speaks for.
	if rec := d.Post(strings.NewReader(call("hang", `"id":"p1","phoneNumberId":"nobodys"`, ``)),
		acme); rec.Code != http.StatusOK {
		t.Errorf("nobody's number: got %d %s", rec.Code, rec.Body)
	}
	if got := d.Rows(`SELECT status, organization FROM provider_events WHERE event_key LIKE 'p1:%'`); got != "parked | "+
		testkit.Acme+"\n" {
		t.Errorf("nobody's number: stored %q", got)
	}
	// What nobody can read is kept for whom the secret speaks.
	if rec := d.Post(strings.NewReader(`{"message":`), acme); rec.Code != http.StatusOK {
		t.Errorf("unread: got %d %s", rec.Code, rec.Body)
	}
	if got := d.Rows(`SELECT status, organization FROM provider_events WHERE type = 'unread'`); got != "parked | "+
		testkit.Acme+"\n" {
		t.Errorf("unread: stored %q", got)
	}
}

func TestWebhook_secrets_are_looked_up_without_the_database(t *testing.T) {
	d := newDesk(t, nil)
	acme := d.secretOf(testkit.Acme)
	if rec := d.Post(strings.NewReader(`{}`), acme); rec.Code != http.StatusOK {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	d.Execute(`ALTER TABLE provider_accounts RENAME TO gone`)
	for _, header := range []http.Header{acme, {vapi.SecretHeader: {callskit.Secret}}} {
		if _, err := d.engine.Keyring.Held(provider, vapi.PresentedSecret(header)); err != nil {
			t.Error(err)
		}
	}
	stranger := &testkit.Endless{}
	if rec := d.Post(stranger, http.Header{vapi.SecretHeader: {"nobodys"}}); rec.Code != http.StatusUnauthorized ||
		stranger.Bytes > 0 {
		t.Errorf("a stranger: got %d after reading %d bytes", rec.Code, stranger.Bytes)
	}
}

// The messages of a call go one day; the call is the trace that they were here.
func TestWebhook_the_call_is_the_trace_of_its_messages(t *testing.T) {
	d := newDesk(t, nil)
	message := fmt.Sprintf(`{"message":{"type":"status-update","status":"in-progress","timestamp":1795000000000,"call":{"id":"traced","phoneNumberId":%q}}}`,
		callskit.SampleNumber)
	if rec := d.Post(strings.NewReader(message),
		http.Header{vapi.SecretHeader: {callskit.Secret}}); rec.Code != http.StatusOK {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	for _, step := range []struct {
		statement string
		lost      bool
	}{
		{`DELETE FROM provider_events`, false},
		{`DELETE FROM calls WHERE vapi_call_id = 'traced'`, true},
	} {
		d.Execute(step.statement)
		if lost, err := inbox.Missing(d.TestApp); err != nil || (lost != nil) != step.lost {
			t.Errorf("after %s: %v is missing (%v), want it to be %v", step.statement, lost, err, step.lost)
		}
	}
	plan := d.Rows("EXPLAIN QUERY PLAN "+d.engine.source().Trace, "traced")
	if !strings.Contains(plan, "SEARCH calls USING") {
		t.Errorf("it is looked for by %s", plan)
	}
}
