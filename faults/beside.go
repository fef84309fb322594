package main

import (
	"strings"

	"github.com/pocketline/pocketline/faults/rig"
)

// beside starts a second server and commands on the data directory of one that
// runs (F10).
func beside(t *trial) {
	d := rig.Start(t, t.TempDir(), "", "serve")
	out, err := rig.Command(t, d.Dir, "serve --http 127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another server is running on this data directory") {
		t.Errorf("the second server: %v, %s", err, out)
	}
	if strings.Count(strings.TrimSpace(string(out)), "\n") > 0 {
		t.Errorf("the second server says more than one line: %s", out)
	}
	for _, line := range []string{"jobs list", "superuser upsert " + rig.OperatorEmail + " " + rig.OperatorPassword} {
		if said, ok := d.Run(line); !ok {
			t.Errorf("%s beside the server: %s", line, said)
		}
	}
	if h, status := d.Health(); status != 200 {
		t.Errorf("the first server: %d %+v", status, h)
	}
	// A killed server leaves nothing that a next one trips over.
	d.Kill()
	rig.Start(t, d.Dir, d.Address(), "serve").Stop()
	t.note("the second one ends and says why in one line")
}
