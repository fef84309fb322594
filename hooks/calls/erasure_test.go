package calls

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/hooks/privacy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// withPrivacy binds the domain that exports and erases callers.
func withPrivacy(app core.App, d *desk) {
	audit.Register(app)
	tools := d.Tools
	tools.Identity = identity.Register(app, identity.Options{Sealed: d.Sealed, Outbox: d.Outbox})
	privacy.Register(app, privacy.Deps{Tools: tools})
}

const privacyPath = "/api/organizations/" + testkit.Acme + "/privacy/"

// eraseCaller asks for an erasure and returns its certificate once the promise is
// kept whole: who asks is answered after a while although readers of an older
// state keep the database's log for later.
func (d *desk) eraseCaller(number string) map[string]any {
	d.T.Helper()
	rec := d.Do(http.MethodPost, privacyPath+"erase", testkit.AcmeOwner,
		map[string]any{"phone_number": number, "confirm": true})
	if rec.Code != http.StatusOK && rec.Code != http.StatusAccepted { // 202 where it takes longer
		d.T.Fatalf("erase: got %d: %s", rec.Code, rec.Body)
	}
	request, _ := callskit.Object(d.T, rec)["request"].(map[string]any)
	callskit.Until(d.T, "the erasure is over", func() bool {
		return d.Rows(`SELECT count(*) FROM outbox WHERE kind = 'privacy.erase'
			AND status IN ('pending', 'running')`) == "0\n"
	})
	row, err := d.FindRecordById(collections.PrivacyRequests, fmt.Sprint(request["id"]))
	if err != nil {
		d.T.Fatal(err)
	}
	var certificate map[string]any
	if err := row.UnmarshalJSONField("certificate", &certificate); err != nil {
		d.T.Fatal(err)
	}
	return certificate
}

// everyType is one message of each documented type, about one call, with a name
// and words.
func everyType(t testing.TB, id, number string) [][]byte {
	t.Helper()
	var all [][]byte
	for n, kind := range slices.Concat(vapi.ServerMessages, vapi.RequestMessages, []string{"made-up"}) {
		kind, _, _ = strings.Cut(kind, "[")
		all = append(all, update(t, id, number, map[string]any{
			"type": kind, "timestamp": 1_795_014_250_000 + n, "role": "user", "transcriptType": "final",
			"transcript": "zanzibar is my word", "text": "zanzibar",
			"input": "zanzibar", "output": "zanzibar", "endedReason": "customer-ended-call",
			"customer": map[string]any{"number": number, "name": "Quillan Vexmoor"},
			"toolCallList": []any{map[string]any{"id": fmt.Sprint("t", n), "type": "function",
				"function": map[string]any{"name": "nope", "arguments": map[string]any{"word": "zanzibar"}}}},
			"analysis":    map[string]any{"summary": "zanzibar"},
			"artifact":    map[string]any{"transcript": "zanzibar", "messages": []any{}},
			"destination": map[string]any{"type": "number", "number": "+12025550199", "message": "zanzibar"},
		}))
	}
	return all
}

// holds fails when any table of the database has one of the texts.
func (d *desk) holdsNothing(when string, texts ...string) {
	d.T.Helper()
	for _, table := range strings.Fields(d.Rows(`SELECT name FROM sqlite_master WHERE type = 'table'
		AND name NOT IN ('call_words')`)) {
		for _, text := range texts {
			for _, column := range strings.Fields(d.Rows(`SELECT name FROM pragma_table_info(?)`, table)) {
				if got := d.Rows(`SELECT count(*) FROM "`+table+`" WHERE instr(CAST("`+column+`" AS BLOB), CAST(? AS BLOB)) > 0`,
					text); got != "0\n" {
					d.T.Errorf("%s: %s rows of %s.%s have %q", when, strings.TrimSpace(got), table, column, text)
				}
			}
		}
	}
}

