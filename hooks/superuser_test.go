package hooks_test

import (
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSuperuserCommand_takes_an_address_in_any_spelling(t *testing.T) {
	app := testkit.New(t)
	for _, spelled := range []string{strings.ToUpper(testkit.Superuser), " " + testkit.Superuser, testkit.Superuser} {
		command := hooks.SuperuserCommand(app)
		command.SetArgs([]string{"upsert", spelled, "for " + spelled})
		if err := command.Execute(); err != nil {
			t.Fatalf("%q: %v", spelled, err)
		}
		root, err := app.FindAuthRecordByEmail(core.CollectionNameSuperusers, testkit.Superuser)
		if err != nil || !root.ValidatePassword("for "+spelled) {
			t.Errorf("%q: the operator's password was not set (%v)", spelled, err)
		}
	}
	if n, err := app.CountRecords(core.CollectionNameSuperusers); err != nil || n != 1 {
		t.Errorf("there are %d operators (%v), want 1", n, err)
	}
}
