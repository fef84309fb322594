package orgs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// inviteDays is how long a link is good (security.md S17).
	inviteDays = 7
	// invitesPerHour bounds the mail one organization can cause.
	invitesPerHour = 100
	// mailHash is the key in an invitation's metadata under which the hash of
	// the mailed part stands.
	mailHash = "mail_hash"
	// linkHash is the key of the hash of the part of the link the inviter sees.
	linkHash = "link_hash"
	// secretLength is how long what random returns is.
	secretLength = 43
)

// token is what a link carries: the invitation, a secret, and a tail. The tail
// of the mailed link is known to nobody but who reads that mailbox, and proves
// the address; the tail of the link the inviter sees proves nothing. Written
// in three parts with dots, so that the request log cuts it out like a PocketBase
// token.
type token struct{ id, secret, tail string }

func (t token) String() string { return t.id + "." + t.secret + "." + t.tail }

func readToken(text string) (token, bool) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 || len(parts[0]) != 15 || len(parts[1]) < 40 || len(parts[2]) < 40 || len(text) > 200 {
		return token{}, false
	}
	return token{parts[0], parts[1], parts[2]}, true
}

// cut tells whether a text is the beginning of a link's token: mail programs break
// long lines, and people copy some of them.
func cut(text string) bool {
	id, rest, _ := strings.Cut(strings.TrimSpace(text), ".")
	return len(id) == 15 && len(rest) < 2*secretLength+1
}

// random are 32 bytes nobody guesses.
func random() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// sameDigest compares without telling how much was right.
func sameDigest(secret, stored string) bool {
	return stored != "" && subtle.ConstantTimeCompare([]byte(digest(secret)), []byte(stored)) == 1
}

// countPlaces counts members and open invitations together.
const countPlaces = `WITH o AS (SELECT ? AS id) SELECT
	(SELECT count(*) FROM o JOIN memberships m ON m.organization = o.id JOIN users u ON u.id = m.user WHERE m.status = 'active' AND NOT u.is_service) +
	(SELECT count(*) FROM o JOIN invitations i ON i.organization = o.id WHERE i.status = 'pending')`

// inviteFields are the fields only an invitation has, or needs. One is always
// invited, whatever status the body names.
var inviteFields = []facade.Field{
	{Name: "full_name", Required: true},
	{Name: "email", Column: "email", Required: true, MaxLength: 254},
	{Name: "role", Required: true},
	{Name: "status", OneOf: []string{collections.MembershipInvited, collections.MembershipActive,
		collections.MembershipInactive}},
	{Name: "message", Column: "message", MaxLength: 2_000},
}

// readInvite reads the body of an invitation.
func readInvite(body map[string]any) (map[string]any, error) {
	columns, err := facade.Read(slices.Concat(inviteFields, memberFields), body, true)
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	email, _ := columns["email"].(string)
	if parsed, err := mail.ParseAddress(address.Tidy(email)); err != nil || parsed.Name != "" {
		reasons["email"] = "Must be an e-mail address"
	} else {
		columns["email"] = address.Tidy(parsed.Address)
	}
	if zone, given := columns["timezone"].(string); given {
		if _, err := hours.Zone(zone); err != nil {
			reasons["timezone"] = "Must be a time zone like Europe/Paris"
		}
	}
	if len(reasons) > 0 {
		return nil, refusal.Invalid(reasons)
	}
	return columns, nil
}

// invite is POST /api/team-members.
func (d *domain) invite(e *core.RequestEvent) error {
	t, err := tenant.RequireCan(e, collections.CanManageTeam)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, err := readInvite(body)
	if err != nil {
		return err
	}
	i, link, err := d.offer(e, t.Organization, columns, func(tx core.App) (authority, error) { return manager(tx, e, t) })
	if err != nil {
		return err
	}
	row := memberRow(i)
	for name, value := range d.linkAnswer(e, link) {
		row[name] = value
	}
	return facade.JSON(e, http.StatusCreated, row)
}

// offer stores an invitation and what is owed for it.
func (d *domain) offer(e *core.RequestEvent, organization *core.Record, columns map[string]any,
	by func(tx core.App) (authority, error)) (i *core.Record, link token, err error) {
	err = e.App.RunInTransaction(func(tx core.App) error {
		power, err := by(tx)
		if err != nil {
			return err
		}
		c, err := tx.FindCachedCollectionByNameOrId(collections.Invitations)
		if err != nil {
			return err
		}
		i = core.NewRecord(c)
		i.Id = core.GenerateDefaultRandomId()
		i.Load(columns)
		i.Set("organization", organization.Id)
		i.Set("status", collections.InvitationPending)
		if e.Auth.Collection().Name == collections.Users {
			i.Set("invited_by", e.Auth.Id)
		}
		if err := power.mayGive(i.GetString("role"), flagsOf(i)); err != nil {
			return err
		}
		if err := d.invitable(tx, organization.Id, i.GetString("email")); err != nil {
			return err
		}
		if err := keep(atomic.Of(tx), organization.Id, "plan_full/members", countPlaces, members, 1); err != nil {
			return err
		}
		link, err = d.renew(tx, e, i)
		return err
	})
	return i, link, err
}

