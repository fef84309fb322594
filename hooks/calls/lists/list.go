package lists

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Limits of a page of calls.
const (
	pageDefault = 30
	pageMax     = 200
)

// query is what a list of calls asks for. All conditions hold together.
type query struct {
	Organization string
	Status       []string
	Outcome      []string
	Direction    string
	Assistant    string
	PhoneNumber  string
	Contact      string
	Hidden       bool // calls whose caller kept the number back
	Resolution   string
	Priority     string
	Answered     string    // "true", "false", or "" for both
	Missed       string    // likewise
	From, To     time.Time // by started_at: From ≤ started_at < To
	Masked       bool      // callers' numbers are kept from who asks
	Search       string    // words a caller or the assistant said, or a number or a part of one
	Best         bool      // best match first; otherwise newest first
	Sort         string    // one of collections.CallSorts
	Ascending    bool
	After        *cursor
	Limit        int
}

// cursor is the place after which the next page begins: the sort value and the
// id of the last row.
type cursor struct {
	Value string
	ID    string
}

// truths are what a filter for a flag may be.
var truths = []string{"true", "false"}

// parseQuery reads the filters from a request's query string. It returns the
// field's name and a sentence when one is wrong.
func parseQuery(r *http.Request, organization *core.Record) (query, error) {
	v := r.URL.Query()
	q := query{Organization: organization.Id, Sort: "started_at", Limit: pageDefault}
	for _, read := range []func(url.Values) error{
		q.readWords,
		func(v url.Values) error { return q.readTimes(v, organization.GetString("timezone")) },
		q.readSearch,
		q.readPage,
	} {
		if err := read(v); err != nil {
			return q, err
		}
	}
	return q, nil
}

// readWords reads what is one of a list of words, or a record's id.
func (q *query) readWords(v url.Values) error {
	for _, one := range []struct {
		name    string
		into    *[]string
		allowed []string
	}{{"status", &q.Status, append([]string{"live"}, collections.CallStatuses...)},
		{"outcome", &q.Outcome, append([]string{"failed"}, collections.Outcomes...)}} {
		for _, value := range strings.FieldsFunc(v.Get(one.name), func(r rune) bool { return r == ',' }) {
			if !slices.Contains(one.allowed, value) {
				return wrong(one.name, "must be one of "+strings.Join(one.allowed, ", "))
			}
			*one.into = append(*one.into, value)
		}
	}
	caller := ""
	for _, one := range []struct {
		name    string
		into    *string
		allowed []string
	}{
		{"call_type", &q.Direction, []string{collections.Inbound, collections.Outbound}},
		{"resolution_status", &q.Resolution, collections.ResolutionStatuses},
		{"priority", &q.Priority, collections.Priorities},
		{"answered", &q.Answered, truths},
		{"missed", &q.Missed, truths},
		{"caller", &caller, []string{"hidden"}},
	} {
		*one.into = v.Get(one.name)
		if *one.into != "" && !slices.Contains(one.allowed, *one.into) {
			return wrong(one.name, "must be one of "+strings.Join(one.allowed, ", "))
		}
	}
	q.Hidden = caller == "hidden"
	for _, one := range []struct {
		name string
		into *string
	}{{"assistant", &q.Assistant}, {"phone_number", &q.PhoneNumber}, {"contact", &q.Contact}} {
		*one.into = v.Get(one.name)
		if len(*one.into) > 15 {
			return wrong(one.name, "must be a record id")
		}
	}
	return nil
}

// readTimes reads the days or instants between which calls began, in a zone.
func (q *query) readTimes(v url.Values, zone string) error {
	for _, one := range []struct {
		name string
		read func(text, zone string) (time.Time, error)
		into *time.Time
	}{{"from", hours.From, &q.From}, {"to", hours.Until, &q.To}} {
		text := v.Get(one.name)
		if text == "" {
			continue
		}
		t, err := one.read(text, zone)
		if err != nil {
			return wrong(one.name, "must be a date (2026-11-20) or an instant (RFC 3339)")
		}
		*one.into = t
	}
	return nil
}

