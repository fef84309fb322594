package notifications_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/notifications"
)

const quarter = 15 * time.Minute

func TestMissedCall_is_told_to_everybody_who_may_see_calls(t *testing.T) {
	d := open(t)
	id := d.ring(call{reason: "assistant-request-failed"})
	if d.mailed() != nil {
		t.Fatal("a mail left inside the provider's request")
	}
	d.deliver(time.Minute)
	m := d.mailTo(testkit.AcmeAgent)
	page := deskkit.Address + "/o/" + testkit.Acme + "/calls/" + id
	for _, want := range []string{"Hello Ari Agent,", "Missed call from +12025557001 to +12025550100",
		"(America/New_York)", page, deskkit.Address + "/me"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the mail does not say %q: %s", want, m.Text)
		}
	}
	if !strings.Contains(m.HTML, `<a href="`+page+`">`) || m.Subject != "Acme Bakery: a missed call" ||
		m.Headers["Auto-Submitted"] == "" {
		t.Errorf("got %q %s", m.Subject, m.HTML)
	}
	d.ring(call{reason: "assistant-not-found"})
	d.deliver(quarter)
	if text := d.mailTo(testkit.AcmeAgent).Text; !strings.Contains(text, "no longer at the phone provider") {
		t.Errorf("the mail does not say why: %s", text)
	}
}

func TestMissedCall_is_one_nobody_served(t *testing.T) {
	d := open(t)
	for _, one := range []struct {
		name string
		call call
		told bool
	}{
		{"our answer was missing", call{reason: "assistant-request-returned-no-assistant"}, true},
		{"the assistant was deleted at the provider", call{reason: "assistant-not-found"}, true},
		{"the account is empty", call{reason: "call.start.error-subscription-insufficient-credits"}, true},
		{"the voice broke in the middle", call{reason: "call.in-progress.error-vapifault-worker-died", answered: true},
			false},
		{"the voice broke before a word was said", call{reason: "call.in-progress.error-vapifault-worker-died"}, true},
		{"left while waiting for a person", call{reason: "customer-ended-call-during-transfer", answered: true}, true},
		{"the person it was handed to did not answer", call{reason: "call.forwarding.no-answer", answered: true}, true},
		{"voicemail", call{reason: "voicemail", answered: true}, true},
		{"hung up before anybody answered", call{reason: "customer-ended-call"}, true},
		{"given up while it rang", call{reason: "call.ringing.sip-inbound-caller-hungup-before-call-connect"}, true},
		{"a conversation", call{reason: "customer-ended-call", answered: true}, false},
		{"the assistant ended it", call{reason: "assistant-ended-call", answered: true}, false},
		{"handed to a person", call{reason: "assistant-forwarded-call", answered: true}, false},
		{"a call of ours nobody answered", call{reason: "customer-did-not-answer", kind: "outboundPhoneCall"}, false},
		{"a call in a browser", call{reason: "assistant-not-found", kind: "webCall"}, false},
		{"one of two days ago, asked for today", call{reason: "assistant-request-failed", ended: 48 * time.Hour}, false},
	} {
		promises := d.Count("SELECT count(*) FROM outbox WHERE kind = 'notify'")
		d.ring(one.call)
		if told := d.Count("SELECT count(*) FROM outbox WHERE kind = 'notify'") > promises; told != one.told {
			t.Errorf("%s: promised to tell %v, want %v", one.name, told, one.told)
		}
	}
}

// The same report twice, a try that died after its work, a mail server that
// refuses once: everybody gets one mail.
func TestMissedCall_is_told_once(t *testing.T) {
	d := open(t)
	d.ring(call{reason: "assistant-request-failed"})
	d.called--
	d.ring(call{reason: "assistant-request-failed"})
	d.deliver()
	d.set(collections.Outbox, promiseOf(d, "notify"), map[string]any{"status": collections.OutboxPending})
	d.deliver()
	if n := d.Count("SELECT sum(json_array_length(payload, '$.things')) FROM outbox WHERE kind = 'mail.notice'"); n != len(hearers) {
		t.Errorf("%d things are in mails, want one for each of %d people", n, len(hearers))
	}
	failed := false
	d.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		if e.Message.To[0].Address == testkit.AcmeOwner && !failed {
			failed = true
			return errors.New("452 try later")
		}
		return e.Next()
	})
	d.deliver(time.Minute, time.Minute, quarter)
	d.wantMails("after a failure", hearers...)
	if !failed {
		t.Error("the mail server was not asked twice")
	}
}

