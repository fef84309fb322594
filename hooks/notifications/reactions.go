package notifications

import (
	"fmt"
	"regexp"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

const (
	// stale is the age from which a missed call is no news any more: calls of
	// long ago come in when the provider is asked after them.
	stale = 24 * time.Hour
	// mends is how long a copy may be out of step before somebody is told: most
	// of what fails works again at the next try.
	mends = 10 * time.Minute
	// knownDevices is how many of a person's sign-ins a new one is compared with.
	knownDevices = 200
)

// thing is something that happened, as promises name it.
type thing struct {
	Kind         string    `json:"kind"`
	Organization string    `json:"organization,omitempty"`
	Collection   string    `json:"collection"`
	Record       string    `json:"record"`
	At           time.Time `json:"at"`
	// Synced is when the copy was last equal: a later date means that it was
	// mended.
	Synced string `json:"synced,omitempty"`
}

// promised is the payload of a promise to tell of a thing.
type promised struct {
	thing
	// Told says that the thing stands in the mails of those who may know of it.
	Told bool `json:"told,omitempty"`
}

// owe promises to tell of a thing, not before due. A promise whose key exists
// stays as it is.
func (d *domain) owe(tx atomic.Tx, key string, t thing, due time.Time) error {
	return d.Outbox.Add(tx, outbox.Row{
		Organization: t.Organization, Kind: promiseThing, Key: promiseThing + ":" + t.Kind + ":" + key,
		Payload: promised{thing: t}, Due: due,
	})
}

// afterCall follows the report of a call that was missed.
func (d *domain) afterCall(tx atomic.Tx, before, after *core.Record) error {
	reported := func(r *core.Record) bool { return r != nil && !r.GetDateTime("reported_at").IsZero() }
	if !after.GetBool("missed") || !reported(after) || reported(before) || !d.mails() {
		return nil
	}
	at := after.GetDateTime("ended_at").Time()
	if at.IsZero() {
		at = after.GetDateTime("started_at").Time()
	}
	if d.Now().Sub(at) > stale {
		return nil
	}
	// Nobody waits for who is blocked.
	blocked, err := rows.Count(tx, `SELECT count(*) FROM contacts WHERE id = ? AND blocked`, after.GetString("contact"))
	if err != nil || blocked > 0 {
		return err
	}
	return d.owe(tx, after.Id, thing{Kind: MissedCall, Organization: after.GetString("organization"),
		Collection: collections.Calls, Record: after.Id, At: at}, d.Now())
}

// afterJoined follows a new membership.
func (d *domain) afterJoined(tx atomic.Tx, _, after *core.Record) error {
	if after.GetString("status") != collections.MembershipActive || !d.mails() {
		return nil
	}
	return d.owe(tx, after.Id, thing{Kind: MemberJoined, Organization: after.GetString("organization"),
		Collection: collections.Memberships, Record: after.Id, At: d.Now()}, d.Now())
}

// afterSync follows a copy at the provider that is not equal any more. Tries
// fail again and again: all of them since the last success are one thing.
func (d *domain) afterSync(tx atomic.Tx, before, after *core.Record) error {
	if after.GetString("sync_status") != collections.SyncFailed ||
		before.GetString("sync_status") == collections.SyncFailed || !d.mails() {
		return nil
	}
	synced, name := after.GetString("synced_at"), after.Collection().Name
	return d.owe(tx, name+":"+after.Id+":"+synced, thing{
		Kind: SyncFailed, Organization: after.GetString("organization"), Collection: name, Record: after.Id,
		At: d.Now(), Synced: synced,
	}, d.Now().Add(mends))
}

// afterSignIn follows a new session. The first one of an account is no news.
func (d *domain) afterSignIn(tx atomic.Tx, _, after *core.Record) error {
	if !d.mails() {
		return nil
	}
	rows, err := tx.Query(`SELECT user_agent FROM sessions WHERE user = ? AND id != ? ORDER BY created DESC LIMIT ?`,
		after.GetString("user"), after.Id, knownDevices)
	if err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	defer rows.Close()
	here, first := deviceOf(after.GetString("user_agent")), true
	for rows.Next() {
		var agent string
		if err := rows.Scan(&agent); err != nil {
			return fmt.Errorf("notifications: %w", err)
		}
		if first = false; deviceOf(agent) == here {
			return nil
		}
	}
	if err := rows.Err(); err != nil || first {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	return d.owe(tx, after.Id, thing{Kind: NewDevice, Collection: collections.Sessions, Record: after.Id, At: d.Now()},
		d.Now())
}

var version = regexp.MustCompile(`[0-9][0-9._]*`)

// deviceOf is what stays of a user agent when the browser is updated.
func deviceOf(agent string) string { return version.ReplaceAllString(agent, "") }
