package lists

import (
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Whoever comes second is told the same, not handed a database there is not.
func TestOpen_that_failed_fails_again_until_it_can(t *testing.T) {
	app := testkit.New(t)
	l := &Lists{}
	err := app.RunInTransaction(func(tx core.App) error {
		l.app = tx
		for range 2 {
			if err := l.Open(); err == nil || l.reads != nil {
				t.Errorf("inside a transaction: got %v and %v", err, l.reads)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.app = app
	if err := l.Open(); err != nil || l.reads == nil {
		t.Errorf("outside: got %v", err)
	}
}
