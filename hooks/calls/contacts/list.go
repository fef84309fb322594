package contacts

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sheet"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	pageDefault = 30
	pageMax     = 200
	// searchMost bounds what is looked for, in characters.
	searchMost = 200
	// exportMost bounds one file, in rows.
	exportMost = 50_000
	// callsMost is up to how many calls of a contact are counted.
	callsMost = 1_000
)

// query is what a list of contacts asks for. All conditions hold together.
type query struct {
	organization string
	search       string
	blocked      string // "true", "false", or "" for both
	masked       bool   // numbers are kept from who asks: found as a whole alone
	seen, id     string // of the last row of the page before
	limit        int
}

// truths are what a filter for a flag may be.
var truths = []string{"true", "false"}

// one is a contact of the list.
type one struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Company     string `json:"company"`
	PhoneNumber string `json:"phone_number"`
	Email       string `json:"email"`
	Blocked     bool   `json:"blocked"`
	Calls       int    `json:"calls"`
	FirstSeenAt any    `json:"first_seen_at"`
	LastSeenAt  any    `json:"last_seen_at"`

	first, last, notes string
}

func wrong(field, text string) error { return refusal.Of("invalid_request/query").At(field, text) }

// read reads the request's parameters.
func read(v url.Values, t *tenant.Tenant) (q query, err error) {
	q = query{organization: t.ID(), masked: t.Masked(), limit: pageDefault, search: strings.TrimSpace(v.Get("search")),
		blocked: v.Get("blocked")}
	if utf8.RuneCountInString(q.search) > searchMost {
		return q, wrong("search", "must have at most 200 characters")
	}
	if q.blocked != "" && !slices.Contains(truths, q.blocked) {
		return q, wrong("blocked", "must be one of "+strings.Join(truths, ", "))
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, wrong("limit", "must be a number from 1 to "+strconv.Itoa(pageMax))
		}
		q.limit = min(n, pageMax)
	}
	if text := v.Get("after"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		seen, id, ok := strings.Cut(string(raw), "\x00")
		if err != nil || !ok || len(seen) > 40 || len(id) > 15 {
			return q, wrong("after", "must be the `next` of the page before")
		}
		q.seen, q.id = seen, id
	}
	return q, nil
}

// next is the cursor behind a row.
func next(last one) string {
	return base64.RawURLEncoding.EncodeToString([]byte(last.last + "\x00" + last.ID))
}

// found is the statement of the ids of the contacts that were looked for, "" when
// what was typed can be neither a name nor a number.
func (q query) found(home string) (statement string, args []any) {
	var ways []string
	add := func(way string, values ...any) { ways, args = append(ways, way), append(args, values...) }
	if match := lists.MatchNames(q.organization, q.search); match != "" {
		add(`SELECT contact FROM `+collections.ContactSearch+` WHERE `+collections.ContactSearch+` MATCH ?`, match)
	}
	number, is := phone.Seek(q.search, home)
	if !is {
		return strings.Join(ways, " UNION "), args
	}
	for _, whole := range number.Whole {
		add(`SELECT id FROM contacts WHERE organization = ? AND phone_number = ?`, q.organization, whole)
	}
	if q.masked { // parts of a number, asked often enough, tell the rest
		return strings.Join(ways, " UNION "), args
	}
	if number.Ending != "" {
		add(`SELECT id FROM contacts INDEXED BY idx_contacts_organization_ending
			WHERE organization = ? AND substr(phone_number, -4) = ? AND phone_number LIKE ?`, q.organization,
			number.Ending[len(number.Ending)-phone.EndingLeast:], "%"+number.Ending)
	}
	for _, beginning := range number.Beginnings {
		add(`SELECT id FROM contacts WHERE organization = ? AND phone_number >= ? AND phone_number < ?`, q.organization,
			beginning, beginning+"\xff")
	}
	return strings.Join(ways, " UNION "), args
}

// sql is the statement of a page and one row more. found are those looked for.
func (q query) sql(found string, args []any) (string, []any) {
	terms, values := []string{"p.organization = ?", "p.merged_into = ''"}, []any{q.organization}
	if found != "" { // a number that was merged leads to who has it
		// NB! Nothing in it may name p: SQLite would look everybody up again for each row.
		terms = append(terms, `p.id IN (SELECT iif(q.merged_into = '', q.id, q.merged_into) FROM contacts q
			WHERE q.id IN (`+found+`))`)
		values = append(values, args...)
	}
	if q.blocked != "" {
		terms, values = append(terms, "p.blocked = ?"), append(values, q.blocked == "true")
	}
	if q.id != "" {
		terms, values = append(terms, "(p.last_seen_at, p.id) < (?, ?)"), append(values, q.seen, q.id)
	}
	return selectOnes + strings.Join(terms, " AND ") + newestOnes, append(values, q.limit+1)
}

