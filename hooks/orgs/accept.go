package orgs

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

var verifyInviteRoute = facade.Route{
	Method: "POST", Path: "/api/auth/verify-invite", Auth: facade.Guest, System: facade.CoreComm, Item: "S-263",
	Summary: "What an invitation says, for whoever holds its link.",
	Body:    `{"token"}`,
	Answer:  `{"email", "fullName"?, "companyName", "role", "inviterName"?, "accountExists": bool, "expiresAt"}`,
	Errors:  "400 without a token, with a part of one, or when it has expired, 404 when it is unknown, used or withdrawn",
}

var acceptInviteRoute = facade.Route{
	Method: "POST", Path: "/api/auth/accept-invite", Auth: facade.Guest, System: facade.CoreComm, Item: "S-264",
	Summary: "Accepts an invitation. Without an account one is made and signed in; whoever has one sends the token alone, signed in as the invited address.",
	Body:    `{"token", "password"?, "fullName"?}`,
	Answer:  `{"success": true, "organization": id, "token"?, "record"?} or, when signing in needs more, {"success": true, "message": "Account created. Please log in."}`,
	Errors:  `400 "Missing required fields" or "Invalid invitation", 401 when the address has an account, 409 when signed in as somebody else`,
}

// Why an invitation cannot be used.
var (
	errUnknown = errors.New("It does not exist, was used already, or was replaced by a newer one.")
	errExpired = errors.New("It has expired. Ask for a new one.")
	errPartial = errors.New("The link is incomplete or was changed on the way. Open it again where it came, or copy all of it.")
	errRevoked = errors.New("Whoever sent it may not invite you any more. Ask for a new one.")
)

// offered finds the open invitation a token belongs to; proven tells that the
// token came from its mailbox.
func (d *domain) offered(app core.App, t token) (i *core.Record, proven bool, err error) {
	i, err = app.FindRecordById(collections.Invitations, t.id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, errUnknown
	}
	if err != nil {
		return nil, false, err
	}
	if !sameDigest(t.secret, i.GetString("token_hash")) {
		return nil, false, errUnknown
	}
	switch status := i.GetString("status"); {
	case status == collections.InvitationExpired, status == collections.InvitationPending &&
		!i.GetDateTime("expires_at").Time().After(time.Now()):
		return nil, false, errExpired
	case status != collections.InvitationPending:
		return nil, false, errUnknown
	}
	if err := stillOffered(app, i); err != nil {
		return nil, false, err
	}
	var kept map[string]string
	if err := i.UnmarshalJSONField("metadata", &kept); err != nil {
		kept = nil // proves nothing then
	}
	proven = sameDigest(t.tail, kept[mailHash])
	// Invitations from before the other part was kept take any.
	if !proven && kept[linkHash] != "" && !sameDigest(t.tail, kept[linkHash]) {
		return nil, false, errPartial
	}
	return i, proven, nil
}

// stillOffered tells whether who sent it could send it now (security.md S17).
func stillOffered(app core.App, i *core.Record) error {
	organization, err := app.FindRecordById(collections.Organizations, i.GetString("organization"))
	if err != nil {
		return err
	}
	if organization.GetString("status") == collections.OrganizationClosed {
		return errRevoked
	}
	by := i.GetString("invited_by")
	if by == "" {
		return nil // the operator
	}
	m, err := tenant.ActiveMember(app, by, organization.Id)
	if err != nil {
		return err
	}
	if m == nil || !mayInvite(m) || authorityOf(m).mayGive(i.GetString("role"), flagsOf(i)) != nil {
		return errRevoked
	}
	return nil
}

// verifyInvite is POST /api/auth/verify-invite.
func (d *domain) verifyInvite(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	text, _ := body["token"].(string)
	if strings.TrimSpace(text) == "" {
		return refusal.Of("invalid_request/token")
	}
	t, ok := readToken(text)
	if !ok && cut(text) {
		return partial()
	}
	if !ok {
		return refusal.Of("not_found/invitation").With(sentence(errUnknown))
	}
	i, _, err := d.offered(e.App, t)
	switch {
	case errors.Is(err, errExpired):
		return refusal.Of("invitation_expired").With(sentence(err))
	case errors.Is(err, errPartial):
		return partial()
	case errors.Is(err, errUnknown), errors.Is(err, errRevoked):
		return refusal.Of("not_found/invitation").With(sentence(err))
	case err != nil:
		return err
	}
	organization, err := e.App.FindRecordById(collections.Organizations, i.GetString("organization"))
	if err != nil {
		return err
	}
	user, err := identity.AccountOf(e.App, collections.Users, i.GetString("email"))
	if err != nil {
		return err
	}
	answer := map[string]any{
		"email": i.GetString("email"), "companyName": organization.GetString("name"), "role": i.GetString("role"),
		"accountExists": user != nil, "expiresAt": rows.Said(i.GetString("expires_at")),
	}
	if name := i.GetString("full_name"); name != "" {
		answer["fullName"] = name
	}
	if inviter, err := e.App.FindRecordById(collections.Users, i.GetString("invited_by")); err == nil {
		answer["inviterName"] = inviter.GetString("name")
	}
	return facade.JSON(e, http.StatusOK, answer)
}

