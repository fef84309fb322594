package privacy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The words are gone from the database's log as well, and while somebody reads an
// older state of it that stays owed, whoever asked has left or not.
func TestErasure_owes_the_databases_log(t *testing.T) {
	b := openAt(t)
	b.ByHand()
	b.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner,
		map[string]any{"name": "Quillan Vexmoor"}).Want(200)
	number := b.Find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	// A reader of the state before the erasure.
	reader, err := b.ConcurrentDB().NewQuery("SELECT id FROM calls").Rows()
	if err != nil {
		t.Fatal(err)
	}
	reader.Next()
	erase(b, number, 202)
	b.Deliver()
	if p := b.Find(collections.Outbox, "kind = 'privacy.erase'"); p.GetString("status") != collections.OutboxPending {
		t.Errorf("the log still holds the words, and the promise is %s", p.GetString("status"))
	}
	if r := b.Find(collections.PrivacyRequests, "kind = 'erase' && certificate != ''"); r == nil ||
		r.GetString("status") != "done" {
		t.Error("the rows are gone, and the request does not say so")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	b.Execute("UPDATE outbox SET next_at = '' WHERE kind = 'privacy.erase'")
	b.Deliver()
	if p := b.Find(collections.Outbox, "kind = 'privacy.erase'"); p.GetString("status") != collections.OutboxDone {
		t.Errorf("the promise is %s: %s", p.GetString("status"), p.GetString("error"))
	}
	raw, err := os.ReadFile(filepath.Join(b.DataDir(), "data.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("Vexmoor")) {
		t.Error("the log holds the name")
	}
}

// An erasure that fails is never given up, and asks less often the longer it is owed.
func TestErasure_in_the_way_of_a_hold_stays_owed(t *testing.T) {
	b := openAt(t)
	b.ByHand()
	number := b.Find(collections.Contacts, "id = '"+testkit.AcmeContact+"'").GetString("phone_number")
	erase(b, number, 202)
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"legal_hold": true})
	for _, one := range []struct{ owed, wait time.Duration }{
		{0, time.Minute}, {20 * time.Minute, 20 * time.Minute}, {48 * time.Hour, time.Hour},
	} {
		before := time.Now()
		b.Execute("UPDATE privacy_requests SET created = '" + rows.Stamp(before.Add(-one.owed)) + "'")
		b.Execute("UPDATE outbox SET next_at = '' WHERE kind = 'privacy.erase'")
		b.Deliver()
		p := b.Find(collections.Outbox, "kind = 'privacy.erase'")
		wait := p.GetDateTime("next_at").Time().Sub(before)
		if p.GetString("status") != collections.OutboxPending || wait < one.wait-time.Minute/2 ||
			wait > one.wait+time.Minute {
			t.Errorf("owed for %v, the promise is %s and waits %v, want %v", one.owed, p.GetString("status"), wait, one.wait)
		}
	}
}
