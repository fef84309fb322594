// Package collections is what is stored and who may touch it: one file per
// collection, written once, in Go.
//
// The database follows this package by frozen steps (pb_migrations), which
// `go run . schema write <name>` generates from the difference; a test fails
// when they disagree. To read who may do what, see docs/access.md, printed
// from here.
package collections

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"
)

// All returns every collection that its file declares, in an order in which each
// one stands after those its relations point at. The values are fresh on each
// call, so a caller may change them.
func All() []*core.Collection {
	_, ordered := inOrder()
	all := make([]*core.Collection, len(ordered))
	for i, define := range ordered {
		all[i] = define()
	}
	return all
}

// inOrder are the definitions, for whoever only reads them, and the functions that make
// them anew, in the order of All: by name, where relations leave it open. Making them
// takes milliseconds of a start, so it is done once.
var inOrder = sync.OnceValues(func() (made []*core.Collection, define []func() *core.Collection) {
	type definition struct {
		made   *core.Collection
		define func() *core.Collection
	}
	byID := map[string]definition{}
	for _, define := range makers {
		made := define()
		byID[made.Id] = definition{made, define}
	}
	placed := map[string]bool{}
	var place func(definition)
	place = func(d definition) {
		if d.define == nil || placed[d.made.Id] {
			return
		}
		placed[d.made.Id] = true
		for _, f := range d.made.Fields {
			if r, ok := f.(*core.RelationField); ok {
				place(byID[r.CollectionId])
			}
		}
		made, define = append(made, d.made), append(define, d.define)
	}
	for _, d := range slices.SortedFunc(maps.Values(byID), func(a, b definition) int {
		return cmp.Compare(a.made.Name, b.made.Name)
	}) {
		place(d)
	}
	return made, define
})

// defined are the definitions for whoever only reads them.
func defined() []*core.Collection {
	made, _ := inOrder()
	return made
}

// Names are those of all collections, in the order of All.
func Names() (names []string) {
	for _, c := range defined() {
		names = append(names, c.Name)
	}
	return names
}

// ByName returns the definition of one collection, or nil when there is none. It is
// the same at each call: read it, and leave it as it is. Saving changes it: save that
// of New.
func ByName(name string) *core.Collection { return named(defined(), name) }

// New returns a definition of one collection that is the caller's own, or nil when
// there is none.
func New(name string) *core.Collection { return named(All(), name) }

func named(all []*core.Collection, name string) *core.Collection {
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Tenant tells whether rows of this collection belong to one organization:
// whether it has the relation field `organization`.
func Tenant(c *core.Collection) bool {
	return c.Fields.GetByName("organization") != nil
}

// OrganizationOf is the organization a row belongs to or is, "" for rows of the
// installation.
func OrganizationOf(r *core.Record) string {
	if r.Collection().Name == Organizations {
		return r.Id
	}
	if Tenant(r.Collection()) {
		return r.GetString("organization")
	}
	return ""
}