// partial is the answer to a link that lost letters; the page tells it from one that
// has expired by the code.
func partial() error {
	return refusal.Of("link_incomplete").With(errPartial.Error())
}

func sentence(err error) string { return err.Error() }

// acceptInvite is POST /api/auth/accept-invite.
func (d *domain) acceptInvite(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	text := func(name string) string {
		s, _ := body[name].(string)
		return s
	}
	given, password, name := text("token"), text("password"), strings.TrimSpace(text("fullName"))
	if strings.TrimSpace(given) == "" {
		return refusal.Of("invalid_request/missing").At("token", "Required")
	}
	t, i, proven, err := d.read(e.App, given)
	if err != nil {
		return invalid(err)
	}
	email := address.Tidy(i.GetString("email"))
	if e.Auth != nil && !isPerson(e.Auth, email) {
		return refusal.Of("invited_other")
	}
	user, err := identity.AccountOf(e.App, collections.Users, email)
	if err != nil {
		return err
	}
	if e.Auth == nil && user != nil {
		return refusal.Of("sign_in_to_accept")
	}
	isNew := user == nil
	if missing := (person{name: name, password: password}).missing(); isNew && len(missing) > 0 {
		return refusal.Of("invalid_request/missing").With(missing)
	}
	user, err = d.join(e, t, person{name, password, proven}, isNew)
	if err != nil {
		return invalid(err)
	}
	answer := map[string]any{"success": true, "organization": i.GetString("organization")}
	if isNew {
		d.signIn(e, user, proven, answer)
	}
	return facade.JSON(e, http.StatusOK, answer)
}

// read is the invitation a typed token belongs to.
func (d *domain) read(app core.App, given string) (t token, i *core.Record, proven bool, err error) {
	t, ok := readToken(given)
	if !ok && cut(given) {
		return t, nil, false, errPartial
	}
	if !ok {
		return t, nil, false, errUnknown
	}
	i, proven, err = d.offered(app, t)
	return t, i, proven, err
}

// isPerson tells whether an account is a person's, with this address.
func isPerson(account *core.Record, email string) bool {
	return account.Collection().Name == collections.Users && !account.GetBool("is_service") &&
		address.Tidy(account.Email()) == email
}

// missing is what a new account lacks.
func (p person) missing() map[string]string {
	missing := map[string]string{}
	if p.password == "" {
		missing["password"] = "Required"
	}
	if p.name == "" {
		missing["fullName"] = "Required"
	}
	return missing
}

// invalid words what is wrong with an invitation as the document does.
func invalid(err error) error {
	var problems validation.Errors
	switch {
	case errors.Is(err, errUnknown), errors.Is(err, errExpired), errors.Is(err, errPartial), errors.Is(err, errRevoked):
		return refusal.Of("invalid_invitation").With(err.Error())
	case errors.As(err, &problems):
		reasons := map[string]string{}
		for column, reason := range problems {
			if column == "name" {
				column = "fullName"
			}
			reasons[column] = strings.TrimSuffix(reason.Error(), ".")
		}
		return refusal.Invalid(reasons)
	}
	return err
}

