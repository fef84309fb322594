package mirror

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
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

// Object is a copy as the provider lists it.
type Object struct {
	ID, Name string
	Created  time.Time
	Raw      json.RawMessage
}

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
	// Price is what it costs there: a word of the resource's, see Resource.Price.
	Price string `json:"price"`
	// Removable tells that the sweep may remove it by itself.
	Removable bool `json:"-"`
}

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
	strays, listed, err := m.compareAll(ctx)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, s := range strays {
		removed := false
		if s.Removable {
			if removed, err = m.removeSecond(ctx, s); err != nil {
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
		m.app.Logger().Warn("objects at the provider belong to no row; the operator's page Settings, Installation lists them", "objects", left)
	}
	for name, there := range listed {
		lost, err := m.checkLost(ctx, m.resources[name], there, began)
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
	strays, _, err := m.compareAll(ctx)
	return strays, err
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
	return m.discard(ctx, m.resources[collection], id)
}

// compareAll reads what is at the provider, by collection and id, and tells the
// strays among it. Nobody asks a provider that never had anything of ours.
func (m *Mirror) compareAll(ctx context.Context) (strays []Stray, listed map[string]map[string]bool, err error) {
	ours, err := m.InstallationID()
	if err != nil {
		return nil, nil, err
	}
	restored, err := m.restored()
	if err != nil {
		return nil, nil, err
	}
	strays, listed = []Stray{}, map[string]map[string]bool{}
	if known, err := m.everMade(); err != nil || !known {
		return strays, listed, err
	}
	for _, name := range m.order {
		r := m.resources[name]
		if r.List == nil {
			continue
		}
		objects, err := r.List(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("list %s at the provider: %w", name, err)
		}
		there := map[string]bool{}
		for _, o := range objects {
			there[o.ID] = true
		}
		listed[name] = there
		for _, o := range objects {
			s, stray, err := m.judgeObject(r, o, ours, there)
			if err != nil {
				return nil, nil, err
			}
			if stray {
				s.Removable = s.Removable && !restored
				strays = append(strays, s)
			}
		}
	}
	return strays, listed, nil
}

// everMade tells whether any row has, or may have, a copy.
func (m *Mirror) everMade() (bool, error) {
	for _, name := range m.order {
		var known bool
		err := atomic.One(atomic.Of(m.app), `SELECT EXISTS (SELECT 1 FROM `+name+`
			WHERE `+m.resources[name].IDField+` != '' OR sync_hash LIKE '?%')`, nil, &known)
		if err != nil || known {
			return known, err
		}
	}
	return false, nil
}

// judgeObject says whether an object is a stray, and what kind.
func (m *Mirror) judgeObject(r Resource, o Object, ours string, there map[string]bool) (Stray, bool, error) {
	mark := MarkOf(o.Raw)
	if mark.Record == "" || m.now().Sub(o.Created) < fresh {
		return Stray{}, false, nil
	}
	s := Stray{Collection: r.Collection, ID: o.ID, Name: o.Name, Record: mark.Record, Organization: mark.Organization, Created: o.Created}
	if r.Price != nil {
		s.Price = r.Price(o)
	}
	row, err := m.app.FindRecordById(r.Collection, mark.Record)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return s, false, err
	case err == nil && row.GetString(r.IDField) == o.ID:
		return s, false, nil
	case mark.Installation != "" && mark.Installation != ours:
		s.Reason = StrayElsewhere
	case err != nil:
		s.Reason = StrayRowGone
	case mark.Organization != "" && mark.Organization != row.GetString("organization"):
		s.Reason = StrayOrganization
	case row.GetString(r.IDField) == "" && (intended(r, row) || row.GetString(statusField) == collections.SyncPending):
		return s, false, nil // it is being looked for
	case row.GetString(r.IDField) == "":
		s.Reason = StrayNotWanted
	case mark.Installation == "":
		s.Reason = StrayUnknown
	default:
		s.Reason = StraySecond
		s.Removable = !r.Keep && there[row.GetString(r.IDField)] && row.GetString(statusField) != collections.SyncDeleting
	}
	if s.Organization == "" && err == nil {
		s.Organization = row.GetString("organization")
	}
	return s, true, nil
}

// removeSecond removes a second copy unless its row has changed since.
func (m *Mirror) removeSecond(ctx context.Context, s Stray) (bool, error) {
	r := m.resources[s.Collection]
	row, err := m.app.FindRecordById(r.Collection, s.Record)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if current := row.GetString(r.IDField); current == "" || current == s.ID {
		return false, nil
	}
	return true, m.discard(ctx, r, s.ID)
}

// checkLost makes equal again what our rows believe is at the provider and is
// not listed there.
func (m *Mirror) checkLost(ctx context.Context, r Resource, there map[string]bool, began time.Time) (n int, err error) {
	rows, err := m.app.FindRecordsByFilter(r.Collection, "sync_status = 'synced' && "+r.IDField+" != ''", "id", 0, 0)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.Collection, err)
	}
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if there[row.GetString(r.IDField)] || began.Sub(row.GetDateTime(syncedField).Time()) < fresh {
			continue
		}
		if err := m.app.RunInTransaction(func(tx core.App) error {
			return m.Check(atomic.Of(tx), r.Collection, row.Id)
		}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
