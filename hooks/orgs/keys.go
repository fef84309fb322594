package orgs

import (
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// keysMost is how many keys an organization may have at once.
const keysMost = 100

// keyFlags are the capabilities a key of a role gets, as far as the person who
// makes it holds them. An admin's key holds all by its role.
var keyFlags = map[string][]string{
	collections.Admin: collections.Capabilities,
	collections.Manager: {
		collections.CanAccessAnalytics, collections.CanManageAgents, collections.CanViewCalls, collections.CanViewMessages, collections.CanViewEmails,
	},
	collections.Agent:     {collections.CanViewCalls, collections.CanViewMessages, collections.CanViewEmails},
	collections.Viewer:    {collections.CanAccessAnalytics, collections.CanViewCalls},
	collections.Developer: {collections.CanAccessAnalytics, collections.CanManageIntegrations, collections.CanViewCalls},
}

func (d *domain) keys() {
	const record = `{"id", "name", "role", "prefix", "created", "expires_at", "revoked_at", "last_used_at", "last_used_ip", "created_by"}`
	d.handle("GET", "/api/organizations/{organization}/keys", facade.SignedIn, "The organization's API keys, newest first.", "",
		`{"keys": [`+record+`]}`, "403 for who does not manage integrations", d.listKeys)
	d.handle("POST", "/api/organizations/{organization}/keys", facade.SignedIn,
		"Makes an API key. It is shown once and acts with its role: Authorization: Bearer pk_….",
		`{"name": …, "role": "admin"|"manager"|"agent"|"viewer"|"developer", "expires_at"?: time}`,
		`201 {"key": "pk_…", "record": `+record+`}`, "400 with reasons · 403 the role is more than the caller's own", d.createKey)
	d.handle("DELETE", "/api/organizations/{organization}/keys/{id}", facade.SignedIn,
		"Revokes a key at once.", "", "204", "403", d.revokeKey)
	// A key's account goes with the key, whoever removes the row.
	d.app.OnRecordAfterDeleteSuccess(collections.APIKeys).BindFunc(func(e *core.RecordEvent) error {
		if user, err := e.App.FindRecordById(collections.Users, e.Record.GetString("acts_as")); err == nil && user.GetBool("is_service") {
			if err := e.App.Delete(user); err != nil {
				// It cannot sign in, and without the key nothing acts as it.
				e.App.Logger().Error("account of a deleted key stays", "key", e.Record.Id, "error", err)
			}
		}
		return e.Next()
	})
}

// keeper is who may look after keys.
func (d *domain) keeper(e *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := d.in(e)
	if err != nil {
		return nil, err
	}
	if !t.Can(collections.CanManageIntegrations) && !t.Is(collections.Developer) {
		return nil, facade.Error(http.StatusForbidden, "Your role does not allow this")
	}
	return t, nil
}

func (d *domain) listKeys(e *core.RequestEvent) error {
	t, err := d.keeper(e)
	if err != nil {
		return err
	}
	rows, err := e.App.FindRecordsByFilter(collections.APIKeys, "organization = {:o}", "-created", 500, 0, dbx.Params{"o": t.ID()})
	if err != nil {
		return err
	}
	list := make([]map[string]any, len(rows))
	for n, r := range rows {
		list[n] = keyRow(r)
	}
	return e.JSON(http.StatusOK, map[string]any{"keys": list})
}

func keyRow(r *core.Record) map[string]any {
	return map[string]any{
		"id": r.Id, "name": r.GetString("name"), "role": r.GetString("role"), "prefix": r.GetString("prefix"), "created_by": r.GetString("created_by"),
		"created": said(r.GetString("created")), "expires_at": said(r.GetString("expires_at")), "revoked_at": said(r.GetString("revoked_at")),
		"last_used_at": said(r.GetString("last_used_at")), "last_used_ip": r.GetString("last_used_ip"),
	}
}

// mayGrant tells whether the caller may make a key of the role: nobody hands
// out more than they have.
func mayGrant(t *tenant.Tenant, role string) bool {
	switch {
	case t.Is(collections.Owner, collections.Admin):
		return true
	case role == collections.Viewer:
		return true
	}
	return t.Role() == role
}

func (d *domain) createKey(e *core.RequestEvent) error {
	t, err := d.keeper(e)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	name, role, expires := textOf(body, "name"), textOf(body, "role"), time.Time{}
	reasons := map[string]string{}
	if name == "" || len([]rune(name)) > 100 {
		reasons["name"] = "Give it a name of at most 100 characters"
	}
	if _, ok := keyFlags[role]; !ok {
		reasons["role"] = "Must be admin, manager, agent, viewer or developer"
	}
	if text := textOf(body, "expires_at"); text != "" {
		if expires, err = time.Parse(time.RFC3339, text); err != nil || !expires.After(d.now()) {
			reasons["expires_at"] = "Must be a time to come, for example 2027-01-31T00:00:00Z"
		}
	}
	if len(reasons) > 0 {
		return facade.Invalid(reasons)
	}
	if !mayGrant(t, role) {
		return facade.Error(http.StatusForbidden, "A key cannot hold more than you do")
	}
	var shown string
	var row *core.Record
	err = e.App.RunInTransaction(func(tx core.App) error {
		open, err := tx.FindRecordsByFilter(collections.APIKeys, "organization = {:o} && revoked_at = ''", "", keysMost, 0, dbx.Params{"o": t.ID()})
		if err != nil {
			return err
		}
		if len(open) >= keysMost {
			return facade.Error(http.StatusConflict, "There are 100 keys already; revoke some first")
		}
		id := core.GenerateDefaultRandomId()
		var hashed string
		shown, hashed = identity.NewKey(id)
		user, err := serviceAccount(tx, id, name)
		if err != nil {
			return err
		}
		membership := map[string]any{
			"organization": t.ID(), "user": user.Id, "role": role, "status": collections.MembershipActive, "is_default": true,
			"full_name": "Key: " + name, "joined_at": d.now(),
		}
		for _, flag := range keyFlags[role] {
			membership[flag] = t.Can(flag)
		}
		if _, err := makeRow(tx, collections.Memberships, membership); err != nil {
			return err
		}
		c, err := tx.FindCachedCollectionByNameOrId(collections.APIKeys)
		if err != nil {
			return err
		}
		row = core.NewRecord(c)
		row.Id = id
		row.Load(map[string]any{
			"organization": t.ID(), "name": name, "role": role, "prefix": shown[:len("pk_")+15+5], "hash": hashed, "acts_as": user.Id, "expires_at": expires,
		})
		if t.UserID() != "" {
			row.Set("created_by", t.UserID())
		}
		audit.By(e, row)
		return tx.Save(row)
	})
	if err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusCreated, map[string]any{"key": shown, "record": keyRow(row)})
}

