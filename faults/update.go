package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// sqlOn changes the database of a stopped server.
func sqlOn(t *trial, dir string, statements ...string) {
	t.Helper()
	db := rig.Open(t, filepath.Join(dir, "data.db"))
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// forgetStep makes the newest step of the database look as if this version brought
// it.
const forgetStep = "DELETE FROM _migrations WHERE file = (SELECT max(file) FROM _migrations)"

// updated starts a new version on older data while messages come in, kills it at
// random moments of its start, and tries to go back (F23).
func updated(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	end := s.Blow(t, 23, senders)
	rig.Until(t, "messages", func() bool { return s.Count() > 100 })
	d.Stop()
	sqlOn(t, d.Dir, forgetStep)
	began := time.Now()
	d = rig.Start(t, d.Dir, d.Address(), rig.Demo, rig.Secret)
	took := time.Since(began)
	kills := t.rounds(10, 2)
	for n := range kills {
		enough := s.Count() + 20
		rig.Until(t, "messages", func() bool { return s.Count() > enough })
		d.Stop()
		sqlOn(t, d.Dir, forgetStep)
		c := rig.Command(t, d.Dir, rig.Demo+" --http "+d.Address(), rig.Secret)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		moment := time.NewTimer(time.Duration(rand.Int64N(int64(took))))
		select {
		case <-moment.C:
		case <-t.Context().Done():
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed
		began := time.Now()
		d = rig.Start(t, d.Dir, d.Address(), rig.Demo, rig.Secret)
		t.wellAfter(time.Since(began))
		if t.Failed() {
			t.Fatalf("after kill %d", n+1)
		}
	}
	end()
	operator := d.Operator(t)
	applied(t, operator)
	t.keeps(d.Dir, s.Acked())
	same(t, operator, s.Calls())
	d.Stop()
	rig.Sound(t, d.Dir)

	// An older version does not start on what a newer one wrote.
	sqlOn(t, d.Dir, "INSERT INTO _migrations (file, applied) VALUES ('20990101000000_of_tomorrow.go', 1)",
		`UPDATE _params SET value = '{"version":"v99.1"}' WHERE id = 'pocketline_version'`)
	before := sizes(t, d.Dir)
	out, err := rig.Command(t, d.Dir, "serve --sandbox --http 127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "written by a newer version (v99.1)") {
		t.Errorf("an older version: %v\n%s", err, out)
	}
	if after := sizes(t, d.Dir); after != before {
		t.Errorf("the older version changed files:\n%s\n%s", before, after)
	}
	t.note("%d kills in the middle of updates; an older version is refused", kills)
}

// sizes are the files of a folder, with when they were changed.
func sizes(t *trial, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