func promiseOf(d *desk, kind string) string {
	d.T.Helper()
	r, err := d.FindFirstRecordByData(collections.Outbox, "kind", kind)
	if err != nil {
		d.T.Fatal(err)
	}
	return r.Id
}

func TestMissedCall_asks_for_rights_and_wishes_again_when_the_mail_leaves(t *testing.T) {
	d := open(t)
	d.choose(testkit.AcmeViewer, map[string]bool{"missed_call": false}).Want(200)
	d.choose(testkit.AcmeAgent, map[string]bool{"member_joined": false}).Want(200) // another kind
	d.ring(call{reason: "assistant-request-failed"})
	d.deliver() // the mails are owed, and wait a moment
	if n := d.Count("SELECT count(*) FROM outbox WHERE kind = 'mail.notice'"); n != len(hearers)-1 {
		t.Errorf("%d mails are owed, want %d", n, len(hearers)-1)
	}
	d.choose(testkit.AcmeDeveloper, map[string]bool{"missed_call": false}).Want(200)
	d.set(collections.Memberships, testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme),
		map[string]any{"status": collections.MembershipSuspended})
	d.set(collections.Memberships, testkit.UserMembership(testkit.AcmeManager, testkit.Acme),
		map[string]any{"can_view_calls": false})
	d.set(collections.Users, testkit.User(testkit.Sam), map[string]any{"is_active": false})
	d.deliver(time.Minute)
	d.wantMails("who stays", testkit.AcmeOwner, testkit.AcmeAgent)
}

func TestMissedCall_of_a_closed_organization_is_told_to_nobody(t *testing.T) {
	d := open(t)
	d.ring(call{reason: "assistant-request-failed"})
	d.set(collections.Organizations, testkit.Acme, map[string]any{"status": collections.OrganizationClosed})
	d.deliver(time.Minute)
	d.wantMails("closed")
}

// A storm: two hundred missed calls in a minute are two mails to a person, not
// two hundred; the second says how many there were.
func TestStorm_is_two_mails_that_say_how_many_calls_there_were(t *testing.T) {
	d := open(t)
	d.ring(call{reason: "assistant-request-failed"})
	d.deliver(time.Minute)
	d.wantMails("the first call", hearers...)
	for range 200 {
		d.ring(call{reason: "assistant-request-failed"})
	}
	d.deliver(time.Minute, time.Minute, 5*time.Minute)
	d.wantMails("within a quarter of an hour")
	d.deliver(10 * time.Minute)
	m := d.mailTo(testkit.AcmeOwner)
	if m.Subject != "Acme Bakery: 200 missed calls" || strings.Count(m.Text, "- Missed call from") != 20 ||
		!strings.Contains(m.Text, "and 180 more") ||
		!strings.Contains(m.Text, "See all of them\n"+deskkit.Address+"/o/"+testkit.Acme+"/calls\n") {
		t.Errorf("got %q %s", m.Subject, m.Text)
	}
	d.deliver(quarter, time.Hour)
	d.wantMails("afterwards")
	// An hour of missed calls, one a minute.
	for range 60 {
		d.ring(call{reason: "assistant-request-failed"})
		d.deliver(time.Minute)
	}
	counts := map[string]int{}
	for _, m := range d.mails() {
		counts[m.To[0].Address]++
	}
	if counts[testkit.AcmeOwner] < 3 || counts[testkit.AcmeOwner] > 4 {
		t.Errorf("an hour of missed calls is %d mails to a person, want 4 at most", counts[testkit.AcmeOwner])
	}
}

