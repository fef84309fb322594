package privacy_test

import (
	"fmt"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// unreadable takes a table away while do runs: reads of it fail.
func unreadable(d *desk, table string, do func()) {
	d.T.Helper()
	d.Execute("ALTER TABLE " + table + " RENAME TO " + table + "_away")
	defer d.Execute("ALTER TABLE " + table + "_away RENAME TO " + table)
	do()
}

// What cannot be read is not gone: a promise about it stays owed.
func TestErasureOfAReturnedCall_stays_owed_while_the_call_cannot_be_read(t *testing.T) {
	b := openAt(t)
	b.ByHand()
	b.Execute(fmt.Sprintf(`INSERT INTO outbox (id, organization, kind, [key], payload, status, attempts, next_at,
		lease_until, error, done_at, created, updated)
		VALUES ('again0000000000', '%s', 'privacy.erase_again', 'privacy.erase_again:x', '{"call":"%s"}', 'pending', 0, '',
		'', '', '', '', '')`,
		testkit.Acme, testkit.AcmeCall))
	status := func() string { return b.Find(collections.Outbox, "id = 'again0000000000'").GetString("status") }
	unreadable(b, "calls", b.Deliver)
	if status() != collections.OutboxPending {
		t.Fatalf("the promise is %s although the call could not be read", status())
	}
	b.Execute("UPDATE outbox SET next_at = ''")
	b.Deliver()
	if status() != collections.OutboxDone || b.Find(collections.Calls, "id = '"+testkit.AcmeCall+"'") != nil {
		t.Errorf("the promise is %s, and the call is still there", status())
	}
}

// Nobody is told that an organization or a session is not there because the
// database did not answer.
func TestUnreadableRows_are_the_servers_trouble(t *testing.T) {
	b := openAt(t)
	unreadable(b, "organizations", func() {
		b.Do("GET", "/api/organizations/"+testkit.Acme+"/privacy", testkit.AcmeOwner, nil).Want(500)
	})
}
