package accounts

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// keysMost is how many keys an organization may have at once.
const keysMost = 100

// keyAnswer is what the routes say of a key.
const keyAnswer = `{"id", "name", "role", "acts_with": role or "", "prefix", "state": "active"|"paused"|"ended", "why": ""|"factor"|"expired"|"revoked"|"maker",
 "created", "expires_at", "revoked_at", "last_used_at", "last_used_ip", "created_by", "created_by_name"}`

var listKeysRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/keys", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "The organization's API keys, newest first. acts_with is the key's role or, when that is less, its maker's.",
	Answer:  `{"keys": [` + keyAnswer + `]}`,
	Errors:  "403 for who does not manage integrations",
}

var createKeyRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/keys", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Makes an API key. It is shown once and acts with its role, as far as its maker has it: Authorization: Bearer pk_….",
	Body:    `{"name": …, "role": "admin"|"manager"|"agent"|"viewer"|"developer", "expires_at"?: time}`,
	Answer:  `201 {"key": "pk_…", "record": ` + keyAnswer + `}`,
	Errors:  "400 with reasons · 403 the role is more than the caller's own",
}

var revokeKeyRoute = facade.Route{
	Method: "DELETE", Path: "/api/organizations/{organization}/keys/{id}", Auth: facade.SignedIn,
	System:  facade.Pocketline,
	Summary: "Revokes a key at once. Who made it always may.",
	Answer:  "204",
	Errors:  "403",
}

// keeper is who may look after keys.
func (d *domain) keeper(e *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := tenant.InPath(e)
	if err != nil {
		return nil, err
	}
	if !keeps(t) {
		return nil, refusal.Of("forbidden/role")
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
	found, err := e.App.FindRecordsByFilter(collections.APIKeys, "organization = {:o}", "-created", 500,
		0, dbx.Params{"o": t.ID()})
	if err != nil {
		return err
	}
	list, err := d.keyRows(e.App, t.ID(), found)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"keys": list})
}

// keyRows are what the routes say of keys of one organization.
func (d *domain) keyRows(app core.App, organization string, keys []*core.Record) ([]map[string]any, error) {
	var ids []any
	for _, r := range keys {
		ids = append(ids, r.GetString("acts_as"), r.GetString("created_by"))
	}
	users, members := map[string]*core.Record{}, map[string]*core.Record{}
	var found []*core.Record
	if err := app.RecordQuery(collections.Users).AndWhere(dbx.In("id", ids...)).All(&found); err != nil {
		return nil, err
	}
	for _, user := range found {
		users[user.Id] = user
	}
	found = nil
	err := app.RecordQuery(collections.Memberships).AndWhere(dbx.In("user", ids...)).
		AndWhere(dbx.HashExp{"organization": organization, "status": collections.MembershipActive}).All(&found)
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		members[m.GetString("user")] = m
	}
	list := make([]map[string]any, len(keys))
	for n, r := range keys {
		list[n] = d.keyRow(app, r, users, members)
	}
	return list, nil
}

func (d *domain) keyRow(app core.App, r *core.Record, users, members map[string]*core.Record) map[string]any {
	is := d.Identity.Keys.StandingOf(app, r, users, members)
	acts, maker := "", ""
	if m := members[r.GetString("acts_as")]; m != nil {
		acts = m.GetString("role")
	}
	if user := users[r.GetString("created_by")]; user != nil { // else the account is gone
		maker = cmp.Or(user.GetString("name"), user.Email())
	}
	return map[string]any{
		"created_by_name": maker,
		"id":              r.Id, "name": r.GetString("name"), "role": r.GetString("role"), "acts_with": acts,
		"prefix": r.GetString("prefix"),
		"state":  is.State, "why": is.Why, "created_by": r.GetString("created_by"),
		"created": rows.Said(r.GetString("created")), "expires_at": rows.Said(r.GetString("expires_at")),
		"revoked_at":   rows.Said(r.GetString("revoked_at")),
		"last_used_at": rows.Said(r.GetString("last_used_at")), "last_used_ip": r.GetString("last_used_ip"),
	}
}

// mayGrant tells whether the caller may make a key of the role: nobody hands
// out more than they have.
func mayGrant(t *tenant.Tenant, role string) bool {
	return t.Superuser || slices.Contains(collections.Handed(t.Role()), role)
}

