package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketline/pocketline/faults/rig"
)

// logDamage is one way of damaging the write-ahead log.
type logDamage struct {
	name  string
	do    func(raw []byte) []byte // nil deletes the file
	whole bool                    // nothing that was acknowledged is lost
	long  bool                    // its like is in the short choice
}

var logDamages = []logDamage{
	{name: "a byte flipped", do: func(raw []byte) []byte { raw[len(raw)/2] ^= 0xff; return raw }},
	{name: "the header zeroed", do: func(raw []byte) []byte { clear(raw[:32]); return raw }, long: true},
	{name: "half of it gone", do: func(raw []byte) []byte { return raw[:len(raw)/2] }, long: true},
	{name: "deleted"},
	{name: "as it was", do: func(raw []byte) []byte { return raw }, whole: true, long: true},
	{name: "a torn end", do: func(raw []byte) []byte { return append(raw, raw[32:1000]...) }, whole: true},
}

// logDamaged damages the write-ahead log, which SQLite passes over without a word
// (F11).
func logDamaged(t *trial) {
	d := rig.Stormed(t, 4)
	log := filepath.Join(d.Dir, "data.db-wal")
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, one := range logDamages {
		if one.long && t.short {
			continue
		}
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(d.Dir)); err != nil {
			t.Fatal(err)
		}
		if err := one.to(filepath.Join(dir, filepath.Base(log)), raw); err != nil {
			t.Fatal(err)
		}
		again := rig.Start(t, dir, "", rig.Demo)
		one.heard(t, again)
		again.Kill()
		if !one.whole {
			said++
		}
	}
	t.note("%d kinds of damage are said, a log that is whole or torn at its end is not", said)
}

// to puts the damaged log in the place of a whole one.
func (one logDamage) to(path string, raw []byte) error {
	if one.do == nil {
		return os.Remove(path)
	}
	return os.WriteFile(path, one.do(bytes.Clone(raw)), 0o600)
}

// heard checks what a server says that was started with the log.
func (one logDamage) heard(t *trial, again *rig.Desk) {
	h, status := again.Health()
	files := h.Checks["files"]
	if one.whole {
		if status != http.StatusOK || files.Status != "pass" {
			t.Errorf("%s: got %d %+v", one.name, status, h)
		}
		return
	}
	if status != http.StatusOK || h.Status != "degraded" || !strings.Contains(files.Message, "data.db-wal") ||
		!strings.Contains(files.Message, "docs/backup.md") {
		t.Errorf("%s: got %d %+v, want it to name the file and the remedy", one.name, status, h)
	}
	if !strings.Contains(again.Said.String(), "lacks what was acknowledged") {
		t.Errorf("%s: the terminal does not say it:\n%s", one.name, again.Said)
	}
}