func (q *query) readSearch(v url.Values) error {
	q.Search = strings.TrimSpace(v.Get("search"))
	if utf8.RuneCountInString(q.Search) > 200 {
		return wrong("search", "must have at most 200 characters")
	}
	switch v.Get("order") {
	case "", "newest":
	case "best":
		q.Best = true
	default:
		return wrong("order", "must be best or newest")
	}
	return nil
}

// readPage reads the order of the list, and which page of it.
func (q *query) readPage(v url.Values) error {
	if sort := v.Get("sort"); sort != "" {
		q.Ascending = !strings.HasPrefix(sort, "-")
		q.Sort = strings.TrimLeft(sort, "-+")
		if !slices.Contains(collections.CallSorts, q.Sort) {
			return wrong("sort", "must be one of "+strings.Join(collections.CallSorts, ", ")+", with a leading - for falling")
		}
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return wrong("limit", "must be a number from 1 to "+strconv.Itoa(pageMax))
		}
		q.Limit = min(n, pageMax)
	}
	if text := v.Get("after"); text != "" {
		c, err := decodeCursor(text)
		if err != nil {
			return wrong("after", "must be the `next` of the page before")
		}
		q.After = &c
	}
	return nil
}

// fieldError names a query parameter and says what it must be.
type fieldError struct{ field, text string }

func (e fieldError) Error() string { return e.field + " " + e.text }

func wrong(field, text string) error { return fieldError{field, text} }

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.Value + "\x00" + c.ID))
}

func decodeCursor(text string) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, err
	}
	value, id, ok := strings.Cut(string(b), "\x00")
	if !ok || len(id) > 15 || len(value) > 80 {
		return cursor{}, fmt.Errorf("not a cursor")
	}
	return cursor{value, id}, nil
}

// conditions are the WHERE terms every way of listing shares; c is the alias of
// calls. Values are arguments, never text. Each stands as +?: SQLite would look
// at the value of a bare one to choose a plan, and so plan again for every
// request; the indexes are named anyway.
func (q query) conditions() (terms []string, args []any) {
	add := func(term string, values ...any) {
		terms = append(terms, term)
		args = append(args, values...)
	}
	add("c.organization = +?", q.Organization)
	if len(q.Status) > 0 {
		statuses := q.Status
		if slices.Contains(statuses, "live") {
			statuses = append(slices.DeleteFunc(slices.Clone(statuses), func(s string) bool { return s == "live" }),
				collections.LiveStatuses...)
		}
		add("c.status IN ("+unseen(len(statuses))+")", anys(statuses)...)
	}
	if len(q.Outcome) > 0 {
		outcomes := q.Outcome
		if slices.Contains(outcomes, "failed") {
			outcomes = slices.DeleteFunc(slices.Clone(outcomes), func(s string) bool { return s == "failed" })
			for _, o := range collections.Outcomes {
				if strings.HasPrefix(o, "failed_") {
					outcomes = append(outcomes, o)
				}
			}
		}
		add("c.outcome IN ("+unseen(len(outcomes))+")", anys(outcomes)...)
	}
	for _, one := range []struct{ column, value string }{
		{"call_type", q.Direction}, {"assistant", q.Assistant}, {"phone_number", q.PhoneNumber},
		{"contact", q.Contact}, {"resolution_status", q.Resolution}, {"priority", q.Priority},
	} {
		if one.value != "" {
			add("c."+one.column+" = +?", one.value)
		}
	}
	for _, one := range []struct{ column, value string }{{"answered", q.Answered}, {"missed", q.Missed}} {
		if one.value != "" {
			add("c."+one.column+" = +?", one.value == "true")
		}
	}
	if q.Hidden {
		add(hidden("c."), anys(phone.Reasons)...)
	}
	if !q.From.IsZero() {
		add("c.started_at >= +?", rows.Stamp(q.From))
	}
	if !q.To.IsZero() {
		add("c.started_at < +?", rows.Stamp(q.To))
	}
	return terms, args
}

