package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketline/pocketline/faults/rig"
)

// logDamaged damages the write-ahead log, which SQLite passes over without a word
// (F11).
func logDamaged(t *trial) {
	d := rig.Stormed(t, 4)
	log := filepath.Join(d.Dir, "data.db-wal")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, one := range []struct {
		name string
		do   func(raw []byte) []byte // nil deletes the file
		long bool                    // its like is in the short choice
	}{
		{"a byte flipped", func(raw []byte) []byte { raw[len(raw)/2] ^= 0xff; return raw }, false},
		{"the header zeroed", func(raw []byte) []byte { clear(raw[:32]); return raw }, true},
		{"half of it gone", func(raw []byte) []byte { return raw[:len(raw)/2] }, true},
		{"deleted", nil, false},
		{"as it was", func(raw []byte) []byte { return raw }, true},
		{"a torn end", func(raw []byte) []byte { return append(raw, raw[32:1000]...) }, false},
	} {
		if one.long && t.short {
			continue
		}
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(d.Dir)); err != nil {
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
		again := rig.Start(t, dir, "", rig.Demo)
		h, status := again.Health()
		if one.name == "as it was" || one.name == "a torn end" {
			if status != http.StatusOK || h.Checks["files"].Status != "pass" {
				t.Errorf("%s: got %d %+v", one.name, status, h)
			}
			again.Kill()
			continue
		}
		says := h.Checks["files"].Message
		if status != http.StatusOK || h.Status != "degraded" || !strings.Contains(says, "data.db-wal") ||
			!strings.Contains(says, "docs/backup.md") {
			t.Errorf("%s: got %d %+v, want it to name the file and the remedy", one.name, status, h)
		}
		if !strings.Contains(again.Said.String(), "lacks what was acknowledged") {
			t.Errorf("%s: the terminal does not say it:\n%s", one.name, again.Said)
		}
		again.Kill()
		said++
	}
	t.note("%d kinds of damage are said, a log that is whole or torn at its end is not", said)
}