// selectOnes selects contacts as scan takes them; p is the contact.
var selectOnes = `SELECT p.id, p.name, p.company, p.phone_number, p.email, p.blocked, p.first_seen_at, p.last_seen_at, p.notes,
		(SELECT count(*) FROM (SELECT 1 FROM calls k WHERE k.contact = p.id LIMIT ` + strconv.Itoa(callsMost) + `))
	FROM contacts p WHERE `

// newestOnes is their order and how many: those who called last first.
const newestOnes = " ORDER BY p.last_seen_at DESC, p.id DESC LIMIT ?"

// scan reads a row of selectOnes; masked keeps its number from who asks.
func scan(row interface{ Scan(to ...any) error }, masked bool) (c one, err error) {
	if err := row.Scan(&c.ID, &c.Name, &c.Company, &c.PhoneNumber, &c.Email, &c.Blocked, &c.first, &c.last, &c.notes,
		&c.Calls); err != nil {
		return c, fmt.Errorf("read a contact: %w", err)
	}
	c.FirstSeenAt, c.LastSeenAt = rows.Said(c.first), rows.Said(c.last)
	if masked {
		c.PhoneNumber = phone.Mask(c.PhoneNumber)
	}
	return c, nil
}

// page reads a page; after is empty on the last.
func (rt *routes) page(ctx context.Context, q query) (all []one, after string, err error) {
	statement, args := "", []any(nil)
	if q.search != "" {
		if statement, args = q.found(tenant.HomeOf(rt.app, q.organization)); statement == "" {
			return []one{}, "", nil
		}
	}
	reads, err := database.Reading(rt.app)
	if err != nil {
		return nil, "", err
	}
	statement, args = q.sql(statement, args)
	found, err := reads.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, "", fmt.Errorf("list contacts: %w", err)
	}
	defer found.Close()
	all = []one{}
	for found.Next() {
		if len(all) == q.limit {
			after = next(all[len(all)-1])
			break
		}
		c, err := scan(found, q.masked)
		if err != nil {
			return nil, "", err
		}
		all = append(all, c)
	}
	return all, after, found.Err()
}

func (rt *routes) list(re *core.RequestEvent) error {
	t, err := lists.MayHear(re)
	if err != nil {
		return err
	}
	q, err := read(re.Request.URL.Query(), t)
	if err != nil {
		return err
	}
	if q.search != "" { // sorts all that is found
		done, err := tenant.Turn(re)
		if err != nil {
			return err
		}
		defer done()
	}
	all, after, err := rt.page(re.Request.Context(), q)
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK, map[string]any{"items": all, "next": after})
}

// export writes the filtered list page by page.
func (rt *routes) export(re *core.RequestEvent) error {
	t, err := lists.MayHear(re)
	if err != nil {
		return err
	}
	q, err := read(re.Request.URL.Query(), t)
	if err != nil {
		return err
	}
	done, err := tenant.Turn(re)
	if err != nil {
		return err
	}
	defer done()
	zone, err := time.LoadLocation(t.Organization.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	q.limit, q.seen, q.id = pageMax, "", ""
	lists.Download(re, "contacts-"+time.Now().In(zone).Format(time.DateOnly)+".csv", "text/csv; charset=utf-8")
	w := sheet.New(re.Response, "id", "name", "company", "phone_number", "email", "blocked", "calls", "first_seen_at",
		"last_seen_at", "notes", "time_zone")
	for written := 0; written < exportMost; {
		all, after, err := rt.page(re.Request.Context(), q)
		if err != nil {
			rt.app.Logger().Warn("export cut short", "error", err)
			break
		}
		for _, c := range all {
			w.Row(c.ID, c.Name, c.Company, c.PhoneNumber, c.Email, strconv.FormatBool(c.Blocked), strconv.Itoa(c.Calls),
				local(c.first, zone), local(c.last, zone), c.notes, zone.String())
		}
		written += len(all)
		if w.Flush() != nil || after == "" { // the reader left, or the end
			break
		}
		q.seen, q.id = all[len(all)-1].last, all[len(all)-1].ID
	}
	return nil
}

// local is a stored time by an organization's clock.
func local(stored string, zone *time.Location) string {
	at, err := types.ParseDateTime(stored)
	if err != nil || at.IsZero() {
		return ""
	}
	return at.Time().In(zone).Format("2006-01-02 15:04:05")
}
