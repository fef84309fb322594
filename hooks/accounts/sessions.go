package accounts

import (
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// sessionsShown is how many sessions the list has, newest first.
const sessionsShown = 100

// sessionAnswer is what the list says of a session.
const sessionAnswer = `{"id", "ip_address", "user_agent", "method", "second_factor", "created", "last_seen_at", "current": bool}`

var listSessionsRoute = facade.Route{
	Method: "GET", Path: "/api/me/sessions", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Where the caller is signed in.",
	Answer:  `{"sessions": [` + sessionAnswer + `]}`,
}

var endSessionRoute = facade.Route{
	Method: "DELETE", Path: "/api/me/sessions/{id}", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Ends one session; \"current\" is the one of this request.",
	Answer:  "204",
}

var endOthersRoute = facade.Route{
	Method: "POST", Path: "/api/me/sessions/end-others", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Ends every session but this one.",
	Answer:  `{"ended": n}`,
}

var endAllRoute = facade.Route{
	Method: "POST", Path: "/api/me/sessions/end-all", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Signs out everywhere, here too: every token of the account stops working.",
	Answer:  "204",
}

func (d *domain) listSessions(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	found, err := e.App.FindRecordsByFilter(collections.Sessions,
		"user = {:user} && ended_at = '' && (expires_at = '' || expires_at > {:now})",
		"-last_seen_at", sessionsShown, 0, dbx.Params{"user": user.Id, "now": rows.Stamp(d.Now())})
	if err != nil {
		return err
	}
	current, list := identity.Session(e), make([]map[string]any, len(found))
	for n, r := range found {
		list[n] = map[string]any{
			"id": r.Id, "ip_address": r.GetString("ip_address"), "user_agent": r.GetString("user_agent"),
			"method":        r.GetString("method"),
			"second_factor": r.GetBool("second_factor"), "created": rows.Said(r.GetString("created")),
			"last_seen_at": rows.Said(r.GetString("last_seen_at")),
			"current":      r.Id == current,
		}
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"sessions": list})
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
		return refusal.Of("not_found/session")
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if _, err := endSessions(tx, []*core.Record{row}, d.Now()); err != nil {
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
		found, err := openSessions(tx, user.Id, identity.Session(e))
		if err != nil {
			return err
		}
		if n, err = endSessions(tx, found, d.Now()); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.sessions_ended", map[string]any{"ended": n})
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"ended": n})
}

// endAll also ends tokens that belong to no session.
func (d *domain) endAll(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		found, err := openSessions(tx, user.Id, "")
		if err != nil {
			return err
		}
		n, err := endSessions(tx, found, d.Now())
		if err != nil {
			return err
		}
		if err := identity.SignOut(tx, user); err != nil {
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

func endSessions(app core.App, sessions []*core.Record, now time.Time) (int, error) {
	for _, r := range sessions {
		r.IgnoreUnchangedFields(true)
		r.Set("ended_at", now)
		if err := app.Save(r); err != nil {
			return 0, err
		}
	}
	return len(sessions), nil
}
