package accounts_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Every sign-in looks for an address, so the look must not read every account.
func TestAccountOf_takes_the_index_of_addresses(t *testing.T) {
	b := peoplekit.OpenAt(t)
	db := b.ConcurrentDB().(*dbx.DB)
	asked, before := "", db.QueryLogFunc
	db.QueryLogFunc = func(_ context.Context, _ time.Duration, statement string, _ *sql.Rows,
		_ error) {
		asked = statement
	}
	user, err := identity.AccountOf(b.TestApp, collections.Users, strings.ToUpper(testkit.AcmeOwner))
	nobody, failed := identity.AccountOf(b.TestApp, core.CollectionNameSuperusers, "")
	db.QueryLogFunc = before
	if err != nil || failed != nil || user == nil || user.Id != testkit.User(testkit.AcmeOwner) || nobody != nil {
		t.Fatalf("got %v %v and %v %v", user, err, nobody, failed)
	}
	asked = strings.ReplaceAll(asked, core.CollectionNameSuperusers, collections.Users)
	var plan []struct {
		Detail string `db:"detail"`
	}
	if err := db.NewQuery("EXPLAIN QUERY PLAN " + asked).All(&plan); err != nil {
		t.Fatal(err)
	}
	for _, step := range plan {
		if !strings.Contains(step.Detail, "USING INDEX idx_email_") {
			t.Errorf("%s: %s", asked, step.Detail)
		}
	}
}
