// Package audit writes down who did what: one row of audit_logs for every
// change a person, a key or a superuser makes, in the transaction of the
// change, and one for each sign-in and each one that failed.
//
// The rows of an organization are a chain: each carries the hash of the one
// before it, and the chain's ends are noted beside it, so that a row that was
// changed, taken out, put in or moved is found (chain.go, security.md S55). Who
// can write to the database could make the chain anew; the job audit.head puts
// its last hash into the log every day.
//
// What the server does by itself (a provider's message, a job, a sync) is not
// in it: provider_events, job_runs and outbox tell that.
package audit

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Types of actors.
const (
	ActorUser      = "user"
	ActorKey       = "key"
	ActorSuperuser = "superuser"
	ActorSystem    = "system"
	ActorGuest     = "guest"
)

const (
	// valueMax bounds one stored value, in characters: an audit says that a
	// prompt changed, it is not its history.
	valueMax = 500
	// detailsMax is what the column takes.
	detailsMax = collections.SmallJSON * 4
	agentMax   = 500
	// mark carries the actor on a record from the request to the save. It is
	// neither stored nor returned.
	mark = "@audit"
)

// Actor is who did it, from where.
type Actor struct {
	Type, User, Name, Address, Agent, Request string
}

// Entry is one line of the log.
type Entry struct {
	Organization string // "" is the installation itself
	Actor        Actor
	Action       string // "assistants.update", "auth.sign_in", "calls.export"
	Resource     string // collection
	Record       string
	Details      any // JSON object without secrets
}

// ActorOf is who sends the request.
func ActorOf(e *core.RequestEvent) Actor {
	a := Actor{
		Type: ActorGuest, Address: e.RealIP(), Agent: rows.Shorten(e.Request.UserAgent(), agentMax),
		Request: rows.Shorten(e.Request.Header.Get("X-Request-ID"), 64),
	}
	switch {
	case e.Auth == nil:
	case e.Auth.IsSuperuser():
		a.Type, a.Name = ActorSuperuser, e.Auth.Email()
	case e.Auth.Collection().Name == collections.Users:
		a.Type, a.User, a.Name = ActorUser, e.Auth.Id, e.Auth.GetString("name")
		if e.Auth.GetBool("is_service") {
			a.Type = ActorKey
		}
	}
	return a
}

// By notes on a record who is about to save or delete it, so that the change is
// written down with it. PocketBase's record routes do it by themselves; a
// handler that saves a record itself calls it first.
func By(e *core.RequestEvent, record *core.Record) {
	record.Set(mark, ActorOf(e))
	record.Hide(mark) // answers of collections that show computed values show all but hidden ones
}

// DoneBy is the id of the person By noted on a record, "" when it is nobody's request
// or the operator's.
func DoneBy(record *core.Record) string {
	actor, _ := record.Get(mark).(Actor)
	return actor.User
}

// With writes an entry with the record when that is saved, in the place of the
// list of what changed.
func With(record *core.Record, entry Entry) {
	record.Set(mark, entry)
	record.Hide(mark)
}

// Add writes an entry. With a transaction's app it is part of that transaction.
func Add(app core.App, entry Entry) error {
	details, err := json.Marshal(entry.Details)
	if err != nil {
		return fmt.Errorf("audit %s: %w", entry.Action, err)
	}
	if len(details) > detailsMax {
		details = []byte(`{"too_long":true}`)
	}
	now := time.Now()
	l := link{
		Chain: entry.Organization, ID: collections.NewID(now), Organization: entry.Organization, User: entry.Actor.User,
		ActorName: rows.Shorten(entry.Actor.Name, 255), ActorType: entry.Actor.Type, Action: entry.Action,
		Resource: entry.Resource, Record: entry.Record,
		Details: string(details), Address: entry.Actor.Address, Agent: entry.Actor.Agent, Request: entry.Actor.Request,
		Created: rows.Stamp(now),
	}
	if app.IsTransactional() {
		err = appendTo(atomic.Of(app), &l)
	} else {
		err = app.RunInTransaction(func(tx core.App) error { return appendTo(atomic.Of(tx), &l) })
	}
	if err != nil {
		return fmt.Errorf("audit %s: %w", entry.Action, err)
	}
	return nil
}

