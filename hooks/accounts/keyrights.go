package accounts

import (
	"database/sql"
	"errors"
	"slices"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// A key is a delegated right: it has its own role or its maker's, whichever is
// less, and ends when its maker is not an active member any more. Its account
// holds a membership with what that comes to, written in the transaction that
// changes the maker's, so that every rule and every list sees it at once.

// keyFlags are the capabilities a key of a role has, as far as its maker holds
// them. An admin's key holds all by its role.
var keyFlags = map[string][]string{
	collections.Admin: collections.Capabilities,
	collections.Manager: {
		collections.CanAccessAnalytics, collections.CanManageAgents, collections.CanViewCalls, collections.CanViewMessages,
		collections.CanViewEmails,
	},
	collections.Agent:     {collections.CanViewCalls, collections.CanViewMessages, collections.CanViewEmails},
	collections.Viewer:    {collections.CanAccessAnalytics, collections.CanViewCalls},
	collections.Developer: {collections.CanAccessAnalytics, collections.CanManageIntegrations, collections.CanViewCalls},
}

// keyRights are the role and flags of a key of this role whose maker has this
// membership.
func keyRights(role string, maker *core.Record) map[string]any {
	role = lesser(role, maker.GetString("role"))
	rights := map[string]any{"role": role}
	for _, flag := range collections.Capabilities {
		rights[flag] = slices.Contains(keyFlags[role], flag) && tenant.Has(maker, flag)
	}
	return rights
}

// lesser is the most both roles allow. A developer and anybody below an admin
// have a viewer's rights in common.
func lesser(a, b string) string {
	if a == b || tenant.HoldsAll(b) {
		return a
	}
	if tenant.HoldsAll(a) {
		return b
	}
	if a == collections.Developer || b == collections.Developer {
		return collections.Viewer
	}
	if tenant.Rank(a) < tenant.Rank(b) {
		return a
	}
	return b
}

// followMembership makes the keys of a member, and the key whose account the
// member is, keep to a changed membership.
func followMembership(tx core.App, before, _ *core.Record) error {
	user := before.GetString("user")
	return settleKeys(tx, dbx.HashExp{"organization": before.GetString("organization")},
		dbx.Or(dbx.HashExp{"created_by": user}, dbx.HashExp{"acts_as": user}))
}

// followUser makes the keys of a person, wherever made, keep to a changed
// account. Of one that was removed PocketBase has taken the name off its keys.
func followUser(tx core.App, before, after *core.Record) error {
	if before.GetBool("is_service") {
		return nil // makes none
	}
	maker := before.Id
	if after == nil {
		maker = ""
	}
	return settleKeys(tx, dbx.HashExp{"created_by": maker})
}

// settleKeys makes open keys have what their makers let them have.
func settleKeys(tx core.App, which ...dbx.Expression) error {
	keys, err := tx.FindAllRecords(collections.APIKeys, append(which, dbx.HashExp{"revoked_at": ""})...)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := settleKey(tx, key); err != nil {
			return err
		}
	}
	return nil
}

// endHanded ends the keys of an account that went to the owner of its address: they
// are in the hands of whoever made the account.
func endHanded(tx core.App, before, after *core.Record) error {
	if !identity.ChangedHands(before, after) {
		return nil
	}
	keys, err := tx.FindAllRecords(collections.APIKeys, dbx.HashExp{"created_by": after.Id, "revoked_at": ""})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := endByMaker(tx, key); err != nil {
			return err
		}
	}
	return nil
}

func settleKey(tx core.App, key *core.Record) error {
	maker, err := tenant.ActiveMember(tx, key.GetString("created_by"), key.GetString("organization"))
	if err != nil {
		return err
	}
	if maker == nil {
		return endByMaker(tx, key)
	}
	own, err := tenant.MemberIn(tx, key.GetString("acts_as"), key.GetString("organization"))
	if err != nil || own == nil {
		return err
	}
	own.IgnoreUnchangedFields(true)
	own.Load(keyRights(key.GetString("role"), maker))
	return tx.Save(own)
}

// endByMaker ends a key with its maker, and writes it down.
func endByMaker(tx core.App, key *core.Record) error {
	if err := endKey(tx, key, collections.KeyEndedMaker); err != nil {
		return err
	}
	return audit.Add(tx, audit.Entry{
		Organization: key.GetString("organization"), Actor: audit.Actor{Type: audit.ActorSystem, Name: "api_keys"},
		Action:   "api_keys.update",
		Resource: collections.APIKeys, Record: key.Id,
		Details: map[string]any{"ended_by": audit.Change{After: collections.KeyEndedMaker}},
	})
}

// endKey ends a key: the one door for every way that is not its removal.
func endKey(tx core.App, key *core.Record, by string) error {
	if !key.GetDateTime("revoked_at").IsZero() {
		return nil
	}
	key.Load(map[string]any{"revoked_at": types.NowDateTime(), "ended_by": by})
	return tx.Save(key)
}

// retireEnded ends the account of a key that was given an end, whoever wrote it.
func retireEnded(tx core.App, _, key *core.Record) error {
	if key.GetDateTime("revoked_at").IsZero() {
		return nil
	}
	return retire(tx, key.GetString("acts_as"))
}

// retire ends a key's account and what it still holds: its membership, its
// streams, its file tokens.
func retire(tx core.App, id string) error {
	user, err := serviceOf(tx, id)
	if err != nil || user == nil {
		return err // a key of the old days has none
	}
	user.Set("is_active", false)
	user.RefreshTokenKey()
	if err := tx.Save(user); err != nil {
		return err
	}
	found, err := tx.FindAllRecords(collections.Memberships, dbx.HashExp{"user": id})
	if err != nil {
		return err
	}
	for _, m := range found {
		if err := tx.Delete(m); err != nil {
			return err
		}
	}
	return nil
}

// removeAccount removes the account of a key whose row is removed.
func removeAccount(tx core.App, before, _ *core.Record) error {
	user, err := serviceOf(tx, before.GetString("acts_as"))
	if err != nil || user == nil {
		return err
	}
	return tx.Delete(user)
}

// serviceOf is the account of a key, nil when it is gone or a person's.
func serviceOf(tx core.App, id string) (*core.Record, error) {
	user, err := tx.FindRecordById(collections.Users, id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !user.GetBool("is_service") {
		return nil, nil
	}
	return user, err
}