func TestMails_of_two_organizations_are_one(t *testing.T) {
	d := open(t)
	d.set(collections.Memberships, testkit.UserMembership(testkit.Sam, testkit.Acme),
		map[string]any{"role": collections.Admin})
	d.set(collections.Users, testkit.User(testkit.Sam), map[string]any{"language": "fr"})
	d.ring(call{reason: "assistant-request-failed"})
	d.set(collections.Assistants, testkit.BoltAssistant,
		map[string]any{"sync_status": collections.SyncFailed, "sync_error": "vapi: model.provider must be one of …"})
	d.ring(call{reason: "assistant-request-failed"})
	d.clock.Move(10 * time.Minute) // the first deliveries come late
	d.deliver(time.Minute)
	m := d.mailTo(testkit.Sam)
	if want := "3 notifications dans 2 organisations"; !strings.Contains(m.Subject, want) {
		t.Errorf("got %q, want %q", m.Subject, want)
	}
	acme, bolt := strings.Index(m.Text, "Acme Bakery\n"), strings.Index(m.Text, "Bolt Garage\n")
	if acme < 0 || bolt < 0 || strings.Count(m.Text, "Acme Bakery\n") != 1 ||
		!strings.Contains(m.Text, "Appel manqué de") ||
		!strings.Contains(m.Text, "Réponse du fournisseur : vapi: model.provider must be one of") {
		t.Errorf("got %s", m.Text)
	}
}

func TestWithoutMail_nothing_is_promised(t *testing.T) {
	d := open(t)
	d.Settings().SMTP.Enabled = false
	d.ring(call{reason: "assistant-request-failed"})
	d.set(collections.Functions, testkit.AcmeFunction, map[string]any{"sync_status": collections.SyncFailed})
	if n := d.Count("SELECT count(*) FROM outbox WHERE kind IN ('notify', 'mail.notice')"); n != 0 {
		t.Errorf("%d promises wait for mail nobody set up", n)
	}
	// Turned off in between: what is owed is let go.
	d.Settings().SMTP.Enabled = true
	d.ring(call{reason: "assistant-request-failed"})
	d.deliver()
	d.Settings().SMTP.Enabled = false
	d.deliver(time.Minute)
	d.wantMails("without mail")
	if n := d.Count("SELECT count(*) FROM outbox WHERE kind IN ('notify', 'mail.notice') AND status != 'done'"); n != 0 {
		t.Errorf("%d promises stay open", n)
	}
}

func TestSyncFailed_is_told_once_a_streak_to_who_may_change_it(t *testing.T) {
	d := open(t)
	fail := func(collection, id string) {
		for range 3 { // tries: pending, failed, pending, failed…
			d.set(collection, id, map[string]any{"sync_status": collections.SyncPending})
			d.set(collection, id, map[string]any{"sync_status": collections.SyncFailed, "sync_error": "vapi: Invalid Key (401)"})
		}
	}
	managers := []string{testkit.AcmeOwner, testkit.AcmeAdmin, testkit.AcmeManager}
	for _, one := range []struct {
		collection, id, page, says string
		want                       []string
	}{
		{collections.Assistants, testkit.AcmeAssistant, "/assistants/", "The assistant “Front desk acme”", managers},
		{collections.Functions, testkit.AcmeFunction, "/functions/", "The function “",
			append(slices.Clone(managers), testkit.AcmeDeveloper)},
		{collections.PhoneNumbers, testkit.AcmeNumber, "/numbers/", "The number +12025550100", managers[:2]},
	} {
		d.clock.Move(time.Hour)
		fail(one.collection, one.id)
		d.deliver(time.Minute)
		d.wantMails(one.collection + " may mend itself")
		d.deliver(10*time.Minute, time.Minute)
		m := d.TestMailer.LastMessage()
		if !strings.Contains(m.Text, one.says) || !strings.Contains(m.Text, "Invalid Key") ||
			!strings.Contains(m.Text, deskkit.Address+"/o/"+testkit.Acme+one.page+one.id) {
			t.Errorf("%s: the mail says %s", one.collection, m.Text)
		}
		d.wantMails(one.collection, one.want...)
		fail(one.collection, one.id)
		d.deliver(quarter, quarter)
		d.wantMails(one.collection + " is still the same failure")
		d.set(one.collection, one.id, map[string]any{"sync_status": collections.SyncSynced, "synced_at": d.clock.Now(),
			"sync_error": ""})
		fail(one.collection, one.id)
		d.deliver(quarter, quarter)
		d.wantMails(one.collection+" failed again", one.want...)
	}
	// What mends itself meanwhile is no news.
	d.set(collections.Assistants, testkit.AcmeAssistant,
		map[string]any{"sync_status": collections.SyncSynced, "synced_at": d.clock.Now()})
	fail(collections.Assistants, testkit.AcmeAssistant)
	d.set(collections.Assistants, testkit.AcmeAssistant,
		map[string]any{"sync_status": collections.SyncSynced, "synced_at": d.clock.Now().Add(time.Minute)})
	d.deliver(quarter, quarter)
	d.wantMails("mended")
}