func (d *domain) createKey(e *core.RequestEvent) error {
	t, err := d.keeper(e)
	if err != nil {
		return err
	}
	if t.Membership == nil {
		return refusal.Of("forbidden/person_key")
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	w, err := d.readKey(body)
	if err != nil {
		return err
	}
	if !mayGrant(t, w.role) {
		return refusal.Of("forbidden/key_rights")
	}
	var shown string
	var row *core.Record
	err = e.App.RunInTransaction(func(tx core.App) error {
		shown, row, err = d.makeKey(e, tx, t, w)
		return err
	})
	if err != nil {
		return err
	}
	made, err := d.keyRows(e.App, t.ID(), []*core.Record{row})
	if err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return facade.JSON(e, http.StatusCreated, map[string]any{"key": shown, "record": made[0]})
}

// keyWish is the key somebody asks for.
type keyWish struct {
	name, role string
	expires    time.Time // zero: never
}

func (d *domain) readKey(body map[string]any) (keyWish, error) {
	w := keyWish{name: facade.TextOf(body, "name"), role: facade.TextOf(body, "role")}
	reasons := map[string]string{}
	if w.name == "" || len([]rune(w.name)) > 100 {
		reasons["name"] = "Give it a name of at most 100 characters"
	}
	if _, ok := keyFlags[w.role]; !ok {
		reasons["role"] = "Must be admin, manager, agent, viewer or developer"
	}
	if text := facade.TextOf(body, "expires_at"); text != "" {
		var err error
		if w.expires, err = time.Parse(time.RFC3339, text); err != nil || !w.expires.After(d.Now()) {
			reasons["expires_at"] = "Must be a time to come, for example 2027-01-31T00:00:00Z"
		}
	}
	if len(reasons) > 0 {
		return w, refusal.Invalid(reasons)
	}
	return w, nil
}

// makeKey stores a key with the account it acts as, and returns it as it is shown once.
func (d *domain) makeKey(e *core.RequestEvent, tx core.App, t *tenant.Tenant, w keyWish) (string, *core.Record, error) {
	open, err := tx.FindRecordsByFilter(collections.APIKeys, "organization = {:o} && revoked_at = ''",
		"", keysMost, 0, dbx.Params{"o": t.ID()})
	if err != nil {
		return "", nil, err
	}
	if len(open) >= keysMost {
		return "", nil, refusal.Of("keys_used_up")
	}
	id := core.GenerateDefaultRandomId()
	shown, hashed := identity.NewKey(id)
	user, err := serviceAccount(tx, id, w.name)
	if err != nil {
		return "", nil, err
	}
	membership := map[string]any{
		"organization": t.ID(), "user": user.Id, "status": collections.MembershipActive, "is_default": true,
		"full_name": "Key: " + w.name, "joined_at": d.Now(),
	}
	// Read anew: who lost a right a moment ago gives it to no key.
	maker, err := tenant.MemberIn(tx, t.UserID(), t.ID())
	if err != nil {
		return "", nil, err
	}
	if maker == nil || maker.GetString("status") != collections.MembershipActive {
		return "", nil, refusal.Of("not_member/any_more")
	}
	maps.Copy(membership, keyRights(w.role, maker))
	if membership["role"] != w.role {
		return "", nil, refusal.Of("forbidden/key_rights")
	}
	if _, err := rows.Make(tx, collections.Memberships, membership); err != nil {
		return "", nil, err
	}
	c, err := tx.FindCachedCollectionByNameOrId(collections.APIKeys)
	if err != nil {
		return "", nil, err
	}
	row := core.NewRecord(c)
	row.Id = id
	row.Load(map[string]any{
		"organization": t.ID(), "name": w.name, "role": w.role, "prefix": shown[:len("pk_")+15+5], "hash": hashed,
		"acts_as": user.Id, "expires_at": w.expires,
		"created_by": t.UserID(),
	})
	audit.By(e, row)
	return shown, row, tx.Save(row)
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
	user.Load(map[string]any{"name": "Key: " + name, "is_active": true, "is_service": true, "language": "en",
		"theme": "auto"})
	return user, tx.Save(user)
}

func (d *domain) revokeKey(e *core.RequestEvent) error {
	t, err := tenant.InPath(e)
	if err != nil {
		return err
	}
	row, err := e.App.FindFirstRecordByFilter(collections.APIKeys, "id = {:id} && organization = {:o}",
		dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()})
	own := err == nil && t.UserID() != "" && row.GetString("created_by") == t.UserID()
	if !own && !keeps(t) {
		return refusal.Of("forbidden/role")
	}
	if err != nil {
		return refusal.Of("not_found/key")
	}
	// A developer may not revoke an admin's key: it is not theirs to hold.
	if !own && !mayGrant(t, row.GetString("role")) {
		return refusal.Of("forbidden/role")
	}
	audit.By(e, row)
	if err := endKey(e.App, row, collections.KeyEndedRevoked); err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}
