package orgs_test

import (
	"fmt"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// unreadable takes a table away while do runs: reads of it fail.
func (d *desk) unreadable(table string, do func()) {
	d.t.Helper()
	d.execute("ALTER TABLE " + table + " RENAME TO " + table + "_away")
	defer d.execute("ALTER TABLE " + table + "_away RENAME TO " + table)
	do()
}

// What cannot be read is not gone: a promise about it stays owed.
func TestErasureOfAReturnedCall_stays_owed_while_the_call_cannot_be_read(t *testing.T) {
	b := bureauOf(t)
	b.byHand()
	b.execute(fmt.Sprintf(`INSERT INTO outbox (id, organization, kind, [key], payload, status, attempts, next_at, lease_until, error, done_at, created, updated)
		VALUES ('again0000000000', '%s', 'privacy.erase_again', 'privacy.erase_again:x', '{"call":"%s"}', 'pending', 0, '', '', '', '', '', '')`,
		testkit.Acme, testkit.AcmeCall))
	status := func() string { return b.find(collections.Outbox, "id = 'again0000000000'").GetString("status") }
	b.unreadable("calls", b.deliver)
	if status() != collections.OutboxPending {
		t.Fatalf("the promise is %s although the call could not be read", status())
	}
	b.execute("UPDATE outbox SET next_at = ''")
	b.deliver()
	if status() != collections.OutboxDone || b.find(collections.Calls, "id = '"+testkit.AcmeCall+"'") != nil {
		t.Errorf("the promise is %s, and the call is still there", status())
	}
}

// Nobody is told that an organization or a session is not there because the
// database did not answer.
func TestUnreadableRows_are_the_servers_trouble(t *testing.T) {
	b := bureauOf(t)
	b.unreadable("organizations", func() {
		b.Do("GET", "/api/organizations/"+testkit.Acme+"/privacy", testkit.AcmeOwner, nil).Want(500)
	})
}
