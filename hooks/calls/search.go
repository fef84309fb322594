package calls

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// search finds calls by what was said. The index is walked from its newest
// entry downwards, within the organization only. A search that looks like a
// phone number looks at numbers instead.
//
// Newest first, the calls with the very words come before those with words that
// only begin with the last one: of the former the index keeps a list it can be
// walked along, for the latter SQLite puts the lists of all such words together
// before it names the first. So a whole word costs the same however often it was
// said, and a word still being typed is found as well.
//
// Pages continue after the index row of the last hit (newest first) or after
// as many hits as were shown (best first).
func (e *engine) search(r *http.Request, q query) (page, error) {
	if number := phoneDigits(q.Search); number != "" {
		return e.searchNumber(r, q, number)
	}
	typed := termsOf(q.Search)
	if len(typed) == 0 {
		return page{}, nil
	}
	s := &searching{engine: e, query: q, terms: folded(typed)}
	p, err := s.page(r.Context(), typed)
	if err != nil {
		return page{}, fmt.Errorf("search calls: %w", err)
	}
	return p, nil
}

// searching is a page of hits being put together.
type searching struct {
	*engine
	query
	terms []term // as they are marked
	begun bool   // among the words that only begin with the last one
	rows  []row
}

func (s *searching) page(ctx context.Context, typed []term) (page, error) {
	if s.Best {
		statement, args := s.searchSQL(inside(s.Organization, said(typed)), 0)
		_, _, more, err := s.walk(ctx, statement, args, false)
		if err != nil || !more {
			return page{rows: s.rows}, err
		}
		return s.until(strconv.Itoa(s.offset() + s.Limit))
	}
	exact := slices.Clone(typed)
	last := &exact[len(exact)-1]
	open := last.prefix
	last.prefix = false
	begun, below := s.place()
	if !begun {
		more, err := s.newest(ctx, said(exact), below)
		if err != nil || !more && !open {
			return page{rows: s.rows}, err
		}
		if more {
			return s.until(strconv.FormatInt(s.rows[len(s.rows)-1].at, 10))
		}
		below = math.MaxInt64
	}
	s.begun = true
	more, err := s.newest(ctx, "("+said(typed)+") NOT ("+said(exact)+")", below)
	if err != nil || !more {
		return page{rows: s.rows}, err
	}
	if n := len(s.rows); n > 0 && s.rows[n-1].begun {
		below = s.rows[n-1].at
	}
	return s.until(beginnings + strconv.FormatInt(below, 10))
}

// until is the page with a cursor behind it.
func (s *searching) until(value string) (page, error) {
	id, err := s.rows[len(s.rows)-1].value(rowID)
	return page{s.rows, cursor{value, id}.String()}, err
}

// beginnings marks a cursor among the words that only begin with the last one.
const beginnings = "b"

// place is where the page begins: below which index row, and whether that is
// among the beginnings.
func (s *searching) place() (begun bool, below int64) {
	if s.After == nil {
		return false, math.MaxInt64
	}
	value, begun := strings.CutPrefix(s.After.Value, beginnings)
	below, _ = strconv.ParseInt(value, 10, 64) // a wrong number only leads to another place
	return begun, below
}

const (
	// patience is how many entries of the whole installation are looked at
	// before their share in the organization counts.
	patience = 64
	// enough is the share (1/enough) of entries that must belong on the page.
	enough = 4
)

// newest adds hits below an index row to the page, newest first, until it is
// full; more tells that there are others.
//
// Asking the index for the organization as well makes it walk the organization's
// own list of entries too, which is long where the organization is large. So
// that is done only where few of the entries turn out to be the organization's,
// or pass the filters.
func (s *searching) newest(ctx context.Context, match string, below int64) (more bool, err error) {
	statement, args := s.walkSQL(anywhere(match), below)
	at, early, more, err := s.walk(ctx, statement, args, true)
	if err != nil || !early {
		return more, err
	}
	statement, args = s.searchSQL(inside(s.Organization, match), at)
	_, _, more, err = s.walk(ctx, statement, args, false)
	return more, err
}

// walk reads hits until the page is full, then more is true. With impatience it
// stops early where few entries are hits; at is the entry it stopped at.
func (s *searching) walk(ctx context.Context, statement string, args []any, impatient bool) (at int64, early, more bool, err error) {
	rows, err := s.engine.query(ctx, statement, args...)
	if err != nil {
		return 0, false, false, err
	}
	defer rows.Close()
	for walked, had := 0, len(s.rows); rows.Next(); walked++ {
		if impatient && walked >= patience && (len(s.rows)-had)*enough < walked {
			return at, true, false, nil
		}
		var raw, summary, transcript sql.NullString
		if err := rows.Scan(&raw, &at, &summary, &transcript); err != nil {
			return at, false, false, err
		}
		if !raw.Valid {
			continue
		}
		if len(s.rows) == s.Limit {
			return at, false, true, nil
		}
		r := row{raw: raw.String, at: at, begun: s.begun}
		if r.snippet, _ = snippet(transcript.String, s.terms); r.snippet == "" { // what was said does not match, the summary does
			r.snippet, _ = snippet(summary.String, s.terms)
		}
		s.rows = append(s.rows, r)
	}
	return at, false, false, rows.Err()
}

// offset is how many hits were shown, best first.
func (q query) offset() int {
	if !q.Best || q.After == nil {
		return 0
	}
	n, _ := strconv.Atoi(q.After.Value) // a wrong number only shows other hits
	return max(0, n)
}