// hidden is the condition that a call's caller kept the number back, its values being
// phone.Reasons: a reason stands in its place, or none came. Whoever calls from a page
// has none.
func hidden(c string) string {
	return "(" + c + "caller_number IN (" + unseen(len(phone.Reasons)) + ") OR " + c + "caller_number = '' AND " +
		c + "call_type = 'inbound' AND " +
		c + "channel != 'web')"
}

// unseen are n places for values the plan does not depend on.
func unseen(n int) string { return strings.TrimSuffix(strings.Repeat("+?, ", n), ", ") }

func anys(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// sql is the statement of a page without search: a walk along one index.
func (q query) sql() (string, []any) {
	terms, args := q.conditions()
	order, compare := "DESC", "<"
	if q.Ascending {
		order, compare = "ASC", ">"
	}
	if q.After != nil {
		// A row value comparison lets the index seek to the place.
		terms = append(terms, "(c."+q.Sort+", c.id) "+compare+" (+?, +?)")
		args = append(args, cursorValue(q.Sort, q.After.Value), q.After.ID)
	}
	return "SELECT " + columns + " FROM calls c INDEXED BY " + q.index() + withContact + " WHERE " +
		strings.Join(terms, " AND ") +
		" ORDER BY c." + q.Sort + " " + order + ", c.id " + order + " LIMIT +?", append(args, q.Limit+1)
}

// walks tells whether a page may read far more rows than it shows: no index has all
// it asks for, or every hit is looked at for the best.
func (q query) walks() bool {
	if _, number := phone.Seek(q.Search, ""); q.Search != "" && (q.Best || number) {
		return true
	}
	served := q.Sort == "started_at" && len(q.Status) == 1 && q.Status[0] != "live"
	for _, one := range []string{q.Direction, q.Resolution, q.Priority, q.Answered, q.Missed} {
		if one != "" {
			return true
		}
	}
	return q.Hidden || len(q.Outcome) > 0 || len(q.Status) > 0 && !served
}

// turn waits for the query's turn among those that read much; others need none.
func (q query) turn(e *core.RequestEvent) (done func(), err error) {
	if !q.walks() {
		return func() {}, nil
	}
	return tenant.Turn(e)
}

// index names the index a page walks. Without this SQLite may choose to sort a
// million rows; with it, a filter that matches few rows walks at most its own.
func (q query) index() string {
	switch {
	case q.Sort != "started_at":
		return "idx_calls_organization_" + q.Sort + "_id"
	case q.Contact != "":
		return "idx_calls_contact_started_at"
	case len(q.Status) == 1 && q.Status[0] != "live":
		return "idx_calls_organization_status_started_at"
	case q.Assistant != "":
		return "idx_calls_assistant_started_at"
	case q.PhoneNumber != "":
		return "idx_calls_phone_number_started_at"
	}
	return "idx_calls_organization_started_at"
}

func cursorValue(sort, value string) any {
	if sort == "started_at" {
		return value
	}
	n, _ := strconv.ParseInt(value, 10, 64) // a wrong number only leads to another place in the list
	return n
}

// item is one row of a list of calls.
type item struct {
	ID               string `json:"id"`
	VapiCallID       string `json:"vapi_call_id"`
	Status           string `json:"status"`
	Outcome          string `json:"outcome"`
	CallType         string `json:"call_type"`
	Channel          string `json:"channel"`
	CallerNumber     string `json:"caller_number"`
	RecipientNumber  string `json:"recipient_number"`
	Contact          string `json:"contact"`
	ContactName      string `json:"contact_name"`
	Assistant        string `json:"assistant"`
	PhoneNumber      string `json:"phone_number"`
	StartedAt        string `json:"started_at"`
	AnsweredAt       string `json:"answered_at"`
	EndedAt          string `json:"ended_at"`
	DurationSeconds  int64  `json:"duration_seconds"`
	CostMicros       int64  `json:"cost_micros"`
	EndedReason      string `json:"ended_reason"`
	Summary          string `json:"summary"`
	ResolutionStatus string `json:"resolution_status"`
	Sentiment        string `json:"sentiment"`
	Priority         string `json:"priority"`
	TransferredTo    string `json:"transferred_to"`
	Placing          string `json:"placing"`
	IsTest           bool   `json:"is_test"`
	HasRecording     bool   `json:"has_recording"`
	Answered         bool   `json:"answered"`
	Missed           bool   `json:"missed"`
	// Snippet shows where the search matched, the words between ‹ and ›.
	Snippet string `json:"snippet,omitempty"`
}

// sortRow is where a sort's value stands in a row.
func sortRow(sort string) int {
	switch sort {
	case "duration_seconds":
		return rowDuration
	case "cost_micros":
		return rowCost
	}
	return rowStartedAt
}

// read reads the rows of a statement that selects columns. It takes one more
// than the limit: then there is a next page, and more is true.
func (l *Lists) read(ctx context.Context, limit int, statement string, args []any) (found []row, more bool, err error) {
	all, err := l.query(ctx, statement, args...)
	if err != nil {
		return nil, false, err
	}
	defer all.Close()
	found = make([]row, 0, limit)
	for all.Next() {
		if len(found) == limit {
			more = true
			break
		}
		var r row
		if err := all.Scan(&r.raw); err != nil {
			return nil, false, err
		}
		found = append(found, r)
	}
	return found, more, all.Err()
}

// after is the cursor behind the last of the rows.
func after(found []row, field int) (string, error) {
	last := found[len(found)-1]
	value, err := last.value(field)
	if err != nil {
		return "", err
	}
	id, err := last.value(rowID)
	return cursor{value, id}.String(), err
}

// list answers a query.
func (l *Lists) list(r *http.Request, q query) (page, error) {
	if q.Search != "" {
		return l.search(r, q)
	}
	statement, args := q.sql()
	return l.page(r.Context(), q.Limit, sortRow(q.Sort), statement, args)
}

// page reads a page whose cursor is the value of a field and the id.
func (l *Lists) page(ctx context.Context, limit, field int, statement string, args []any) (p page, err error) {
	var more bool
	if p.rows, more, err = l.read(ctx, limit, statement, args); err == nil && more {
		p.next, err = after(p.rows, field)
	}
	if err != nil {
		return page{}, fmt.Errorf("list calls: %w", err)
	}
	return p, nil
}

// written is the answer to a query, as JSON. It depends on nothing but the query.
func (l *Lists) written(re *core.RequestEvent, q query) ([]byte, error) {
	read := func() ([]byte, error) {
		p, err := l.list(re.Request, q)
		if err != nil {
			return nil, refusal.Of("internal/calls").For(err)
		}
		p.masked = q.Masked
		body, err := p.json()
		if err != nil {
			return nil, refusal.Of("internal/calls").For(err)
		}
		return body, nil
	}
	if !q.walks() {
		return read()
	}
	key, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	return tenant.Together(re, "calls "+string(key), read)
}

// asked is which calls a request asks for, and of which organization, once it may.
func asked(re *core.RequestEvent) (q query, of *core.Record, err error) {
	t, err := MayHear(re)
	if err != nil {
		return q, nil, err
	}
	if q, err = parseQuery(re.Request, t.Organization); err != nil {
		return q, nil, badField(err)
	}
	q.Masked = t.Masked()
	return q, t.Organization, nil
}

// listCalls is GET /api/organizations/{organization}/calls.
func (l *Lists) listCalls(re *core.RequestEvent) error {
	q, _, err := asked(re)
	if err != nil {
		return err
	}
	body, err := l.written(re, q)
	if err != nil {
		return err
	}
	if strings.Contains(re.Request.URL.RawQuery, "fields=") { // PocketBase picks them
		return re.JSON(http.StatusOK, json.RawMessage(body))
	}
	h := re.Response.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	re.Response.WriteHeader(http.StatusOK)
	_, err = re.Response.Write(body)
	return err
}
