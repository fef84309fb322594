package calls

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// search finds calls by what was said. The index is walked from its newest
// entry downwards, within the organization only: its id is a word of each
// entry. A search that looks like a phone number looks at numbers instead.
//
// Pages continue after the index row of the last hit (newest first) or after
// as many hits as were shown (best first).
func (e *engine) search(r *http.Request, q query) (page, error) {
	if number := phoneDigits(q.Search); number != "" {
		return e.searchNumber(r, q, number)
	}
	match, terms := matchText(q.Organization, q.Search), folded(termsOf(q.Search))
	if match == "" {
		return page{}, nil
	}
	statement, args := q.searchSQL(match)
	rows, err := e.query(r.Context(), statement, args...)
	if err != nil {
		return page{}, fmt.Errorf("search calls: %w", err)
	}
	defer rows.Close()
	p, more := page{rows: make([]row, 0, q.Limit)}, false
	for rows.Next() {
		if more = len(p.rows) == q.Limit; more {
			break
		}
		var i row
		var summary, transcript string
		if err := rows.Scan(&i.raw, &i.at, &summary, &transcript); err != nil {
			return page{}, fmt.Errorf("search calls: %w", err)
		}
		if i.snippet, _ = snippet(transcript, terms); i.snippet == "" { // what was said does not match, the summary does
			i.snippet, _ = snippet(summary, terms)
		}
		p.rows = append(p.rows, i)
	}
	if err := rows.Err(); err != nil || !more {
		return p, err
	}
	last := p.rows[q.Limit-1]
	id, err := last.value(rowID)
	next := cursor{strconv.FormatInt(last.at, 10), id}
	if q.Best {
		next.Value = strconv.Itoa(q.offset() + q.Limit)
	}
	p.next = next.String()
	return p, err
}

// offset is how many hits were shown, best first.
func (q query) offset() int {
	if !q.Best || q.After == nil {
		return 0
	}
	n, _ := strconv.Atoi(q.After.Value) // a wrong number only shows other hits
	return max(0, n)
}

// searchSQL is the statement of a page of hits. The order of the joins is fixed
// by CROSS JOIN: the index first, then the rows it names.
func (q query) searchSQL(match string) (string, []any) {
	terms, args := q.conditions()
	order := "s.rowid DESC"
	if q.Best {
		order = "bm25(call_search, 0, 2, 1), s.rowid DESC"
	} else if q.After != nil {
		row, _ := strconv.ParseInt(q.After.Value, 10, 64)
		terms = append(terms, "s.rowid < +?")
		args = append(args, row)
	}
	statement := `SELECT ` + columns + `, s.rowid, r.summary, r.transcript
		FROM call_search s CROSS JOIN call_reports r ON r.position = s.rowid CROSS JOIN calls c ON c.id = r.call` + withContact + `
		WHERE call_search MATCH ? AND ` + strings.Join(terms, " AND ") + ` ORDER BY ` + order + ` LIMIT +? OFFSET +?`
	return statement, append(append([]any{match}, args...), q.Limit+1, q.offset())
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

// matchText builds the MATCH argument of what a person typed. Every word is
// quoted, so nothing typed is an operator. It returns "" when there is no word.
func matchText(organization, typed string) string {
	terms := termsOf(typed)
	if len(terms) == 0 {
		return ""
	}
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = `"` + strings.Join(t.words, " ") + `"`
		if t.prefix {
			texts[i] += "*"
		}
	}
	return `organization:"` + organization + `" AND {summary transcript}: (` + strings.Join(texts, " AND ") + `)`
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