// Register binds the log to every write by request and to sign-ins.
func Register(app core.App) {
	note := func(e *core.RecordRequestEvent) error {
		By(e.RequestEvent, e.Record)
		return e.Next()
	}
	app.OnRecordCreateRequest().BindFunc(note)
	app.OnRecordUpdateRequest().BindFunc(note)
	app.OnRecordDeleteRequest().BindFunc(deleteRequest)
	app.OnRecordCreate().BindFunc(write("create"))
	app.OnRecordUpdate().BindFunc(write("update"))
	app.OnRecordDelete().BindFunc(write("delete"))
	app.OnRecordDelete(collections.AboutCallers()...).BindFunc(forget)
	app.OnRecordAuthRequest().BindFunc(afterSignIn)
	app.OnRecordAuthWithPasswordRequest(collections.Users, core.CollectionNameSuperusers).BindFunc(afterFailedSignIn)
}

// written takes the mark's place once the entry is there.
type written struct{}

// deleteRequest notes who deletes, and writes the entry itself when the request
// was answered without a delete: a row with a copy at a provider goes later,
// when the provider agrees. Who asks again meanwhile deletes nothing more.
func deleteRequest(e *core.RecordRequestEvent) error {
	By(e.RequestEvent, e.Record)
	asked := e.Record.GetString("sync_status") == collections.SyncDeleting
	if err := e.Next(); err != nil {
		return err
	}
	actor, open := e.Record.Get(mark).(Actor)
	if !open || asked {
		return nil
	}
	e.Record.Set(mark, written{})
	c := e.Record.Collection()
	err := Add(e.App, Entry{
		Organization: collections.OrganizationOf(e.Record), Actor: actor, Action: c.Name + ".delete",
		Resource: c.Name, Record: e.Record.Id, Details: Changes(e.Record, "delete"),
	})
	if err != nil {
		// The answer is out, and the row is on its way.
		e.App.Logger().Error("deletion not written down", "collection", c.Name, "record", e.Record.Id, "error", err)
	}
	return nil
}

// write saves the record and the entry about it together.
func write(verb string) func(e *core.RecordEvent) error {
	return func(e *core.RecordEvent) error {
		actor, marked := e.Record.Get(mark).(Actor)
		entry, own := e.Record.Get(mark).(Entry)
		if !marked && !own || e.Record.Collection().Name == collections.AuditLogs {
			return e.Next()
		}
		details := Changes(e.Record, verb)
		outer := e.App
		defer func() { e.App = outer }()
		return outer.RunInTransaction(func(tx core.App) error {
			e.App = tx
			if verb == "delete" {
				if err := there(tx, e.Record); err != nil {
					return err
				}
			}
			if err := e.Next(); err != nil {
				return err
			}
			e.Record.Set(mark, written{})
			if own {
				return Add(tx, entry)
			}
			if verb == "update" && len(details) == 0 {
				return nil
			}
			c := e.Record.Collection()
			return Add(tx, Entry{
				Organization: collections.OrganizationOf(e.Record), Actor: actor, Action: c.Name + "." + verb,
				Resource: c.Name, Record: e.Record.Id, Details: details,
			})
		})
	}
}

// there refuses to delete what somebody else has deleted meanwhile.
func there(tx core.App, record *core.Record) error {
	_, err := tx.FindRecordById(record.Collection(), record.Id)
	if errors.Is(err, sql.ErrNoRows) {
		return router.NewNotFoundError("", nil)
	}
	return err
}

// Change is a field's value before and after; secrets are cut out.
type Change struct {
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
}

