package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/pocketline/pocketline/faults/rig"
)

// row is a record as the API shows it.
type row = rig.Row

func TestMain(m *testing.M) {
	code := m.Run()
	if err := rig.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// like checks one value of a row; it returns what is wrong, or "".
type like func(got any) string

// check compares a row with what it must be: every column, no other. A value
// that is a like is asked.
func check(t *testing.T, what string, got, want row) {
	t.Helper()
	for name, w := range want {
		g, there := got[name]
		if !there {
			t.Errorf("%s: %s is missing", what, name)
			continue
		}
		if asked, ok := w.(like); ok {
			if problem := asked(g); problem != "" {
				t.Errorf("%s: %s is %v: %s", what, name, g, problem)
			}
			continue
		}
		if !reflect.DeepEqual(g, jsonOf(t, w)) {
			t.Errorf("%s: %s is %v, want %v", what, name, g, w)
		}
	}
	for name, g := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s: nobody checks %s, which is %v", what, name, g)
		}
	}
}

// jsonOf is a value as it comes out of JSON.
func jsonOf(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