func TestMemberJoined_is_told_to_who_manages_the_team(t *testing.T) {
	d := open(t)
	d.set(collections.Users, testkit.User(testkit.AcmeOwner), map[string]any{"language": "fr"})
	invite := func() string {
		var made struct {
			Link string `json:"inviteLink"`
		}
		d.Do("POST", "/api/team-members", testkit.AcmeAdmin,
			map[string]any{"full_name": "Ines <b>New</b>", "email": "ines@new.test", "role": "agent",
				"can_manage_team": true}).Want(201).JSON(&made)
		return made.Link[strings.LastIndexAny(made.Link, "/=")+1:]
	}
	d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
		map[string]any{"token": invite(), "password": "a long password 1", "fullName": "Ines <b>New</b>"}).Want(200)
	d.deliver(time.Minute)
	var told []string
	for _, m := range d.mails() {
		switch {
		case !strings.Contains(m.Subject, "membre") && !strings.Contains(m.Subject, "member"):
			continue // the invitation itself
		case m.To[0].Address == testkit.AcmeOwner &&
			(!strings.Contains(m.Text, "a rejoint l’équipe avec le rôle « agent »") || strings.Contains(m.HTML, "<b>New")):
			t.Errorf("got %s %s", m.Text, m.HTML)
		}
		told = append(told, m.To[0].Address)
	}
	slices.Sort(told)
	if want := []string{testkit.AcmeAdmin, testkit.AcmeOwner}; !slices.Equal(told, want) {
		t.Errorf("%v were told, want %v: not the new member, who manages the team too", told, want)
	}
	// A key's account is nobody.
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
		map[string]any{"name": "CRM", "role": "viewer"}).Want(201)
	d.deliver(quarter, quarter)
	d.wantMails("a key")
}

func TestNewDevice_is_always_told_to_the_person(t *testing.T) {
	d := open(t)
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%[1]d.0"
	d.choose(testkit.AcmeAgent, map[string]bool{"missed_call": false, "member_joined": false,
		"sync_failed": false}).Want(200)
	if _, err := d.DB().NewQuery("DELETE FROM sessions WHERE user = '" + testkit.User(testkit.AcmeAgent) +
		"'").Execute(); err != nil {
		t.Fatal(err) // of the fixtures
	}
	d.signIn(fmt.Sprintf(firefox, 144))
	d.wantMails("the first sign-in of all")
	d.signIn(fmt.Sprintf(firefox, 145))
	d.wantMails("the same browser, updated")
	d.signIn("curl/8.5.0")
	m := d.mailTo(testkit.AcmeAgent)
	if !strings.Contains(m.Text, "curl/8.5.0") || !strings.Contains(m.Text, deskkit.Address+"/me/sessions") ||
		!strings.Contains(m.Subject, "new device") {
		t.Errorf("got %q %s", m.Subject, m.Text)
	}
	d.signIn("curl/8.6.0")
	d.wantMails("known by now")
}

