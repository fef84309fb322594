package collections_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

var update = flag.Bool("update", false, "rewrite the files generated from collections")

func TestGenerated_files_are_up_to_date(t *testing.T) {
	const root = ".."
	if *update {
		if err := collections.Generate(root); err != nil {
			t.Fatal(err)
		}
	}
	files, err := collections.Generated()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Fatalf("got %d generated files, want 3", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go test ./collections -update and read the difference", name)
		}
	}
}
