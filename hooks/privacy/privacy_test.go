package privacy_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// What the log says of a caller goes before the rows by which it is found, so that
// an erasure that was stopped can be asked for again, and leaves the chain whole.
func TestErasure_that_is_stopped_leaves_nothing_that_cannot_be_found_again(t *testing.T) {
	stopped := errors.New("the machine stops")
	b := openAt(t, func(app core.App) {
		app.OnRecordDelete(collections.Contacts).BindFunc(func(e *core.RecordEvent) error {
			if stopped != nil {
				return stopped
			}
			return e.Next()
		})
	})
	b.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner,
		map[string]any{"name": "Cara Married"}).Want(200)
	const said = "SELECT count(*) FROM audit_logs WHERE record = '" + testkit.AcmeContact + "' AND details != '" +
		audit.Erased + "'"
	if b.Count(said) == 0 {
		t.Fatal("the log says nothing that could be erased")
	}
	number := b.Find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	if e := erase(b, number, 202); e.Status != "failed" || e.Error == "" || e.Certificate != nil {
		t.Errorf("it was stopped, and the request says %+v", e)
	}
	if b.Count(said) != 0 || b.Find(collections.Contacts, "id = '"+testkit.AcmeContact+"'") == nil {
		t.Error("the log is emptied after the row is gone: nobody would find its entries again")
	}
	stopped = nil
	erase(b, number, 200)
	chains, err := audit.Verify(t.Context(), b.TestApp, testkit.Acme)
	if err != nil || len(chains) != 1 || chains[0].Broken != nil || chains[0].Erased == 0 {
		t.Errorf("the chain: %+v, %v", chains, err)
	}
}

// The digits of one number stand inside others, and inside instants: nothing of
// another caller may go.
func TestErasure_leaves_other_callers_messages_and_promises(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		gone, kept   []string // payloads
	}{
		{
			"a number inside longer ones", "+3225551234",
			[]string{
				`{"message":{"customer":{"number":"+3225551234"}}}`, `{"message":{"customer":{"number":"0032 2 555 12 34"}}}`,
				`{"message":{"call":{"customer":{"sipUri":"sip:+3225551234@example.com"}}}}`, `{"text":"ring +3225551234, please"}`,
			},
			[]string{
				`{"message":{"customer":{"number":"+13225551234"}}}`, `{"number":"+32255512345"}`, `{"text":"ring +1 3225551234"}`,
				`{"message":{"customer":{"number":"+13225551234"},"transcript":"my friend has +3225551234"}}`,
				`{"message":{"phoneNumber":{"number":"+3225551234"}}}`,
			},
		},
		{
			"seven digits inside an instant", "+6857212345",
			[]string{`{"to":"+6857212345"}`},
			[]string{`{"timestamp":1685721234567}`, `{"timestamp":"16857212345"}`, `{"id":"x-6857212345-y"}`},
		},
		{
			"an extension", "1234",
			[]string{`{"message":{"customer":{"number":"1234"}}}`},
			[]string{`{"message":{"customer":{"number":"12345"}}}`, `{"code":"1234"}`},
		},
		{
			"nobody in particular", "anonymous",
			[]string{`{"message":{"customer":{"number":"Anonymous"}}}`,
				`{"message":{"customer":{"sipUri":"sip:anonymous@anonymous.invalid"}}}`},
			[]string{`{"message":{"customer":{"number":"restricted"}}}`, `{"voice":"anonymous"}`, `{"text":"anonymous"}`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := openAt(t)
			const at = "'2026-09-01 10:00:00.000Z'"
			for n, payload := range slices.Concat(tt.gone, tt.kept) {
				b.Execute(fmt.Sprintf(`INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload,
					error,
					attempts, next_at, created, updated)
					VALUES ('event%010d', '%s', 'vapi', 'e:%d', 'tool-calls', 'errored', '%s', '', 1, '', %s, %s)`,
					n, testkit.Acme, n, payload, at, at))
				b.Execute(fmt.Sprintf(`INSERT INTO outbox (id, organization, kind, [key], payload, status, attempts, next_at,
					lease_until, error,
					done_at, created, updated)
					VALUES ('promise%08d', '%s', 'nobodys', 'n:%d', '%s', 'pending', 0, '', '', '', '', %s, %s)`, n,
					testkit.Acme, n, payload, at, at))
			}
			erased := erase(b, tt.number, 200)
			for n, payload := range slices.Concat(tt.gone, tt.kept) {
				want := 1
				if n < len(tt.gone) {
					want = 0
				}
				if got := b.Count(fmt.Sprintf("SELECT count(*) FROM provider_events WHERE event_key = 'e:%d'", n)); got != want {
					t.Errorf("message %s: %d are left, want %d", payload, got, want)
				}
				if got := b.Count(fmt.Sprintf("SELECT count(*) FROM outbox WHERE [key] = 'n:%d'", n)); got != want {
					t.Errorf("promise %s: %d are left, want %d", payload, got, want)
				}
			}
			want := float64(len(tt.gone))
			if c := erased.Certificate; c["provider_events"] != want || c["outbox"] != want {
				t.Errorf("the certificate counts %v messages and %v promises, want %v each", c["provider_events"],
					c["outbox"], want)
			}
		})
	}
}

// erasure is a request as the route shows it.
type erasure struct {
	ID          string         `json:"id"`
	Status      string         `json:"status"`
	Error       string         `json:"error"`
	Certificate map[string]any `json:"certificate"`
}

// erase asks for an erasure and shows what became of it.
func erase(d *desk, number string, status int) erasure {
	d.T.Helper()
	var asked struct {
		Request erasure `json:"request"`
	}
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/privacy/erase", testkit.AcmeOwner,
		map[string]any{"phone_number": number, "confirm": true}).Want(status).JSON(&asked)
	return asked.Request
}

