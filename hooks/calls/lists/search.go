package lists

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/collections/words"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// search finds calls by what was said, and by the caller's number when what was
// typed can be one. What is nearest comes first, in stages:
//
//  1. calls with a number that is what was typed, or ends so, calls of contacts
//     whose name has the words, and hidden callers where that is what was typed
//     ("anonymous", "numéro masqué");
//  2. calls in which the very words were said;
//  3. those in which words were said that begin with the last one;
//  4. calls with numbers that begin with what was typed.
//
// The index of words is walked from its newest entry downwards, within the
// organization only. The very words come before beginnings because of the former
// the index keeps a list it can be walked along, for the latter SQLite puts the
// lists of all such words together before it names the first. So a whole word
// costs the same however often it was said, and a word still being typed is found
// as well.
func (l *Lists) search(r *http.Request, q query) (page, error) {
	s := l.searching(q)
	p, err := s.page(r.Context())
	if err == nil {
		err = s.further(r.Context()) // once no other rows are being read
	}
	if err != nil {
		return page{}, fmt.Errorf("search calls: %w", err)
	}
	return p, nil
}

// searching is a page of hits being put together.
type searching struct {
	*Lists
	query
	index    string // the search table
	terms    []term
	number   phone.Sought
	isNumber bool
	noCaller bool // the first stage was looked through and has no call
	begun    bool // among the words that only begin with the last one
	rows     []row
	later    []int // rows whose text was read in part and does not show why it is here
}

func (l *Lists) searching(q query) *searching {
	s := &searching{Lists: l, query: q, terms: termsOf(q.Search), index: l.searched()}
	if _, s.isNumber = phone.Seek(q.Search, ""); s.isNumber {
		s.number, _ = phone.Seek(q.Search, tenant.HomeOf(l.app, q.Organization))
		if q.Masked { // parts of a number, asked often enough, tell the rest
			s.number.Ending, s.number.Beginnings = "", nil
		}
	}
	return s
}

// stage is one kind of hits. read adds them to the page from a place on, the
// zero one being its beginning; next is where it goes on, nil when it is over.
type stage struct {
	mark string // begins the cursors of its pages
	read func(ctx context.Context, from cursor) (next *cursor, err error)
}

// stages are what the search goes through.
func (s *searching) stages() (all []stage) {
	if s.isNumber || len(s.terms) > 0 {
		all = append(all, stage{"c", s.callers})
	}
	if len(s.terms) > 0 {
		if s.Best {
			all = append(all, stage{"o", s.best})
		} else {
			all = append(all, stage{"s", s.words})
			if s.open() {
				all = append(all, stage{"b", s.beginnings})
			}
		}
	}
	for n, beginning := range s.number.Beginnings {
		all = append(all, stage{"n" + strconv.Itoa(n), s.numbersFrom(beginning)})
	}
	return all
}

// page goes through the stages until the page is full.
func (s *searching) page(ctx context.Context) (page, error) {
	stages, from := s.stages(), cursor{}
	if s.After != nil {
		for n, one := range stages {
			if value, found := strings.CutPrefix(s.After.Value, one.mark); found {
				stages, from = stages[n:], cursor{value, s.After.ID}
				break
			}
		}
	}
	for _, one := range stages {
		next, err := one.read(ctx, from)
		if err != nil {
			return page{}, err
		}
		if next != nil {
			return page{rows: s.rows, next: cursor{one.mark + next.Value, next.ID}.String()}, nil
		}
		from = cursor{}
	}
	return page{rows: s.rows}, nil
}

// room is how many more hits the page takes.
func (s *searching) room() int { return s.Limit - len(s.rows) }

// open tells whether the last word may be a beginning.
func (s *searching) open() bool { return s.terms[len(s.terms)-1].prefix }

// exact are the terms with the last word as it is.
func (s *searching) exact() []term {
	exact := slices.Clone(s.terms)
	exact[len(exact)-1].prefix = false
	return exact
}

// words adds the calls in which the very words were said, newest first.
func (s *searching) words(ctx context.Context, from cursor) (*cursor, error) {
	return s.newest(ctx, said(s.exact()), from)
}

// beginnings adds the others in which words were said that begin with the last.
func (s *searching) beginnings(ctx context.Context, from cursor) (*cursor, error) {
	s.begun = true
	return s.newest(ctx, "("+said(s.terms)+") NOT ("+said(s.exact())+")", from)
}

