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

// Values is where sealed values of one kind stand, in SQL.
type Values struct {
	// Name is what whoever seals again is told.
	Name, Table string
	// Value is the sealed text, Place what it is bound to.
	Value, Place string
	// Replace puts a text in the place of a value that is still the one that was read,
	// and tells whether it was.
	Replace func(tx core.App, v Held, text string) (bool, error)
}

// Held is one sealed value: the id of its row, itself, and what it is bound to.
type Held struct{ ID, Value, Place string }

// ErasedCallers is the row of _params that holds the key package forgotten
// knows erased callers by.
const ErasedCallers = "erased_callers"

// own are the values that stand in columns of their own, and the key of erased callers.
func own(app core.App) ([]Values, error) {
	all, err := columns(app)
	if err != nil {
		return nil, err
	}
	var found []Values
	for _, c := range all {
		if collections.ByName(c.table) == nil {
			continue // a table of the operator's own: nothing of ours is in it
		}
		found = append(found, inColumn(c, "[["+c.name+"]]"))
	}
	return append(found, inColumn(column{"_params", "value"},
		"CASE WHEN [[id]] = '"+ErasedCallers+"' THEN [[value]] END")), nil
}

// inColumn are the values of a column, read as value.
func inColumn(c column, value string) Values {
	return Values{
		Name: c.table + "." + c.name, Table: c.table, Value: value,
		Place: fmt.Sprintf("'%s/' || [[id]] || '/%s'", c.table, c.name),
		Replace: func(tx core.App, v Held, text string) (bool, error) {
			result, err := tx.NonconcurrentDB().Update(c.table, dbx.Params{c.name: text},
				dbx.HashExp{"id": v.ID, c.name: v.Value}).Execute()
			if err != nil {
				return false, err
			}
			n, err := result.RowsAffected()
			return n > 0, err
		},
	}
}

// Reseal seals with the key whatever opens with the key before only. It may be
// killed at any moment and run again: each value opens with one of the two
// keys all the time. It succeeds after it has found every value of the database
// to open with the key alone. said hears how many values of a kind are done;
// its error stops the work. held are the values that mechanisms keep inside others.
func Reseal(app core.App, k Keys, held []Values, said func(kind string, values int) error) error {
	now, err := New(k.Key)
	if err != nil {
		return err
	}
	both, err := k.Box()
	if err != nil {
		return err
	}
	all, err := own(app)
	if err != nil {
		return fmt.Errorf("find the stored secrets: %w", err)
	}
	all = append(all, held...)
	for { // until nothing is left to do, also of what was written meanwhile
		changed := 0
		var unreadable []string
		for _, one := range all {
			r := resealing{app: app, Values: one, now: now, both: both, said: said}
			if err := r.run(); err != nil {
				return fmt.Errorf("seal %s again: %w", one.Name, err)
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
	Values
	now, both *Box
	said      func(kind string, values int) error

	changed    int
	unreadable []string
}

func (r *resealing) run() error {
	for after := ""; ; {
		var batch []Held
		err := r.app.DB().NewQuery("SELECT [[id]], " + r.Value + " AS [[value]], " + r.Place + " AS [[place]] FROM {{" +
			r.Table + "}} WHERE [[id]] > {:after} AND substr(" +
			r.Value + ", 1, 3) = {:prefix} ORDER BY [[id]] LIMIT {:limit}").
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
			if err := r.said(r.Name, r.changed); err != nil {
				return err
			}
		}
	}
}

// seal works through one batch. A value that was changed since it was read is
// the next pass's.
func (r *resealing) seal(tx core.App, batch []Held) error {
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
		done, err := r.Replace(tx, s, text)
		if err != nil {
			return err
		}
		if done {
			r.changed++
		}
	}
	return nil
}
