package tenant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// Where an organization wants it so (mask_numbers), callers' numbers are kept from
// the roles below manager, and from keys that act as one: in every row that
// PocketBase hands out (maskRow), in what its lists can be asked (checkMasked), and
// in our own lists, files and mails, which ask Masked.

// Masked tells whether callers' numbers are kept from somebody in an organization.
func Masked(app core.App, caller *core.Record, organization string) bool {
	if !IsPerson(caller) {
		return false
	}
	if o := OrganizationOf(app, organization); o == nil || !o.GetBool("mask_numbers") {
		return false
	}
	m := MembershipOf(app, caller.Id, organization)
	return m == nil || slices.Contains(collections.MaskedRoles, m.GetString("role"))
}

// Masked tells whether callers' numbers are kept from who asks.
func (t *Tenant) Masked() bool {
	return !t.Superuser && t.Organization != nil && t.Organization.GetBool("mask_numbers") &&
		(t.Membership == nil || slices.Contains(collections.MaskedRoles, t.Role()))
}

// MaskRecord puts masked numbers in the place of those of the caller's side. The
// record must not be saved afterwards.
func MaskRecord(r *core.Record) {
	for _, name := range maskedIn(r) {
		r.Set(name, phone.Mask(r.GetString(name)))
	}
}

// maskedIn are a row's columns that say who the caller is: of a call only one side's,
// the other is the organization's own line.
func maskedIn(r *core.Record) (names []string) {
	traits, _ := collections.TraitsOf(r.Collection().Name)
	if r.Collection().Name != collections.Calls {
		return traits.Masked
	}
	ours := "recipient_number"
	if r.GetString("call_type") == collections.Outbound {
		ours = "caller_number"
	}
	for _, name := range traits.Masked {
		if !strings.HasPrefix(name, ours) {
			names = append(names, name)
		}
	}
	return names
}

// bindMask masks the numbers in rows that leave: of lists, views, answers to writes,
// expansions and streams.
func bindMask(app core.App) {
	app.OnRecordEnrich().Bind(&hook.Handler[*core.RecordEnrichEvent]{
		Id: "pocketlineMask", Priority: 100, // after what others add
		Func: func(e *core.RecordEnrichEvent) error {
			traits, _ := collections.TraitsOf(e.Record.Collection().Name)
			// app: the memory is not believed inside the transaction of a change.
			if len(traits.Masked) > 0 && Masked(app, e.RequestInfo.Auth, collections.OrganizationOf(e.Record)) {
				MaskRecord(e.Record)
			}
			return e.Next()
		},
	})
}

// maskedSomewhere tells whether numbers are kept from somebody in an organization of
// theirs.
func maskedSomewhere(app core.App, caller *core.Record) bool {
	if !IsPerson(caller) {
		return false
	}
	return slices.ContainsFunc(MembershipsOf(app, caller.Id), func(m *core.Record) bool {
		return Masked(app, caller, m.GetString("organization"))
	})
}

// checkMasked refuses filters and sorts by what is masked: asked often enough, they
// would tell it.
func checkMasked(app core.App, c *core.Collection, names ...[]string) error {
	for _, name := range slices.Concat(names...) {
		if masks(app, c, strings.Split(name, ".")) {
			return fmt.Errorf("Filters and sorts of %s cannot use %s.", c.Name, strings.ToValidUTF8(name, ""))
		}
	}
	return nil
}

// masks tells whether a path ends in a masked column.
func masks(app core.App, c *core.Collection, path []string) bool {
	if len(path) == 1 {
		column, _, _ := strings.Cut(path[0], ":") // :lower, :length
		traits, _ := collections.TraitsOf(c.Name)
		return slices.Contains(traits.Masked, column)
	}
	next := ""
	if relation, is := c.Fields.GetByName(path[0]).(*core.RelationField); is {
		next = relation.CollectionId
	} else if back := backward.FindStringSubmatch(path[0]); back != nil {
		next = back[1]
	}
	target, err := app.FindCachedCollectionByNameOrId(next)
	return err == nil && target != nil && masks(app, target, path[1:])
}
