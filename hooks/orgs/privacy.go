package orgs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// againKind is the promise to erase a call that came back: imported from the
	// provider after its caller was erased.
	againKind = "privacy.erase_again"
	// subjectCalls bounds what is in memory at once; a caller with more is erased
	// in several rounds. An export reads one call after the other.
	subjectCalls = 5_000
)

func (d *domain) privacy() {
	const request = `{"id", "kind", "status", "subject_hint", "requested_by", "created", "finished_at", "certificate": {…}}`
	d.handle("GET", "/api/organizations/{organization}/privacy", facade.SignedIn, "What was exported and erased, newest first.", "",
		`{"requests": [`+request+`]}`, "403", d.listPrivacy)
	d.handle("POST", "/api/organizations/{organization}/privacy/export", facade.SignedIn,
		"Everything kept about a caller, by telephone number, as a zip of JSON and recordings.", `{"phone_number": "+1…"}`, "application/zip", "400 · 403 · 404 nothing is kept", d.exportSubject)
	d.handle("POST", "/api/organizations/{organization}/privacy/erase", facade.SignedIn,
		"Erases a caller by telephone number, here and at the provider. It cannot be undone.", `{"phone_number": "+1…", "confirm": true}`,
		`{"request": `+request+`}`, "202 it takes longer and goes on · 400 · 403 · 409 a legal hold, or a call is going on", d.eraseSubject)
	const again = "orgs: a call of an erased caller that comes back is erased again"
	atomic.On(d.app, collections.Calls, atomic.Created, again, d.afterReturn)
	atomic.On(d.app, collections.Calls, atomic.Updated, again, d.afterReturn, "caller_number", "recipient_number")
	d.Outbox.HandleSerial(eraseKind, d.eraseOwed) // one at a time in an organization (erasure.go)
	d.Outbox.Handle(againKind, d.eraseAgain)
	d.app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := endBroken(e.App, d.now()); err != nil {
			return err
		}
		return e.Next()
	})
}

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
	text := textOf(body, "phone_number")
	number := phone.Read(text, tenant.HomeOf(app, t.ID()))
	// What is stored may be older than the reading of numbers.
	s, err := subjectByNumber(app, callerRows{organization: t.ID(), number: number, spellings: distinct([]string{number.Text, text})})
	if err != nil {
		return s, err
	}
	word := number.Kind == phone.Other && !strings.ContainsAny(number.Text, "0123456789")
	if number.Kind == phone.None || word && len(s.calls) == 0 && len(s.contacts) == 0 {
		return s, facade.Invalid(map[string]string{"phone_number": "Write the number with the country's code, for example +1 415 555 2671"})
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
		if err := app.DB().Select("id").From(collections.Calls).Where(where).OrderBy("started_at", "id").Column(&some); err != nil {
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

func (d *domain) listPrivacy(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	rows, err := e.App.FindRecordsByFilter(collections.PrivacyRequests, "organization = {:o}", "-created", 200, 0, dbx.Params{"o": t.ID()})
	if err != nil {
		return err
	}
	list := make([]map[string]any, len(rows))
	for n, r := range rows {
		list[n] = privacyRow(r)
	}
	return e.JSON(http.StatusOK, map[string]any{"requests": list})
}

func privacyRow(r *core.Record) map[string]any {
	var certificate any
	if raw := rawJSON(r, "certificate"); raw != nil && r.GetString("status") == "done" {
		certificate = json.RawMessage(raw)
	}
	return map[string]any{
		"id": r.Id, "kind": r.GetString("kind"), "status": r.GetString("status"), "subject_hint": r.GetString("subject_hint"),
		"requested_by": r.GetString("requested_by"), "created": said(r.GetString("created")), "finished_at": said(r.GetString("finished_at")),
		"certificate": certificate, "error": r.GetString("error"),
	}
}

// begin writes the request down before anything is done.
func (d *domain) begin(e *core.RequestEvent, t *tenant.Tenant, kind string, s callerRows) (*core.Record, error) {
	values := map[string]any{
		"organization": t.ID(), "kind": kind, "status": "running", "subject_hint": s.hint(),
		"subject_hash": d.Forgotten.Hash(t.ID(), s.number.Text),
	}
	if t.UserID() != "" {
		values["requested_by"] = t.UserID()
	}
	if kind == "erase" {
		values["status"] = "pending" // until the promise is kept
		d.Forgotten.Begin(d.now())
	}
	var row *core.Record
	err := e.App.RunInTransaction(func(tx core.App) (err error) {
		if row, err = makeRow(tx, collections.PrivacyRequests, values); err != nil {
			return err
		}
		if kind == "erase" {
			if err := d.oweErasure(tx, row, s); err != nil {
				return err
			}
			d.erasing.Store(row.Id, make(chan struct{})) // before the worker may see it
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "privacy." + kind, Resource: collections.PrivacyRequests, Record: row.Id,
		})
	})
	if err != nil {
		if row != nil {
			d.erasing.Delete(row.Id)
		}
		return nil, err
	}
	// Read again: a record that was just made does not know what it was.
	return e.App.FindRecordById(collections.PrivacyRequests, row.Id)
}

func (d *domain) finish(app core.App, row *core.Record, certificate map[string]any, failure error) error {
	row.IgnoreUnchangedFields(true)
	row.Load(map[string]any{"status": "done", "finished_at": d.now(), "certificate": certificate})
	if failure != nil {
		row.Load(map[string]any{"status": "failed", "error": cutText(failure.Error(), 500)})
	}
	return errors.Join(failure, app.Save(row))
}

func (d *domain) eraseSubject(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	if body["confirm"] != true {
		return facade.Invalid(map[string]string{"confirm": "Must be true: erasing cannot be undone"})
	}
	s, err := d.findSubject(e.App, t, body)
	if err != nil {
		return err
	}
	settings, err := securityRow(e.App, t.ID())
	if err != nil {
		return err
	}
	if settings.GetBool("legal_hold") {
		return facade.Error(http.StatusConflict, "A legal hold is on: nothing may be erased until it is lifted")
	}
	for _, call := range s.calls {
		for _, live := range collections.LiveStatuses {
			if call.GetString("status") == live && d.now().Sub(call.GetDateTime("started_at").Time()) < 4*time.Hour {
				return facade.Error(http.StatusConflict, "This caller is on the phone right now; try again after the call")
			}
		}
	}
	row, err := d.begin(e, t, "erase", s)
	if err != nil {
		return err
	}
	// A person who closes the window leaves nothing half done: the work is owed.
	d.waitFor(e.Request.Context(), row.Id)
	if row, err = e.App.FindRecordById(collections.PrivacyRequests, row.Id); err != nil {
		return err
	}
	status := http.StatusOK
	if row.GetString("status") != "done" {
		status = http.StatusAccepted
	}
	return e.JSON(status, map[string]any{"request": privacyRow(row)})
}

// eraseRows removes what is kept. Deleting a call takes its lines, timeline,
// report (and with it the search index), recordings and stored messages along,
// leaves a mark against late ones, and owes the deletion at the provider
// (hooks/calls). Each call is a transaction of its own: a caller of many years
// must not hold the database, and what was done is noted with it: whoever goes on
// after a stop counts on.
func (d *domain) eraseRows(ctx context.Context, app core.App, s callerRows, numbers counts, note noting) error {
	// The log first: what is stopped half-way still finds its rows by the number.
	if err := forgetInLog(ctx, app, s, numbers); err != nil {
		return err
	}
	for len(s.calls) > 0 {
		for _, call := range s.calls {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := eraseCall(app, call.Id, numbers, note); err != nil {
				return fmt.Errorf("erase a call: %w", err)
			}
		}
		if len(s.calls) < subjectCalls {
			break
		}
		// The first of many: on with the others.
		more, err := subjectByNumber(app, s.again())
		if err != nil {
			return err
		}
		for _, some := range []callerRows{s, more} { // what was written since, and what comes now
			if err := forgetInLog(ctx, app, some, numbers); err != nil {
				return err
			}
		}
		s = more
	}
	return d.eraseRest(ctx, app, s, numbers)
}

// counts are how many rows of which kind an erasure took.
type counts map[string]int

// noting keeps what was counted, in the transaction in which it was done.
type noting func(tx core.App, numbers counts) error

// eraseCall deletes a call and counts what goes with it.
func eraseCall(app core.App, id string, numbers counts, note noting) error {
	then := maps.Clone(numbers)
	err := app.RunInTransaction(func(tx core.App) error {
		call, err := database.Found(tx.FindRecordById(collections.Calls, id))
		if err != nil || call == nil {
			return err // gone already
		}
		for _, name := range []string{collections.Messages, collections.CallEvents, collections.CallReports, collections.Recordings} {
			n, err := countIn(atomic.Of(tx), "SELECT count(*) FROM "+name+" WHERE call = ?", id)
			if err != nil {
				return err
			}
			then[name] += n
		}
		if call.GetString("vapi_call_id") != "" {
			then["provider_copies"]++
		}
		then["calls"]++
		if err := tx.Delete(call); err != nil {
			return err
		}
		return note(tx, then)
	})
	if err == nil {
		maps.Copy(numbers, then)
	}
	return err
}

// eraseRest removes what no call takes along: the contacts, and messages and
// promises about the caller that belong to no call we kept. All that can be long
// is looked for before it is deleted, and deleted in pieces.
func (d *domain) eraseRest(ctx context.Context, app core.App, s callerRows, numbers counts) error {
	home := tenant.HomeOf(app, s.organization)
	about := func(payload string) bool { return s.names(payload, home) }
	n, err := inbox.Forget(ctx, app, s.organization, s.until.Time(), about)
	if numbers[collections.ProviderEvents] += n; err != nil {
		return err
	}
	n, err = d.Outbox.Forget(ctx, s.organization, s.until.Time(), about)
	if numbers[collections.Outbox] += n; err != nil {
		return err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		return database.Wipe(tx, func() error {
			for _, c := range s.contacts {
				contact, err := database.Found(tx.FindRecordById(collections.Contacts, c.Id))
				if err != nil {
					return err
				}
				if contact == nil {
					continue // gone already
				}
				if err := tx.Delete(contact); err != nil {
					return err
				}
				numbers[collections.Contacts]++
			}
			return nil
		})
	})
	return errors.Join(err, forgetInLog(ctx, app, s, numbers)) // what was written since
}

