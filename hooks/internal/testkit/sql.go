package testkit

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

func written(t testing.TB, app core.App) *sql.DB {
	t.Helper()
	db, ok := app.NonconcurrentDB().(*dbx.DB)
	if !ok {
		t.Fatal("testkit: inside a transaction")
	}
	return db.DB()
}

// Exec changes rows behind the product's back.
func Exec(t testing.TB, app core.App, query string, args ...any) {
	t.Helper()
	if _, err := written(t, app).Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

// Rows reads a query as text, a row a line.
func Rows(t testing.TB, app core.App, query string, args ...any) string {
	t.Helper()
	found, err := written(t, app).Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for found.Next() {
		cells, into := make([]string, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.Join(cells, " | ") + "\n")
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
