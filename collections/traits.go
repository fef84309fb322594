package collections

import (
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"
)

// Traits are what the product must know of a collection beside its columns and
// rules. Each file declares them once, under its definition; exports, erasure,
// retention, what is told live, API keys and the words of the audit log follow.
type Traits struct {
	// Personal are the columns of text that may say who somebody is, how or from
	// where they are reached, or what they said or wrote.
	Personal []string
	// Masked are the columns with callers' numbers, which are kept from roles below
	// manager where an organization wants it so (MaskedRoles).
	Masked []string
	// Plain are the other columns of text. Sealed values (Secrets) and what the
	// mirror keeps of a copy need not be named.
	Plain []string
	// Callers tells that rows hold what callers said, are called or were called
	// about. What goes with a call does so too, without being said.
	Callers bool
	// ToldWith is the column whose row is told live as changed when one of these
	// changes: it is shown as a part of that one.
	ToldWith string
	// Kept is the column of security_settings that says for how many days rows, or
	// what is long in them, stay. Empty: as long as what they belong to.
	Kept string
	// Last tells that rows go last when an organization does: who belongs to it, and
	// what it still owes.
	Last bool
	// NotExported says why an organization's export leaves the rows out.
	NotExported string
	// Keys says what an API key may do with the rows, as far as its role does. The
	// rules of the closed ones say so too (People).
	Keys Reach
	// Logged tells that people read of the rows' changes in the audit log: the log's
	// page has a word for one.
	Logged bool
	// Clearable are the choices that may be taken back; any other one, once made, is
	// exchanged for another.
	Clearable []string
	// Chosen are columns of text that hold a word of a list, and stay filled.
	Chosen []string
}

// Reach is what an API key may do with rows.
type Reach uint8

// What API keys may do with rows of a collection.
const (
	KeysClosed Reach = iota // nothing
	KeysRead
	KeysWrite // read, make, change and delete
)

var (
	declared = map[string]Traits{}
	makers   []func() *core.Collection
)

// declare makes a definition one of the product's, with its traits:
// `var _ = declare(…)` beside it.
func declare(collection string, define func() *core.Collection, t Traits) struct{} {
	declared[collection] = t
	makers = append(makers, define)
	return struct{}{}
}

// TraitsOf are the traits of a collection; ok is false when it has declared none.
func TraitsOf(collection string) (t Traits, ok bool) {
	t, ok = declared[collection]
	return t, ok
}

// WithCall are the collections whose rows go with their call.
func WithCall() []string { return whereWithCall() }

// AboutCallers are the collections whose rows hold what callers said, are called
// or were called about: what the audit log says of such a row goes with it.
func AboutCallers() []string { return whereAboutCallers() }

// Copied are the collections of an organization's rows that have a copy at a
// provider.
func Copied() []string { return whereCopied() }

var (
	whereWithCall     = where(withCall)
	whereAboutCallers = where(func(c *core.Collection) bool { return withCall(c) || declared[c.Name].Callers })
	whereCopied       = where(func(c *core.Collection) bool {
		return Tenant(c) && c.Fields.GetByName("sync_status") != nil
	})
)

// where looks once for the names of the collections of which something is true.
func where(is func(*core.Collection) bool) func() []string {
	return sync.OnceValue(func() (names []string) {
		for _, c := range defined() {
			if is(c) {
				names = append(names, c.Name)
			}
		}
		return names
	})
}

func withCall(c *core.Collection) bool {
	call, _ := c.Fields.GetByName("call").(*core.RelationField)
	return call != nil && call.CascadeDelete
}

// StaysChosen tells whether nobody may empty a column that holds a choice.
func StaysChosen(collection string, f core.Field) bool {
	traits := declared[collection]
	switch f := f.(type) {
	case *core.SelectField:
		return f.MaxSelect <= 1 && !slices.Contains(traits.Clearable, f.Name)
	case *core.TextField:
		return slices.Contains(traits.Chosen, f.Name)
	}
	return false
}
