package orgs

import (
	"cmp"
	"maps"
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// keysMost is how many keys an organization may have at once.
const keysMost = 100

func (d *domain) keys() {
	const record = `{"id", "name", "role", "acts_with": role or "", "prefix", "state": "active"|"paused"|"ended", "why": ""|"factor"|"expired"|"revoked"|"maker",
 "created", "expires_at", "revoked_at", "last_used_at", "last_used_ip", "created_by", "created_by_name"}`
	d.handle("GET", "/api/organizations/{organization}/keys", facade.SignedIn,
		"The organization's API keys, newest first. acts_with is the key's role or, when that is less, its maker's.", "",
		`{"keys": [`+record+`]}`, "403 for who does not manage integrations", d.listKeys)
	d.handle("POST", "/api/organizations/{organization}/keys", facade.SignedIn,
		"Makes an API key. It is shown once and acts with its role, as far as its maker has it: Authorization: Bearer pk_….",
		`{"name": …, "role": "admin"|"manager"|"agent"|"viewer"|"developer", "expires_at"?: time}`,
		`201 {"key": "pk_…", "record": `+record+`}`, "400 with reasons · 403 the role is more than the caller's own", d.createKey)
	d.handle("DELETE", "/api/organizations/{organization}/keys/{id}", facade.SignedIn,
		"Revokes a key at once. Who made it always may.", "", "204", "403", d.revokeKey)

	// However a key ends, its account, file tokens and streams end with it.
	atomic.OnRecord(d.app, collections.APIKeys, atomic.Updated, "orgs: end the account of a key that ended", retireEnded, "revoked_at")
	atomic.OnRecord(d.app, collections.APIKeys, atomic.Deleted, "orgs: remove the account of a key", removeAccount)
	// A key has what its maker has.
	const follow = "orgs: keys keep to the rights of their maker"
	atomic.OnRecord(d.app, collections.Memberships, atomic.Updated, follow, followMembership,
		append([]string{"status", "role"}, collections.Capabilities...)...)
	atomic.OnRecord(d.app, collections.Memberships, atomic.Deleted, follow, followMembership)
	atomic.OnRecord(d.app, collections.Users, atomic.Updated, follow, followUser, "is_active")
	atomic.OnRecord(d.app, collections.Users, atomic.Deleted, follow, followUser)
	const handed = "orgs: the keys of whoever made an account end when its owner proves the address"
	atomic.OnRecord(d.app, collections.Users, atomic.Updated, handed, endHanded, "verified")
}

// keeper is who may look after keys.
func (d *domain) keeper(e *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := d.in(e)
	if err != nil {
		return nil, err
	}
	if !keeps(t) {
		return nil, facade.Error(http.StatusForbidden, "Your role does not allow this")
	}
	return t, nil
}

func keeps(t *tenant.Tenant) bool {
	return t.Can(collections.CanManageIntegrations) || t.Is(collections.Developer)
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
		if list[n], err = d.keyRow(e.App, r); err != nil {
			return err
		}
	}
	return e.JSON(http.StatusOK, map[string]any{"keys": list})
}

func (d *domain) keyRow(app core.App, r *core.Record) (map[string]any, error) {
	is, err := d.identity.KeyStanding(app, r.Id)
	if err != nil {
		return nil, err
	}
	acts := ""
	if m := tenant.MembershipOf(app, r.GetString("acts_as"), r.GetString("organization")); m != nil {
		acts = m.GetString("role")
	}
	maker := ""
	if user, err := app.FindRecordById(collections.Users, r.GetString("created_by")); err == nil { // else the account is gone
		maker = cmp.Or(user.GetString("name"), user.Email())
	}
	return map[string]any{
		"created_by_name": maker,
		"id":              r.Id, "name": r.GetString("name"), "role": r.GetString("role"), "acts_with": acts, "prefix": r.GetString("prefix"),
		"state": is.State, "why": is.Why, "created_by": r.GetString("created_by"),
		"created": said(r.GetString("created")), "expires_at": said(r.GetString("expires_at")), "revoked_at": said(r.GetString("revoked_at")),
		"last_used_at": said(r.GetString("last_used_at")), "last_used_ip": r.GetString("last_used_ip"),
	}, nil
}

// mayGrant tells whether the caller may make a key of the role: nobody hands
// out more than they have.
func mayGrant(t *tenant.Tenant, role string) bool {
	return t.Superuser || lesser(role, t.Role()) == role
}

func (d *domain) createKey(e *core.RequestEvent) error {
	t, err := d.keeper(e)
	if err != nil {
		return err
	}
	if t.Membership == nil {
		return facade.Error(http.StatusForbidden, "A key has the rights of the member who makes it; sign in as one")
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
			"organization": t.ID(), "user": user.Id, "status": collections.MembershipActive, "is_default": true,
			"full_name": "Key: " + name, "joined_at": d.now(),
		}
		// Read anew: who lost a right a moment ago gives it to no key.
		maker, err := membershipIn(tx, t.UserID(), t.ID())
		if err != nil {
			return err
		}
		if maker == nil || maker.GetString("status") != collections.MembershipActive {
			return facade.Error(http.StatusForbidden, "You do not belong to this organization any more")
		}
		maps.Copy(membership, keyRights(role, maker))
		if membership["role"] != role {
			return facade.Error(http.StatusForbidden, "A key cannot hold more than you do")
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
			"created_by": t.UserID(),
		})
		audit.By(e, row)
		return tx.Save(row)
	})
	if err != nil {
		return err
	}
	record, err := d.keyRow(e.App, row)
	if err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusCreated, map[string]any{"key": shown, "record": record})
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
	t, err := d.in(e)
	if err != nil {
		return err
	}
	row, err := e.App.FindFirstRecordByFilter(collections.APIKeys, "id = {:id} && organization = {:o}", dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()})
	own := err == nil && t.UserID() != "" && row.GetString("created_by") == t.UserID()
	if !own && !keeps(t) {
		return facade.Error(http.StatusForbidden, "Your role does not allow this")
	}
	if err != nil {
		return facade.Error(http.StatusNotFound, "There is no such key")
	}
	// A developer may not revoke an admin's key: it is not theirs to hold.
	if !own && !mayGrant(t, row.GetString("role")) {
		return facade.Error(http.StatusForbidden, "Your role does not allow this")
	}
	audit.By(e, row)
	if err := endKey(e.App, row, collections.KeyEndedRevoked); err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}
