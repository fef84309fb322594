package mirror

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// This file compares, once a day, what is at the provider with our rows. A row
// whose copy is gone gets a new one. A second copy is removed, but only while
// its row lives and names the other one. Every other object with our mark is
// only told: its row is gone, it is another installation's, it is a number, or
// the database was restored and may be the one that is wrong. A person removes it.

// fresh is how young an object or a row may be to be left alone: its create, or
// the looks for it, may still be under way.
const fresh = 10 * time.Minute

// Reasons why an object is no copy of a row.
const (
	StrayRowGone      = "row_gone"           // its row does not exist any more
	StrayElsewhere    = "other_installation" // it bears another installation's id
	StrayUnknown      = "no_installation"    // it bears none, so it may be another's
	StraySecond       = "second_copy"        // its row has another copy
	StrayNotWanted    = "not_wanted"         // its row has, or wants, none
	StrayOrganization = "other_organization" // its row belongs to another organization
)

// Stray is an object with our mark that no row names.
type Stray struct {
	Collection   string    `json:"collection"`
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Record       string    `json:"record"`
	Organization string    `json:"organization"`
	Created      time.Time `json:"created"`
	Reason       string    `json:"reason"`
	// Price is what it costs there: a word, see Object.
	Price string `json:"price"`
	// Removable tells that the sweep may remove it by itself.
	Removable bool `json:"-"`
}

// ErrProvider is in what Strays and RemoveStray return when it is the provider that was
// asked in vain; its own error is wrapped beside it.
var ErrProvider = errors.New("the provider")

// ErrNotStray refuses to remove what a row names, or what bears no mark of ours.
var ErrNotStray = errors.New("this object belongs to a row, or is not one of ours")

// Schedule of the sweep; see Mirror.Schedule.
func (m *Mirror) scheduleSweep(s *schedule.Scheduler) {
	s.Add(schedule.Job{ID: "mirror.sweep", Spec: "23 3 * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		n, err := m.Sweep(ctx)
		r.Add(n)
		return err
	}})
}