func TestErasure_late_messages_leave_a_key_and_nothing_else(t *testing.T) {
	for how, forget := range map[string]func(d *desk){
		"the caller was erased": func(d *desk) { d.eraseCaller("(415) 555-2671") },
		"the call was deleted": func(d *desk) {
			// Not by a person: what the audit log says of that stays until the
			// caller is erased.
			for collection, filter := range map[string]string{"calls": "vapi_call_id = 'gone'",
				"contacts": "phone_number = '+14155552671'"} {
				r, err := d.FindFirstRecordByFilter(collection, filter)
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Delete(r); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		d := newDesk(t, nil, withPrivacy)
		d.SendAll([][]byte{update(t, "gone", "+14155552671", nil)})
		forget(d)
		all := everyType(t, "gone", "14155552671")
		for range 3 {
			for n := range all {
				if rec := d.Send(all[n]); rec.Code >= 300 {
					t.Errorf("%s: a late message was answered %d: %s", how, rec.Code, rec.Body)
				}
			}
			slices.Reverse(all)
			d.await("gone")
			d.holdsNothing(how, "4155552671", "Vexmoor", "zanzibar")
		}
		if got := d.Rows(`SELECT DISTINCT type, status, payload FROM provider_events
			WHERE event_key LIKE 'gone:%'`); got != "deleted | packed | \n" {
			t.Errorf("%s: kept %q", how, got)
		}
		if got := d.Rows(`SELECT count(*) > 20, count(*) = count(DISTINCT event_key) FROM provider_events
			WHERE event_key LIKE 'gone:%'`); got != "1 | 1\n" {
			t.Errorf("%s: %q", how, got)
		}
		if err := d.Schedule.RunNow(context.Background(), "inbox.pack"); err != nil {
			t.Errorf("%s: keys cannot be packed: %v", how, err)
		}
		if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = 'gone'`); got != "0\n" {
			t.Errorf("%s: the call is back", how)
		}
	}
}

// logHoldsNothing asserts that the write-ahead log has none of the texts: not the
// rows as they were before.
func (d *desk) logHoldsNothing(texts ...string) {
	d.T.Helper()
	log, err := os.ReadFile(filepath.Join(d.DataDir(), "data.db-wal"))
	if err != nil {
		d.T.Fatal(err)
	}
	for _, text := range texts {
		if n := bytes.Count(log, []byte(text)); n > 0 {
			d.T.Errorf("the log has %q %d times", text, n)
		}
	}
}

// Nothing is left where the database keeps words for itself: not in the parts of
// the search index, and not in the write-ahead log.
func TestErasure_empties_the_index_and_the_log(t *testing.T) {
	d := newDesk(t, nil, withPrivacy)
	for n := range 5 { // others' words, so that the index has more than one part
		d.SendAll([][]byte{update(t, fmt.Sprint("other-", n), "+14155552679",
			map[string]any{"type": "end-of-call-report", "endedReason": "customer-ended-call",
				"artifact": map[string]any{"transcript": "an ordinary question", "messages": []any{}}})})
	}
	for n := range 3 {
		d.SendAll([][]byte{update(t, fmt.Sprint("gone-", n), "+14155552671", map[string]any{
			"type": "end-of-call-report", "endedReason": "customer-ended-call",
			"customer": map[string]any{"number": "+14155552671", "name": "Quillan Vexmoor"},
			"artifact": map[string]any{"transcript": "zanzibar " + strings.Repeat("and much more ", 400),
				"messages": []any{}}, "analysis": map[string]any{"summary": "zanzibar"},
		})})
	}
	d.eraseCaller("+14155552671")
	d.logHoldsNothing("zanzibar", "Vexmoor", "4155552671")
	d.SendAll([][]byte{update(t, "gone-1", "+14155552671", map[string]any{"transcript": "zanzibar"})})
	d.holdsNothing("erased", "4155552671", "Vexmoor", "zanzibar")
	if got := d.Rows(`SELECT count(*) FROM call_words WHERE call_words MATCH 'ordinary'`); got != "5\n" {
		t.Errorf("%s of others are found, want 5", got)
	}
}

// Nothing is left in the file either where nobody reads: what earlier changes of
// rows and of the search index left behind between the rows that are used.
func TestErasure_leaves_no_bytes_in_the_file(t *testing.T) {
	const number, word = "+14155552671", "zanzibarword"
	for _, others := range []bool{false, true} {
		d := newDesk(t, nil, withPrivacy)
		// Test apps do not open the file as the program does (database.Connect).
		if _, err := d.NonconcurrentDB().NewQuery("PRAGMA secure_delete = FAST").Execute(); err != nil {
			t.Fatal(err)
		}
		for n := range 25 {
			d.SendAll(conversation(t, fmt.Sprint("gone-", n), number, word))
			if others {
				d.SendAll(conversation(t, fmt.Sprint("other-", n), "+14155552679", "ordinary"))
			}
			if n == 15 {
				if err := d.Schedule.RunNow(context.Background(), "inbox.pack"); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.SendAll(conversation(t, "gone-1", number, word+" again"))
		d.eraseCaller(number)
		file, err := os.ReadFile(filepath.Join(d.DataDir(), "data.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{word, number[1:]} {
			if left := bytes.Count(file, []byte(text)); left > 0 {
				t.Errorf("others %t: %q is in the file %d times", others, text, left)
			}
		}
	}
}

// conversation is a call of twenty lines and its report.
func conversation(t testing.TB, id, number, word string) [][]byte {
	t.Helper()
	var messages [][]byte
	var lines []any
	var text strings.Builder
	for n := range 20 {
		said := fmt.Sprintf("%s %d of %s has something%d to say", word, n, id, n)
		messages = append(messages, update(t, id, number, map[string]any{
			"type": "transcript", "timestamp": 1_795_014_250_000 + n, "role": "user", "transcriptType": "final",
			"transcript": said,
		}))
		lines = append(lines, map[string]any{"role": "user", "message": said, "time": 1_795_014_250_000 + n,
			"secondsFromStart": n})
		fmt.Fprintf(&text, "User: %s\n", said)
	}
	return append(messages, update(t, id, number, map[string]any{
		"type": "end-of-call-report", "endedReason": "customer-ended-call",
		"artifact": map[string]any{"transcript": text.String(), "messages": lines},
		"analysis": map[string]any{"summary": "about " + word},
	}))
}

// Messages that wait for the writer while the erasure does its work come right
// after it.
func TestErasure_a_message_of_the_same_moment(t *testing.T) {
	d := newDesk(t, nil, withPrivacy)
	d.SendAll([][]byte{update(t, "gone", "+14155552671", nil)})
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = box.Do(context.Background(), func(*inbox.Tx) (func(), error) { return func() { close(held); <-hold }, nil })
	}()
	<-held // the writer is busy, the database is not
	sent := make(chan int, 1)
	report := update(t, "gone", "+14155552671", map[string]any{"type": "end-of-call-report", "transcript": "zanzibar"})
	go func() { sent <- d.Send(report).Code }()
	for box.Waiting() == 0 {
		runtime.Gosched()
	}
	d.eraseCaller("+14155552671")
	close(hold)
	if code := <-sent; code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	d.holdsNothing("a message that waited", "4155552671", "zanzibar")
}

// A call that began before its caller was erased, and that nobody told us of
// until afterwards, is not taken in, whatever way it comes.
func TestErasure_calls_nobody_knew_stay_away(t *testing.T) {
	missed := finished("listed", callskit.SampleNumber)
	missed["customer"] = map[string]any{"number": "+1 415 555 2671", "name": "Quillan Vexmoor"}
	missed["createdAt"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	d := newDesk(t, &archive{list: []map[string]any{missed}}, withPrivacy)
	d.SendAll([][]byte{update(t, "known", "+14155552671", nil)})
	d.eraseCaller("+14155552671")

	d.SendAll([][]byte{
		update(t, "unknown", "14155552671", nil),
		update(t, "unknown", "14155552671",
			map[string]any{"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "zanzibar"}),
		// What was written, without any call.
		update(t, "", "", map[string]any{"type": "session.updated", "customer": nil, "call": nil,
			"session": map[string]any{
				"id": "s1", "assistantId": callskit.SampleAssistant,
				"customer": map[string]any{"number": "+14155552671", "name": "Quillan Vexmoor"},
			}}),
	})
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	d.holdsNothing("a call nobody knew", "4155552671", "Vexmoor", "zanzibar")
	for _, id := range []string{"unknown", "listed"} {
		if got := d.Rows(`SELECT count(*) FROM outbox WHERE key = ?`, vapicopy.EraseKind+":"+id); got != "1\n" {
			t.Errorf("%s: nobody owes the deletion at the provider", id)
		}
	}
	// Who rings again afterwards is a caller like any other.
	d.SendAll([][]byte{update(t, "again", "+14155552671", map[string]any{
		"timestamp": time.Now().Add(time.Minute).UnixMilli(),
		"call": map[string]any{"id": "again", "type": "inboundPhoneCall", "phoneNumberId": callskit.SampleNumber,
			"createdAt": time.Now().Add(time.Minute).UTC().Format(time.RFC3339)},
	})})
	if got := d.Rows(`SELECT caller_number, contact != '' FROM calls
		WHERE vapi_call_id = 'again'`); got != "+14155552671 | 1\n" {
		t.Errorf("got %q", got)
	}
}

// A call whose caller becomes known after the erasure is erased then.
func TestErasure_of_a_caller_who_was_not_known_yet(t *testing.T) {
	d := newDesk(t, nil, withPrivacy)
	d.SendAll([][]byte{update(t, "known", "+14155552671", nil), update(t, "late", "", nil)})
	d.eraseCaller("+14155552671")
	d.SendAll([][]byte{update(t, "late", "+14155552671", map[string]any{"timestamp": 1_795_014_248_000})})
	if _, err := d.Outbox.Deliver(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The worker may have taken it before.
	for d.Rows(`SELECT count(*) FROM outbox WHERE kind = 'privacy.erase_again'
		AND status IN ('pending', 'running')`) != "0\n" {
		runtime.Gosched()
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = 'late'`); got != "0\n" {
		t.Errorf("%s calls stay", got)
	}
	d.holdsNothing("a call whose caller was not known", "4155552671")
}

func TestPrivacy_takes_every_caller_that_is_stored(t *testing.T) {
	d := newDesk(t, nil, withPrivacy)
	// As they came before numbers were read: one row each.
	old := []string{
		"+14155552671", "14155552672", "+1 415-555-2673", "tel:+14155552674", "sip:+14155552675@host.example",
		"0014155552676", "\u202a+14155552677\u202c",
		"Anonymous", "+266696687", "sip:anonymous@anonymous.invalid", "1001", "sip:ann@example.com",
	}
	for n, number := range old {
		d.PutCall(testkit.Acme, fmt.Sprintf("zold%011d", n),
			map[string]any{"vapi_call_id": fmt.Sprintf("old-%d", n), "caller_number": number}, "", "")
	}
	for n, number := range old {
		rec := d.Want(200, http.MethodPost, privacyPath+"export", testkit.AcmeOwner,
			map[string]any{"phone_number": number})
		if !strings.Contains(rec.Body.String(), fmt.Sprintf("calls/zold%011d.json", n)) {
			t.Errorf("%q: the call is not in the export", number)
		}
		d.eraseCaller(number)
		if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, fmt.Sprintf("old-%d", n)); got != "0\n" {
			t.Errorf("%q: the call stays", number)
		}
	}
	d.Want(400, http.MethodPost, privacyPath+"export", testkit.AcmeOwner, map[string]any{"phone_number": "\u200e"})
	d.Want(404, http.MethodPost, privacyPath+"export", testkit.AcmeOwner,
		map[string]any{"phone_number": "+14155550000"})
}

// One spelling erases what came in any, messages without a call included; the
// others stay.
func TestErasure_takes_every_spelling(t *testing.T) {
	d := newDesk(t, nil, withPrivacy)
	for n, number := range []string{"+14155552671", "sip:+14155552671@host.example", "(415) 555-2671"} {
		d.SendAll([][]byte{update(t, fmt.Sprintf("one-%d", n), number, nil)})
	}
	d.SendAll([][]byte{
		update(t, "short", "1001", nil), update(t, "other", "+14155552672", nil),
		update(t, "nobodys", "415-555-2671",
			map[string]any{"phoneNumber": nil, "call": map[string]any{"id": "nobodys"}}),
		update(t, "", "", map[string]any{"type": "session.created", "customer": nil, "call": nil,
			"session": map[string]any{
				"id": "s2", "assistantId": callskit.SampleAssistant, "customer": map[string]any{"number": "1 (415) 555-2671"},
			}}),
	})
	certificate := d.eraseCaller("tel:+1-415-555-2671")
	if fmt.Sprint(certificate["calls"]) != "3" || fmt.Sprint(certificate["contacts"]) != "1" {
		t.Errorf("certificate %v", certificate)
	}
	d.holdsNothing("erased", "4155552671", "555-2671")
	events := d.Rows(`SELECT count(*) FROM provider_events WHERE event_key LIKE 'other:%'`)
	d.eraseCaller("1001")
	if got := d.Rows(`SELECT count(*) FROM provider_events WHERE event_key LIKE 'other:%'`); got != events {
		t.Errorf("erasing 1001 took messages that have the digits somewhere: %s, were %s", got, events)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id IN ('short', 'other')`); got != "1\n" {
		t.Errorf("%s calls of others stay, want 1", got)
	}
}
