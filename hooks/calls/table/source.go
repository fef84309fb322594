package table

import (
	"fmt"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
)

// IDColumn is the column of calls with a provider's ids. It panics for a provider that
// holds no calls: whose messages are told (fold.Told) has one.
func IDColumn(provider string) string {
	for _, s := range collections.CallSources {
		if s.Provider == provider {
			return s.Column
		}
	}
	panic("no column for the calls of " + provider)
}

// Has is the condition by which the call of a source is found, its id being the
// argument. calls is how the query names the table, with a dot, or "".
func Has(calls, provider string) string {
	const held = "@ = ? AND @ != ''" // as the index has it
	return strings.ReplaceAll(held, "@", calls+IDColumn(provider))
}

// SelectCall reads a call by a provider's id.
func SelectCall(provider string) string { return selectCalls + Has("", provider) }

// SourceOf is the source of a call's record; without an ID when it has none.
func SourceOf(call interface{ GetString(name string) string }) fold.Source {
	provider, id := collections.SourceOfCall(call)
	return fold.Source{Provider: provider, ID: id}
}

// idAt is what a source's column holds if it is this provider's.
func idAt(s fold.Source, provider string) string {
	if s.Provider != provider {
		return ""
	}
	return s.ID
}

// held reads a provider's column into a source.
type held struct {
	provider string
	source   *fold.Source
}

// Scan reads it; "" says nothing.
func (h held) Scan(src any) error {
	id, is := src.(string)
	if !is {
		return fmt.Errorf("an id is stored as %T", src)
	}
	if id != "" {
		*h.source = fold.Source{Provider: h.provider, ID: id}
	}
	return nil
}