// invitable refuses who is there already, and floods.
func (d *domain) invitable(txApp core.App, organization, address string) error {
	tx := atomic.Of(txApp)
	o, err := txApp.FindRecordById(collections.Organizations, organization)
	if err != nil {
		return err
	}
	if o.GetString("status") == collections.OrganizationClosed {
		return refusal.Of("organization_deleted/begun")
	}
	var status string
	found, err := tx.Query(`SELECT m.status FROM memberships m JOIN users u ON u.id = m.user WHERE m.organization = ? AND u.email = ? COLLATE NOCASE`, organization, address)
	if err != nil {
		return err
	}
	if found.Next() {
		err = found.Scan(&status)
	}
	if err := errors.Join(err, found.Err(), found.Close()); err != nil {
		return err
	}
	switch status {
	case "":
	case collections.MembershipActive:
		return refusal.Of("member_already")
	default:
		return refusal.Of("member_inactive", status)
	}
	if _, err := tx.Exec(`UPDATE invitations SET status = ?, updated = ? WHERE organization = ? AND email = ? COLLATE NOCASE AND status = 'pending' AND expires_at < ?`,
		collections.InvitationExpired, rows.Stamp(time.Now()), organization, address, rows.Stamp(time.Now())); err != nil {
		return err
	}
	open, err := rows.Count(tx,
		`SELECT count(*) FROM invitations WHERE organization = ? AND email = ? COLLATE NOCASE AND status = 'pending'`,
		organization, address)
	if err != nil {
		return err
	}
	if open > 0 {
		return refusal.Of("invited_already")
	}
	lately, err := rows.Count(tx, `SELECT count(*) FROM invitations WHERE organization = ? AND created > ?`,
		organization, rows.Stamp(time.Now().Add(-time.Hour)))
	if err != nil {
		return err
	}
	if lately >= invitesPerHour {
		return refusal.Of("too_many_requests/invitations", lately)
	}
	return nil
}

// renew gives an invitation a new token and a new week, saves it and, when
// there is mail, owes the mail. Links handed out before stop working.
func (d *domain) renew(tx core.App, e *core.RequestEvent, i *core.Record) (token, error) {
	link := token{i.Id, random(), random()}
	mailed := token{i.Id, link.secret, random()}
	i.Set("status", collections.InvitationPending)
	i.Set("token_hash", digest(link.secret))
	i.Set("metadata", map[string]any{mailHash: digest(mailed.tail), linkHash: digest(link.tail)})
	i.Set("expires_at", types.NowDateTime().AddDate(0, 0, inviteDays))
	i.Set("sent_at", "")
	audit.By(e, i)
	if err := tx.Save(i); err != nil {
		return link, err
	}
	if !tx.Settings().SMTP.Enabled {
		return link, nil
	}
	return link, d.oweMail(tx, i, mailed)
}

// linkAnswer says what became of the link, in the documented names.
func (d *domain) linkAnswer(e *core.RequestEvent, link token) map[string]any {
	base := d.PublicURL
	if base == "" {
		base = "http://" + e.Request.Host
		if e.IsTLS() {
			base = "https://" + e.Request.Host
		}
	}
	out := map[string]any{"inviteLink": accountmail.Link(base, accountmail.AcceptInvitePage, link.String()),
		"emailSent": e.App.Settings().SMTP.Enabled}
	if out["emailSent"] == false {
		out["reason"] = "This installation cannot send mail. Give the link to the person yourself."
	}
	return out
}

// resend is POST /api/team-members/resend.
func (d *domain) resend(e *core.RequestEvent) error {
	t, err := tenant.RequireCan(e, collections.CanManageTeam)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, err := facade.Read([]facade.Field{{Name: "email", Column: "email", Required: true, MaxLength: 254}},
		body, true)
	if err != nil {
		return err
	}
	var link token
	err = e.App.RunInTransaction(func(tx core.App) error {
		var found []*core.Record
		err := tx.RecordQuery(collections.Invitations).
			AndWhere(dbx.HashExp{"organization": t.ID(), "email": address.Tidy(columns["email"].(string))}).
			AndWhere(dbx.HashExp{"status": []any{collections.InvitationPending, collections.InvitationExpired}}).
			OrderBy("status DESC", "created DESC").Limit(1).All(&found) // pending before expired
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return refusal.Of("not_found/invited")
		}
		i := found[0]
		power, err := manager(tx, e, t)
		if err != nil {
			return err
		}
		if err := power.mayGive(i.GetString("role"), flagsOf(i)); err != nil {
			return err
		}
		if i.GetString("status") == collections.InvitationExpired {
			if err := d.invitable(tx, t.ID(), i.GetString("email")); err != nil {
				return err
			}
			if err := keep(atomic.Of(tx), t.ID(), "plan_full/members", countPlaces, members, 1); err != nil {
				return err
			}
		}
		// Whoever sends it again vouches for it from now on.
		if t.UserID() != "" {
			i.Set("invited_by", t.UserID())
		}
		link, err = d.renew(tx, e, i)
		return err
	})
	if err != nil {
		return err
	}
	answer := d.linkAnswer(e, link)
	answer["success"] = true
	return facade.JSON(e, http.StatusOK, answer)
}

// expire is the job invitations.expire.
func (d *domain) expire(ctx context.Context, r *schedule.Run) error {
	for ctx.Err() == nil {
		old, err := d.app.FindRecordsByFilter(collections.Invitations, "status = 'pending' && expires_at < @now",
			"expires_at", 200, 0)
		if err != nil || len(old) == 0 {
			return err
		}
		for _, i := range old {
			i.Set("status", collections.InvitationExpired)
			i.IgnoreUnchangedFields(true)
			if err := d.app.SaveNoValidate(i); err != nil {
				return err
			}
			r.Add(1)
		}
	}
	return ctx.Err()
}
