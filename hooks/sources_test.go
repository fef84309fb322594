package hooks_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// columnNamed are the places that name a provider's column of ids because they speak of that
// provider or of an answer's key, and how often.
var columnNamed = map[string]int{
	"calls/documented/documented.go": 1, // a documented answer
	"calls/documented/functions.go":  2, // the same of the functions, and where it is read
	"calls/lists/list.go":            1, // the key of a list's row
	"calls/lists/row.go":             2, // that row, by its key and column
	"calls/placing/placing.go":       4, // a documented answer, and where it is made
	"calls/reconcile.go":             5, // whom Vapi is asked about
	"demo/sound.go":                  3, // what the demonstration's Vapi holds
	"internal/vapicopy/erase.go":     1, // Vapi's copy of a call
	"system/simulate.go":             2, // a documented answer, and where it is made
}

// Whether a call is at a provider has one definition (collections.CallSources), so that
// a second provider is a line of it.
func TestSources_of_calls_are_asked_in_one_way(t *testing.T) {
	found := map[string]int{}
	eachSource(t, func(path, source string) {
		if strings.HasPrefix(path, "internal/testkit/") || strings.HasPrefix(path, "internal/callskit/") {
			return
		}
		for _, column := range collections.CallIDs() {
			if n := strings.Count(source, column); n > 0 {
				found[path] += n
			}
		}
	})
	for path, n := range found {
		if n != columnNamed[path] {
			t.Errorf("%s names a provider's column %d times, %d are known: ask collections.SourceOfCall or AtProvider",
				path, n, columnNamed[path])
		}
	}
	for path, n := range columnNamed {
		if found[path] == 0 {
			t.Errorf("%s names it no more, %d times are known", path, n)
		}
	}
}