// forgetInLog empties what the audit log says of the caller's rows. Who did
// what and when stays; this is the one change the database lets through.
func forgetInLog(ctx context.Context, app core.App, s callerRows, numbers counts) error {
	ids := []string{}
	for _, row := range slices.Concat(s.calls, s.contacts) {
		ids = append(ids, row.Id)
	}
	n, err := audit.Erase(ctx, app, s.organization, []string{collections.Calls, collections.Contacts}, ids)
	numbers["audit_details"] += n
	return err
}

type againPayload struct {
	Call string `json:"call"`
}

// afterReturn looks whether a call is an old one of an erased caller: one that was
// written down again, or that ran when its caller was not known yet. The
// provider's messages about others are not taken in (hooks/calls). It runs in the
// transaction of the call.
func (d *domain) afterReturn(tx atomic.Tx, _, call *core.Record) error {
	organization, started := call.GetString("organization"), call.GetDateTime("started_at")
	if started.IsZero() {
		return nil
	}
	erased, err := d.Forgotten.Erased(tx, organization, theirs(call, ""), started.Time())
	if err != nil || !erased {
		return err
	}
	return d.Outbox.Add(tx, outbox.Row{Organization: organization, Kind: againKind, Key: againKind + ":" + call.Id, Payload: againPayload{call.Id}})
}

