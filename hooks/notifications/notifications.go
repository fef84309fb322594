// Package notifications tells people by mail what they chose to hear of: a
// missed call, a new member, something that could not be sent to the phone
// provider. A sign-in from a new device is always told.
//
// The way of a notice:
//
//   - A row changes, and a reaction in the same transaction writes a promise to
//     the outbox: one for each thing that happened (reactions.go). For anything
//     that is no news it writes nothing.
//   - Keeping that promise finds out who may know and wants to, and puts the
//     thing into each person's next mail, which is a promise too (tell.go).
//   - That mail asks again who may know what, and goes out (mail.go). Nobody
//     gets more than one in a quarter of an hour: what happens in between waits
//     for the next, which lists the first twenty and says how many more.
//
// Source of truth: the rows themselves. Promises hold ids and no content, so a
// mail says what is true when it leaves, and whoever lost a right or was
// suspended in the meantime reads nothing. What a person chose stands in
// users.notifications (choices.go). Where no mail can be sent nothing is
// promised at all.
package notifications

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mailing"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/room"
)

type domain struct {
	room.Tools
	app core.App
}

// Register binds the domain.
func Register(app core.App, t room.Tools) {
	d := &domain{Tools: t, app: app}
	app.OnRecordValidate(collections.Users).BindFunc(validateChoices)

	// What is news (reactions.go). Calls: the hot path. Only the report's arrival
	// is followed, for which usage has the row built already.
	atomic.On(app, collections.Calls, atomic.Created, "notifications: owe word of a missed call",
		d.afterCall, "reported_at")
	atomic.On(app, collections.Calls, atomic.Updated, "notifications: owe word of a missed call",
		d.afterCall, "reported_at")
	atomic.On(app, collections.Memberships, atomic.Created, "notifications: owe word of a new member", d.afterJoined)
	for _, mirrored := range collections.Copied() {
		atomic.On(app, mirrored, atomic.Updated, "notifications: owe word of what could not be sent to the provider",
			d.afterSync, "sync_status")
	}
	atomic.On(app, collections.Sessions, atomic.Created, "notifications: owe word of a sign-in from a new device",
		d.afterSignIn)

	d.Outbox.Handle(promiseThing, outbox.Kind{}, d.tell)
	d.Outbox.Handle(promiseMail, mailing.Kind, d.send)
}

// mails tells whether mail can be sent.
func (d *domain) mails() bool { return d.app.Settings().SMTP.Enabled }