// best adds the calls in which what was typed is most of what was said.
func (s *searching) best(ctx context.Context, from cursor) (*cursor, error) {
	shown, _ := strconv.Atoi(from.Value) // a wrong number only shows other hits
	had := len(s.rows)
	statement, args := s.bestSQL(inside(s.Organization, said(s.terms)), max(0, shown))
	w, err := s.walk(ctx, statement, args, false)
	if err != nil || !w.more {
		return nil, err
	}
	return &cursor{Value: strconv.Itoa(max(0, shown) + len(s.rows) - had)}, nil
}

const (
	// patience is how many entries of the whole installation are looked at
	// before their share in the organization counts.
	patience = 64
	// enough is the share (1/enough) of entries that must belong on the page.
	enough = 4
)

// newest adds hits below the index row a page ended with, newest first.
//
// Asking the index for the organization as well makes it walk the organization's
// own list of entries too, which is long where the organization is large. So
// that is done only where few of the entries turn out to be the organization's,
// or pass the filters.
func (s *searching) newest(ctx context.Context, match string, from cursor) (*cursor, error) {
	below := int64(math.MaxInt64)
	if n, err := strconv.ParseInt(from.Value, 10, 64); err == nil { // a wrong number only leads to another place
		below = n
	}
	had := len(s.rows)
	statement, args := s.walkSQL(anywhere(match), below)
	w, err := s.walk(ctx, statement, args, true)
	if err == nil && w.early {
		statement, args = s.searchSQL(inside(s.Organization, match), w.at)
		w, err = s.walk(ctx, statement, args, false)
	}
	if err != nil || !w.more {
		return nil, err
	}
	if len(s.rows) > had {
		below = s.rows[len(s.rows)-1].at
	}
	return &cursor{Value: strconv.FormatInt(below, 10)}, nil
}

// walked is how far a walk came: the entry it stopped at, whether it gave up
// early, and whether there are more hits than the page has room for.
type walked struct {
	at          int64
	early, more bool
}

// walk reads hits until the page is full. With impatience it stops early where
// few entries are hits.
func (s *searching) walk(ctx context.Context, statement string, args []any, impatient bool) (w walked, err error) {
	found, err := s.Lists.query(ctx, statement, args...)
	if err != nil {
		return w, err
	}
	defer found.Close()
	for n, had := 0, len(s.rows); found.Next(); n++ {
		if impatient && n >= patience && (len(s.rows)-had)*enough < n {
			w.early = true
			return w, nil
		}
		var raw, summary, transcript sql.NullString // of the texts their beginnings
		if err := found.Scan(&raw, &w.at, &summary, &transcript); err != nil {
			return w, err
		}
		if !raw.Valid {
			continue
		}
		if len(s.rows) == s.Limit {
			w.more = true
			return w, nil
		}
		r := row{raw: raw.String, at: w.at, begun: s.begun}
		if r.snippet = s.shows(transcript.String); r.snippet == "" { // only the summary matches, or what comes later
			r.snippet = s.shows(summary.String)
			if len(transcript.String) == headBytes {
				s.later = append(s.later, len(s.rows))
			}
		}
		s.rows = append(s.rows, r)
	}
	return w, found.Err()
}

const (
	// headBytes is how much of a text a search reads at first: all of most calls. A
	// page of the longest is 200 MB.
	headBytes = 64 << 10
	// pieceOverlap is longer than what may be looked for.
	pieceOverlap = 2 << 10
	// pieceMost is how many further pieces one page reads.
	pieceMost = 512
	// snippetMost bounds what is shown: a word may be as long as a text.
	snippetMost = 2_000
)

// headSQL is a text's beginning, in bytes: SQLite would count characters from there.
// A text that is all beginning is read as it lies there.
func headSQL(text string) string {
	most := strconv.Itoa(headBytes)
	return "iif(octet_length(" + text + ") <= " + most + ", " + text + ", substr(CAST(" + text +
		" AS BLOB), 1, " + most + "))"
}

func (s *searching) shows(text string) string {
	if len(text) == headBytes {
		text = whole(text)
	}
	shown, _ := snippet(text, s.terms)
	return rows.Clip(shown, snippetMost)
}

// whole is a piece of a text without the word it may end in the middle of.
func whole(piece string) string {
	if at := strings.LastIndexAny(piece, " \n"); at > len(piece)-pieceOverlap/2 {
		return piece[:at]
	}
	return strings.ToValidUTF8(piece, "")
}

