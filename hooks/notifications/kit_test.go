package notifications_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/accounts"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/notifications"
	"github.com/pocketline/pocketline/hooks/orgs"
	"github.com/pocketline/pocketline/hooks/usage"
	"github.com/pocketline/pocketline/providers/vapi"
)

const acmeLine = "2c7f4be1-95d0-4e3a-8f16-6ab3d905e772" // the provider's id of Acme's number

// desk is the domain beside those whose rows it follows, over the wire. Mail
// is on, and the outbox is delivered by hand.
type desk struct {
	*deskkit.Desk
	clock  *testkit.Clock
	called int
}

func open(t testing.TB) *desk {
	t.Helper()
	d := &desk{clock: testkit.NewClock(time.Now().Truncate(time.Second))}
	nowhere := vapi.NewClient(vapi.WithBaseURL("http://127.0.0.1:1"), vapi.WithMaxAttempts(1))
	s := deskkit.Settings{Now: d.clock.Now, Jitter: func(most time.Duration) time.Duration { return most }}
	d.Desk = s.Open(t, func(on *deskkit.Desk) {
		accounts.Register(on, accounts.Deps{Tools: on.Tools})
		orgs.Register(on, orgs.Deps{Tools: on.Tools})
		usage.Register(on)
		notifications.Register(on, on.Tools)
		calls.Register(on, calls.Deps{Tools: on.Tools, Vapi: nowhere, Functions: http.DefaultClient, Rate: 1_000_000})
	})
	d.Settings().SMTP.Enabled = true
	d.set(collections.PhoneNumbers, testkit.AcmeNumber,
		map[string]any{"vapi_phone_id": acmeLine, "sync_status": collections.SyncSynced})
	d.ByHand()
	return d
}

// set changes columns of a row behind the routes.
func (d *desk) set(collection, id string, values map[string]any) {
	d.T.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.T.Fatal(err)
	}
	r.Load(values)
	if err := d.SaveNoValidate(r); err != nil {
		d.T.Fatal(err)
	}
}

// deliver does what is owed by now, and after that much more time.
func (d *desk) deliver(later ...time.Duration) {
	d.T.Helper()
	for _, wait := range append([]time.Duration{0}, later...) {
		d.clock.Move(wait)
		if _, err := d.Outbox.Deliver(context.Background()); err != nil {
			d.T.Fatal(err)
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
	d.T.Helper()
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
		ended.UnixMilli(), started, ended.UTC().Format(time.RFC3339), c.reason, id, c.kind, began.UTC().Format(time.RFC3339),
		acmeLine, 7000+d.called)
	req := httptest.NewRequest(http.MethodPost, "/api/webhooks/vapi", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(vapi.SecretHeader, deskkit.WebhookSecret)
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		d.T.Fatalf("the report was answered %d: %s", rec.Code, rec.Body)
	}
	row, err := d.FindFirstRecordByData(collections.Calls, "vapi_call_id", id)
	if err != nil {
		d.T.Fatal(err)
	}
	return row.Id
}

// mailed are the addresses that got mail since the last look, in order.
func (d *desk) mailed() []string {
	d.T.Helper()
	var to []string
	for _, m := range d.mails() {
		to = append(to, m.To[0].Address)
	}
	slices.Sort(to)
	return to
}

func (d *desk) mails() []*mailer.Message {
	d.T.Helper()
	all := d.TestMailer.Messages()
	d.TestMailer.Reset()
	return all
}

// mailTo is the one mail to an address since the last look.
func (d *desk) mailTo(address string) *mailer.Message {
	d.T.Helper()
	var found *mailer.Message
	for _, m := range d.mails() {
		if m.To[0].Address == address {
			if found != nil {
				d.T.Fatalf("%s got two mails", address)
			}
			found = m
		}
	}
	if found == nil {
		d.T.Fatalf("%s got no mail", address)
	}
	return found
}

// wantMails compares who got mail.
func (d *desk) wantMails(what string, want ...string) {
	d.T.Helper()
	want = slices.Sorted(slices.Values(want))
	if got := d.mailed(); !slices.Equal(got, want) {
		d.T.Errorf("%s: %v got mail, want %v", what, got, want)
	}
}

// choose sets what somebody wants to hear of.
func (d *desk) choose(person string, choices any) *testkit.Answer {
	d.T.Helper()
	return d.Do("PATCH", "/api/collections/users/records/"+testkit.User(person), person,
		map[string]any{"notifications": choices})
}

// hearers are who may see calls of Acme.
var hearers = []string{
	testkit.AcmeOwner, testkit.AcmeAdmin, testkit.AcmeManager, testkit.AcmeAgent, testkit.AcmeViewer,
	testkit.AcmeDeveloper, testkit.Sam,
}

// signIn signs Acme's agent in with a password, and delivers the mail about it.
func (d *desk) signIn(agent string) {
	d.T.Helper()
	body := fmt.Sprintf(`{"identity":%q,"password":%q}`, testkit.AcmeAgent, testkit.Password)
	req := httptest.NewRequest("POST", "/api/collections/users/auth-with-password", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, req)
	if rec.Code != 200 {
		d.T.Fatalf("sign-in: %d %s", rec.Code, rec.Body)
	}
	d.deliver(time.Minute)
}