// What is owed outlives the process that was asked, and the person who asked: it is
// done in steps, and what was counted before a stop counts on.
func TestErasure_goes_on_after_the_process_died(t *testing.T) {
	died, deleted := errors.New("killed"), 0
	b := openAt(t, func(app core.App) {
		app.OnRecordDelete(collections.Calls).BindFunc(func(e *core.RecordEvent) error {
			if deleted++; deleted == 2 && died != nil {
				panic(died)
			}
			return e.Next()
		})
	})
	number := b.Find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	b.ByHand()
	asked := erase(b, number, 202)
	if asked.Status != "pending" {
		t.Fatalf("nothing was done yet, and the request is %s", asked.Status)
	}
	if strings.Contains(b.Find(collections.Outbox, "kind = 'privacy.erase'").GetString("payload"), number[2:]) {
		t.Error("the number stands in the promise to erase it")
	}
	b.Deliver() // dies after the first call
	if n := b.Count("SELECT count(*) FROM calls WHERE caller_number = '" + number + "'"); n != 1 {
		t.Fatalf("%d calls are left, want it to have stopped after the first of two", n)
	}
	died = nil
	// The next process takes over what was being done, and closes what nobody does.
	b.Execute("UPDATE outbox SET next_at = '' WHERE kind = 'privacy.erase'")
	b.Deliver()
	var list struct {
		Requests []erasure `json:"requests"`
	}
	b.Do("GET", "/api/organizations/"+testkit.Acme+"/privacy", testkit.AcmeOwner, nil).Want(200).JSON(&list)
	if len(list.Requests) == 0 || list.Requests[0].Status != "done" || list.Requests[0].Certificate["calls"] != 2.0 ||
		list.Requests[0].Certificate["messages"] != 3.0 {
		t.Errorf("the requests are %+v, want the newest done and counted whole", list.Requests)
	}
	if p := b.Find(collections.Outbox, "kind = 'privacy.erase'"); p.GetString("status") != collections.OutboxDone ||
		strings.Contains(p.GetString("payload"), "caller") {
		t.Errorf("the promise is %s and holds %s", p.GetString("status"), p.GetString("payload"))
	}
}

// What a dead process was doing itself nobody does any more: the dashboard stops
// asking.
func TestStart_closes_requests_that_nobody_works_on(t *testing.T) {
	b := openAt(t)
	for id, status := range map[string]string{"running00000000": "running", "pending00000000": "pending",
		"done00000000000": "done"} {
		b.Execute(fmt.Sprintf(`INSERT INTO privacy_requests (id, organization, kind, status)
			VALUES ('%s', '%s', 'export', '%s')`, id, testkit.Acme, status))
	}
	if err := b.OnServe().Trigger(&core.ServeEvent{App: b.TestApp, Router: b.Router}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"running00000000": "failed", "pending00000000": "pending",
		"done00000000000": "done"} {
		if got := b.Find(collections.PrivacyRequests, "id = '"+id+"'").GetString("status"); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}

// Whoever asks what is kept gets all of it, however much it is.
func TestExport_of_a_caller_is_whole(t *testing.T) {
	b := openAt(t)
	const calls = 5_003
	b.Execute(fmt.Sprintf(`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %d)
		INSERT INTO calls (id, organization, vapi_call_id, status, call_type, channel, caller_number, started_at, created,
		updated)
		SELECT printf('many%%011d', n), '%s', 'many-' || n, 'completed', 'inbound', 'phone', '+3225551234',
		'2026-08-01 10:00:00.000Z', '', '' FROM n`,
		calls, testkit.Acme))
	answer := b.Do("POST", "/api/organizations/"+testkit.Acme+"/privacy/export", testkit.AcmeOwner,
		map[string]any{"phone_number": "+3225551234"}).Want(200)
	archive, err := zip.NewReader(bytes.NewReader(answer.Body), int64(len(answer.Body)))
	if err != nil || len(archive.File) != calls {
		t.Errorf("the archive has %d files (%v), want one a call", len(archive.File), err)
	}
}

// Who rings after the erasure was asked for is a caller like any other: what came of
// that stays, whenever the erasure is done.
func TestErasure_that_is_late_leaves_what_came_since(t *testing.T) {
	b := openAt(t)
	b.ByHand()
	erase(b, "+3225551234", 202)
	later := rows.Stamp(time.Now().Add(time.Minute))
	b.Execute(fmt.Sprintf(`INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload,
		error, attempts,
		next_at, created, updated) VALUES ('since0000000000', '%s', 'vapi', 'since', 'tool-calls', 'errored',
		'{"customer":{"number":"+3225551234"}}', '', 1, '', '%s', '')`, testkit.Acme, later))
	b.Execute(fmt.Sprintf(`INSERT INTO calls (id, organization, vapi_call_id, status, call_type, channel, caller_number,
		started_at, created, updated)
		VALUES ('since0000000000', '%s', 'since', 'completed', 'inbound', 'phone', '+3225551234', '%s', '', '')`,
		testkit.Acme, later))
	b.Deliver()
	if r := b.Find(collections.PrivacyRequests, "kind = 'erase' && subject_hint = '…34'"); r == nil ||
		r.GetString("status") != "done" {
		t.Fatal("the erasure is not done")
	}
	if b.Find(collections.Calls, "id = 'since0000000000'") == nil ||
		b.Find(collections.ProviderEvents, "event_key = 'since'") == nil {
		t.Error("a call or message that came after the erasure was asked for is gone")
	}
}
