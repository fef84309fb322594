package mirror

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

func hashed(t *testing.T, hash string) *core.Record {
	t.Helper()
	c := core.NewBaseCollection("t")
	c.Fields.Add(&core.TextField{Name: hashField})
	r := core.NewRecord(c)
	r.Set(hashField, hash)
	return r
}

func TestDiff_sends_what_changed_and_clears_what_went(t *testing.T) {
	_, first, err := Diff(hashed(t, ""), map[string]any{"name": "a", "model": map[string]any{"x": 1}, "note": "n"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		last    string
		desired map[string]any
		want    string
	}{
		"nothing sent yet":      {"", map[string]any{"name": "a", "note": "n"}, "name,note"},
		"a mark instead":        {intent, map[string]any{"name": "a"}, "name"},
		"another version":       {"9" + first[1:], map[string]any{"name": "a"}, "name"},
		"damaged":               {first[:len(first)-1], map[string]any{"name": "a"}, "name"},
		"nothing changed":       {first, map[string]any{"name": "a", "model": map[string]any{"x": 1}, "note": "n"}, ""},
		"inside a key":          {first, map[string]any{"name": "a", "model": map[string]any{"x": 2}, "note": "n"}, "model"},
		"a key went":            {first, map[string]any{"name": "a", "model": map[string]any{"x": 1}}, "note=null"},
		"a key we do not clear": {first, map[string]any{"name": "a", "note": "n"}, ""},
		"a new key": {first, map[string]any{"name": "a", "model": map[string]any{"x": 1}, "note": "n",
			"other": 1}, "other"},
	} {
		patch, _, err := Diff(hashed(t, c.last), c.desired, "note", "never")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, key := range slices.Sorted(maps.Keys(patch)) {
			if patch[key] == nil {
				key += "=null"
			}
			keys = append(keys, key)
		}
		if got := strings.Join(keys, ","); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestDiff_misses_no_change_however_many_keys(t *testing.T) {
	desired := map[string]any{}
	for i := range 200 { // far more than fit the column; many share their two characters
		desired[fmt.Sprint("key", i)] = i
	}
	_, hash, err := Diff(hashed(t, ""), desired)
	if err != nil || len(hash) > 255 {
		t.Fatalf("hash of %d characters, %v", len(hash), err)
	}
	for i := range 200 {
		key := fmt.Sprint("key", i)
		desired[key] = "changed"
		patch, _, err := Diff(hashed(t, hash), desired)
		if err != nil {
			t.Fatal(err)
		}
		if patch[key] == nil {
			t.Fatalf("the change of %s is not sent", key)
		}
		desired[key] = i
	}
	if _, _, err := Diff(hashed(t, ""), []int{1}); err == nil {
		t.Error("a list was taken for an object")
	}
}