// eraseAgain keeps that promise.
func (d *domain) eraseAgain(ctx context.Context, row outbox.Row) error {
	var p againPayload
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	call, err := database.Found(d.app.FindRecordById(collections.Calls, p.Call))
	if err != nil || call == nil {
		return err // gone already
	}
	s := callerRows{organization: call.GetString("organization"), calls: []*core.Record{call}}
	if s.until, err = d.erasedAt(s.organization, theirs(call, "")); err != nil {
		return err
	}
	s.number = phone.Read(theirs(call, ""), tenant.HomeOf(d.app, s.organization))
	s.spellings = distinct([]string{s.number.Text, theirs(call, ""), theirs(call, "_raw")})
	// The contact came back with it; one who has called since stays.
	contact, err := database.Found(d.app.FindRecordById(collections.Contacts, call.GetString("contact")))
	if err != nil {
		return err
	}
	if contact != nil {
		others, err := countIn(reads(d.app), "SELECT count(*) FROM calls WHERE contact = ? AND id != ?", contact.Id, call.Id)
		if err != nil {
			return err
		}
		if others == 0 {
			s.contacts = []*core.Record{contact}
		}
	}
	err = d.eraseRows(ctx, d.app, s, counts{}, func(core.App, counts) error { return nil })
	if err != nil {
		return err
	}
	if err := database.DropLog(ctx, d.app); err != nil {
		d.app.Logger().Warn("the database's log still holds what was erased; it is written over as changes come", "error", err)
	}
	return nil
}

// erasedAt is when a caller was last erased.
func (d *domain) erasedAt(organization, number string) (at types.DateTime, err error) {
	var stored string
	err = atomic.One(reads(d.app), `SELECT coalesce(max(created), '') FROM privacy_requests
		WHERE organization = ? AND subject_hash = ? AND kind = 'erase'`, []any{organization, d.Forgotten.Hash(organization, number)}, &stored)
	if err != nil {
		return at, fmt.Errorf("when a caller was erased: %w", err)
	}
	return types.ParseDateTime(stored)
}

func cutText(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most])
}