// searchSQL is the statement of the organization's hits, newest first below an
// index row, or the best. The order of the joins is fixed by CROSS JOIN: the
// index first, then the rows it names.
func (q query) searchSQL(match string, below int64) (string, []any) {
	terms, args := q.conditions()
	order := "bm25(call_search, 0, 2, 1), s.rowid DESC"
	if !q.Best {
		order = "s.rowid DESC"
		terms = append(terms, "s.rowid < +?")
		args = append(args, below)
	}
	statement := `SELECT ` + columns + `, s.rowid, r.summary, r.transcript
		FROM call_search s CROSS JOIN call_reports r ON r.position = s.rowid CROSS JOIN calls c ON c.id = r.call` + withContact + `
		WHERE call_search MATCH ? AND ` + strings.Join(terms, " AND ") + ` ORDER BY ` + order + ` LIMIT +? OFFSET +?`
	return statement, append(append([]any{match}, args...), q.Limit+1, q.offset())
}

// walkSQL is the statement of all entries below an index row, newest first:
// those that are not the organization's, or do not pass the filters, as NULL.
// Of others' entries only the number is met: their reports are not read, the
// index that leads to them knows the organization.
// It has no limit, whoever walks it stops.
func (q query) walkSQL(match string, below int64) (string, []any) {
	terms, args := q.conditions()
	statement := `SELECT iif(c.id IS NULL, NULL, ` + columns + `), s.rowid, iif(c.id IS NULL, NULL, r.summary), iif(c.id IS NULL, NULL, r.transcript)
		FROM call_search s LEFT JOIN call_reports r INDEXED BY uq_call_reports_position_organization ON r.position = s.rowid AND r.organization = +?
		LEFT JOIN calls c ON c.id = r.call AND ` + strings.Join(terms, " AND ") + withContact + `
		WHERE call_search MATCH ? AND s.rowid < +? ORDER BY s.rowid DESC`
	return statement, append(append([]any{q.Organization}, args...), match, below)
}

// searchNumber lists the calls from numbers that begin with the digits.
func (e *engine) searchNumber(r *http.Request, q query, prefix string) (page, error) {
	statement, args := q.numberSQL(prefix)
	return e.page(r.Context(), q.Limit, rowCaller, statement, args)
}

// numberSQL is the statement of a page of calls from numbers with a beginning.
func (q query) numberSQL(prefix string) (string, []any) {
	terms, args := q.conditions()
	if q.After != nil {
		terms = append(terms, "(c.caller_number, c.id) > (+?, +?)")
		args = append(args, q.After.Value, q.After.ID)
	}
	terms = append(terms, "c.caller_number >= +? AND c.caller_number < +?")
	args = append(args, prefix, prefix+"\xff")
	return `SELECT ` + columns + ` FROM calls c INDEXED BY idx_calls_organization_caller_number` + withContact + ` WHERE ` +
		strings.Join(terms, " AND ") + ` ORDER BY c.caller_number, c.id LIMIT +?`, append(args, q.Limit+1)
}

// termsOf reads what a person typed: words, the last of them as a beginning, and
// "phrases".
func termsOf(typed string) (terms []term) {
	open := false
	for i, part := range strings.Split(typed, `"`) {
		words := strings.FieldsFunc(part, func(r rune) bool { return !isWord(r) })
		open = i%2 == 0 && len(words) > 0 && !strings.HasSuffix(typed, `"`)
		if len(words) == 0 {
			continue
		}
		if i%2 == 1 {
			terms = append(terms, term{words: words})
			continue
		}
		for _, w := range words {
			terms = append(terms, term{words: []string{w}})
		}
	}
	// A word still being typed is a beginning; two letters would match half the
	// index.
	if n := len(terms); n > 0 && open && len([]rune(terms[n-1].words[0])) >= 3 {
		terms[n-1].prefix = true
	}
	return terms
}

// matchText is the MATCH argument of what a person typed, in the organization.
// It returns "" when there is no word.
func matchText(organization, typed string) string {
	terms := termsOf(typed)
	if len(terms) == 0 {
		return ""
	}
	return inside(organization, said(terms))
}

// said is the condition that all terms were said. Every word is quoted, so
// nothing typed is an operator.
func said(terms []term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = `"` + strings.Join(t.words, " ") + `"`
		if t.prefix {
			texts[i] += "*"
		}
	}
	return strings.Join(texts, " AND ")
}

// anywhere looks for a condition in all that was said.
func anywhere(match string) string { return `{summary transcript}: (` + match + `)` }

// inside looks for it in one organization: its id is a word of each entry.
func inside(organization, match string) string {
	return `organization:"` + organization + `" AND ` + anywhere(match)
}

// folded makes terms comparable with the words of a text. A term whose words
// fold to nothing marks nothing.
func folded(terms []term) (out []term) {
	for _, t := range terms {
		f := term{prefix: t.prefix}
		for _, w := range t.words {
			if w = fold(w); w != "" {
				f.words = append(f.words, w)
			}
		}
		if len(f.words) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// phoneDigits returns the beginning of an E.164 number when the text is one:
// a plus and digits, or at least five digits, with the usual punctuation.
func phoneDigits(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && i == 0, r == ' ', r == '-', r == '(', r == ')', r == '.':
		default:
			return ""
		}
	}
	digits := b.String()
	if digits == "" || (!strings.HasPrefix(text, "+") && len(digits) < 5) || len(digits) > 15 {
		return ""
	}
	return "+" + digits
}
