package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/faults/rig"
)

// secretsOf are the stored secrets of functions, as they lie in the file.
func secretsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT headers FROM functions WHERE headers != ''")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all[text] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// rotateKilled runs rotate-key and kills it after it has spoken so many lines.
// It tells whether the command was faster.
func rotateKilled(t *testing.T, dir string, lines int) (done bool) {
	t.Helper()
	c := rig.Command(t, dir, "rotate-key")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := new(rig.Transcript)
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	heard := bufio.NewScanner(out)
	for range lines {
		if !heard.Scan() {
			if err := c.Wait(); err != nil {
				t.Fatalf("rotate-key: %v\n%s", err, said)
			}
			return true
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	return c.Wait() == nil
}

// answers wants a whole call to work: the provider's messages prove themselves
// with a stored secret.
func answers(t *testing.T, d *rig.Desk) {
	t.Helper()
	owner := d.Owner(t)
	rig.Synced(owner)
	rig.Reported(owner, rig.Simulate(owner, rig.LineIn(owner, "en"), "", "en"))
}

func TestRotate_key_is_killed_and_goes_on(t *testing.T) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner := d.Owner(t)
	organization := rig.Practice(owner)["id"]
	for n := range 250 { // more than two batches
		owner.Ask("POST", "/api/collections/functions/records", row{
			"organization": organization, "name": fmt.Sprintf("planted_%03d", n), "description": "Looks.", "is_active": false,
			"webhook_url": "https://tools.example.com/look", "headers": row{"X-Key": fmt.Sprintf("planted-%d", n)},
		}, http.StatusOK, nil)
	}
	if said, ok := d.Run("rotate-key"); ok || !strings.Contains(said, "stop the server first") {
		t.Fatalf("beside the server: %v, %s", ok, said)
	}
	d.Stop()
	keyFile := filepath.Join(d.Dir, ".pocketline_key")
	key := func() string {
		t.Helper()
		raw, err := os.ReadFile(keyFile)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	old, before := key(), secretsOf(t, d.Dir)
	if len(before) < 250 {
		t.Fatalf("%d secrets are stored", len(before))
	}

	between := 0
	for lines := 1; !rotateKilled(t, d.Dir, lines); lines++ {
		if strings.Count(key(), "\n") != 2 {
			continue // done, but for the last word
		}
		if between++; between > 1 {
			continue
		}
		d = rig.Start(t, d.Dir, "", rig.Demo)
		if !strings.Contains(d.Said.String(), "rotate-key") {
			t.Errorf("the banner says nothing of two keys:\n%s", d.Said)
		}
		answers(t, d)
		d.Stop()
	}
	if between == 0 {
		t.Error("never killed in the middle")
	}
	fresh := key()
	if strings.Count(fresh, "\n") != 1 || fresh == old {
		t.Error("the file does not hold a new key alone")
	}
	after := secretsOf(t, d.Dir)
	if len(after) != len(before) {
		t.Errorf("%d secrets were stored, %d are", len(before), len(after))
	}
	for text := range after {
		if before[text] {
			t.Error("a secret is still sealed with the old key")
		}
	}
	d = rig.Start(t, d.Dir, "", rig.Demo)
	answers(t, d)
	d.Stop()
	rig.Sound(t, d.Dir)

	// The next key comes from the environment.
	now, wrong := "POCKETLINE_KEY="+strings.Repeat("5a", 32), "POCKETLINE_KEY_BEFORE="+strings.TrimSpace(old)
	for _, c := range []struct {
		line, says string
		ok         bool
		env        []string
	}{
		{"serve --sandbox --http 127.0.0.1:0", "POCKETLINE_KEY_BEFORE", false, []string{now}},
		{"rotate-key", "another master key", false, []string{now, wrong}},
		{"rotate-key", "POCKETLINE_KEY is the key in use", false, []string{"POCKETLINE_KEY=" + strings.TrimSpace(fresh)}},
		{"rotate-key", "Unset POCKETLINE_KEY_BEFORE", true, []string{now, "POCKETLINE_KEY_BEFORE_FILE=" + keyFile}},
		{"rotate-key", "Unset POCKETLINE_KEY_BEFORE", true, []string{now, "POCKETLINE_KEY_BEFORE_FILE=" + keyFile}},
		{"serve --sandbox --http 127.0.0.1:0", "another master key", false, nil}, // the file's, which is the old one
	} {
		out, err := rig.Command(t, d.Dir, c.line, c.env...).CombinedOutput()
		if (err == nil) != c.ok || !strings.Contains(string(out), c.says) {
			t.Errorf("%s with %q: got %v, %s", c.line, c.env, err, out)
		}
	}
	d = rig.Start(t, d.Dir, "", rig.Demo, now)
	answers(t, d)
	d.Stop()
}
