package audit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// chained is an app whose log has five entries of Acme and one of Bolt, and
// lets itself be changed.
func chained(t *testing.T) (app core.App, ids []string) {
	t.Helper()
	app = testkit.New(t, bind)
	for i, record := range []string{"one", "two", "three", "four", "five"} {
		add(t, app, testkit.Acme, record, map[string]any{"number": i})
	}
	add(t, app, testkit.Bolt, "other", nil)
	for _, trigger := range []string{"audit_logs_fixed", "audit_logs_kept"} {
		exec(t, app, "DROP TRIGGER "+trigger)
	}
	if err := app.DB().Select("id").From(collections.AuditLogs).Where(dbx.NewExp("chain = {:c} AND position > 0",
		dbx.Params{"c": testkit.Acme})).OrderBy("position").Column(&ids); err != nil || len(ids) != 5 {
		t.Fatalf("got %v, %v", ids, err)
	}
	return app, ids
}

func add(t *testing.T, app core.App, organization, record string, details any) {
	t.Helper()
	err := audit.Add(app, audit.Entry{
		Organization: organization, Actor: audit.Actor{Type: audit.ActorUser, User: testkit.User(testkit.AcmeOwner),
			Name: "Ada Owner"},
		Action: "calls.update", Resource: collections.Calls, Record: record, Details: details,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t *testing.T, app core.App, statement string) {
	t.Helper()
	if _, err := app.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// verify returns what is wrong with Acme's chain, nil when nothing is, and fails
// when another one is broken.
func verify(t *testing.T, app core.App) *audit.Break {
	t.Helper()
	chains, err := audit.Verify(t.Context(), app)
	if err != nil || len(chains) < 3 {
		t.Fatalf("got %v, %v", chains, err)
	}
	var found *audit.Break
	for _, c := range chains {
		if c.Organization == testkit.Acme {
			found = c.Broken
		} else if c.Broken != nil {
			t.Errorf("%s is broken: %+v", c.Organization, c.Broken)
		}
	}
	return found
}

func TestChain_names_the_first_entry_that_is_not_what_was_written(t *testing.T) {
	for name, c := range map[string]struct {
		change string // ID3 stands for the third entry's id
		at     int    // the entry that is named, from 1; 0: none, the end
	}{
		"an action":  {"UPDATE audit_logs SET action = 'calls.delete' WHERE id = 'ID3'", 3},
		"a time":     {"UPDATE audit_logs SET created = '2026-01-01 00:00:00.000Z' WHERE id = 'ID3'", 3},
		"a name":     {"UPDATE audit_logs SET actor_name = 'Bob' WHERE id = 'ID3'", 3},
		"an address": {"UPDATE audit_logs SET ip_address = '192.0.2.1' WHERE id = 'ID3'", 3},
		"a person": {"UPDATE audit_logs SET user = '" + testkit.User(testkit.AcmeAgent) +
			"' WHERE id = 'ID3'", 3},
		"a person, twice":       {"UPDATE audit_logs SET user = 'x', actor_id = 'x' WHERE id = 'ID3'", 3},
		"the details":           {`UPDATE audit_logs SET details = '{"number":9}' WHERE id = 'ID3'`, 3},
		"details and digest":    {`UPDATE audit_logs SET details = '{}', salt = 'x', digest = 'x' WHERE id = 'ID3'`, 3},
		"a hash":                {"UPDATE audit_logs SET hash = 'x' WHERE id = 'ID3'", 3},
		"taken out":             {"DELETE FROM audit_logs WHERE id = 'ID3'", 4},
		"the first taken out":   {"DELETE FROM audit_logs WHERE id = 'ID1'", 2},
		"the last taken out":    {"DELETE FROM audit_logs WHERE id = 'ID5'", 0},
		"all taken out":         {"DELETE FROM audit_logs WHERE chain = '" + testkit.Acme + "'", 0},
		"taken out, and closed": {"DELETE FROM audit_logs WHERE id = 'ID3'; UPDATE audit_logs SET position = position - 1 WHERE chain = '" + testkit.Acme + "' AND position > 3", 4},
		"exchanged": {"UPDATE audit_logs SET position = 99 WHERE id = 'ID3'; UPDATE audit_logs SET position = 3 WHERE id = 'ID4'; UPDATE audit_logs SET position = 4 WHERE id = 'ID3'",
			4},
		"moved to another organization": {"UPDATE audit_logs SET organization = '" + testkit.Bolt + "' WHERE id = 'ID3'", 3},
	} {
		app, ids := chained(t)
		if b := verify(t, app); b != nil {
			t.Fatalf("before anything changed: %+v", b)
		}
		for i, id := range ids {
			c.change = strings.ReplaceAll(c.change, "ID"+string(rune('1'+i)), id)
		}
		for statement := range strings.SplitSeq(c.change, "; ") {
			exec(t, app, statement)
		}
		b := verify(t, app)
		if b == nil {
			t.Errorf("%s: not found", name)
			continue
		}
		want := ""
		if c.at > 0 {
			want = ids[c.at-1]
		}
		if b.ID != want {
			t.Errorf("%s: names %q (%s), want entry %d", name, b.ID, b.Reason, c.at)
		}
	}
}

func TestChain_finds_entries_that_were_put_in(t *testing.T) {
	const columns = "id, organization, actor_type, action, created, updated, details, chain, position, actor_id, salt, digest, hash"
	for name, values := range map[string]string{
		"beside the chain": "'putin0000000001', '" + testkit.Acme +
			"', 'user', 'x', '2026-11-30 00:00:00.000Z', '', '{}', '', 0, '', '', '', ''",
		"at the end": "'putin0000000001', '" + testkit.Acme +
			"', 'user', 'x', '2026-11-30 00:00:00.000Z', '', '{}', '" + testkit.Acme + "', 6, '', '', '', 'x'",
	} {
		app, _ := chained(t)
		exec(t, app, "INSERT INTO audit_logs ("+columns+") VALUES ("+values+")")
		if b := verify(t, app); b == nil || b.ID != "putin0000000001" {
			t.Errorf("%s: got %+v", name, b)
		}
	}
}

func TestChain_holds_when_what_may_go_goes(t *testing.T) {
	app := testkit.New(t, bind)
	for _, record := range []string{"one", "two", "three"} {
		add(t, app, testkit.Acme, record, map[string]string{"name": "Cara Caller"})
	}
	if n, err := audit.Erase(t.Context(), app, testkit.Acme, []string{collections.Calls}, []string{"two"}); err != nil ||
		n != 1 {
		t.Fatalf("erased %d, %v", n, err)
	}
	exec(t, app, "UPDATE audit_logs SET user = '' WHERE record = 'three'") // the person's account is gone
	if b := verify(t, app); b != nil {
		t.Fatalf("after an erasure: %+v", b)
	}
	chains, err := audit.Verify(t.Context(), app, testkit.Acme)
	if err != nil || len(chains) != 1 || chains[0].Erased != 1 || chains[0].Entries != 3 {
		t.Errorf("got %+v, %v", chains, err)
	}
	exec(t, app, "DROP TRIGGER audit_logs_kept") // these entries are too young to go
	n, err := audit.Trim(t.Context(), app, testkit.Acme, "2999-01-01 00:00:00.000Z")
	if err != nil || n != 4 { // with the fixtures' entry
		t.Fatalf("trimmed %d, %v", n, err)
	}
	if b := verify(t, app); b != nil {
		t.Errorf("after retention: %+v", b)
	}
	add(t, app, testkit.Acme, "four", nil)
	if b := verify(t, app); b != nil {
		t.Errorf("an entry after retention: %+v", b)
	}
	exec(t, app, "UPDATE audit_chains SET base = base + 1 WHERE chain = '"+testkit.Acme+"'")
	if verify(t, app) == nil {
		t.Error("a beginning that was moved is not found")
	}
}

func TestChain_of_an_undone_change_is_as_it_was(t *testing.T) {
	app := testkit.New(t, bind)
	undone := errors.New("undone")
	err := app.RunInTransaction(func(tx core.App) error {
		add(t, tx, testkit.Acme, "never", nil)
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	add(t, app, testkit.Acme, "one", nil)
	if b := verify(t, app); b != nil {
		t.Errorf("%+v", b)
	}
}

func TestVerify_beside_a_running_server_finds_nothing_wrong(t *testing.T) {
	app := testkit.New(t, bind)
	for range 200 {
		add(t, app, testkit.Acme, "before", nil)
	}
	exec(t, app, "DROP TRIGGER audit_logs_kept") // these entries are too young to go
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			err := audit.Add(app, audit.Entry{Organization: testkit.Acme, Actor: audit.Actor{Type: audit.ActorUser},
				Action: "calls.update"})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 50 {
		if b := verify(t, app); b != nil {
			t.Errorf("the log holds, and yet: %+v", b)
			break
		}
	}
	if _, err := audit.Trim(t.Context(), app, testkit.Acme, "2999-01-01 00:00:00.000Z"); err != nil {
		t.Error(err)
	}
	close(stop)
	<-done
	if b := verify(t, app); b != nil {
		t.Errorf("after retention: %+v", b)
	}
}

func TestVerify_command_fails_and_names_the_entry(t *testing.T) {
	app, ids := chained(t)
	run := func() (string, error) {
		var out bytes.Buffer
		c := audit.Command(app)
		c.SetArgs([]string{"verify"})
		c.SetOut(&out)
		c.SilenceErrors, c.SilenceUsage = true, true
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	if text, err := run(); err != nil || !strings.Contains(text, "5 entries hold") {
		t.Errorf("got %v: %s", err, text)
	}
	exec(t, app, "DELETE FROM audit_logs WHERE id = '"+ids[1]+"'")
	if text, err := run(); !errors.Is(err, audit.ErrBroken) || !strings.Contains(text, ids[2]) {
		t.Errorf("got %v: %s", err, text)
	}
}