// join makes the account when there is none, the membership, and closes the
// invitation: all or nothing, once.
func (d *domain) join(e *core.RequestEvent, t token, p person, isNew bool) (user *core.Record, err error) {
	err = e.App.RunInTransaction(func(tx core.App) error {
		i, _, err := d.offered(tx, t)
		if err != nil {
			return err
		}
		user, err = identity.AccountOf(tx, collections.Users, i.GetString("email"))
		if err != nil {
			return err
		}
		if isNew == (user != nil) {
			// Somebody was quicker with the same link, or the account went while its
			// invitation was being accepted.
			return errUnknown
		}
		if isNew {
			if user, err = newAccount(tx, e, i, p); err != nil {
				return err
			}
		}
		// Whoever comes second changes nothing here and gets nothing.
		result, err := atomic.Of(tx).Exec(`UPDATE invitations SET status = ? WHERE id = ? AND status = ? AND token_hash = ?`,
			collections.InvitationAccepted, i.Id, collections.InvitationPending, digest(t.secret))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, errUnknown)
		}
		membership, err := joined(tx, i, user)
		if err != nil {
			return err
		}
		i.Set("status", collections.InvitationAccepted)
		i.Set("accepted_by", user.Id)
		i.Set("accepted_at", types.NowDateTime())
		if err := tx.SaveNoValidate(i); err != nil {
			return err
		}
		if isNew {
			user.Set("last_organization", membership.GetString("organization"))
			if err := tx.SaveNoValidate(user); err != nil {
				return err
			}
		}
		by := audit.ActorOf(e)
		by.Type, by.User, by.Name = audit.ActorUser, user.Id, user.GetString("name")
		return audit.Add(tx, audit.Entry{
			Organization: i.GetString("organization"), Actor: by, Action: "invitations.accept",
			Resource: collections.Invitations, Record: i.Id,
			Details: map[string]any{"membership": membership.Id, "role": membership.GetString("role"), "new_account": isNew},
		})
	})
	return user, err
}

// person is who accepts an invitation without an account; proven tells that the
// link came from the mailbox.
type person struct {
	name, password string
	proven         bool
}

// newAccount makes an account that signs in with a password. A browser that asks
// for no language of ours gets the organization's.
func newAccount(tx core.App, e *core.RequestEvent, i *core.Record, p person) (*core.Record, error) {
	c, err := tx.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		return nil, err
	}
	organization, err := tx.FindRecordById(collections.Organizations, i.GetString("organization"))
	if err != nil {
		return nil, err
	}
	user := core.NewRecord(c)
	user.Load(map[string]any{
		"email": i.GetString("email"), "name": p.name, "is_active": true, "verified": p.proven,
		"onboarding_completed": true, "phone": i.GetString("phone_number"),
	})
	identity.Looks(e, organization.GetString("language")).Set(user)
	user.SetPassword(p.password)
	return user, tx.Save(user)
}

// joined makes the membership an invitation promised. Who is a member already
// stays what they are.
func joined(tx core.App, i, user *core.Record) (*core.Record, error) {
	there, err := tenant.MemberIn(tx, user.Id, i.GetString("organization"))
	if err != nil {
		return nil, err
	}
	if there != nil {
		if there.GetString("status") != collections.MembershipActive {
			return nil, refusal.Of("membership_inactive", there.GetString("status"))
		}
		return there, nil
	}
	others, err := rows.Count(atomic.Of(tx), `SELECT count(*) FROM memberships WHERE user = ?`, user.Id)
	if err != nil {
		return nil, err
	}
	name := i.GetString("full_name")
	if own := user.GetString("name"); own != "" {
		name = own
	}
	values := map[string]any{
		"organization": i.GetString("organization"), "user": user.Id, "role": i.GetString("role"),
		"status": collections.MembershipActive, "is_default": others == 0,
		"full_name": name, "email": user.Email(), "department": i.GetString("department"),
		"phone_number": i.GetString("phone_number"),
		"timezone":     i.GetString("timezone"), "notes": i.GetString("notes"), "permissions": i.Get("permissions"),
		"config": i.Get("config"), "joined_at": types.NowDateTime(),
	}
	for _, capability := range collections.Capabilities {
		values[capability] = i.GetBool(capability)
	}
	return rows.Make(tx, collections.Memberships, values)
}

// signIn adds the token of the new account to the answer, through the same door as
// every sign-in; when that asks for more, the person signs in there. A link that was
// handed over proves no address: what such a person shows is the password.
func (d *domain) signIn(e *core.RequestEvent, user *core.Record, proven bool, answer map[string]any) {
	answer["message"] = "Account created. Please log in."
	if d.Identity.Terms.NeedsFactor(e.App, user) {
		return
	}
	method := collections.AuthPassword
	if proven {
		method = identity.Invited
	}
	err := identity.Enter(e, user, method, func(token string) error {
		user.IgnoreEmailVisibility(true)
		answer["token"], answer["record"] = token, user
		delete(answer, "message")
		return nil
	})
	if err != nil {
		e.App.Logger().Warn("a new account was not signed in", "user", user.Id, "error", err)
	}
}
