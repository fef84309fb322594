package main

import (
	"database/sql"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// TestMetrics_are_read_with_the_token asks as Prometheus does.
func TestMetrics_are_read_with_the_token(t *testing.T) {
	const token = "token-of-the-environment"
	d := rig.Start(t, t.TempDir(), "", "serve --sandbox", "POCKETLINE_METRICS_TOKEN="+token)
	p := &rig.Person{T: t, Base: d.Base}
	p.Ask("GET", "/api/metrics", nil, http.StatusUnauthorized, nil)
	status, _, body, err := p.Send("GET", "/api/metrics", nil, "Authorization", "Bearer "+token)
	if err != nil || status != http.StatusOK || !regexp.MustCompile(`(?m)^pocketline_outbox_due \d+$`).Match(body) {
		t.Errorf("got %d %v %s", status, err, body)
	}
}

// zero empties the leaves of a table of a database nobody has open.
func zero(t *testing.T, path, table string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT pageno, pgsize FROM dbstat WHERE name = ? AND pagetype = 'leaf'`, table)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var page, size int64
		if err := rows.Scan(&page, &size); err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(make([]byte, size), (page-1)*size); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestDamage_is_said_by_whoever_meets_it has people read rows that are damaged. After a
// kill nobody has to.
func TestDamage_is_said_by_whoever_meets_it(t *testing.T) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	d.Stop()
	zero(t, filepath.Join(d.Dir, "data.db"), collections.Contacts)
	damaged := func() bool {
		h, status := d.Health()
		return status == http.StatusServiceUnavailable && h.Checks["files"].Status == "fail" &&
			strings.Contains(h.Checks["files"].Message, "data.db is damaged: stop the server")
	}
	d = rig.Start(t, d.Dir, "", "serve --sandbox --sandbox-speed 0")
	owner := d.Owner(t)
	for _, path := range []string{"/api/collections/contacts/records", "/api/collections/contacts/records?sort=-created"} {
		status, _, body, err := owner.Send("GET", path, nil)
		if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(body), "data are damaged") {
			t.Errorf("%s: got %d %s %v, want 503", path, status, body, err)
		}
	}
	rig.Until(t, "health says what is damaged", damaged)
	operator := d.Operator(t)
	rig.Until(t, "the whole database is looked at", func() bool {
		runs := operator.Rows(collections.JobRuns, "job = 'data.check'", "")
		return len(runs) > 0 && runs[0]["status"] == collections.JobFailed
	})
	d.Kill()
	d = rig.Start(t, d.Dir, "", "serve --sandbox --sandbox-speed 0")
	rig.Until(t, "health says it after a kill", damaged)
}

// TestDamage_of_a_page_is_said damages a page of the table of what was said.
func TestDamage_of_a_page_is_said(t *testing.T) {
	d := rig.Stormed(t, 4)
	again := rig.Start(t, d.Dir, "", rig.Demo) // what the log has is in the database now
	again.Stop()
	path := filepath.Join(d.Dir, "data.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var page, size int64
	if err := db.QueryRow(`SELECT pageno, pgsize FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf'
		ORDER BY path DESC LIMIT 1`).Scan(&page, &size); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte(strings.Repeat("damage", int(size))[:size]), (page-1)*size); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again = rig.Start(t, d.Dir, "", "serve --sandbox --sandbox-speed 0", "VAPI_WEBHOOK_SECRET="+rig.HookSecret)
	owner := again.Owner(t)
	s := &rig.Storm{Target: again.Base}
	refused := 0
	for _, body := range rig.LoadSample(t).Messages("0000000f-0000-7000-8000-000000000001", rig.LineIn(owner, "en"),
		owner.One(collections.Assistants, "language = 'en'")) {
		if s.Post(t.Context(), body) == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused > 0 {
		rig.Until(t, "health says that messages are refused", func() bool {
			h, status := again.Health()
			return status == http.StatusServiceUnavailable && h.Checks["files"].Status == "fail"
		})
	}
	t.Logf("%d messages were refused", refused)
	if said, ok := again.Run("jobs run data.check"); ok || !strings.Contains(said, "data.db is damaged") {
		t.Errorf("the check by hand: %v %s", ok, said)
	}
	operator := again.Operator(t)
	operator.Ask("POST", "/api/crons/data.check", nil, http.StatusNoContent, nil)
	rig.Until(t, "health says what is damaged", func() bool {
		h, status := again.Health()
		return status == http.StatusServiceUnavailable && h.Checks["files"].Status == "fail" &&
			strings.Contains(h.Checks["files"].Message, "data.db is damaged: stop the server")
	})
}

// TestDamage_of_the_log_file_starts_a_new_one damages auxiliary.db, in a directory
// whose name has a question mark in it.
func TestDamage_of_the_log_file_starts_a_new_one(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "what?")
	d := rig.Start(t, dir, "", "serve --sandbox")
	d.Stop()
	path := filepath.Join(dir, "auxiliary.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw[:4096])
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	d = rig.Start(t, dir, "", "serve --sandbox")
	if !strings.Contains(d.Said.String(), "auxiliary.db was damaged") {
		t.Errorf("nothing is said of it:\n%s", d.Said)
	}
	(&rig.Person{T: t, Base: d.Base}).Ask("GET", "/api/desk", nil, http.StatusOK, nil)
	d.Stop()
	rig.Sound(t, dir)
	for _, name := range []string{"data.db", ".lock", "auxiliary.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "what[?]", "auxiliary.db.damaged-*")); err != nil ||
		len(found) != 1 {
		t.Errorf("set aside: %v, %v", found, err)
	}
}
