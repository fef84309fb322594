package orgs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The words are gone from the database's log as well, and while somebody reads an
// older state of it that stays owed, whoever asked has left or not.
func TestErasure_owes_the_databases_log(t *testing.T) {
	b := bureauOf(t)
	b.byHand()
	b.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner, map[string]any{"name": "Quillan Vexmoor"}).Want(200)
	number := b.find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	// A reader of the state before the erasure.
	rows, err := b.app.ConcurrentDB().NewQuery("SELECT id FROM calls").Rows()
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	b.erase(number, 202)
	b.deliver()
	if p := b.find(collections.Outbox, "kind = 'privacy.erase'"); p.GetString("status") != collections.OutboxPending {
		t.Errorf("the log still holds the words, and the promise is %s", p.GetString("status"))
	}
	if r := b.find(collections.PrivacyRequests, "kind = 'erase' && certificate != ''"); r == nil || r.GetString("status") != "done" {
		t.Error("the rows are gone, and the request does not say so")
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	b.execute("UPDATE outbox SET next_at = '' WHERE kind = 'privacy.erase'")
	b.deliver()
	if p := b.find(collections.Outbox, "kind = 'privacy.erase'"); p.GetString("status") != collections.OutboxDone {
		t.Errorf("the promise is %s: %s", p.GetString("status"), p.GetString("error"))
	}
	raw, err := os.ReadFile(filepath.Join(b.app.DataDir(), "data.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("Vexmoor")) {
		t.Error("the log holds the name")
	}
}
