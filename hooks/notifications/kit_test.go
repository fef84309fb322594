package notifications_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/notifications"
	"github.com/pocketline/pocketline/hooks/orgs"
	"github.com/pocketline/pocketline/hooks/usage"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	secret     = "test-secret-of-this-desk"
	acmeLine   = "2c7f4be1-95d0-4e3a-8f16-6ab3d905e772" // the provider's id of Acme's number
	deskAtHome = "https://desk.example.com"
)

type access struct{ app core.App }

func (a access) MayFollow(*core.Record, string) bool { return false }
func (a access) MayHear(*core.Record, string) bool   { return false }

// desk is the domain beside those whose rows it follows, over the wire. Mail
// is on, and the outbox is delivered by hand.
type desk struct {
	*testkit.Client
	t      testing.TB
	app    *tests.TestApp
	outbox *outbox.Outbox
	clock  *testkit.Clock
	called int
}

func open(t testing.TB) *desk {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := forgotten.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, clock: testkit.NewClock(time.Now().Truncate(time.Second))}
	d.app = testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		audit.Register(app)
		inbox.Register(app)
		routes, jobs := facade.New(app), schedule.New(app)
		d.outbox = outbox.New(app, outbox.WithClock(d.clock.Now, func(most time.Duration) time.Duration { return most }))
		orgs.Register(app, orgs.Deps{
			Drop: func(string, string) {}, Facade: routes, Outbox: d.outbox, Schedule: jobs, Sealed: box, PublicURL: deskAtHome, PerPerson: 10, Forgotten: erased,
		})
		usage.Register(app)
		notifications.Register(app, notifications.Deps{Outbox: d.outbox, PublicURL: deskAtHome, Now: d.clock.Now})
		calls.Register(app, calls.Deps{
			Vapi: vapi.NewClient(vapi.WithBaseURL("http://127.0.0.1:1"), vapi.WithMaxAttempts(1)), Hub: live.New(app, access{app}, 0), Outbox: d.outbox,
			Schedule: jobs, Sealed: box, Facade: routes, Functions: http.DefaultClient, Rate: 1_000_000, Forgotten: erased,
			Keyring: keyring.New(app, box, map[string]keyring.Installation{"vapi": {Given: []string{secret}}}),
		})
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			routes.Mount(se)
			return se.Next()
		})
	})
	d.app.Settings().SMTP.Enabled = true
	d.set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": acmeLine, "sync_status": collections.SyncSynced})
	d.Client = testkit.API(t, d.app)
	// Nothing has arrived yet, so only the outbox's worker and the jobs' clock
	// run: the end of the program stops them, and deliver does their work.
	stop := new(core.TerminateEvent)
	stop.App = d.app
	if err := d.app.OnTerminate().Trigger(stop); err != nil {
		t.Fatal(err)
	}
	return d
}

// set changes columns of a row behind the routes.
func (d *desk) set(collection, id string, values map[string]any) {
	d.t.Helper()
	r, err := d.app.FindRecordById(collection, id)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Load(values)
	if err := d.app.SaveNoValidate(r); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) count(query string) (n int) {
	d.t.Helper()
	if err := d.app.DB().NewQuery(query).Row(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// deliver does what is owed by now, and after that much more time.
func (d *desk) deliver(later ...time.Duration) {
	d.t.Helper()
	for _, wait := range append([]time.Duration{0}, later...) {
		d.clock.Move(wait)
		if _, err := d.outbox.Deliver(context.Background()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// call is the report of a call that just ended, as the provider sends it.
type call struct {
	reason   string
	kind     string // inboundPhoneCall when empty
	answered bool
	ended    time.Duration // ago
}

// ring lets a call end: its report comes in at the webhook.
func (d *desk) ring(c call) string {
	d.t.Helper()
	d.called++
	if c.kind == "" {
		c.kind = "inboundPhoneCall"
	}
	ended := d.clock.Now().Add(-c.ended)
	began := ended.Add(-time.Minute)
	started := ""
	if c.answered {
		started = `"startedAt":"` + began.UTC().Format(time.RFC3339) + `",`
	}
	id := fmt.Sprintf("0196b1f4-7c3a-7e21-9d58-%012d", d.called)
	body := fmt.Sprintf(`{"message":{"type":"end-of-call-report","timestamp":%d,%s"endedAt":%q,"endedReason":%q,"cost":0.01,
		"call":{"id":%q,"type":%q,"createdAt":%q},"phoneNumber":{"id":%q,"number":"+12025550100"},"customer":{"number":"+1202555%04d"},"artifact":{"messages":[]}}}`,
		ended.UnixMilli(), started, ended.UTC().Format(time.RFC3339), c.reason, id, c.kind, began.UTC().Format(time.RFC3339), acmeLine, 7000+d.called)
	req := httptest.NewRequest(http.MethodPost, "/api/webhooks/vapi", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(vapi.SecretHeader, secret)
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		d.t.Fatalf("the report was answered %d: %s", rec.Code, rec.Body)
	}
	row, err := d.app.FindFirstRecordByData(collections.Calls, "vapi_call_id", id)
	if err != nil {
		d.t.Fatal(err)
	}
	return row.Id
}

// mailed are the addresses that got mail since the last look, in order.
func (d *desk) mailed() []string {
	d.t.Helper()
	var to []string
	for _, m := range d.mails() {
		to = append(to, m.To[0].Address)
	}
	slices.Sort(to)
	return to
}

func (d *desk) mails() []*mailer.Message {
	d.t.Helper()
	all := d.app.TestMailer.Messages()
	d.app.TestMailer.Reset()
	return all
}

// mailTo is the one mail to an address since the last look.
func (d *desk) mailTo(address string) *mailer.Message {
	d.t.Helper()
	var found *mailer.Message
	for _, m := range d.mails() {
		if m.To[0].Address == address {
			if found != nil {
				d.t.Fatalf("%s got two mails", address)
			}
			found = m
		}
	}
	if found == nil {
		d.t.Fatalf("%s got no mail", address)
	}
	return found
}

// wantMails compares who got mail.
func (d *desk) wantMails(what string, want ...string) {
	d.t.Helper()
	want = slices.Sorted(slices.Values(want))
	if got := d.mailed(); !slices.Equal(got, want) {
		d.t.Errorf("%s: %v got mail, want %v", what, got, want)
	}
}

// choose sets what somebody wants to hear of.
func (d *desk) choose(person string, choices any) *testkit.Answer {
	d.t.Helper()
	return d.Do("PATCH", "/api/collections/users/records/"+testkit.User(person), person, map[string]any{"notifications": choices})
}

// hearers are who may see calls of Acme.
var hearers = []string{
	testkit.AcmeOwner, testkit.AcmeAdmin, testkit.AcmeManager, testkit.AcmeAgent, testkit.AcmeViewer, testkit.AcmeDeveloper, testkit.Sam,
}
