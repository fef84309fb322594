package calls

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
)

// whole is everything stored about the sample call that must not depend on how
// its messages came: all but ids and the times of writing.
func (d *desk) whole(id string) string {
	d.T.Helper()
	return "call\n" + d.Rows(`SELECT organization, status, outcome, call_type, channel, caller_number, recipient_number,
		assistant, phone_number,
			started_at, answered_at, ended_at, duration_seconds, cost_micros, ended_reason, summary, resolution_status,
			sentiment, priority,
			success_evaluation, transferred_to, has_recording, answered, missed, control_url, listen_url FROM calls
			WHERE vapi_call_id = ?`, id) +
		"messages\n" +
		d.Rows(`SELECT m.role, m.content, m.position, m.offset_ms, m.duration_ms FROM messages m
			JOIN calls c ON c.id = m.call WHERE c.vapi_call_id = ? ORDER BY m.position`, id) +
		"events\n" + d.Rows(`SELECT ev.type, ev.name, ev.key, ev.position, 
			(SELECT coalesce(group_concat(e.key || '=' || e.value, ' '), '')
			FROM (SELECT key, value FROM json_each(ev.data) WHERE key != 'took_ms' ORDER BY key) e) FROM call_events ev
			JOIN calls c ON c.id = ev.call WHERE c.vapi_call_id = ? ORDER BY ev.key`, id) +
		"report\n" +
		d.Rows(`SELECT r.summary, r.transcript, r.analysis, r.costs FROM call_reports r JOIN calls c ON c.id = r.call
			WHERE c.vapi_call_id = ?`, id) +
		"usage\n" +
		d.Rows(`SELECT u.kind, u.quantity, u.cost_micros, u.at, u.reference FROM usage_events u WHERE u.reference = ?`,
			"call:"+id) +
		"contact\n" +
		d.Rows(`SELECT o.phone_number, o.name, o.first_seen_at, o.last_seen_at FROM contacts o
			JOIN calls c ON c.contact = o.id WHERE c.vapi_call_id = ?`, id) +
		"recordings\n" + d.Rows(`SELECT r.kind FROM recordings r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`, id)
}

