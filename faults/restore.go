package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// restoredInPlace restores from the panel while messages come in: the server starts
// again by itself, and where the program cannot, by whoever looks after it (F19).
func restoredInPlace(t *trial) {
	restoreInStorm(t, false)
	restoreInStorm(t, true)
}

// restoredFor tells whether the row that was made after the backup is gone; a
// server that is starting answers nothing.
func restoredFor(p *rig.Person) bool {
	status, _, answer, err := p.Send("GET", "/api/collections/contacts/records?filter=name='Came%20Later'", nil)
	return err == nil && status == http.StatusOK && bytes.Contains(answer, []byte(`"items":[]`))
}

func restoreInStorm(t *trial, supervised bool) {
	path, address := "", rig.FreeAddress(t)
	if supervised { // a program that is gone cannot start itself again
		built, err := rig.Binary()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(t.TempDir(), "pocketline")
		if err := os.Link(built, path); err != nil {
			t.Skip("no second names here:", err)
		}
	}
	d := rig.StartAs(t, path, t.TempDir(), address, rig.Demo, rig.Secret)
	owner, operator := d.Owner(t), d.Operator(t)
	s := rig.NewStorm(d, owner)
	organization := rig.Practice(owner)["id"]
	operator.Ask("POST", "/api/backups", rig.Row{"name": "desk.zip"}, http.StatusNoContent, nil)
	owner.Ask("POST", "/api/collections/contacts/records", rig.Row{
		"organization": organization, "name": "Came Later", "phone_number": "+442079460123",
	}, http.StatusOK, nil)

	// What is no backup is refused and stops nothing.
	if err := os.WriteFile(filepath.Join(d.Dir, "backups", "half.zip"), []byte("PK half of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	operator.Ask("POST", "/api/backups/half.zip/restore", nil, http.StatusBadRequest, nil)
	operator.Ask("POST", "/api/backups/none.zip/restore", nil, http.StatusBadRequest, nil)
	owner.Ask("POST", "/api/backups/desk.zip/restore", nil, http.StatusForbidden, nil)

	end := s.Blow(t, 1, senders)
	rig.Until(t, "messages", func() bool { return s.Count() > 50 })
	if supervised {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	operator.Ask("POST", "/api/backups/desk.zip/restore", nil, http.StatusNoContent, nil)
	began := time.Now() // what was under way was answered before this answer was
	if supervised {
		select {
		case <-d.Ended:
		case <-time.After(rig.Patience):
			t.Fatalf("it goes on without its program:\n%s", d.Said)
		}
		if d.Err == nil {
			t.Error("it ended as if all were well: who starts programs again that failed would leave it")
		}
		d = rig.Start(t, d.Dir, address, rig.Demo, rig.Secret) // as systemd and Fly do, whatever the exit
	}
	d.Operated = true
	rig.Until(t, "the restored data", func() bool { return restoredFor(owner) })
	t.wellAfter(time.Since(began))
	enough := s.Count() + 100
	rig.Until(t, "more messages", func() bool { return s.Count() > enough })
	end()
	select {
	case <-d.Ended:
		t.Fatalf("the server ended: %v\n%s", d.Err, d.Said)
	default:
	}
	operator.Ask("POST", "/api/crons/inbox.retry", nil, http.StatusNoContent, nil)
	t.keeps(d.Dir, s.AckedSince(began))
	if len(operator.Rows(collections.AuditLogs, "action = 'installation.restore'", "")) != 1 {
		t.Error("the log does not say that a backup was restored")
	}
	if t.Failed() {
		t.Logf("it said\n%s", d.Said)
	}
	d.Stop()
	rig.Sound(t, d.Dir)
}
