package orgs_test

import (
	"errors"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// What the log says of a caller goes before the rows by which it is found, so that
// an erasure that was stopped can be asked for again, and leaves the chain whole.
func TestErasure_that_is_stopped_leaves_nothing_that_cannot_be_found_again(t *testing.T) {
	stopped := errors.New("the machine stops")
	b := bureauOf(t, func(app core.App) {
		app.OnRecordDelete(collections.Contacts).BindFunc(func(e *core.RecordEvent) error {
			if stopped != nil {
				return stopped
			}
			return e.Next()
		})
	})
	b.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner, map[string]any{"name": "Cara Married"}).Want(200)
	const said = "SELECT count(*) FROM audit_logs WHERE record = '" + testkit.AcmeContact + "' AND details != '" + audit.Erased + "'"
	if b.count(said) == 0 {
		t.Fatal("the log says nothing that could be erased")
	}
	number := b.find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	erase := func(status int) {
		t.Helper()
		b.Do("POST", "/api/organizations/"+testkit.Acme+"/privacy/erase", testkit.AcmeOwner, map[string]any{"phone_number": number, "confirm": true}).Want(status)
	}
	erase(500)
	if b.count(said) != 0 || b.find(collections.Contacts, "id = '"+testkit.AcmeContact+"'") == nil {
		t.Error("the log is emptied after the row is gone: nobody would find its entries again")
	}
	stopped = nil
	erase(200)
	chains, err := audit.Verify(t.Context(), b.app, testkit.Acme)
	if err != nil || len(chains) != 1 || chains[0].Broken != nil || chains[0].Erased == 0 {
		t.Errorf("the chain: %+v, %v", chains, err)
	}
}
