package privacy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// subjectCalls bounds what is in memory at once; a caller with more is erased in
// several rounds. An export reads one call after the other.
const subjectCalls = 5_000

// callerRows is a caller, and what is kept about them.
type callerRows struct {
	organization string
	number       phone.Number
	spellings    []string // as the number came, the stored one first
	contacts     []*core.Record
	calls        []*core.Record
	// until is when the erasure was asked for: who rings after that is a caller
	// like any other.
	until types.DateTime
}

// again is the same caller, to be looked for once more.
func (s callerRows) again() callerRows {
	return callerRows{organization: s.organization, number: s.number, spellings: s.spellings, until: s.until}
}

// hint tells a person which erasure a row is; of a number that is not much.
func (s callerRows) hint() string {
	if s.number.Kind == phone.Hidden {
		return s.number.Text
	}
	text := []rune(s.number.Text)
	return "…" + string(text[max(0, len(text)-2):])
}

// findSubject reads the number of a body and finds the caller's rows.
func (d *domain) findSubject(app core.App, t *tenant.Tenant, body map[string]any) (callerRows, error) {
	text := facade.TextOf(body, "phone_number")
	number := phone.Read(text, tenant.HomeOf(app, t.ID()))
	// What is stored may be older than the reading of numbers.
	s, err := subjectByNumber(app,
		callerRows{organization: t.ID(), number: number, spellings: distinct([]string{number.Text, text})})
	if err != nil {
		return s, err
	}
	word := number.Kind == phone.Other && !strings.ContainsAny(number.Text, "0123456789")
	if number.Kind == phone.None || word && len(s.calls) == 0 && len(s.contacts) == 0 {
		return s,
			refusal.Invalid(map[string]string{"phone_number": "Write the number with the country's code, for example +1 415 555 2671"})
	}
	return s, nil
}

func subjectByNumber(app core.App, s callerRows) (callerRows, error) {
	if len(s.spellings) == 0 {
		return s, nil
	}
	err := app.RecordQuery(collections.Contacts).AndWhere(dbx.HashExp{"organization": s.organization}).
		AndWhere(dbx.In("phone_number", s.stored()...)).All(&s.contacts)
	if err != nil {
		return s, err
	}
	if err := s.addMerged(app); err != nil {
		return s, err
	}
	seen := map[string]bool{}
	for _, where := range s.theirCalls() {
		var rows []*core.Record
		query := app.RecordQuery(collections.Calls).AndWhere(where)
		if !s.until.IsZero() {
			query.AndWhere(dbx.NewExp("started_at <= {:until}", dbx.Params{"until": s.until.String()}))
		}
		if err := query.OrderBy("started_at", "id").Limit(subjectCalls).All(&rows); err != nil {
			return s, err
		}
		for _, r := range rows {
			if !seen[r.Id] && len(s.calls) < subjectCalls {
				seen[r.Id] = true
				s.calls = append(s.calls, r)
			}
		}
	}
	for _, call := range s.calls {
		s.spellings = append(s.spellings, theirs(call, ""), theirs(call, "_raw"))
	}
	s.spellings = distinct(s.spellings)
	return s, nil
}

// addMerged adds the other numbers of somebody who was found to be several contacts:
// one person is asked about, whichever of the numbers is named.
func (s *callerRows) addMerged(app core.App) error {
	for _, one := range s.contacts {
		root := cmp.Or(one.GetString("merged_into"), one.Id)
		var family []*core.Record
		err := app.RecordQuery(collections.Contacts).AndWhere(dbx.HashExp{"organization": s.organization}).
			AndWhere(dbx.Or(dbx.HashExp{"id": root}, dbx.HashExp{"merged_into": root})).All(&family)
		if err != nil {
			return err
		}
		for _, other := range family {
			if !slices.ContainsFunc(s.contacts, func(r *core.Record) bool { return r.Id == other.Id }) {
				s.contacts = append(s.contacts, other)
			}
			s.spellings = distinct(append(s.spellings, other.GetString("phone_number"), other.GetString("phone_number_raw")))
		}
	}
	return nil
}

// stored are the spellings, as a query takes them.
func (s callerRows) stored() []any {
	all := make([]any, len(s.spellings))
	for n, spelling := range s.spellings {
		all[n] = spelling
	}
	return all
}

// theirCalls are the ways in which a call is the caller's, each with an index.
// Outbound, the caller is who was called: an organization's own number on that
// side would mean everybody.
func (s callerRows) theirCalls() []dbx.Expression {
	here := dbx.HashExp{"organization": s.organization}
	ways := []dbx.Expression{
		dbx.And(here, dbx.In("caller_number", s.stored()...)),
		dbx.And(here, dbx.In("recipient_number", s.stored()...), dbx.HashExp{"call_type": collections.Outbound}),
	}
	for _, contact := range s.contacts {
		ways = append(ways, dbx.And(here, dbx.HashExp{"contact": contact.Id}))
	}
	return ways
}

// callIDs are all calls of the caller, the oldest first in each way.
func callIDs(app core.App, s callerRows) (all []string, err error) {
	seen := map[string]bool{}
	for _, where := range s.theirCalls() {
		var some []string
		if err := app.DB().Select("id").From(collections.Calls).Where(where).OrderBy("started_at",
			"id").Column(&some); err != nil {
			return nil, err
		}
		for _, id := range some {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all, nil
}

// theirs is the number at the other end of a call: as it is stored, or with
// "_raw" as it came.
func theirs(call *core.Record, as string) string {
	if call.GetString("call_type") == collections.Outbound {
		return call.GetString("recipient_number" + as)
	}
	return call.GetString("caller_number" + as)
}

// distinct leaves each text once, in order, and none that is empty.
func distinct(texts []string) []string {
	var all []string
	for _, text := range texts {
		if text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