// further looks in the rest of long texts for what their beginnings do not show,
// a piece after the other.
func (s *searching) further(ctx context.Context) error {
	pieces := 0
	for _, n := range s.later {
		for from := 1; pieces < pieceMost; pieces++ {
			from += headBytes - pieceOverlap
			var piece string
			if err := s.reads.QueryRowContext(ctx,
				`SELECT substr(CAST(transcript AS BLOB), +?, +?) FROM call_reports WHERE position = +?`,
				from, headBytes, s.rows[n].at).Scan(&piece); errors.Is(err, sql.ErrNoRows) {
				break // deleted since
			} else if err != nil {
				return err
			}
			more := len(piece) == headBytes
			if at := strings.IndexAny(piece, " \n"); at >= 0 && at < pieceOverlap/2 {
				piece = piece[at:]
			}
			if more {
				piece = whole(piece)
			}
			if shown, _ := snippet(strings.ToValidUTF8(piece, ""), s.terms); shown != "" {
				s.rows[n].snippet = rows.Clip(shown, snippetMost)
				break
			}
			if !more {
				break
			}
		}
	}
	s.later = nil
	return nil
}

// conditions of a search leave out the calls that stand in the first stage.
func (s *searching) conditions() (terms []string, args []any) {
	terms, args = s.query.conditions()
	if s.noCaller {
		return terms, args
	}
	if callers, more := s.known(); callers != "" {
		terms, args = append(terms, "c.id NOT IN ("+callers+")"), append(args, more...)
	}
	return terms, args
}

// searchSQL is the statement of the organization's hits, newest first below an
// index row. The order of the joins is fixed by CROSS JOIN: the index first, then
// the rows it names.
func (s *searching) searchSQL(match string, below int64) (string, []any) {
	terms, args := s.conditions()
	terms = append(terms, "s.rowid < +?")
	args = slices.Concat([]any{match}, args, []any{below, s.room() + 1})
	return `SELECT ` + columns + `, s.rowid, ` + headSQL("r.summary") + `, ` + headSQL("r.transcript") + ` FROM ` + s.index + ` s
		CROSS JOIN call_reports r ON r.position = s.rowid CROSS JOIN calls c ON c.id = r.call` + withContact + `
		WHERE ` + s.index + ` MATCH ? AND ` + strings.Join(terms, " AND ") + ` ORDER BY s.rowid DESC LIMIT +?`, args
}

// bestMost is among how many of the newest hits the best are looked for: ranking all
// in which a common word was said would read a large organization's whole index.
const bestMost = 10_000

// bestSQL is the statement of the organization's hits, best first. What is shown is
// read once the order is known.
func (s *searching) bestSQL(match string, skip int) (string, []any) {
	terms, args := s.conditions()
	args = slices.Concat([]any{match}, args, []any{s.room() + 1, skip})
	return `SELECT ` + columns + `, b.at, ` + headSQL("r.summary") + `, ` + headSQL("r.transcript") + ` FROM (
			SELECT at, score FROM (
				SELECT s.rowid AS at, bm25(` + s.index + `, 0, 2, 1) AS score FROM ` + s.index + ` s
				CROSS JOIN call_reports r ON r.position = s.rowid CROSS JOIN calls c ON c.id = r.call
				WHERE ` + s.index + ` MATCH ? AND ` + strings.Join(terms, " AND ") + `
				ORDER BY s.rowid DESC LIMIT ` + strconv.Itoa(bestMost) + `)
			ORDER BY score, at DESC LIMIT +? OFFSET +?) b
		CROSS JOIN call_reports r ON r.position = b.at CROSS JOIN calls c ON c.id = r.call` + withContact + `
		ORDER BY b.score, b.at DESC`, args
}

// walkSQL is the statement of all entries below an index row, newest first:
// those that are not the organization's, or do not pass the filters, as NULL.
// Of others' entries only the number is met: their reports are not read, the
// index that leads to them knows the organization.
// It has no limit, whoever walks it stops.
func (s *searching) walkSQL(match string, below int64) (string, []any) {
	terms, args := s.conditions()
	statement := `SELECT iif(c.id IS NULL, NULL, ` + columns + `), s.rowid,
			iif(c.id IS NULL, NULL, ` + headSQL("r.summary") + `), iif(c.id IS NULL, NULL, ` + headSQL("r.transcript") + `)
		FROM ` + s.index + ` s
		LEFT JOIN call_reports r INDEXED BY uq_call_reports_position_organization
			ON r.position = s.rowid AND r.organization = +?
		LEFT JOIN calls c ON c.id = r.call AND ` + strings.Join(terms, " AND ") + withContact + `
		WHERE ` + s.index + ` MATCH ? AND s.rowid < +? ORDER BY s.rowid DESC`
	return statement, append(append([]any{s.Organization}, args...), match, below)
}

