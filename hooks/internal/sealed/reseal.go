package sealed

import (
	"fmt"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

const (
	// resealBatch is how many rows one transaction seals again.
	resealBatch = 100
	// namedUnreadable is how many values an error names.
	namedUnreadable = 20
)

// kind is where sealed values of one kind stand, in SQL.
type kind struct {
	name, table string
	// value is the sealed text, place what it is bound to, set how it is replaced
	// by {:sealed}.
	value, place, set string
}

// ErasedCallers is the row of _params that holds the key package forgotten
// knows erased callers by.
const ErasedCallers = "erased_callers"

// elsewhere are the sealed values that do not have a column of their own.
var elsewhere = []kind{
	{
		name: "unread messages", table: collections.ProviderEvents, value: "[[payload]]",
		place: "'provider_events/' || [[event_key]] || '/payload'", set: "[[payload]] = {:sealed}",
	},
	{
		name: "invitations to mail", table: collections.Outbox,
		value: "CASE WHEN [[kind]] = 'mail.invite' THEN json_extract([[payload]], '$.token') END",
		place: "'invitations/' || json_extract([[payload]], '$.invitation') || '/mail.invite'",
		set:   "[[payload]] = json_set([[payload]], '$.token', {:sealed})",
	},
	{
		name: "former addresses to mail", table: collections.Outbox,
		value: "CASE WHEN [[kind]] = 'mail.address_changed' THEN json_extract([[payload]], '$.to') END",
		place: "'users/' || json_extract([[payload]], '$.user') || '/mail.address_changed'",
		set:   "[[payload]] = json_set([[payload]], '$.to', {:sealed})",
	},
	{
		name: "callers to erase", table: collections.Outbox,
		value: "CASE WHEN [[kind]] = 'privacy.erase' THEN json_extract([[payload]], '$.caller') END",
		place: "'privacy_requests/' || json_extract([[payload]], '$.request') || '/privacy.erase'",
		set:   "[[payload]] = json_set([[payload]], '$.caller', {:sealed})",
	},
	{
		name: "the key of erased callers", table: "_params",
		value: "CASE WHEN [[id]] = '" + ErasedCallers + "' THEN [[value]] END",
		place: "'_params/' || [[id]] || '/value'", set: "[[value]] = {:sealed}",
	},
}

// kinds are all there are.
func kinds(app core.App) ([]kind, error) {
	all, err := columns(app)
	if err != nil {
		return nil, err
	}
	var found []kind
	for _, c := range all {
		if collections.ByName(c.table) == nil {
			continue // a table of the operator's own: nothing of ours is in it
		}
		found = append(found, kind{
			name: c.table + "." + c.name, table: c.table, value: "[[" + c.name + "]]",
			place: fmt.Sprintf("'%s/' || [[id]] || '/%s'", c.table, c.name), set: "[[" + c.name + "]] = {:sealed}",
		})
	}
	return append(found, elsewhere...), nil
}

// Reseal seals with the key whatever opens with the key before only. It may be
// killed at any moment and run again: each value opens with one of the two
// keys all the time. It succeeds after it has found every value of the database
// to open with the key alone. said hears how many values of a kind are done;
// its error stops the work.
func Reseal(app core.App, k Keys, said func(kind string, values int) error) error {
	now, err := New(k.Key)
	if err != nil {
		return err
	}
	both, err := k.Box()
	if err != nil {
		return err
	}
	all, err := kinds(app)
	if err != nil {
		return fmt.Errorf("find the stored secrets: %w", err)
	}
	for { // until nothing is left to do, also of what was written meanwhile
		changed := 0
		var unreadable []string
		for _, one := range all {
			r := resealing{app: app, kind: one, now: now, both: both, said: said}
			if err := r.run(); err != nil {
				return fmt.Errorf("seal %s again: %w", one.name, err)
			}
			changed += r.changed
			unreadable = append(unreadable, r.unreadable...)
		}
		if changed > 0 {
			continue
		}
		return notAll(unreadable)
	}
}

// notAll names the values that open with no key.
func notAll(unreadable []string) error {
	if len(unreadable) == 0 {
		return nil
	}
	named := unreadable[:min(len(unreadable), namedUnreadable)]
	return fmt.Errorf("%d stored secrets open with neither key: %s; all others are sealed with the new one. Enter these again, or empty them, and run this again: both keys are needed until then",
		len(unreadable), strings.Join(named, ", "))
}

// resealing is one pass over the values of one kind.
type resealing struct {
	app core.App
	kind
	now, both *Box
	said      func(kind string, values int) error

	changed    int
	unreadable []string
}

// stored is one sealed value.
type stored struct{ ID, Value, Place string }

func (r *resealing) run() error {
	for after := ""; ; {
		var batch []stored
		err := r.app.DB().NewQuery("SELECT [[id]], " + r.value + " AS [[value]], " + r.place + " AS [[place]] FROM {{" +
			r.table + "}} WHERE [[id]] > {:after} AND substr(" +
			r.value + ", 1, 3) = {:prefix} ORDER BY [[id]] LIMIT {:limit}").
			Bind(dbx.Params{"after": after, "prefix": prefix, "limit": resealBatch}).All(&batch)
		if err != nil || len(batch) == 0 {
			return err
		}
		after = batch[len(batch)-1].ID
		before := r.changed
		if err := r.app.RunInTransaction(func(tx core.App) error { return r.seal(tx, batch) }); err != nil {
			return err
		}
		if r.changed > before {
			if err := r.said(r.name, r.changed); err != nil {
				return err
			}
		}
	}
}

// seal works through one batch. A value that was changed since it was read is
// the next pass's.
func (r *resealing) seal(tx core.App, batch []stored) error {
	for _, s := range batch {
		if _, err := r.now.Open(s.Value, s.Place); err == nil {
			continue
		}
		plain, err := r.both.Open(s.Value, s.Place)
		if err != nil {
			r.unreadable = append(r.unreadable, s.Place)
			continue
		}
		text, err := r.now.Seal(plain, s.Place)
		if err != nil {
			return err
		}
		result, err := tx.DB().NewQuery("UPDATE {{" + r.table + "}} SET " + r.set + " WHERE [[id]] = {:id} AND " +
			r.value + " = {:old}").
			Bind(dbx.Params{"id": s.ID, "old": s.Value, "sealed": text}).Execute()
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		r.changed += int(n)
	}
	return nil
}