func TestNewDevice_is_told_in_the_language_of_the_person_else_of_their_organization(t *testing.T) {
	for name, languages := range map[string]struct{ person, organization string }{
		"the person's": {"fr", "en"}, "the organization's": {"", "fr"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			d.set(collections.Users, testkit.User(testkit.AcmeAgent),
				map[string]any{"language": languages.person, "last_organization": testkit.Acme})
			d.set(collections.Organizations, testkit.Acme, map[string]any{"language": languages.organization})
			d.signIn("curl/8.5.0")
			m := d.mailTo(testkit.AcmeAgent)
			if !strings.Contains(m.Subject, "une connexion depuis un nouvel appareil") {
				t.Errorf("subject: %q", m.Subject)
			}
			for _, says := range []string{"Bonjour", "depuis un appareil jamais utilisé\u00a0: curl/8.5.0, le ",
				"Si c’était vous", "Où vous êtes connecté"} {
				if !strings.Contains(m.Text, says) {
					t.Errorf("%q is missing in:\n%s", says, m.Text)
				}
			}
		})
	}
}

func TestChoices_are_checked(t *testing.T) {
	d := open(t)
	for _, one := range []struct {
		name    string
		choices any
		status  int
		says    string
	}{
		{"one off", map[string]any{"missed_call": false}, 200, ""},
		{"all on", map[string]any{"missed_call": true, "member_joined": true, "sync_failed": true}, 200, ""},
		{"none named", map[string]any{}, 200, ""},
		{"null", nil, 200, ""},
		{"an unknown kind", map[string]any{"weekly_summary": true}, 400, `There is no notice \"weekly_summary\"`},
		{"one that cannot be turned off", map[string]any{"new_device": false}, 400, "There is no notice"},
		{"no truth", map[string]any{"missed_call": "no"}, 400, "Must be true or false: missed_call."},
		{"a list", []string{"missed_call"}, 400, "Must be an object"},
		{"a word", "none", 400, "Must be an object"},
		{"too much", map[string]any{"missed_call": strings.Repeat("x", collections.SmallJSON)}, 400, `"notifications"`},
	} {
		a := d.choose(testkit.AcmeAgent, one.choices)
		if a.Want(one.status); one.status == 400 &&
			(!strings.Contains(string(a.Body), one.says) || !strings.Contains(string(a.Body), `"notifications":{`)) {
			t.Errorf("%s: got %s, want %q at the field", one.name, a.Body, one.says)
		}
	}
	url := "/api/collections/users/records/" + testkit.User(testkit.AcmeAgent)
	off := map[string]any{"notifications": map[string]bool{"missed_call": false}}
	for _, who := range []string{testkit.Guest, testkit.AcmeOwner, testkit.BoltOwner} {
		d.Do("PATCH", url, who, off).Want(404)
	}
	// Rows of before stay usable: only a change is looked at.
	d.set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"notifications": `{"weekly_summary":true}`})
	d.Do("PATCH", url, testkit.AcmeAgent, map[string]any{"theme": "dark"}).Want(200)
}

// The dashboard offers what the server knows, no more and no less.
func TestChoices_are_those_of_the_dashboard(t *testing.T) {
	source, err := os.ReadFile("../../ui/src/routes/me/Notifications.tsx")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)const kinds = \[(.*?)\]`).FindSubmatch(source)
	if list == nil {
		t.Fatal("the page has no list of kinds")
	}
	shown := map[string]bool{}
	for _, kind := range regexp.MustCompile(`'(\w+)'`).FindAllSubmatch(list[1], -1) {
		shown[string(kind[1])] = true
	}
	got, want := slices.Sorted(maps.Keys(shown)), slices.Sorted(slices.Values(notifications.Choices))
	if !slices.Equal(got, want) {
		t.Errorf("the page shows %v, the server knows %v", got, want)
	}
}
