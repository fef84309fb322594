package database

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

// Pages that became free before anything was erased hold what was in them.
func TestDropLog_leaves_no_bytes_in_free_pages(t *testing.T) {
	dir := t.TempDir()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir, DBConnect: Connect, DataMaxOpenConns: DataOpen,
		AuxMaxOpenConns: AuxOpen})
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.ClearBootstrap() })
	run := func(statement string) {
		t.Helper()
		if _, err := app.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	left := func() int {
		t.Helper()
		file, err := os.ReadFile(filepath.Join(dir, dataFile))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(file, []byte("zanzibar"))
	}
	run("CREATE TABLE words (v TEXT)")
	for n := range 100 {
		run(fmt.Sprintf("INSERT INTO words VALUES ('zanzibar %d ' || hex(zeroblob(700)))", n))
	}
	run("DELETE FROM words")
	run("PRAGMA wal_checkpoint(TRUNCATE)")
	if left() == 0 {
		t.Fatal("nothing is left in free pages, so this proves nothing")
	}
	for range 2 { // the second has nothing to do
		if err := DropLog(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	if n := left(); n > 0 {
		t.Errorf("the word is in the file %d times", n)
	}
	var tables int
	err := app.DB().NewQuery("SELECT count(*) FROM sqlite_schema WHERE name = 'free_pages'").Row(&tables)
	if err != nil || tables != 0 {
		t.Errorf("the table of zeros is there %d times: %v", tables, err)
	}
}
