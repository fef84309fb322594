package orgs

import (
	"archive/zip"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// againKind is the promise to erase a call that came back: imported from the
	// provider after its caller was erased.
	againKind = "privacy.erase_again"
	// subjectCalls bounds what one request works on; a caller with more is erased
	// in several.
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
		`{"request": `+request+`}`, "400 · 403 · 409 a legal hold, or a call is going on", d.eraseSubject)
	atomic.On(d.app, collections.Calls, atomic.Created, "orgs: a call of an erased caller that comes back is erased again", d.afterReturn)
	d.Outbox.Handle(againKind, d.eraseAgain)
}

// subjectOf hashes a number of an organization with a key only this
// installation has: enough to recognize it, nothing to read it from.
func (d *domain) subjectOf(organization, number string) (string, error) {
	key, err := hkdf.Key(sha256.New, d.Key, nil, "erased callers", 32)
	if err != nil {
		return "", fmt.Errorf("privacy: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(organization + "\x00" + number))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// callerRows is a caller, and what is kept about them.
type callerRows struct {
	organization, number, hash string
	contact                    *core.Record
	calls                      []*core.Record
}

func (s callerRows) hint() string { return "…" + s.number[max(0, len(s.number)-2):] }

// findSubject reads the number of a body and finds the caller's rows.
func (d *domain) findSubject(app core.App, t *tenant.Tenant, body map[string]any) (callerRows, error) {
	parsed, err := phonenumbers.Parse(textOf(body, "phone_number"), t.Organization.GetString("country"))
	if err != nil || !phonenumbers.IsPossibleNumber(parsed) {
		return callerRows{}, facade.Invalid(map[string]string{"phone_number": "Write the number with the country's code, for example +1 415 555 2671"})
	}
	return d.subjectByNumber(app, t.ID(), phonenumbers.Format(parsed, phonenumbers.E164))
}

func (d *domain) subjectByNumber(app core.App, organization, number string) (s callerRows, err error) {
	s = callerRows{organization: organization, number: number}
	if s.hash, err = d.subjectOf(organization, number); err != nil {
		return s, err
	}
	of := dbx.Params{"o": organization, "n": number}
	contacts, err := app.FindRecordsByFilter(collections.Contacts, "organization = {:o} && phone_number = {:n}", "", 1, 0, of)
	if err != nil {
		return s, err
	}
	seen := map[string]bool{}
	add := func(where dbx.Expression) error {
		var rows []*core.Record
		err := app.RecordQuery(collections.Calls).AndWhere(dbx.HashExp{"organization": organization}).AndWhere(where).
			OrderBy("started_at", "id").Limit(subjectCalls).All(&rows)
		for _, r := range rows {
			if !seen[r.Id] && len(s.calls) < subjectCalls {
				seen[r.Id] = true
				s.calls = append(s.calls, r)
			}
		}
		return err
	}
	if err := add(dbx.HashExp{"caller_number": number}); err != nil {
		return s, err
	}
	// Outbound: the caller is who was called. An organization's own number on
	// that side would mean everybody.
	if err := add(dbx.HashExp{"recipient_number": number, "call_type": collections.Outbound}); err != nil {
		return s, err
	}
	if len(contacts) > 0 {
		s.contact = contacts[0]
		return s, add(dbx.HashExp{"contact": s.contact.Id})
	}
	return s, nil
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
	if raw := rawJSON(r, "certificate"); raw != nil {
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
		"organization": t.ID(), "kind": kind, "status": "running", "subject_hash": s.hash, "subject_hint": s.hint(),
	}
	if t.UserID() != "" {
		values["requested_by"] = t.UserID()
	}
	var row *core.Record
	err := e.App.RunInTransaction(func(tx core.App) (err error) {
		if row, err = makeRow(tx, collections.PrivacyRequests, values); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "privacy." + kind, Resource: collections.PrivacyRequests, Record: row.Id,
		})
	})
	if err != nil {
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

// exportSubject sends the archive as it is made; recordings are large.
func (d *domain) exportSubject(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	s, err := d.findSubject(e.App, t, body)
	if err != nil {
		return err
	}
	if s.contact == nil && len(s.calls) == 0 {
		return facade.Error(http.StatusNotFound, "Nothing is kept about this number")
	}
	row, err := d.begin(e, t, "export", s)
	if err != nil {
		return err
	}
	header := e.Response.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", `attachment; filename="caller.zip"`)
	header.Set("Cache-Control", "private, no-store")
	archive := zip.NewWriter(e.Response)
	counts, err := writeSubject(e.Request.Context(), e.App, archive, s)
	if err == nil {
		err = archive.Close()
	}
	return d.finish(e.App, row, counts, err)
}

// writeSubject fills the archive: the contact, and for each call everything
// the organization's own people may see.
func writeSubject(ctx context.Context, app core.App, archive *zip.Writer, s callerRows) (map[string]any, error) {
	counts := map[string]int{"calls": 0, "messages": 0, "call_events": 0, "call_reports": 0, "recordings": 0, "contacts": 0}
	write := func(name string, value any) error {
		w, err := archive.Create(name)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	}
	if s.contact != nil {
		counts["contacts"]++
		if err := write("contact.json", s.contact.PublicExport()); err != nil {
			return nil, err
		}
	}
	for _, call := range s.calls {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		whole := map[string]any{"call": call.PublicExport()}
		counts["calls"]++
		for _, name := range []string{collections.Messages, collections.CallEvents, collections.CallReports, collections.Recordings} {
			rows, err := app.FindRecordsByFilter(name, "call = {:call}", "created", 0, 0, dbx.Params{"call": call.Id})
			if err != nil {
				return nil, err
			}
			list := make([]map[string]any, len(rows))
			for n, r := range rows {
				list[n] = r.PublicExport()
			}
			counts[name] += len(rows)
			whole[name] = list
			if name == collections.Recordings {
				if err := writeSound(app, archive, call.Id, rows); err != nil {
					return nil, err
				}
			}
		}
		if err := write("calls/"+call.Id+".json", whole); err != nil {
			return nil, err
		}
	}
	certificate := map[string]any{}
	for name, n := range counts {
		certificate[name] = n
	}
	return certificate, nil
}

func writeSound(app core.App, archive *zip.Writer, call string, rows []*core.Record) error {
	files, err := app.NewFilesystem()
	if err != nil {
		return err
	}
	defer files.Close()
	for _, r := range rows {
		name := r.GetString("file")
		if name == "" {
			continue
		}
		sound, err := files.GetReader(r.BaseFilesPath() + "/" + name)
		if err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
		w, err := archive.CreateHeader(&zip.FileHeader{Name: "recordings/" + call + "-" + r.GetString("kind") + path.Ext(name), Method: zip.Store})
		if err == nil {
			_, err = io.Copy(w, sound)
		}
		if err := errors.Join(err, sound.Close()); err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
	}
	return nil
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
	// A person who closes the window must not leave half of it.
	certificate, err := d.eraseRows(context.WithoutCancel(e.Request.Context()), e.App, s)
	if err := d.finish(e.App, row, certificate, err); err != nil {
		return err
	}
	d.Outbox.Nudge()
	return e.JSON(http.StatusOK, map[string]any{"request": privacyRow(row)})
}

// eraseRows removes what is kept. Deleting a call takes its lines, timeline,
// report (and with it the search index), recordings and stored messages along,
// leaves a mark against late ones, and owes the deletion at the provider
// (hooks/calls). Each call is a transaction of its own: a caller of many years
// must not hold the database.
func (d *domain) eraseRows(ctx context.Context, app core.App, s callerRows) (map[string]any, error) {
	certificate := map[string]any{"installation": d.Installation.Version, "subject": s.hint()}
	numbers := map[string]int{}
	for _, call := range s.calls {
		if err := ctx.Err(); err != nil {
			return certificate, err
		}
		for _, name := range []string{collections.Messages, collections.CallEvents, collections.CallReports, collections.Recordings} {
			n, err := count(app, "SELECT count(*) FROM "+name+" WHERE call = ?", call.Id)
			if err != nil {
				return certificate, err
			}
			numbers[name] += n
		}
		if call.GetString("vapi_call_id") != "" {
			numbers["provider_copies"]++
		}
		if err := app.Delete(call); err != nil {
			return certificate, fmt.Errorf("erase a call: %w", err)
		}
		numbers["calls"]++
	}
	err := app.RunInTransaction(func(tx core.App) error {
		if s.contact != nil {
			contact, err := tx.FindRecordById(collections.Contacts, s.contact.Id)
			if err == nil {
				if err := tx.Delete(contact); err != nil {
					return err
				}
				numbers["contacts"]++
			}
		}
		for name, query := range map[string]string{
			// Messages that belong to no call we kept, and promises that name the
			// number; a promise to erase names none.
			"provider_events": `DELETE FROM provider_events WHERE organization = ? AND type NOT IN ('packed', 'deleted') AND instr(payload, ?) > 0`,
			"outbox":          `DELETE FROM outbox WHERE organization = ? AND kind != 'calls.erase' AND instr(payload, ?) > 0`,
		} {
			result, err := atomic.Of(tx).Exec(query, s.organization, strings.TrimPrefix(s.number, "+"))
			if err != nil {
				return fmt.Errorf("erase from %s: %w", name, err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			numbers[name] += int(n)
		}
		return forgetInLog(tx, s, numbers)
	})
	for name, n := range numbers {
		certificate[name] = n
	}
	certificate["kept"] = "usage and money without the caller; a keyed hash of the number; backups until they age out"
	return certificate, err
}

// forgetInLog empties what the audit log says of the caller's rows. Who did
// what and when stays; this is the one change the database lets through.
func forgetInLog(tx core.App, s callerRows, numbers map[string]int) error {
	ids := []string{}
	for _, c := range s.calls {
		ids = append(ids, c.Id)
	}
	if s.contact != nil {
		ids = append(ids, s.contact.Id)
	}
	for _, id := range ids {
		result, err := atomic.Of(tx).Exec(`UPDATE audit_logs SET details = '{"erased":true}' WHERE organization = ? AND record = ? AND resource IN ('calls', 'contacts')`,
			s.organization, id)
		if err != nil {
			return fmt.Errorf("erase from the audit log: %w", err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		numbers["audit_details"] += int(n)
	}
	return nil
}

type againPayload struct {
	Call string `json:"call"`
}

// afterReturn looks whether a new call is an old one of an erased caller,
// brought back by reconciliation. It runs in the transaction of the call.
func (d *domain) afterReturn(tx atomic.Tx, _, call *core.Record) error {
	organization, started := call.GetString("organization"), call.GetDateTime("started_at")
	number := call.GetString("caller_number")
	if call.GetString("call_type") == collections.Outbound {
		number = call.GetString("recipient_number")
	}
	if number == "" || started.IsZero() || d.now().Sub(started.Time()) < time.Minute {
		return nil // a call that has just begun is a new one: no question to the database
	}
	hashed, err := d.subjectOf(organization, number)
	if err != nil {
		return err
	}
	rows, err := tx.Query(`SELECT 1 FROM privacy_requests WHERE organization = ? AND subject_hash = ? AND kind = 'erase' AND created > ? LIMIT 1`,
		organization, hashed, stamp(started.Time()))
	if err != nil {
		return fmt.Errorf("erased callers: %w", err)
	}
	erased := rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !erased {
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
	call, err := d.app.FindRecordById(collections.Calls, p.Call)
	if err != nil {
		return nil // gone already
	}
	number := call.GetString("caller_number")
	if call.GetString("call_type") == collections.Outbound {
		number = call.GetString("recipient_number")
	}
	s := callerRows{organization: call.GetString("organization"), number: number, calls: []*core.Record{call}}
	// The contact came back with it; one who has called since stays.
	if contact, err := d.app.FindRecordById(collections.Contacts, call.GetString("contact")); err == nil {
		others, err := count(d.app, "SELECT count(*) FROM calls WHERE contact = ? AND id != ?", contact.Id, call.Id)
		if err != nil {
			return err
		}
		if others == 0 {
			s.contact = contact
		}
	}
	_, err = d.eraseRows(ctx, d.app, s)
	return err
}

func cutText(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return string(r[:most])
}
