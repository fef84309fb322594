package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/pocketline/pocketline/faults/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := rig.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// TestFaults_quick runs the quick ones, each in its short form and beside others: they
// wait for servers most of the time.
func TestFaults_quick(t *testing.T) {
	for _, f := range faults {
		if !f.quick {
			continue
		}
		t.Run(f.id, func(t *testing.T) {
			t.Parallel()
			one := &trial{T: t, short: true}
			f.run(one)
			t.Logf("%s: %s", f.does, one.figures())
		})
	}
}