// known is the statement of the ids of the calls whose other end is what was
// typed, by number or by name; "" when it can be neither.
func (s *searching) known() (statement string, args []any) {
	if s.isNumber {
		statement, args = callersSQL(s.Organization, s.number)
	}
	if len(s.terms) > 0 {
		if statement != "" {
			statement += " UNION "
		}
		statement += `SELECT k.id FROM ` + collections.ContactSearch + ` w CROSS JOIN contacts p ON p.id = w.contact AND p.organization = +?
			CROSS JOIN calls k INDEXED BY idx_calls_contact_started_at ON k.contact = p.id AND k.organization = p.organization
			WHERE ` + collections.ContactSearch + ` MATCH ?`
		args = append(args, s.Organization, names(s.Organization, s.terms))
	}
	if statement != "" && phone.Read(s.Search, "").Kind == phone.Hidden {
		statement += ` UNION SELECT id FROM calls INDEXED BY idx_calls_organization_caller_number WHERE organization = +? AND ` + hidden("")
		args = slices.Concat(args, []any{s.Organization}, anys(phone.Reasons))
	}
	return statement, args
}

// names is the MATCH argument of words in names and companies.
func names(organization string, terms []term) string {
	return `organization:"` + organization + `" AND name:(` + said(terms) + `)`
}

// MatchNames is the MATCH argument for collections.ContactSearch of what a person typed
// to find somebody, "" when there is no word in it.
func MatchNames(organization, typed string) string {
	if terms := termsOf(typed); len(terms) > 0 {
		return names(organization, terms)
	}
	return ""
}

// callers adds the calls with a number that is what was typed or ends so, and
// those of contacts with such a name, newest first.
func (s *searching) callers(ctx context.Context, from cursor) (*cursor, error) {
	statement, args := s.callersSQL(from)
	next, err := s.numbered(ctx, rowStartedAt, statement, args)
	s.noCaller = err == nil && from == (cursor{}) && len(s.rows) == 0
	return next, err
}

func (s *searching) callersSQL(from cursor) (string, []any) {
	found, args := s.known()
	terms, more := s.query.conditions()
	args = append(args, more...)
	if from != (cursor{}) {
		terms, args = append(terms, "(c.started_at, c.id) < (+?, +?)"), append(args, from.Value, from.ID)
	}
	return `SELECT ` + columns + ` FROM (` + found + `) f CROSS JOIN calls c ON c.id = f.id` + withContact + ` WHERE ` +
		strings.Join(terms, " AND ") + ` ORDER BY c.started_at DESC, c.id DESC LIMIT +?`, append(args, s.room()+1)
}

// callersSQL is the statement of the ids of an organization's calls with a
// number: the caller's as it stands in the call, and the contact's, which for a
// call somebody here placed is who was called.
func callersSQL(organization string, n phone.Sought) (string, []any) {
	whole := unseen(len(n.Whole))
	ways := []string{
		`SELECT id FROM calls INDEXED BY idx_calls_organization_caller_number
			WHERE organization = +? AND caller_number IN (` + whole + `)`,
		`SELECT k.id FROM contacts p INDEXED BY uq_contacts_organization_phone_number
			CROSS JOIN calls k INDEXED BY idx_calls_contact_started_at ON k.contact = p.id
			WHERE p.organization = +? AND p.phone_number IN (` + whole + `)`,
	}
	args := slices.Concat([]any{organization}, anys(n.Whole), []any{organization}, anys(n.Whole))
	if n.Ending != "" {
		ways = append(ways, `SELECT k.id FROM contacts p INDEXED BY idx_contacts_organization_ending
			CROSS JOIN calls k INDEXED BY idx_calls_contact_started_at ON k.contact = p.id
			WHERE p.organization = +? AND substr(p.phone_number, -4) = +? AND p.phone_number LIKE +?`)
		args = append(args, organization, n.Ending[len(n.Ending)-phone.EndingLeast:], "%"+n.Ending)
	}
	return strings.Join(ways, " UNION "), args
}

// numbersFrom adds the calls from numbers with a beginning that no stage before
// has, by number.
func (s *searching) numbersFrom(beginning string) func(context.Context, cursor) (*cursor, error) {
	return func(ctx context.Context, from cursor) (*cursor, error) {
		statement, args := s.numberSQL(beginning, from)
		return s.numbered(ctx, rowCaller, statement, args)
	}
}

