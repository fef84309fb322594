package privacy

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// graceDays is how long a deletion can be taken back.
const graceDays = 7

var closeOrganizationRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/delete", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Closes the organization: its calls are not answered any more, and after seven days everything of it goes, here and at the providers.",
	Body:    `{"name": the organization's name, typed}`,
	Answer:  `{"deletes_at"}`,
	Errors:  "400 when the name is another one, 403 for who is not an owner, 409 under a legal hold",
}

var restoreOrganizationRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/restore", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Takes a deletion back before its time.",
	Answer:  `{"success": true}`,
	Errors:  "403 for who is not an owner, 409 when it is not being deleted or too late",
}

// closeOrganization is POST /api/organizations/{organization}/delete.
func (d *domain) closeOrganization(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	typed, _ := body["name"].(string)
	var o *core.Record
	err = e.App.RunInTransaction(func(tx core.App) error {
		var err error
		if o, err = tx.FindRecordById(collections.Organizations, t.ID()); err != nil {
			return err
		}
		if strings.TrimSpace(typed) != strings.TrimSpace(o.GetString("name")) {
			return refusal.Invalid(map[string]string{"name": "Type the name of the organization: " + o.GetString("name")})
		}
		if o.GetString("status") == collections.OrganizationClosed && o.GetString("deletes_at") != "" {
			return nil // asked for already
		}
		if held, err := underHold(tx, o.Id); err != nil || held {
			return errors.Join(err, refusal.Of("legal_hold"))
		}
		// What it was stands where no client writes, for a restore.
		if err := rows.SetKey(o, "limits", "closed_from", o.GetString("status")); err != nil {
			return err
		}
		o.Set("status", collections.OrganizationClosed)
		o.Set("deletes_at", types.NowDateTime().AddDate(0, 0, graceDays))
		audit.By(e, o)
		return tx.Save(o)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"deletes_at": rows.Said(o.GetString("deletes_at"))})
}

// restoreOrganization is POST /api/organizations/{organization}/restore.
func (d *domain) restoreOrganization(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner)
	if err != nil {
		return err
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		o, err := tx.FindRecordById(collections.Organizations, t.ID())
		if err != nil {
			return err
		}
		if o.GetString("status") != collections.OrganizationClosed || o.GetString("deletes_at") == "" {
			return refusal.Of("not_being_deleted")
		}
		if !o.GetDateTime("deletes_at").Time().After(time.Now()) {
			return refusal.Of("deletion_begun")
		}
		var kept struct {
			From string `json:"closed_from"`
		}
		if raw := rows.JSON(o, "limits"); raw != nil && json.Unmarshal(raw, &kept) != nil {
			kept.From = ""
		}
		if kept.From != collections.OrganizationSuspended {
			kept.From = collections.OrganizationActive
		}
		if err := rows.SetKey(o, "limits", "closed_from", nil); err != nil {
			return err
		}
		o.Set("status", kept.From)
		o.Set("deletes_at", "")
		audit.By(e, o)
		return tx.Save(o)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true})
}

// underHold tells whether a legal hold keeps everything where it is.
func underHold(app core.App, organization string) (bool, error) {
	n, err := rows.Count(atomic.Reads(app), `SELECT count(*) FROM security_settings WHERE organization = ? AND legal_hold`,
		organization)
	return n > 0, err
}
