package calls

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// whole is everything stored about the sample call that must not depend on how
// its messages came: all but ids and the times of writing.
func (d *desk) whole(id string) string {
	d.t.Helper()
	return "call\n" + d.rows(`SELECT organization, status, outcome, call_type, channel, caller_number, recipient_number, assistant, phone_number,
			started_at, answered_at, ended_at, duration_seconds, cost_micros, ended_reason, summary, resolution_status, sentiment, priority,
			success_evaluation, transferred_to, has_recording, control_url, listen_url FROM calls WHERE vapi_call_id = ?`, id) +
		"messages\n" + d.rows(`SELECT m.role, m.content, m.position, m.offset_ms, m.duration_ms FROM messages m JOIN calls c ON c.id = m.call WHERE c.vapi_call_id = ? ORDER BY m.position`, id) +
		"events\n" + d.rows(`SELECT ev.type, ev.name, ev.key, ev.position, 
			(SELECT coalesce(group_concat(e.key || '=' || e.value, ' '), '') FROM (SELECT key, value FROM json_each(ev.data) WHERE key != 'took_ms' ORDER BY key) e) FROM call_events ev JOIN calls c ON c.id = ev.call WHERE c.vapi_call_id = ? ORDER BY ev.key`, id) +
		"report\n" + d.rows(`SELECT r.summary, r.transcript, r.analysis, r.costs FROM call_reports r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`, id) +
		"usage\n" + d.rows(`SELECT u.kind, u.quantity, u.cost_micros, u.at, u.reference FROM usage_events u WHERE u.reference = ?`, "call:"+id) +
		"contact\n" + d.rows(`SELECT o.phone_number, o.name, o.first_seen_at, o.last_seen_at FROM contacts o JOIN calls c ON c.contact = o.id WHERE c.vapi_call_id = ?`, id) +
		"recordings\n" + d.rows(`SELECT r.kind FROM recordings r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`, id)
}

func TestReplay_ends_in_the_same_call_whatever_the_order(t *testing.T) {
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl", "call-outbound-no-answer.jsonl"} {
		t.Run(name, func(t *testing.T) {
			messages := lines(t, name)
			id := callID(t, messages[0])
			straight := newDesk(t, nil)
			straight.sendAll(messages)
			want := straight.await(id)
			if !strings.Contains(want, testkit.Acme) || !strings.Contains(want, "usage\nvoice_") {
				t.Fatalf("the straight run stored no call or no usage:\n%s", want)
			}
			check := func(how string, messages [][]byte) {
				d := newDesk(t, nil)
				d.sendAll(messages)
				if got := d.await(id); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", how, got, want)
				}
			}
			for seed := range uint64(20) {
				shuffled := slices.Clone(messages)
				rand.New(rand.NewPCG(seed, 7)).Shuffle(len(shuffled),
					func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				check(fmt.Sprintf("shuffled with seed %d", seed), shuffled)
			}
			var repeated [][]byte
			for _, m := range messages {
				repeated = append(repeated, m, m, m, m, m)
			}
			check("each five times", repeated)
			report := messages[len(messages)-1]
			check("report first", append([][]byte{report}, messages...))
		})
	}
}