// Sweep does what the job does and says how many things it mended.
func (m *Mirror) Sweep(ctx context.Context) (n int, err error) {
	began := m.now()
	c, err := m.compareAll(ctx)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, s := range c.strays {
		removed := false
		if s.Removable {
			if removed, err = m.kinds[s.Collection].removeSecond(ctx, s); err != nil {
				return n, err
			}
		}
		if removed {
			n++
			m.app.Logger().Info("a second copy was removed at the provider", "collection", s.Collection, "record", s.Record)
		} else {
			left++
		}
	}
	if left > 0 {
		m.app.Logger().Warn("objects at the provider belong to no row; the operator's page Settings → Server lists them",
			"objects", left)
	}
	for name, there := range c.listed {
		lost, err := m.kinds[name].checkLost(ctx, there, began)
		n += lost
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Strays lists the objects at the provider that bear our mark and are no row's
// copy.
func (m *Mirror) Strays(ctx context.Context) ([]Stray, error) {
	c, err := m.compareAll(ctx)
	return c.strays, err
}

// RemoveStray removes such an object because a person says so. It looks anew:
// what has become a row's copy stays.
func (m *Mirror) RemoveStray(ctx context.Context, collection, id string) error {
	strays, err := m.Strays(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(strays, func(s Stray) bool { return s.Collection == collection && s.ID == id }) {
		return ErrNotStray
	}
	if err := m.kinds[collection].discard(ctx, id); err != nil {
		return fmt.Errorf("%w: remove %s: %w", ErrProvider, collection, err)
	}
	return nil
}

// comparison is what is at the provider beside our rows.
type comparison struct {
	ours     string // this installation's id
	restored bool
	strays   []Stray
	listed   map[string]map[string]bool // the ids of the objects, by collection
}

// compareAll reads what is at the provider. Nobody asks a provider that never had
// anything of ours.
func (m *Mirror) compareAll(ctx context.Context) (c comparison, err error) {
	if c.ours, err = m.Installation.ID(); err != nil {
		return c, err
	}
	if c.restored, err = m.Installation.restored(); err != nil {
		return c, err
	}
	c.strays, c.listed = []Stray{}, map[string]map[string]bool{}
	if known, err := m.everMade(); err != nil || !known {
		return c, err
	}
	for _, name := range m.order {
		k := m.kinds[name]
		var objects []Object
		for o, err := range k.List(ctx, time.Time{}) {
			if err != nil {
				return c, fmt.Errorf("%w: list %s: %w", ErrProvider, name, err)
			}
			objects = append(objects, o)
		}
		if err := c.add(k, objects); err != nil {
			return c, err
		}
	}
	return c, nil
}

// add tells the strays among all objects of one kind.
func (c *comparison) add(k *kept, objects []Object) error {
	there := map[string]bool{}
	for _, o := range objects {
		there[o.ID] = true
	}
	c.listed[k.Collection] = there
	for _, o := range objects {
		s, stray, err := k.judgeObject(o, c.ours, there)
		if err != nil {
			return err
		}
		if stray {
			s.Removable = s.Removable && !c.restored
			c.strays = append(c.strays, s)
		}
	}
	return nil
}

// everMade tells whether any row has, or may have, a copy.
func (m *Mirror) everMade() (bool, error) {
	for _, name := range m.order {
		var known bool
		err := atomic.One(atomic.Of(m.app), `SELECT EXISTS (SELECT 1 FROM `+name+`
			WHERE `+m.kinds[name].IDField+` != '' OR sync_hash LIKE '?%')`, nil, &known)
		if err != nil || known {
			return known, err
		}
	}
	return false, nil
}

// judgeObject says whether an object is a stray, and what kind.
func (k *kept) judgeObject(o Object, ours string, there map[string]bool) (Stray, bool, error) {
	mark := o.Mark
	if mark.Record == "" || k.now().Sub(o.Created) < fresh {
		return Stray{}, false, nil
	}
	s := Stray{
		Collection: k.Collection, ID: o.ID, Name: o.Name, Price: o.Price, Created: o.Created,
		Record: mark.Record, Organization: mark.Organization,
	}
	row, err := database.Found(k.app.FindRecordById(k.Collection, mark.Record))
	if err != nil || row != nil && row.GetString(k.IDField) == o.ID {
		return s, false, err
	}
	foreign := mark.Installation != "" && mark.Installation != ours
	switch {
	case foreign:
		s.Reason = StrayElsewhere
	case row == nil:
		s.Reason = StrayRowGone
	default:
		if s.Reason = k.strayReason(row, mark); s.Reason == "" {
			return s, false, nil
		}
		s.Removable = s.Reason == StraySecond && !k.Keep && there[row.GetString(k.IDField)] &&
			row.GetString(statusField) != collections.SyncDeleting
	}
	if s.Organization == "" && row != nil {
		s.Organization = row.GetString("organization")
	}
	return s, true, nil
}

// strayReason is why an object that names a row is not that row's, or "" while the row
// is looking for it.
func (k *kept) strayReason(row *core.Record, mark Mark) string {
	switch id := row.GetString(k.IDField); {
	case mark.Organization != "" && mark.Organization != row.GetString("organization"):
		return StrayOrganization
	case id == "" && (k.intended(row) || row.GetString(statusField) == collections.SyncPending):
		return ""
	case id == "":
		return StrayNotWanted
	case mark.Installation == "":
		return StrayUnknown
	}
	return StraySecond
}

// removeSecond removes a second copy unless its row has changed since.
func (k *kept) removeSecond(ctx context.Context, s Stray) (bool, error) {
	row, err := k.app.FindRecordById(k.Collection, s.Record)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if current := row.GetString(k.IDField); current == "" || current == s.ID {
		return false, nil
	}
	return true, k.discard(ctx, s.ID)
}

// checkLost makes equal again what our rows believe is at the provider and is
// not listed there.
func (k *kept) checkLost(ctx context.Context, there map[string]bool, began time.Time) (n int, err error) {
	rows, err := k.app.FindRecordsByFilter(k.Collection, "sync_status = 'synced' && "+k.IDField+" != ''", "id", 0, 0)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", k.Collection, err)
	}
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if there[row.GetString(k.IDField)] || began.Sub(row.GetDateTime(syncedField).Time()) < fresh {
			continue
		}
		if err := k.app.RunInTransaction(func(tx core.App) error {
			return k.Check(atomic.Of(tx), k.Collection, row.Id)
		}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