// Changes are the fields a save or delete changes. A new row lists what it was
// given, a deleted one what it held, unless that was about a caller: who deletes
// it means its words to disappear.
func Changes(record *core.Record, verb string) map[string]Change {
	before, changes := record.Original(), map[string]Change{}
	if verb == "delete" && slices.Contains(collections.AboutCallers(), record.Collection().Name) {
		return changes
	}
	for _, f := range record.Collection().Fields {
		name := f.GetName()
		if _, auto := f.(*core.AutodateField); auto || name == "id" || name == "tokenKey" {
			continue
		}
		was, is := text(before, f), text(record, f)
		if verb == "create" {
			was = ""
		}
		if verb == "delete" {
			was, is = is, ""
		}
		_, password := f.(*core.PasswordField)
		if was == is && !(password && plain(record, name)) {
			continue
		}
		if f.GetHidden() || password {
			changes[name] = Change{hide(was), hide(is)}
			continue
		}
		changes[name] = Change{show(name, was), show(name, is)}
	}
	return changes
}

// plain tells whether a new password waits to be hashed.
func plain(record *core.Record, name string) bool {
	value, ok := record.GetRaw(name).(*core.PasswordFieldValue)
	return ok && value.Plain != ""
}

// text is a field's value as it is stored, "" when it is empty.
func text(record *core.Record, f core.Field) string {
	value := record.GetRaw(f.GetName())
	if d, ok := f.(core.DriverValuer); ok {
		var err error
		if value, err = d.DriverValue(record); err != nil {
			return ""
		}
	}
	if value == nil {
		return ""
	}
	switch v := value.(type) {
	case string:
		return v
	case bool:
		if !v {
			return ""
		}
	case float64:
		if v == 0 {
			return ""
		}
	}
	s := fmt.Sprint(value)
	if s == "null" || s == "[]" {
		return ""
	}
	return s
}

func hide(value string) any {
	if value == "" {
		return nil
	}
	return sealed.Redacted
}

// show is a value without what sealed.RedactJSON takes for a secret or number.
func show(name, value string) any {
	if value == "" {
		return nil
	}
	var cleaned map[string]string
	raw, err := json.Marshal(map[string]string{name: rows.Shorten(value, valueMax)})
	if err != nil {
		return sealed.Redacted
	}
	if err := json.Unmarshal(sealed.RedactJSON(raw), &cleaned); err != nil {
		return sealed.Redacted
	}
	return cleaned[name]
}

// afterSignIn writes down every sign-in, not the refreshing of one.
func afterSignIn(e *core.RecordAuthRequestEvent) error {
	if err := e.Next(); err != nil {
		return err
	}
	if e.AuthMethod == "" {
		return nil
	}
	signIn(e.RequestEvent, e.Record, "auth.sign_in", map[string]any{"method": e.AuthMethod})
	return nil
}

// afterFailedSignIn writes down wrong passwords. The address that was tried is
// kept only as the account it belongs to.
func afterFailedSignIn(e *core.RecordAuthWithPasswordRequestEvent) error {
	err := e.Next()
	// 400 is how PocketBase refuses a wrong password. Comparing it again would
	// tell, by the time it takes, which addresses have accounts.
	var refused *router.ApiError
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		signIn(e.RequestEvent, e.Record, "auth.failed", map[string]any{"method": core.MFAMethodPassword})
	}
	return err
}

func signIn(e *core.RequestEvent, person *core.Record, action string, details any) {
	entry := Entry{Actor: ActorOf(e), Action: action, Details: details}
	if person != nil {
		entry.Resource, entry.Record = person.Collection().Name, person.Id
		if person.IsSuperuser() {
			entry.Actor.Type, entry.Actor.Name = ActorSuperuser, person.Email()
		} else {
			entry.Actor.User, entry.Actor.Name = person.Id, person.GetString("name")
			if action == "auth.sign_in" {
				entry.Actor.Type = ActorUser
			}
			if all := tenant.MembershipsOf(e.App, person.Id); len(all) > 0 {
				entry.Organization = all[0].GetString("organization")
				if tenant.MembershipOf(e.App, person.Id, person.GetString("last_organization")) != nil {
					entry.Organization = person.GetString("last_organization")
				}
			}
		}
	}
	if err := Add(e.App, entry); err != nil {
		// The person is in (or out) already; the answer must not change.
		e.App.Logger().Error("sign-in not written down", "action", action, "error", err)
	}
}