func TestReplay_of_the_disordered_sample_equals_the_ordered_one(t *testing.T) {
	ordered, disordered := newDesk(t, nil), newDesk(t, nil)
	ordered.sendAll(lines(t, "call-inbound.jsonl"))
	disordered.sendAll(lines(t, "call-inbound-disordered.jsonl"))
	want, got := ordered.await(sampleCall), disordered.await(sampleCall)
	// The sample leaves some messages out, and with them timeline entries.
	if cut(got) != cut(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// cut leaves out the timeline.
func cut(whole string) string {
	before, rest, _ := strings.Cut(whole, "events\n")
	_, after, _ := strings.Cut(rest, "report\n")
	return before + after
}

func TestReplay_documented_fields_alone_give_the_same_call(t *testing.T) {
	full, documented := newDesk(t, nil), newDesk(t, nil)
	full.sendAll([][]byte{sample(t, "end-of-call-report.json")})
	documented.sendAll([][]byte{sample(t, "end-of-call-report.documented-fields-only.json")})
	// The documented sample has no analysis, and so no summary, evaluation or
	// what follows from them.
	const columns = `SELECT status, outcome, caller_number, recipient_number, assistant, phone_number, started_at, answered_at, ended_at,
		duration_seconds, cost_micros, ended_reason, has_recording, contact != '' FROM calls WHERE vapi_call_id = ?`
	if got, want := documented.rows(columns, sampleCall), full.rows(columns, sampleCall); got != want {
		t.Errorf("got %s want %s", got, want)
	}
	part := func(d *desk) string {
		_, rest, _ := strings.Cut(d.whole(sampleCall), "messages\n")
		lines, _, _ := strings.Cut(rest, "report\n")
		_, after, _ := strings.Cut(rest, "usage\n")
		return lines + after
	}
	if got, want := part(documented), part(full); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReconcile_finds_the_report_that_never_came(t *testing.T) {
	messages := lines(t, "call-inbound.jsonl")
	straight := newDesk(t, nil)
	straight.sendAll(messages)
	want := straight.await(sampleCall)

	provider := reportAsCall(t, messages[len(messages)-1])
	d := newDesk(t, provider)
	d.sendAll(messages[:len(messages)-1])
	// The call ended two days ago: its report is late.
	if err := d.schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.await(sampleCall); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := d.schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.whole(sampleCall); got != want {
		t.Errorf("a second reconciliation changed the call:\n%s", got)
	}
}

func TestDeleted_call_is_not_brought_back(t *testing.T) {
	messages := lines(t, "call-inbound.jsonl")
	d := newDesk(t, reportAsCall(t, messages[len(messages)-1]))
	d.sendAll(messages[:len(messages)-1])
	d.await(sampleCall)
	call, err := d.FindFirstRecordByData("calls", "vapi_call_id", sampleCall)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(call); err != nil {
		t.Fatal(err)
	}
	d.sendAll(messages[len(messages)-1:])
	if err := d.schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, sampleCall); got != "0\n" {
		t.Errorf("the deleted call is back: %s rows", got)
	}
	if got := d.rows(`SELECT count(*) FROM outbox WHERE key = ?`, outbox.EraseCall+":"+sampleCall); got != "1\n" {
		t.Errorf("the provider's copy is not owed to be erased: %s", got)
	}
}

func TestPack_keeps_every_message_once(t *testing.T) {
	messages := lines(t, "call-inbound.jsonl")
	d := newDesk(t, nil)
	d.sendAll(messages)
	d.await(sampleCall)
	keys := d.rows(`SELECT event_key FROM provider_events WHERE event_key LIKE ? ORDER BY event_key`, sampleCall+":%")
	want := d.whole(sampleCall)
	// Everything was received long ago.
	if _, err := atomicOf(d.TestApp).Exec(`UPDATE provider_events SET created = '2026-01-01 00:00:00.000Z'`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run finds stragglers and packs them too
		if err := d.schedule.RunNow(context.Background(), "inbox.pack"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.rows(`SELECT count(*) FROM provider_events WHERE event_key LIKE ?`, sampleCall+":%"); got != "1\n" {
		t.Fatalf("packed into %s rows", got)
	}
	payload := strings.TrimSpace(d.rows(`SELECT payload FROM provider_events WHERE event_key = ?`, packKey(sampleCall)))
	all, err := unpack(payload)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range all {
		got = append(got, p.Key)
	}
	slices.Sort(got)
	if strings.Join(got, "\n")+"\n" != keys {
		t.Errorf("got keys\n%s\nwant\n%s", strings.Join(got, "\n"), keys)
	}
	d.sendAll(messages)
	if got := d.await(sampleCall); got != want {
		t.Errorf("repeats after packing changed the call:\n%s", got)
	}
}

func TestMarkers_are_stored_nowhere(t *testing.T) {
	d := newDesk(t, nil)
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl", "call-outbound-no-answer.jsonl"} {
		for _, m := range lines(t, name) {
			if rec := d.send(m); strings.Contains(rec.Body.String(), "must-never-be-stored") {
				t.Errorf("an answer carries a marker: %s", rec.Body)
			}
		}
	}
	d.await(sampleCall)
	if _, err := atomicOf(d.TestApp).Exec(`PRAGMA wal_checkpoint(FULL)`); err != nil {
		t.Fatal(err)
	}
	scan(t, d.DataDir(), "must-never-be-stored")
}
