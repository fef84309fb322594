package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pocketbase/dbx"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// TouchAll makes every copy of an organization equal again: something all of
// them are made of changed. It says how many there are.
func (m *Mirror) TouchAll(tx atomic.Tx, organization string) (n int, err error) {
	for _, name := range m.ofOrganizations() {
		ids, err := m.kinds[name].copiesOf(tx, organization)
		if err != nil {
			return n, err
		}
		for _, id := range ids {
			if err := m.Touch(tx, name, id); err != nil {
				return n, err
			}
		}
		n += len(ids)
	}
	return n, nil
}

// ofOrganizations are the mirrored collections whose rows have an organization;
// others belong to the account.
func (m *Mirror) ofOrganizations() []string {
	return slices.DeleteFunc(slices.Clone(m.order), func(name string) bool {
		c := collections.ByName(name)
		return c != nil && !collections.Tenant(c)
	})
}

func (k *kept) copiesOf(tx atomic.Tx, organization string) (ids []string, err error) {
	rows, err := tx.Query(`SELECT id FROM `+k.Collection+` WHERE organization = ? AND `+k.IDField+` != ''`, organization)
	if err != nil {
		return nil, fmt.Errorf("copies of %s: %w", k.Collection, err)
	}
	for rows.Next() && err == nil {
		var id string
		if err = rows.Scan(&id); err == nil {
			ids = append(ids, id)
		}
	}
	// Closed before anything is written: there is one connection.
	return ids, errors.Join(err, rows.Err(), rows.Close())
}

// Behind counts the copies of an organization that are not, or not known to be,
// what they should be by now.
func (m *Mirror) Behind(ctx context.Context, organization string) (n int, err error) {
	for _, name := range m.ofOrganizations() {
		k := m.kinds[name]
		records, err := m.app.FindRecordsByFilter(name, "organization = {:o} && "+k.IDField+" != ''", "id", 0, 0,
			dbx.Params{"o": organization})
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		for _, record := range records {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if record.GetString(statusField) != collections.SyncSynced {
				n++
				continue
			}
			if hash, err := k.hash(record); err != nil || hash != record.GetString(hashField) {
				n++ // also when nobody can tell
			}
		}
	}
	return n, nil
}
