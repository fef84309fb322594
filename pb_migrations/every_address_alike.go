package pb_migrations

import (
	"errors"
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

func init() { m.Register(everyAddressAlike, nil, "1796046400_every_address_alike.go") }

// everyAddressAlike does for the operators' accounts, and for collections of
// accounts that operators added, what addressesAlike did for people: who signs in is
// looked for in the one spelling. Accounts that become the same stop the step.
func everyAddressAlike(txApp core.App) error {
	all, err := txApp.FindAllCollections(core.CollectionTypeAuth)
	if err != nil {
		return err
	}
	var clashes []error
	for _, c := range all {
		accounts, err := addressesIn(txApp, c.Name)
		if err != nil {
			return err
		}
		for _, one := range clashesOf(accounts) {
			clashes = append(clashes, fmt.Errorf("%s: %w", c.Name, one))
		}
	}
	if len(clashes) > 0 {
		return errors.Join(append(clashes,
			errors.New("nothing was changed; keep one of them: pocketline superuser delete ADDRESS, "+
				"written as it stands here"))...)
	}
	for _, c := range all {
		if err := respell(txApp, c.Name); err != nil {
			return err
		}
	}
	return nil
}
