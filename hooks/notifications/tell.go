package notifications

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
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
	More   map[string]int `json:"more"` // kind → things beyond refsMost
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
		tx := atomic.Of(app)
		done, err := tx.Exec(`UPDATE outbox SET payload = json_set(payload, '$.told', json('true')) WHERE id = ? AND json_extract(payload, '$.told') IS NULL`, r.ID)
		if err != nil {
			return fmt.Errorf("notifications: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err // an earlier try came this far
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
			return nil, ignoreMissing(err)
		}
		return []string{session.GetString("user")}, nil
	}
	members, err := d.app.FindAllRecords(collections.Memberships, dbx.HashExp{"organization": t.Organization, "status": collections.MembershipActive})
	if err != nil {
		return nil, err
	}
	var people []string
	for _, m := range members {
		user, err := d.app.FindRecordById(collections.Users, m.GetString("user"))
		if err != nil {
			if err = ignoreMissing(err); err != nil {
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
		return false, ignoreMissing(err)
	}
	if t.Kind == NewDevice {
		return record.GetString("user") == user.Id, nil
	}
	organization := tenant.OrganizationOf(d.app, t.Organization)
	if organization == nil || organization.GetString("status") == collections.OrganizationClosed {
		return false, nil
	}
	rule := record.Collection().ViewRule
	switch t.Kind {
	case MissedCall:
		if record.GetBool("is_test") {
			return false, nil
		}
	case SyncFailed:
		rule = record.Collection().UpdateRule
		if status := record.GetString("sync_status"); record.GetString("synced_at") != t.Synced || status != collections.SyncFailed && status != collections.SyncPending {
			return false, nil // mended, or being deleted
		}
	case MemberJoined:
		if record.GetString("user") == user.Id || !tenant.Holds(d.app, user.Id, t.Organization, collections.CanManageTeam) {
			return false, nil
		}
		if service, err := d.app.FindRecordById(collections.Users, record.GetString("user")); err != nil || service.GetBool("is_service") {
			return false, ignoreMissing(err) // an API key's account
		}
	}
	return d.app.CanAccessRecord(record, &core.RequestInfo{Context: core.RequestInfoContextDefault, Method: "PATCH", Auth: user}, rule)
}

// addTo puts a thing into the mail that a person is owed, and owes one when
// there is none that has not begun to leave.
func (d *domain) addTo(tx atomic.Tx, person string, t thing) error {
	prefix := promiseMail + ":desk:" + person + ":"
	if t.Kind == NewDevice {
		prefix = promiseMail + ":account:" + person + ":" // waits for no missed call
	}
	var id, status, next string
	var held int
	err := atomic.One(tx, `SELECT id, status, next_at, json_array_length(payload, '$.things') FROM outbox WHERE [key] >= ? AND [key] < ? ORDER BY [key] DESC LIMIT 1`,
		[]any{prefix, prefix + "~"}, &id, &status, &next, &held)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("notifications: %w", err)
	}
	now := d.Now()
	if err == nil && status == collections.OutboxPending {
		return extend(tx, id, held, t)
	}
	due := now.Add(gather)
	if err == nil && status != collections.OutboxDead {
		last, err := types.ParseDateTime(next)
		if err != nil {
			return fmt.Errorf("notifications: %w", err)
		}
		if next := last.Time().Add(apart); next.After(due) {
			due = next
		}
	}
	return d.promise(tx, outbox.Row{Kind: promiseMail, Key: prefix + collections.NewID(now), Payload: letter{person, []thing{t}, map[string]int{}}}, due)
}

// extend adds a thing to a mail that is still here.
func extend(tx atomic.Tx, id string, held int, t thing) error {
	if held >= refsMost {
		// Kinds are words of this package: no quoting is needed in the path.
		_, err := tx.Exec(`UPDATE outbox SET payload = json_set(payload, '$.more.`+t.Kind+`', 1 + coalesce(json_extract(payload, '$.more.`+t.Kind+`'), 0)) WHERE id = ?`, id)
		return err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE outbox SET payload = json_insert(payload, '$.things[#]', json(?)) WHERE id = ?`, string(raw), id)
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func stamp(t time.Time) string { return t.UTC().Format(types.DefaultDateLayout) }
