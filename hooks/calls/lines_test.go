package calls

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestLines_the_reports_take_the_place_of_those_heard(t *testing.T) {
	const when = instant(1_790_000_000_000)
	at := func(role string, second int, content string) line {
		return line{Role: role, Position: when + instant(second*1000), Content: content}
	}
	timed := at("user", 1, "as heard")
	timed.OffsetMS, timed.Duration = 800, 1200
	heard := []line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye")}
	for _, tt := range []struct {
		name   string
		report []line
	}{
		{"the same", []line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye")}},
		{"other words and times", []line{at("assistant", 0, "Hello!"), timed, at("assistant", 2, "Goodbye")}},
		{"other places", []line{at("assistant", 5, "Hello"), at("user", 6, "as heard"), at("assistant", 7, "Bye")}},
		{"each in the next one's place",
			[]line{at("user", 1, "Hello"), at("assistant", 2, "as heard"), at("user", 3, "Bye")}},
		{"others said them", []line{at("user", 0, "Hello"), at("assistant", 1, "as heard"), at("user", 2, "Bye")}},
		{"fewer", []line{at("assistant", 0, "Hello and bye")}},
		{"more", []line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye"),
			at("user", 3, "Bye")}},
		{"one where a person's line is",
			[]line{at("assistant", 0, "Hello"), at("system", 9, "in the way"), at("user", 10, "Bye")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, nil)
			box, err := inbox.Of(d.TestApp)
			if err != nil {
				t.Fatal(err)
			}
			c := call{ID: testkit.AcmeCall, Organization: testkit.Acme}
			do := func(apply func(tx *inbox.Tx) error) {
				t.Helper()
				if err := box.Do(context.Background(),
					func(tx *inbox.Tx) (func(), error) { return nil, apply(tx) }); err != nil {
					t.Fatal(err)
				}
			}
			now := time.Now()
			do(func(tx *inbox.Tx) error {
				if _, err := tx.Exec("DELETE FROM messages WHERE call = ?", c.ID); err != nil {
					return err
				}
				if _, err := tx.Exec(insertPersonLine, "personsline0001", c.Organization, c.ID, "system", "a person's",
					int64(when+9000), 0, "", ""); err != nil {
					return err
				}
				return saveLines(tx, c, changes{lines: append([]line(nil), heard...)}, now)
			})
			before := strings.Fields(d.rows(`SELECT id FROM messages WHERE call = ? AND NOT from_person ORDER BY position, role`, c.ID))
			report := append([]line(nil), tt.report...)
			do(func(tx *inbox.Tx) error { return saveLines(tx, c, changes{lines: report, replace: true}, now) })

			var want strings.Builder
			for i, l := range tt.report {
				if l.Role == "system" {
					continue // the person's line is there already
				}
				id := "new"
				if i < len(before) {
					id = before[i]
				}
				fmt.Fprintf(&want, "%s | %s | %s | %d | %d | %d\n", id, l.Role, l.Content, l.Position, l.OffsetMS,
					l.Duration)
			}
			got := d.rows(`SELECT id, role, content, position, offset_ms, duration_ms FROM messages WHERE call = ? AND NOT from_person ORDER BY position, role`, c.ID)
			for i := len(before); i < len(report); i++ {
				got = strings.Replace(got, report[i].ID, "new", 1)
			}
			if got != want.String() {
				t.Errorf("stored\n%swant\n%s", got, want.String())
			}
			if person := d.rows(`SELECT content FROM messages WHERE call = ? AND from_person`,
				c.ID); person != "a person's\n" {
				t.Errorf("the person's line is %q", person)
			}
		})
	}
}

// What the writer remembers of a running call must not undo what people do to it
// meanwhile.
func TestReplay_keeps_what_people_change_while_a_call_runs(t *testing.T) {
	messages := lines(t, "call-inbound.jsonl")
	plain := newDesk(t, nil)
	plain.sendAll(messages)
	want := strings.Replace(plain.await(sampleCall), " | medium | ", " | high | ", 1)

	for cut := 1; cut < len(messages); cut++ {
		d := newDesk(t, nil)
		d.sendAll(messages[:cut])
		call, err := d.FindFirstRecordByData("calls", "vapi_call_id", sampleCall)
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
		d.sendAll(messages[cut:])
		if got := d.await(sampleCall); got != want {
			t.Errorf("changed after message %d: got\n%s\nwant\n%s", cut, got, want)
		}
		if notes := d.rows(`SELECT notes FROM calls WHERE vapi_call_id = ?`,
			sampleCall); notes != "a person was here\n" {
			t.Errorf("changed after message %d: the notes are %q", cut, notes)
		}
	}
}

func TestReplay_a_call_deleted_while_it_runs_stays_deleted(t *testing.T) {
	messages := lines(t, "call-inbound.jsonl")
	d := newDesk(t, nil)
	half := len(messages) / 2
	d.sendAll(messages[:half])
	call, err := d.FindFirstRecordByData("calls", "vapi_call_id", sampleCall)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(call); err != nil {
		t.Fatal(err)
	}
	d.sendAll(messages[half:])
	d.await(sampleCall)
	for _, table := range []string{"messages", "call_events", "call_reports"} {
		if n := d.rows("SELECT count(*) FROM "+table+" WHERE call = ?", call.Id); n != "0\n" {
			t.Errorf("%s holds %s rows of the deleted call", table, strings.TrimSpace(n))
		}
	}
	if n := d.rows("SELECT count(*) FROM calls WHERE vapi_call_id = ?", sampleCall); n != "0\n" {
		t.Error("the call is back")
	}
}
