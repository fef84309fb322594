package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestLines_the_reports_take_the_place_of_those_heard(t *testing.T) {
	const when = fold.Instant(1_790_000_000_000)
	at := func(role string, second int, content string) fold.Line {
		return fold.Line{Role: role, Position: when + fold.Instant(second*1000), Content: content}
	}
	timed := at("user", 1, "as heard")
	timed.OffsetMS, timed.Duration = 800, 1200
	heard := []fold.Line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye")}
	for _, tt := range []struct {
		name   string
		report []fold.Line
	}{
		{"the same", []fold.Line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye")}},
		{"other words and times", []fold.Line{at("assistant", 0, "Hello!"), timed, at("assistant", 2, "Goodbye")}},
		{"other places", []fold.Line{at("assistant", 5, "Hello"), at("user", 6, "as heard"), at("assistant", 7, "Bye")}},
		{"each in the next one's place",
			[]fold.Line{at("user", 1, "Hello"), at("assistant", 2, "as heard"), at("user", 3, "Bye")}},
		{"others said them", []fold.Line{at("user", 0, "Hello"), at("assistant", 1, "as heard"), at("user", 2, "Bye")}},
		{"fewer", []fold.Line{at("assistant", 0, "Hello and bye")}},
		{"more", []fold.Line{at("assistant", 0, "Hello"), at("user", 1, "as heard"), at("assistant", 2, "Bye"),
			at("user", 3, "Bye")}},
		{"one where a person's line is",
			[]fold.Line{at("assistant", 0, "Hello"), at("system", 9, "in the way"), at("user", 10, "Bye")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := testkit.New(t, func(app core.App) { inbox.Register(app) })
			box, err := inbox.Of(app)
			if err != nil {
				t.Fatal(err)
			}
			c := fold.Call{ID: testkit.AcmeCall, Organization: testkit.Acme}
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
				if _, err := tx.Exec(`INSERT INTO messages (id, organization, call, role, content, position, offset_ms, duration_ms,
					from_person, created, updated) VALUES ('personsline0001', ?, ?, 'system', 'a person''s', ?, 0, 0, TRUE, '', '')`,
					c.Organization, c.ID, int64(when+9000)); err != nil {
					return err
				}
				return saveLines(tx, c, fold.Changes{Lines: append([]fold.Line(nil), heard...)}, now)
			})
			before := strings.Fields(testkit.Rows(t, app,
				`SELECT id FROM messages WHERE call = ? AND NOT from_person ORDER BY position, role`, c.ID))
			report := append([]fold.Line(nil), tt.report...)
			do(func(tx *inbox.Tx) error { return saveLines(tx, c, fold.Changes{Lines: report, Replace: true}, now) })

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
			got := testkit.Rows(t, app,
				`SELECT id, role, content, position, offset_ms, duration_ms FROM messages WHERE call = ? AND NOT from_person
					ORDER BY position, role`, c.ID)
			for i := len(before); i < len(report); i++ {
				got = strings.Replace(got, report[i].ID, "new", 1)
			}
			if got != want.String() {
				t.Errorf("stored\n%swant\n%s", got, want.String())
			}
			if person := testkit.Rows(t, app, `SELECT content FROM messages WHERE call = ? AND from_person`,
				c.ID); person != "a person's\n" {
				t.Errorf("the person's line is %q", person)
			}
		})
	}
}
