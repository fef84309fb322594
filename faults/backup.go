package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// backedUp makes a backup by command in a storm and restores it into an empty
// directory (F18): what was acknowledged before it began is there, and it holds a
// moment after its beginning.
func backedUp(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	operator := d.Operator(t)
	end := s.Blow(t, 18, senders)
	rounds := t.rounds(3, 1)
	for range rounds {
		enough := s.Count() + t.rounds(500, 100)
		rig.Until(t, "messages", func() bool { return s.Count() > enough })
		file := filepath.Join(t.TempDir(), "desk.zip")
		acked, began := s.Acked(), time.Now()
		if said, ok := d.Run("backup --to " + file); !ok {
			t.Fatalf("backup: %s", said)
		}
		dir := filepath.Join(t.TempDir(), "empty")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(d.Dir, ".pocketline_key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".pocketline_key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := rig.Command(t, dir, "restore "+file).CombinedOutput(); err != nil {
			t.Fatalf("restore: %v %s", err, out)
		}
		t.keeps(dir, acked)
		db := rig.Open(t, filepath.Join(dir, "data.db"))
		var last string
		if err := db.QueryRow("SELECT max(created) FROM provider_events").Scan(&last); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if at, err := time.Parse("2006-01-02 15:04:05.000Z", last); err != nil ||
			at.Before(began.Add(-100*time.Millisecond)) {
			t.Errorf("the backup's last message is of %s (%v), it began at %s", last, err, began.UTC())
		}
		at := time.Now()
		again := rig.Start(t, dir, "", "serve --sandbox --sandbox-speed 0", rig.Secret)
		t.wellAfter(time.Since(at))
		again.Stop()
		rig.Sound(t, dir)
	}
	end()
	applied(t, operator)
	same(t, operator, s.Calls())
	d.Stop()
	t.note("%d backups, each restored and started", rounds)
}