func TestReplay_ends_in_the_same_call_whatever_the_order(t *testing.T) {
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl", "call-outbound-no-answer.jsonl"} {
		t.Run(name, func(t *testing.T) {
			messages := callskit.Lines(t, name)
			id := callskit.CallID(t, messages[0])
			straight := newDesk(t, nil)
			straight.SendAll(messages)
			want := straight.await(id)
			if !strings.Contains(want, testkit.Acme) || !strings.Contains(want, "usage\nvoice_") {
				t.Fatalf("the straight run stored no call or no usage:\n%s", want)
			}
			check := func(how string, messages [][]byte) {
				d := newDesk(t, nil)
				d.SendAll(messages)
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
	ordered.SendAll(callskit.Lines(t, "call-inbound.jsonl"))
	disordered.SendAll(callskit.Lines(t, "call-inbound-disordered.jsonl"))
	want, got := ordered.await(callskit.SampleCall), disordered.await(callskit.SampleCall)
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
	full.SendAll([][]byte{callskit.Sample(t, "end-of-call-report.json")})
	documented.SendAll([][]byte{callskit.Sample(t, "end-of-call-report.documented-fields-only.json")})
	// The documented sample has no analysis, and so no summary, evaluation or
	// what follows from them.
	const columns = `SELECT status, outcome, caller_number, recipient_number, assistant, phone_number, started_at,
		answered_at, ended_at,
		duration_seconds, cost_micros, ended_reason, has_recording, contact != '' FROM calls WHERE vapi_call_id = ?`
	if got, want := documented.Rows(columns, callskit.SampleCall), full.Rows(columns, callskit.SampleCall); got != want {
		t.Errorf("got %s want %s", got, want)
	}
	part := func(d *desk) string {
		_, rest, _ := strings.Cut(d.whole(callskit.SampleCall), "messages\n")
		lines, _, _ := strings.Cut(rest, "report\n")
		_, after, _ := strings.Cut(rest, "usage\n")
		return lines + after
	}
	if got, want := part(documented), part(full); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReconcile_finds_the_report_that_never_came(t *testing.T) {
	messages := callskit.Lines(t, "call-inbound.jsonl")
	straight := newDesk(t, nil)
	straight.SendAll(messages)
	want := straight.await(callskit.SampleCall)

	provider := reportAsCall(t, messages[len(messages)-1])
	d := newDesk(t, provider)
	d.SendAll(messages[:len(messages)-1])
	// The call ended two days ago: its report is late.
	if err := d.Schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.await(callskit.SampleCall); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := d.Schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.whole(callskit.SampleCall); got != want {
		t.Errorf("a second reconciliation changed the call:\n%s", got)
	}
}

func TestDeleted_call_is_not_brought_back(t *testing.T) {
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d := newDesk(t, reportAsCall(t, messages[len(messages)-1]))
	d.SendAll(messages[:len(messages)-1])
	d.await(callskit.SampleCall)
	call, err := d.FindFirstRecordByData("calls", "vapi_call_id", callskit.SampleCall)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(call); err != nil {
		t.Fatal(err)
	}
	d.SendAll(messages[len(messages)-1:])
	if err := d.Schedule.RunNow(context.Background(), "calls.reconcile"); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall); got != "0\n" {
		t.Errorf("the deleted call is back: %s rows", got)
	}
	if got := d.Rows(`SELECT count(*) FROM outbox WHERE key = ?`, vapicopy.EraseKind+":"+callskit.SampleCall); got != "1\n" {
		t.Errorf("the provider's copy is not owed to be erased: %s", got)
	}
}

func TestPack_keeps_every_message_once(t *testing.T) {
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d := newDesk(t, nil)
	d.SendAll(messages)
	d.await(callskit.SampleCall)
	keys := d.Rows(`SELECT event_key FROM provider_events WHERE event_key LIKE ? ORDER BY event_key`,
		callskit.SampleCall+":%")
	want := d.whole(callskit.SampleCall)
	// Everything was received long ago.
	if _, err := atomic.Of(d.TestApp).Exec(`UPDATE provider_events SET created = '2026-01-01 00:00:00.000Z'`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run finds stragglers and packs them too
		if err := d.Schedule.RunNow(context.Background(), "inbox.pack"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT count(*) FROM provider_events WHERE event_key LIKE ?`,
		callskit.SampleCall+":%"); got != "1\n" {
		t.Fatalf("packed into %s rows", got)
	}
	payload := strings.TrimSpace(d.Rows(`SELECT payload FROM provider_events WHERE event_key = ?`,
		callskit.SampleCall+":packed"))
	all, err := packing.Unpack(payload)
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
	d.SendAll(messages)
	if got := d.await(callskit.SampleCall); got != want {
		t.Errorf("repeats after packing changed the call:\n%s", got)
	}
}

func TestMarkers_are_stored_nowhere(t *testing.T) {
	d := newDesk(t, nil)
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl", "call-outbound-no-answer.jsonl"} {
		for _, m := range callskit.Lines(t, name) {
			if rec := d.Send(m); strings.Contains(rec.Body.String(), "must-never-be-stored") {
				t.Errorf("an answer carries a marker: %s", rec.Body)
			}
		}
	}
	d.await(callskit.SampleCall)
	if _, err := atomic.Of(d.TestApp).Exec(`PRAGMA wal_checkpoint(FULL)`); err != nil {
		t.Fatal(err)
	}
	scan(t, d.DataDir(), "must-never-be-stored")
}

// What the writer remembers of a running call must not undo what people do to it
// meanwhile.
func TestReplay_keeps_what_people_change_while_a_call_runs(t *testing.T) {
	messages := callskit.Lines(t, "call-inbound.jsonl")
	plain := newDesk(t, nil)
	plain.SendAll(messages)
	want := strings.Replace(plain.await(callskit.SampleCall), " | medium | ", " | high | ", 1)

	for cut := 1; cut < len(messages); cut++ {
		d := newDesk(t, nil)
		d.SendAll(messages[:cut])
		call, err := d.FindFirstRecordByData("calls", "vapi_call_id", callskit.SampleCall)
		if err != nil {
			if bytes.Contains(messages[cut-1], []byte("assistant-request")) {
				continue // stored after its answer
			}
			t.Fatal(err)
		}
		call.Set("priority", "high")
		call.Set("notes", "a person was here")
		if err := d.Save(call); err != nil {
			t.Fatal(err)
		}
		d.SendAll(messages[cut:])
		if got := d.await(callskit.SampleCall); got != want {
			t.Errorf("changed after message %d: got\n%s\nwant\n%s", cut, got, want)
		}
		if notes := d.Rows(`SELECT notes FROM calls WHERE vapi_call_id = ?`,
			callskit.SampleCall); notes != "a person was here\n" {
			t.Errorf("changed after message %d: the notes are %q", cut, notes)
		}
	}
}

func TestReplay_a_call_deleted_while_it_runs_stays_deleted(t *testing.T) {
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d := newDesk(t, nil)
	half := len(messages) / 2
	d.SendAll(messages[:half])
	call, err := d.FindFirstRecordByData("calls", "vapi_call_id", callskit.SampleCall)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(call); err != nil {
		t.Fatal(err)
	}
	d.SendAll(messages[half:])
	d.await(callskit.SampleCall)
	for _, table := range []string{"messages", "call_events", "call_reports"} {
		if n := d.Rows("SELECT count(*) FROM "+table+" WHERE call = ?", call.Id); n != "0\n" {
			t.Errorf("%s holds %s rows of the deleted call", table, strings.TrimSpace(n))
		}
	}
	if n := d.Rows("SELECT count(*) FROM calls WHERE vapi_call_id = ?", callskit.SampleCall); n != "0\n" {
		t.Error("the call is back")
	}
}
