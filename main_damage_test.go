package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// health is what the server says of itself.
type health struct {
	Status string
	Checks map[string]struct{ Status, Message string }
}

func (d *desk) health(t *testing.T) (h health, status int) {
	t.Helper()
	p := &person{t: t, base: d.base}
	status, _, body, err := p.send("GET", "/api/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &h); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return h, status
}

// stormed is a data directory whose server was killed after it acknowledged some
// calls' messages.
func stormed(t *testing.T, calls int) *desk {
	t.Helper()
	d := start(t, t.TempDir(), "", demo, "VAPI_WEBHOOK_SECRET="+hookSecret)
	owner := d.owner(t)
	synced(owner)
	number, assistant := lineIn(owner, "en"), owner.one(collections.Assistants, "language = 'en'")
	sent := loadSample(t)
	s := &storm{target: d.base, acked: map[string]string{}}
	for n := range calls {
		for _, body := range sent.messages("0000000"+string(rune('a'+n))+"-0000-7000-8000-000000000001", number, assistant) {
			if err := s.deliver(context.Background(), body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if h, status := d.health(t); status != http.StatusOK || h.Checks["files"].Status != "pass" || h.Checks["messages"].Status != "pass" {
		t.Fatalf("before anything is damaged: got %d %+v", status, h)
	}
	d.kill()
	return d
}

// TestDamage_of_the_log_is_said damages the write-ahead log, which SQLite passes
// over without a word (reliability.md F11).
func TestDamage_of_the_log_is_said(t *testing.T) {
	d := stormed(t, 4)
	log := filepath.Join(d.dir, "data.db-wal")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name string
		do   func(raw []byte) []byte // nil deletes the file
	}{
		{"a byte flipped", func(raw []byte) []byte { raw[len(raw)/2] ^= 0xff; return raw }},
		{"the header zeroed", func(raw []byte) []byte { clear(raw[:32]); return raw }},
		{"half of it gone", func(raw []byte) []byte { return raw[:len(raw)/2] }},
		{"deleted", nil},
		{"as it was", func(raw []byte) []byte { return raw }},
	} {
		t.Run(one.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(d.dir)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, filepath.Base(log))
			err := os.Remove(path)
			if one.do != nil {
				err = os.WriteFile(path, one.do(append([]byte(nil), whole...)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			again := start(t, dir, "", demo)
			h, status := again.health(t)
			if one.name == "as it was" {
				if status != http.StatusOK || h.Checks["files"].Status != "pass" {
					t.Errorf("got %d %+v", status, h)
				}
				return
			}
			says := h.Checks["files"].Message
			if status != http.StatusOK || h.Status != "degraded" || !strings.Contains(says, "data.db-wal") || !strings.Contains(says, "docs/backup.md") {
				t.Errorf("got %d %+v, want it to name the file and the remedy", status, h)
			}
			if !strings.Contains(again.said.String(), "lacks what was acknowledged") {
				t.Errorf("the terminal does not say it:\n%s", again.said)
			}
		})
	}
}

// TestMetrics_are_read_with_the_token asks as Prometheus does.
func TestMetrics_are_read_with_the_token(t *testing.T) {
	const token = "token-of-the-environment"
	d := start(t, t.TempDir(), "", "serve --sandbox", "POCKETLINE_METRICS_TOKEN="+token)
	p := &person{t: t, base: d.base}
	p.ask("GET", "/api/metrics", nil, http.StatusUnauthorized, nil)
	status, _, body, err := p.send("GET", "/api/metrics", nil, "Authorization", "Bearer "+token)
	if err != nil || status != http.StatusOK || !regexp.MustCompile(`(?m)^pocketline_outbox_due \d+$`).Match(body) {
		t.Errorf("got %d %v %s", status, err, body)
	}
}

// TestDamage_of_a_page_is_said damages a page of the table of what was said.
func TestDamage_of_a_page_is_said(t *testing.T) {
	d := stormed(t, 4)
	again := start(t, d.dir, "", demo) // what the log has is in the database now
	again.stop()
	path := filepath.Join(d.dir, "data.db")
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
	again = start(t, d.dir, "", "serve --sandbox --sandbox-speed 0", "VAPI_WEBHOOK_SECRET="+hookSecret)
	owner := again.owner(t)
	s := &storm{target: again.base}
	refused := 0
	for _, body := range loadSample(t).messages("0000000f-0000-7000-8000-000000000001", lineIn(owner, "en"), owner.one(collections.Assistants, "language = 'en'")) {
		if s.post(t.Context(), body) == http.StatusServiceUnavailable {
			refused++
		}
	}
	if h, status := again.health(t); refused > 0 && (status != http.StatusServiceUnavailable || h.Checks["files"].Status != "fail") {
		t.Errorf("%d messages were refused and health says %d %+v", refused, status, h)
	}
	t.Logf("%d messages were refused", refused)
	if said, ok := again.run("jobs run data.check"); ok || !strings.Contains(said, "data.db is damaged") {
		t.Errorf("the check by hand: %v %s", ok, said)
	}
	operator := again.operator(t)
	operator.ask("POST", "/api/crons/data.check", nil, http.StatusNoContent, nil)
	until(t, "health says what is damaged", func() bool {
		h, status := again.health(t)
		return status == http.StatusServiceUnavailable && h.Checks["files"].Status == "fail" &&
			strings.Contains(h.Checks["files"].Message, "data.db is damaged: stop the server")
	})
}

// TestDamage_of_the_log_file_starts_a_new_one damages auxiliary.db, in a directory
// whose name has a question mark in it.
func TestDamage_of_the_log_file_starts_a_new_one(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "what?")
	d := start(t, dir, "", "serve --sandbox")
	d.stop()
	path := filepath.Join(dir, "auxiliary.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw[:4096])
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	d = start(t, dir, "", "serve --sandbox")
	if !strings.Contains(d.said.String(), "auxiliary.db was damaged") {
		t.Errorf("nothing is said of it:\n%s", d.said)
	}
	(&person{t: t, base: d.base}).ask("GET", "/api/desk", nil, http.StatusOK, nil)
	d.stop()
	sound(t, dir)
	for _, name := range []string{"data.db", ".lock", "auxiliary.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "what[?]", "auxiliary.db.damaged-*")); err != nil || len(found) != 1 {
		t.Errorf("set aside: %v, %v", found, err)
	}
}
