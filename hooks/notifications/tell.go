package notifications

import (
	"context"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Outbox kinds of this package.
const (
	promiseThing = "notify"
	promiseMail  = "mail.notice"
)

const (
	// apart is the least time between two mails to a person: at most four an
	// hour, however many calls are missed.
	apart = 15 * time.Minute
	// gather is how long a mail waits for what happens at the same time.
	gather = 20 * time.Second
	// refsMost is how many things one mail remembers; more are only counted.
	refsMost = 100
)

// letter is the payload of a mail that is owed to a person.
type letter struct {
	User   string         `json:"user"`
	Things []thing        `json:"things"`
	More   map[string]int `json:"more,omitempty"` // kind → things beyond refsMost
}

// tell puts a thing into the next mail of everybody who may know and wants to.
// All of it, and that it was done, is one transaction.
func (d *domain) tell(_ context.Context, r outbox.Row) error {
	var t thing
	if err := r.Decode(&t); err != nil {
		return outbox.Dead(err)
	}
	if !d.mails() {
		return nil
	}
	people, err := d.audience(t)
	if err != nil || len(people) == 0 {
		return err
	}
	return d.app.RunInTransaction(func(app core.App) error {
		tx, first := atomic.Of(app), false
		if err := d.Outbox.Extend(tx, r.ID, func(s outbox.State) (any, error) {
			var now promised
			if err := s.Decode(&now); err != nil || now.Told {
				return nil, err // an earlier try came this far
			}
			first, now.Told = true, true
			return now, nil
		}); err != nil || !first {
			return err
		}
		for _, person := range people {
			if err := d.addTo(tx, person, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// audience are the people to be told of a thing.
func (d *domain) audience(t thing) ([]string, error) {
	if t.Kind == NewDevice {
		session, err := d.app.FindRecordById(collections.Sessions, t.Record)
		if err != nil {
			return nil, rows.IgnoreMissing(err)
		}
		return []string{session.GetString("user")}, nil
	}
	members, err := d.app.FindAllRecords(collections.Memberships,
		dbx.HashExp{"organization": t.Organization, "status": collections.MembershipActive})
	if err != nil {
		return nil, err
	}
	var people []string
	for _, m := range members {
		user, err := d.app.FindRecordById(collections.Users, m.GetString("user"))
		if err != nil {
			if err = rows.IgnoreMissing(err); err != nil {
				return nil, err
			}
			continue
		}
		if may, err := d.mayHear(user, t); err != nil {
			return nil, err
		} else if may {
			people = append(people, user.Id)
		}
	}
	return people, nil
}

// mayHear tells whether a person may know of a thing and wants to, and whether
// there is anything to know (still). The collections' rules decide.
func (d *domain) mayHear(user *core.Record, t thing) (bool, error) {
	if !user.GetBool("is_active") || user.GetBool("is_service") || user.Email() == "" || !wants(user, t.Kind) {
		return false, nil
	}
	record, err := d.app.FindRecordById(t.Collection, t.Record)
	if err != nil {
		return false, rows.IgnoreMissing(err)
	}
	if t.Kind == NewDevice {
		return record.GetString("user") == user.Id, nil
	}
	organization := tenant.OrganizationOf(d.app, t.Organization)
	if organization == nil || organization.GetString("status") == collections.OrganizationClosed {
		return false, nil
	}
	rule := record.Collection().ViewRule
	if t.Kind == SyncFailed {
		rule = record.Collection().UpdateRule
	}
	if still, err := d.stillTrue(user, t, record); err != nil || !still {
		return false, err
	}
	return d.app.CanAccessRecord(record, &core.RequestInfo{Context: core.RequestInfoContextDefault, Method: "PATCH",
		Auth: user}, rule)
}

// stillTrue tells whether what a person would be told is so by now, and news to them.
func (d *domain) stillTrue(user *core.Record, t thing, record *core.Record) (bool, error) {
	switch t.Kind {
	case MissedCall:
		return record.GetBool("missed"), nil // somebody may say by now that it was a test
	case SyncFailed: // it may be mended, or being deleted
		status := record.GetString("sync_status")
		return record.GetString("synced_at") == t.Synced &&
			(status == collections.SyncFailed || status == collections.SyncPending), nil
	case MemberJoined:
		if record.GetString("user") == user.Id || !tenant.Holds(d.app, user.Id, t.Organization, collections.CanManageTeam) {
			return false, nil
		}
		joined, err := d.app.FindRecordById(collections.Users, record.GetString("user"))
		return err == nil && !joined.GetBool("is_service"), rows.IgnoreMissing(err) // not an API key's account
	}
	return true, nil
}

// addTo puts a thing into the mail that a person is owed, and owes one when
// there is none that has not begun to leave.
func (d *domain) addTo(tx atomic.Tx, person string, t thing) error {
	prefix := promiseMail + ":desk:" + person + ":"
	if t.Kind == NewDevice {
		prefix = promiseMail + ":account:" + person + ":" // waits for no missed call
	}
	last, err := d.Outbox.Last(tx, prefix)
	if err != nil {
		return err
	}
	if last != nil && last.Status == collections.OutboxPending {
		return d.Outbox.Extend(tx, last.ID, func(s outbox.State) (any, error) {
			var l letter
			if err := s.Decode(&l); err != nil {
				return nil, err
			}
			l.add(t)
			return l, nil
		})
	}
	now := d.Now()
	due := now.Add(gather)
	if last != nil && last.Status != collections.OutboxDead {
		if next := last.Until.Add(apart); next.After(due) {
			due = next
		}
	}
	l := letter{User: person}
	l.add(t)
	return d.Outbox.Add(tx, outbox.Row{Kind: promiseMail, Key: prefix + collections.NewID(now), Payload: l, Due: due})
}

// add puts a thing into a mail, or counts it in one that is full.
func (l *letter) add(t thing) {
	if len(l.Things) < refsMost {
		l.Things = append(l.Things, t)
		return
	}
	if l.More == nil {
		l.More = map[string]int{}
	}
	l.More[t.Kind]++
}