func (s *searching) numberSQL(beginning string, from cursor) (string, []any) {
	terms, args := s.conditions()
	if from != (cursor{}) {
		terms, args = append(terms, "(c.caller_number, c.id) > (+?, +?)"), append(args, from.Value, from.ID)
	}
	terms = append(terms, "c.caller_number >= +? AND c.caller_number < +?")
	args = append(args, beginning, beginning+"\xff")
	for _, before := range s.number.Beginnings[:slices.Index(s.number.Beginnings, beginning)] {
		terms = append(terms, "NOT (c.caller_number >= +? AND c.caller_number < +?)")
		args = append(args, before, before+"\xff")
	}
	if len(s.terms) > 0 {
		// The index is asked once, not for each call: a word's beginning is gathered anew each time.
		terms = append(terms, `NOT EXISTS (SELECT 1 FROM call_reports r WHERE r.call = c.id
			AND +r.position IN (SELECT s.rowid FROM `+s.index+` s WHERE `+s.index+` MATCH ?))`)
		args = append(args, anywhere(said(s.terms)))
	}
	return `SELECT ` + columns + `
		FROM calls c INDEXED BY idx_calls_organization_caller_number` + withContact + ` WHERE ` +
		strings.Join(terms, " AND ") + ` ORDER BY c.caller_number, c.id LIMIT +?`, append(args, s.room()+1)
}

// found is the statement of the ids of all hits, in no order; empty when nothing
// was typed that could be found.
func (s *searching) found() (string, []any) {
	var ways []string
	var args []any
	if len(s.terms) > 0 {
		ways = append(ways, `SELECT r.call AS id FROM `+s.index+` s CROSS JOIN call_reports r ON r.position = s.rowid
			WHERE `+s.index+` MATCH ?`)
		args = append(args, inside(s.Organization, said(s.terms)))
	}
	if callers, more := s.known(); callers != "" {
		ways, args = append(ways, callers), append(args, more...)
	}
	for _, beginning := range s.number.Beginnings {
		ways = append(ways, `SELECT id FROM calls INDEXED BY idx_calls_organization_caller_number
			WHERE organization = +? AND caller_number >= +? AND caller_number < +?`)
		args = append(args, s.Organization, beginning, beginning+"\xff")
	}
	return strings.Join(ways, " UNION "), args
}

// numbered adds the rows of a statement whose pages go on after the value of a
// field and the id.
func (s *searching) numbered(ctx context.Context, field int, statement string, args []any) (*cursor, error) {
	room := s.room()
	found, more, err := s.read(ctx, room, statement, args)
	s.rows = append(s.rows, found...)
	if err != nil || !more {
		return nil, err
	}
	if room == 0 {
		return &cursor{}, nil // from its beginning
	}
	value, err := found[len(found)-1].value(field)
	if err != nil {
		return nil, err
	}
	id, err := found[len(found)-1].value(rowID)
	return &cursor{value, id}, err
}

// termsOf reads what a person typed: words, the last of them as a beginning, and
// "phrases". Words without a space between them are looked for as they stand, or
// as one.
func termsOf(typed string) (terms []term) {
	open := false
	for i, part := range strings.Split(typed, `"`) {
		tokens := words.Split(nil, part)
		if open = i%2 == 0 && len(tokens) > 0; len(tokens) == 0 {
			continue
		}
		if i%2 == 1 {
			terms = append(terms, termOf(part, tokens))
			continue
		}
		for _, together := range words.Groups(tokens) {
			t := termOf(part, together)
			t.joined = words.Join(part, together)
			terms = append(terms, t)
		}
	}
	// A word still being typed is a beginning; two letters would match half the
	// index.
	if n := len(terms); n > 0 && open && !strings.HasSuffix(typed, `"`) {
		last := terms[n-1].words[len(terms[n-1].words)-1]
		terms[n-1].prefix = utf8.RuneCountInString(last) >= 3
	}
	return terms
}

// termOf is a phrase of tokens. The last character of a run says nothing that
// the pair before it does not.
func termOf(text string, tokens []words.Token) (t term) {
	if n := len(tokens); n > 1 && tokens[n-1].Kind == words.Char && tokens[n-2].Kind == words.Pair {
		tokens = tokens[:n-1]
	}
	for _, one := range tokens {
		t.words = append(t.words, words.Fold(text[one.From:one.To]))
	}
	t.char = tokens[len(tokens)-1].Kind == words.Char
	return t
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
		beginning := ""
		if t.prefix || t.char {
			beginning = "*"
		}
		texts[i] = `"` + strings.Join(t.words, " ") + `"` + beginning
		if t.joined != "" {
			texts[i] = "(" + texts[i] + ` OR "` + t.joined + `"` + beginning + ")"
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
