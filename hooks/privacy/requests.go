package privacy

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// requestAnswer is what the routes say of a request.
const requestAnswer = `{"id", "kind", "status", "subject_hint", "requested_by", "created", "finished_at", "certificate": {…}}`

var listPrivacyRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/privacy", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What was exported and erased, newest first.",
	Answer:  `{"requests": [` + requestAnswer + `]}`,
	Errors:  "403",
}

var exportSubjectRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/privacy/export", Auth: facade.SignedIn,
	System:  facade.Pocketline,
	Summary: "Everything kept about a caller, by telephone number, as a zip of JSON and recordings.",
	Body:    `{"phone_number": "+1…"}`,
	Answer:  "application/zip",
	Errors:  "400 · 403 · 404 nothing is kept",
}

var eraseSubjectRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/privacy/erase", Auth: facade.SignedIn,
	System:  facade.Pocketline,
	Summary: "Erases a caller by telephone number, here and at the provider. It cannot be undone.",
	Body:    `{"phone_number": "+1…", "confirm": true}`,
	Answer:  `{"request": ` + requestAnswer + `}`,
	Errors:  "202 it takes longer and goes on · 400 · 403 · 409 a legal hold, or a call is going on",
}

func (d *domain) listPrivacy(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	found, err := e.App.FindRecordsByFilter(collections.PrivacyRequests, "organization = {:o}", "-created",
		200, 0, dbx.Params{"o": t.ID()})
	if err != nil {
		return err
	}
	list := make([]map[string]any, len(found))
	for n, r := range found {
		list[n] = privacyRow(r)
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"requests": list})
}

func privacyRow(r *core.Record) map[string]any {
	var certificate any
	if raw := rows.JSON(r, "certificate"); raw != nil && r.GetString("status") == "done" {
		certificate = json.RawMessage(raw)
	}
	return map[string]any{
		"id": r.Id, "kind": r.GetString("kind"), "status": r.GetString("status"), "subject_hint": r.GetString("subject_hint"),
		"requested_by": r.GetString("requested_by"), "created": rows.Said(r.GetString("created")),
		"finished_at": rows.Said(r.GetString("finished_at")),
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
		d.Forgotten.Begin(d.Now())
	}
	var row *core.Record
	err := e.App.RunInTransaction(func(tx core.App) (err error) {
		if row, err = rows.Make(tx, collections.PrivacyRequests, values); err != nil {
			return err
		}
		if kind == "erase" {
			if err := d.oweErasure(tx, row, s); err != nil {
				return err
			}
			d.erasing.Store(row.Id, make(chan struct{})) // before the worker may see it
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "privacy." + kind, Resource: collections.PrivacyRequests,
			Record: row.Id,
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
	row.Load(map[string]any{"status": "done", "finished_at": d.Now(), "certificate": certificate})
	if failure != nil {
		row.Load(map[string]any{"status": "failed", "error": rows.Clip(failure.Error(), 500)})
	}
	return errors.Join(failure, app.Save(row))
}

func (d *domain) eraseSubject(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	if body["confirm"] != true {
		return refusal.Invalid(map[string]string{"confirm": "Must be true: erasing cannot be undone"})
	}
	s, err := d.findSubject(e.App, t, body)
	if err != nil {
		return err
	}
	settings, err := identity.SettingsRow(e.App, t.ID())
	if err != nil {
		return err
	}
	if settings.GetBool("legal_hold") {
		return refusal.Of("legal_hold/erasure")
	}
	for _, call := range s.calls {
		for _, live := range collections.LiveStatuses {
			if call.GetString("status") == live && d.Now().Sub(call.GetDateTime("started_at").Time()) < 4*time.Hour {
				return refusal.Of("caller_on_phone")
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
	return facade.JSON(e, status, map[string]any{"request": privacyRow(row)})
}