// serviceAccount makes the account a key acts as. Nobody knows its password,
// its address takes no mail, and the AuthRule keeps it from signing in.
func serviceAccount(tx core.App, key, name string) (*core.Record, error) {
	c, err := tx.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		return nil, err
	}
	user := core.NewRecord(c)
	user.SetEmail("key-" + key + "@keys.invalid")
	user.SetPassword(security.RandomString(48))
	user.Load(map[string]any{"name": "Key: " + name, "is_active": true, "is_service": true, "language": "en", "theme": "auto"})
	return user, tx.Save(user)
}

func (d *domain) revokeKey(e *core.RequestEvent) error {
	t, err := d.keeper(e)
	if err != nil {
		return err
	}
	row, err := e.App.FindFirstRecordByFilter(collections.APIKeys, "id = {:id} && organization = {:o}", dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()})
	if err != nil {
		return facade.Error(http.StatusNotFound, "There is no such key")
	}
	// A developer may not revoke an admin's key: it is not theirs to hold.
	if !mayGrant(t, row.GetString("role")) && row.GetString("created_by") != t.UserID() {
		return facade.Error(http.StatusForbidden, "Your role does not allow this")
	}
	if !row.GetDateTime("revoked_at").IsZero() {
		return e.NoContent(http.StatusNoContent)
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		row.Set("revoked_at", d.now())
		audit.By(e, row)
		if err := tx.Save(row); err != nil {
			return err
		}
		return retire(tx, row.GetString("acts_as"))
	})
	if err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

// retire ends a key's account and what it still holds: its membership, its
// streams, its file tokens.
func retire(tx core.App, id string) error {
	user, err := tx.FindRecordById(collections.Users, id)
	if err != nil || !user.GetBool("is_service") {
		return nil // a key of the old days has none
	}
	user.Set("is_active", false)
	user.RefreshTokenKey()
	if err := tx.Save(user); err != nil {
		return err
	}
	rows, err := tx.FindRecordsByFilter(collections.Memberships, "user = {:user}", "", 0, 0, dbx.Params{"user": id})
	for _, m := range rows {
		if err := tx.Delete(m); err != nil {
			return err
		}
	}
	return err
}
