package orgs

import (
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

// sessionsShown is how many sessions the list has, newest first.
const sessionsShown = 100

func (d *domain) sessions() {
	const session = `{"id", "ip_address", "user_agent", "method", "second_factor", "created", "last_seen_at", "current": bool}`
	d.handle("GET", "/api/me/sessions", facade.SignedIn, "Where the caller is signed in.", "", `{"sessions": [`+session+`]}`, "", d.listSessions)
	d.handle("DELETE", "/api/me/sessions/{id}", facade.SignedIn, "Ends one session; \"current\" is the one of this request.", "", "204", "", d.endSession)
	d.handle("POST", "/api/me/sessions/end-others", facade.SignedIn, "Ends every session but this one.", "", `{"ended": n}`, "", d.endOthers)
	d.handle("POST", "/api/me/sessions/end-all", facade.SignedIn,
		"Signs out everywhere, here too: every token of the account stops working.", "", "204", "", d.endAll)
}

func (d *domain) listSessions(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	rows, err := e.App.FindRecordsByFilter(collections.Sessions, "user = {:user} && ended_at = '' && (expires_at = '' || expires_at > {:now})",
		"-last_seen_at", sessionsShown, 0, dbx.Params{"user": user.Id, "now": stamp(d.now())})
	if err != nil {
		return err
	}
	current, list := identity.Session(e), make([]map[string]any, len(rows))
	for n, r := range rows {
		list[n] = map[string]any{
			"id": r.Id, "ip_address": r.GetString("ip_address"), "user_agent": r.GetString("user_agent"), "method": r.GetString("method"),
			"second_factor": r.GetBool("second_factor"), "created": said(r.GetString("created")), "last_seen_at": said(r.GetString("last_seen_at")),
			"current": r.Id == current,
		}
	}
	return e.JSON(http.StatusOK, map[string]any{"sessions": list})
}

func (d *domain) endSession(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	id := e.Request.PathValue("id")
	if id == "current" {
		id = identity.Session(e)
	}
	row, err := database.Found(e.App.FindFirstRecordByFilter(collections.Sessions, "id = {:id} && user = {:user}",
		dbx.Params{"id": id, "user": user.Id}))
	if err != nil {
		return err
	}
	if row == nil {
		return facade.Error(http.StatusNotFound, "There is no such session")
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if _, err := endSessions(tx, []*core.Record{row}, d.now()); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.session_ended", map[string]any{"session": id})
	})
	if err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

func (d *domain) endOthers(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	n := 0
	err = e.App.RunInTransaction(func(tx core.App) error {
		rows, err := openSessions(tx, user.Id, identity.Session(e))
		if err != nil {
			return err
		}
		if n, err = endSessions(tx, rows, d.now()); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.sessions_ended", map[string]any{"ended": n})
	})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"ended": n})
}

// endAll also ends tokens that belong to no session: it changes what every
// token of the account is signed with.
func (d *domain) endAll(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		rows, err := openSessions(tx, user.Id, "")
		if err != nil {
			return err
		}
		n, err := endSessions(tx, rows, d.now())
		if err != nil {
			return err
		}
		user.IgnoreUnchangedFields(true)
		user.RefreshTokenKey()
		if err := tx.Save(user); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.signed_out_everywhere", map[string]any{"ended": n})
	})
	if err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

// openSessions are the person's sessions that have not ended, except one.
func openSessions(app core.App, user, except string) ([]*core.Record, error) {
	return app.FindRecordsByFilter(collections.Sessions, "user = {:user} && ended_at = '' && id != {:except}", "", 0, 0,
		dbx.Params{"user": user, "except": except})
}

func endSessions(app core.App, rows []*core.Record, now time.Time) (int, error) {
	for _, r := range rows {
		r.IgnoreUnchangedFields(true)
		r.Set("ended_at", now)
		if err := app.Save(r); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
