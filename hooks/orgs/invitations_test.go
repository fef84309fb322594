package orgs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

type invited struct {
	ID, Email, Role, Status, InviteLink, Reason string
	EmailSent                                   bool
	FullName                                    string  `json:"full_name"`
	Expires                                     string  `json:"expires_at"`
	Team                                        bool    `json:"can_manage_team"`
	Sent                                        *string `json:"invitation_sent_at"`
}

const strong = "a long enough password"

func invite(d *desk, by, email, role string) (invited, string) {
	d.T.Helper()
	var i invited
	d.Do("POST", "/api/team-members", by, map[string]any{"full_name": "Ines Invited", "email": email, "role": role,
		"can_view_calls": true}).Want(201).JSON(&i)
	return i, peoplekit.Token(d.T, i.InviteLink)
}

func TestInvite_stores_a_hash_and_says_why_there_is_no_mail(t *testing.T) {
	d := open(t, nil)
	i, token := invite(d, testkit.AcmeAdmin, "Ines@New.Test", "manager")
	if i.Status != "invited" || i.Email != "ines@new.test" || i.EmailSent || i.Reason == "" || i.Role != "manager" {
		t.Errorf("got %+v", i)
	}
	row := d.Find(collections.Invitations, "email = 'ines@new.test'")
	left := time.Until(row.GetDateTime("expires_at").Time())
	if row.GetString("invited_by") != testkit.User(testkit.AcmeAdmin) || left < 6*24*time.Hour || left > 7*24*time.Hour ||
		!row.GetBool("can_view_calls") {
		t.Errorf("stored %v, %s left", row.PublicExport(), left)
	}
	secret := strings.Split(token, ".")[1]
	if strings.Contains(fmt.Sprint(row.FieldsData()), secret) || len(row.GetString("token_hash")) != 64 {
		t.Error("the token itself is stored")
	}
	log := d.Find(collections.AuditLogs, "action = 'invitations.create'")
	if log == nil || strings.Contains(log.GetString("details"), row.GetString("token_hash")) {
		t.Errorf("the audit log has %v", log)
	}
	// Nor does any list show the hash.
	for _, path := range []string{"/api/team-members", "/api/collections/invitations/records?filter=id!=''"} {
		if a := d.Do("GET", path, testkit.AcmeOwner, nil).Want(200); strings.Contains(string(a.Body),
			row.GetString("token_hash")) || strings.Contains(string(a.Body), secret) {
			t.Errorf("%s shows it", path)
		}
	}
}

func TestInvite_refuses(t *testing.T) {
	d := open(t, nil)
	body := func(change map[string]any) map[string]any {
		b := map[string]any{"full_name": "New", "email": "new@new.test", "role": "agent"}
		for k, v := range change {
			b[k] = v
		}
		return b
	}
	for _, tt := range []struct {
		name, by string
		body     map[string]any
		status   int
		says     string
	}{
		{"guest", testkit.Guest, body(nil), 401, ""},
		{"an agent", testkit.AcmeAgent, body(nil), 403, ""},
		{"a manager without the flag", testkit.AcmeManager, body(nil), 403, ""},
		{"no name", testkit.AcmeAdmin, body(map[string]any{"full_name": ""}), 400, "full_name"},
		{"no address", testkit.AcmeAdmin, body(map[string]any{"email": "nobody"}), 400, "email"},
		{"a line break in the address", testkit.AcmeAdmin, body(map[string]any{"email": "a@b.test\r\nBcc: x@y.test"}),
			400, "email"},
		{"a wrong role", testkit.AcmeAdmin, body(map[string]any{"role": "member"}), 400, "role"},
		{"above their own", testkit.AcmeAdmin, body(map[string]any{"role": "owner"}), 403, "above your own"},
		{"a member", testkit.AcmeAdmin, body(map[string]any{"email": "AGENT@acme.test"}), 409, "member already"},
		{"a suspended member", testkit.AcmeAdmin, body(map[string]any{"email": testkit.AcmeSuspended}), 409, "suspended"},
		{"invited already", testkit.AcmeAdmin, body(map[string]any{"email": "invited@acme.test"}), 409, "invited already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := d.Do("POST", "/api/team-members", tt.by, tt.body).Want(tt.status); !strings.Contains(string(a.Body),
				tt.says) {
				t.Errorf("got %s, want %q", a.Body, tt.says)
			}
		})
	}
	for _, role := range []string{"admin", "manager", "agent", "viewer", "developer", "owner"} {
		d.Do("POST", "/api/team-members", testkit.AcmeOwner,
			body(map[string]any{"role": role, "email": role + "@new.test"})).Want(201)
	}
	d.Set(collections.Organizations, testkit.Bolt, map[string]any{"limits": map[string]any{"members": 3}})
	if a := d.Do("POST", "/api/team-members", testkit.BoltOwner, body(nil)).Want(403); !strings.Contains(string(a.Body),
		"allows 3 members") {
		t.Errorf("got %s", a.Body)
	}
}

func TestInvite_is_mailed_from_the_outbox_in_the_organizations_language(t *testing.T) {
	d := open(t, nil)
	d.ByHand()
	d.Settings().SMTP.Enabled = true
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"language": "fr", "name": "Boulangerie <b>Acme</b>"})
	i, shown := invite(d, testkit.AcmeOwner, "ines@new.test", "agent")
	if !i.EmailSent || i.Reason != "" || i.Sent != nil {
		t.Errorf("got %+v", i)
	}
	promise := d.Find(collections.Outbox, "kind = 'mail.invite'")
	if strings.Contains(promise.GetString("payload"), strings.Split(shown, ".")[1]) {
		t.Error("the outbox holds the token in clear")
	}
	if n := d.TestMailer.TotalSend(); n != 0 {
		t.Fatalf("%d mails went out inside the request", n)
	}
	d.Deliver()
	d.Deliver()
	if n := d.TestMailer.TotalSend(); n != 1 {
		t.Fatalf("%d mails went out, want 1", n)
	}
	mail := d.TestMailer.LastMessage()
	if mail.To[0].Address != "ines@new.test" || !strings.Contains(mail.Subject, "vous invite") ||
		!strings.Contains(mail.HTML, "&lt;b&gt;") || strings.Contains(mail.HTML, "<b>") {
		t.Errorf("got %q: %s", mail.Subject, mail.HTML)
	}
	start := strings.Index(mail.Text, "https://desk.example.com/accept-invite#token=")
	mailed := peoplekit.Token(t, strings.Fields(mail.Text[start:])[0])
	if mailed == shown {
		t.Error("the link the inviter sees proves the mailbox")
	}
	if promise = d.Find(collections.Outbox, "kind = 'mail.invite'"); strings.Contains(promise.GetString("payload"),
		"token") || promise.GetString("status") != "done" {
		t.Errorf("after sending: %s", promise.GetString("payload"))
	}
	if d.Find(collections.Invitations, "email = 'ines@new.test'").GetString("sent_at") == "" {
		t.Error("not noted as sent")
	}
	d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
		map[string]any{"token": mailed, "password": strong, "fullName": "Ines"}).Want(200)
	if !d.Find(collections.Users, "email = 'ines@new.test'").Verified() {
		t.Error("the mailed link proves the address")
	}
	// A mail of an invitation that was renewed or withdrawn does not go out.
	old, _ := invite(d, testkit.AcmeOwner, "two@new.test", "agent")
	d.Do("POST", "/api/team-members/resend", testkit.AcmeOwner, map[string]any{"email": "two@new.test"}).Want(200)
	d.Deliver()
	if n := d.TestMailer.TotalSend(); n != 2 {
		t.Errorf("%d mails, want one for the renewed invitation", n-1)
	}
	d.Do("POST", "/api/team-members/resend", testkit.AcmeOwner, map[string]any{"email": "two@new.test"}).Want(200)
	d.Do("DELETE", "/api/team-members/"+old.ID, testkit.AcmeOwner, nil).Want(200)
	d.Deliver()
	if n := d.TestMailer.TotalSend(); n != 2 {
		t.Errorf("a withdrawn invitation was mailed")
	}
}

func TestInvite_says_why_a_mail_did_not_go_out(t *testing.T) {
	broken := true
	d := open(t, nil, func(app core.App) {
		app.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
			if broken {
				return errors.New("550 no such mailbox")
			}
			return e.Next()
		})
	})
	d.ByHand()
	d.Settings().SMTP.Enabled = true
	invite(d, testkit.AcmeOwner, "ines@new.test", "agent")
	row := func() map[string]any {
		var l teamList
		d.Do("GET", "/api/team-members?status=invited&search=ines", testkit.AcmeOwner, nil).Want(200).JSON(&l)
		return l.Members[0]
	}
	d.Deliver()
	if got := row(); got["invitation_error"] != "550 no such mailbox" || got["invitation_sent_at"] != nil {
		t.Errorf("got %v, sent %v", got["invitation_error"], got["invitation_sent_at"])
	}
	broken = false
	if _, err := d.DB().NewQuery("UPDATE outbox SET next_at = '2020-01-01 00:00:00.000Z'").Execute(); err != nil {
		t.Fatal(err)
	}
	d.Deliver()
	if got := row(); got["invitation_error"] != nil || got["invitation_sent_at"] == nil {
		t.Errorf("after it went out: %v, sent %v", got["invitation_error"], got["invitation_sent_at"])
	}
}

func TestVerify_tells_what_an_invitation_says(t *testing.T) {
	d := open(t, nil)
	i, token := invite(d, testkit.AcmeAdmin, "ines@new.test", "admin")
	verify := func(body any) *testkit.Answer { return d.Do("POST", "/api/auth/verify-invite", testkit.Guest, body) }
	var got map[string]any
	verify(map[string]any{"token": token}).Want(200).JSON(&got)
	for field, want := range map[string]any{"email": "ines@new.test", "fullName": "Ines Invited",
		"companyName": "Acme Bakery", "role": "admin", "accountExists": false, "inviterName": "Abe Admin"} {
		if got[field] != want {
			t.Errorf("%s: got %v, want %v", field, got[field], want)
		}
	}
	parts := strings.Split(token, ".")
	verify(map[string]any{}).Want(400)
	verify(map[string]any{"token": ""}).Want(400)
	for name, wrong := range map[string]string{
		"short": "x", "another secret": parts[0] + "." + parts[2] + "." + parts[2],
		"another id": "xxxxxxxxxxxxxxx." + parts[1] + "." + parts[2],
		"a hash": parts[0] + "." + d.Find(collections.Invitations, "email='ines@new.test'").GetString("token_hash") +
			"." + parts[2], "huge": strings.Repeat("a.", 10_000),
	} {
		if a := verify(map[string]any{"token": wrong}); a.Status != 404 {
			t.Errorf("%s: got %d", name, a.Status)
		}
	}
	d.Set(collections.Invitations, i.ID, map[string]any{"expires_at": time.Now().Add(-time.Minute)})
	verify(map[string]any{"token": token}).Want(400)
	if err := d.Schedule.RunNow(t.Context(), "invitations.expire"); err != nil {
		t.Fatal(err)
	}
	if d.Find(collections.Invitations, "email='ines@new.test'").GetString("status") != "expired" ||
		d.Find(collections.Invitations, "email='invited@acme.test'").GetString("status") != "pending" {
		t.Error("the job expires those that are over, and only those")
	}
	verify(map[string]any{"token": token}).Want(400)
	// A new one in a click; the old link stays dead.
	var again struct {
		Success    bool
		InviteLink string
	}
	d.Do("POST", "/api/team-members/resend", testkit.AcmeAgent,
		map[string]any{"email": "ines@new.test"}).Want(403).Nothing()
	d.Do("POST", "/api/team-members/resend", testkit.BoltOwner,
		map[string]any{"email": "ines@new.test"}).Want(404).Nothing()
	d.Do("POST", "/api/team-members/resend", testkit.AcmeAdmin,
		map[string]any{"email": "INES@new.test"}).Want(200).JSON(&again)
	if !again.Success {
		t.Error("the document says success: true")
	}
	verify(map[string]any{"token": token}).Want(404)
	verify(map[string]any{"token": peoplekit.Token(t, again.InviteLink)}).Want(200)
}

func TestAccept_makes_an_account_and_signs_it_in(t *testing.T) {
	d := open(t, nil)
	_, token := invite(d, testkit.AcmeAdmin, "ines@new.test", "manager")
	accept := func(who string, body map[string]any) *testkit.Answer {
		return d.Do("POST", "/api/auth/accept-invite", who, body)
	}
	for _, tt := range []struct {
		name   string
		body   map[string]any
		status int
		says   string
	}{
		{"no token", map[string]any{"password": strong, "fullName": "I"}, 400, "Missing required fields"},
		{"no password", map[string]any{"token": token, "fullName": "I"}, 400, "Missing required fields"},
		{"no name", map[string]any{"token": token, "password": strong, "fullName": " "}, 400, "Missing required fields"},
		{"a wrong token", map[string]any{"token": "a.b.c", "password": strong, "fullName": "I"}, 400, "Invalid invitation"},
		{"a short password", map[string]any{"token": token, "password": "short", "fullName": "I"}, 400, "password"},
		{"a long name", map[string]any{"token": token, "password": strong, "fullName": strings.Repeat("x", 200)},
			400, "fullName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := accept(testkit.Guest, tt.body).Want(tt.status); !strings.Contains(string(a.Body), tt.says) {
				t.Errorf("got %s, want %q", a.Body, tt.says)
			}
		})
	}
	accept(testkit.BoltOwner, map[string]any{"token": token, "password": strong, "fullName": "I"}).Want(409)
	accept(testkit.Superuser, map[string]any{"token": token, "password": strong, "fullName": "I"}).Want(409)
	if d.Find(collections.Users, "email = 'ines@new.test'") != nil {
		t.Fatal("a refused acceptance left an account")
	}
	var got struct {
		Success      bool
		Token        string
		Organization string
		Record       struct{ Email string }
	}
	a := accept(testkit.Guest,
		map[string]any{"token": token, "password": strong, "fullName": "Ines I."}).Want(200).JSON(&got)
	if !got.Success || got.Token == "" || got.Organization != testkit.Acme || got.Record.Email != "ines@new.test" {
		t.Errorf("got %s", a.Body)
	}
	user := d.Find(collections.Users, "email = 'ines@new.test'")
	m := d.Find(collections.Memberships, "user = '"+user.Id+"'")
	if user.GetString("name") != "Ines I." || !user.GetBool("is_active") || !user.ValidatePassword(strong) ||
		user.GetString("last_organization") != testkit.Acme {
		t.Errorf("account %v", user.PublicExport())
	}
	if user.Verified() {
		t.Error("a link that went through the inviter's hands does not prove the address")
	}
	if m.GetString("role") != "manager" || m.GetString("status") != "active" || !m.GetBool("is_default") ||
		!m.GetBool("can_view_calls") || m.GetBool("can_manage_team") || m.GetString("email") != "ines@new.test" {
		t.Errorf("membership %v", m.PublicExport())
	}
	i := d.Find(collections.Invitations, "email = 'ines@new.test'")
	if i.GetString("status") != "accepted" || i.GetString("accepted_by") != user.Id || i.GetString("accepted_at") == "" {
		t.Errorf("invitation %v", i.PublicExport())
	}
	if log := d.Find(collections.AuditLogs, "action = 'invitations.accept'"); log == nil ||
		log.GetString("user") != user.Id || log.GetString("organization") != testkit.Acme {
		t.Errorf("audit %v", log)
	}
	// Used is used.
	accept(testkit.Guest, map[string]any{"token": token, "password": strong, "fullName": "I"}).Want(400)
	d.Do("POST", "/api/auth/verify-invite", testkit.Guest, map[string]any{"token": token}).Want(404).Nothing()
}

// Accepting signs in as what it proved: the link that was mailed shows what a code by
// mail does, one that was handed over only that a password was chosen.
func TestAccept_signs_in_by_a_way_the_organization_allows(t *testing.T) {
	const code, password, elsewhere = collections.AuthCode, collections.AuthPassword, collections.AuthOAuth
	for _, tt := range []struct {
		name, only     string
		mailed, factor bool
		method         string // of the session; "" is none
	}{
		{"anything goes, mailed", "", true, false, identity.Invited},
		{"anything goes, handed over", "", false, false, password},
		{"codes only, mailed", code, true, false, identity.Invited},
		{"codes only, handed over", code, false, false, ""},
		{"passwords only, mailed", password, true, false, identity.Invited},
		{"passwords only, handed over", password, false, false, password},
		{"accounts elsewhere only, mailed", elsewhere, true, false, ""},
		{"a second factor, mailed", "", true, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, nil)
			d.ByHand()
			d.Settings().SMTP.Enabled = true
			_, token := invite(d, testkit.AcmeOwner, "ines@new.test", "agent")
			if d.Deliver(); tt.mailed {
				text := d.TestMailer.LastMessage().Text
				token = peoplekit.Token(t,
					strings.Fields(text[strings.Index(text, "https://desk.example.com/accept-invite#token="):])[0])
			}
			settings := map[string]any{"two_factor_enabled": tt.factor}
			if tt.only != "" {
				settings["allowed_auth_methods"] = []string{tt.only}
			}
			d.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), settings)
			var got struct{ Token, Message string }
			d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
				map[string]any{"token": token, "password": strong, "fullName": "Ines"}).Want(200).JSON(&got)
			user := d.Find(collections.Users, "email = 'ines@new.test'")
			session := d.Find(collections.Sessions, "user = '"+user.Id+"'")
			if tt.method == "" {
				if got.Token != "" || session != nil || got.Message != "Account created. Please log in." {
					t.Errorf("got %+v, and a session: %t", got, session != nil)
				}
				return
			}
			if got.Token == "" || session == nil || session.GetString("method") != tt.method {
				t.Fatalf("got %+v, session %v", got, session)
			}
			r := httptest.NewRequest("GET", peoplekit.AcmeCalls, nil)
			r.Header.Set("Authorization", "Bearer "+got.Token)
			w := httptest.NewRecorder()
			if d.Handler().ServeHTTP(w, r); w.Code != 200 {
				t.Errorf("with the session: got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestAccept_with_an_account_needs_its_person(t *testing.T) {
	d := open(t, nil)
	before := d.Find(collections.Users, "email = 'nobody@none.test'").GetString("password:hash")
	_, token := invite(d, testkit.AcmeOwner, testkit.Nobody, "developer")
	body := map[string]any{"token": token, "password": strong, "fullName": "Mallory"}
	var seen struct{ AccountExists bool }
	d.Do("POST", "/api/auth/verify-invite", testkit.Guest, map[string]any{"token": token}).Want(200).JSON(&seen)
	if !seen.AccountExists {
		t.Error("the page must know to ask for a sign-in")
	}
	if a := d.Do("POST", "/api/auth/accept-invite", testkit.Guest, body).Want(401); strings.Contains(string(a.Body),
		"token\"") || !strings.Contains(string(a.Body), "Sign in") {
		t.Errorf("got %s", a.Body)
	}
	d.Do("POST", "/api/auth/accept-invite", testkit.BoltOwner, body).Want(409).Nothing()
	a := d.Do("POST", "/api/auth/accept-invite", testkit.Nobody, body).Want(200)
	if strings.Contains(string(a.Body), `"token"`) {
		t.Errorf("a token was handed out: %s", a.Body)
	}
	user := d.Find(collections.Users, "email = 'nobody@none.test'")
	if !user.ValidatePassword(testkit.Password) || user.GetString("password:hash") != before ||
		user.GetString("name") != "Noa Nobody" {
		t.Error("accepting changed the account")
	}
	if m := d.Find(collections.Memberships, "user = '"+user.Id+"'"); m == nil || m.GetString("role") != "developer" {
		t.Errorf("membership %v", m)
	}
	d.Do("GET", "/api/team-members", testkit.Nobody, nil).Want(200)
	d.Do("POST", "/api/auth/accept-invite", testkit.Nobody, body).Want(400).Nothing()
}

func TestAccept_is_revoked_with_the_right_to_invite(t *testing.T) {
	for name, lose := range map[string]func(d *desk){
		"removed":   func(d *desk) { d.Do("DELETE", member(testkit.AcmeAdmin), testkit.AcmeOwner, nil).Want(200) },
		"suspended": func(d *desk) { d.Do("POST", member(testkit.AcmeAdmin)+"/suspend", testkit.AcmeOwner, nil).Want(200) },
		"made an agent": func(d *desk) {
			d.Do("PUT", member(testkit.AcmeAdmin), testkit.AcmeOwner, map[string]any{"role": "agent"}).Want(200)
		},
		"made a manager": func(d *desk) {
			d.Do("PUT", member(testkit.AcmeAdmin), testkit.AcmeOwner,
				map[string]any{"role": "manager", "can_manage_team": true}).Want(200)
		},
		"withdrawn": func(d *desk) {
			d.Do("DELETE", "/api/team-members/"+d.Find(collections.Invitations, "email='ines@new.test'").Id,
				testkit.AcmeAdmin, nil).Want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, nil)
			_, token := invite(d, testkit.AcmeAdmin, "ines@new.test", "admin")
			lose(d)
			d.Do("POST", "/api/auth/verify-invite", testkit.Guest, map[string]any{"token": token}).Want(404).Nothing()
			d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
				map[string]any{"token": token, "password": strong, "fullName": "I"}).Want(400).Nothing()
			if d.Find(collections.Invitations, "email='ines@new.test'").GetString("status") != "cancelled" ||
				d.Find(collections.Users, "email='ines@new.test'") != nil {
				t.Error("the invitation is still open, or an account was made")
			}
		})
	}
}

func TestAccept_twice_at_once_makes_one_member(t *testing.T) {
	for _, who := range []string{testkit.Guest, testkit.Nobody} {
		d := open(t, nil)
		email := "ines@new.test"
		if who != testkit.Guest {
			email = who
		}
		_, token := invite(d, testkit.AcmeAdmin, email, "agent")
		raw, err := json.Marshal(map[string]any{"token": token, "password": strong, "fullName": "Ines"})
		if err != nil {
			t.Fatal(err)
		}
		mux := d.Handler()
		var wg sync.WaitGroup
		codes := make([]int, 6)
		for i := range codes {
			req := httptest.NewRequest("POST", "/api/auth/accept-invite", bytes.NewReader(raw))
			req.Header.Set("Content-Type", "application/json")
			for k, v := range testkit.As(t, who) {
				req.Header.Set(k, v)
			}
			wg.Go(func() {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, req)
				codes[i] = w.Code
			})
		}
		wg.Wait()
		good := 0
		for _, code := range codes {
			if code == 200 {
				good++
			} else if code != 400 && code != 401 {
				t.Errorf("got %d", code)
			}
		}
		n := d.Count("SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user WHERE u.email = '" + email + "'")
		if good != 1 || n != 1 || d.Count("SELECT count(*) FROM users WHERE email = '"+email+"'") != 1 {
			t.Errorf("%d accepted, %d memberships, answers %v", good, n, codes)
		}
	}
}

func TestInvitation_can_be_changed_while_it_is_open(t *testing.T) {
	d := open(t, nil)
	i, token := invite(d, testkit.AcmeAdmin, "ines@new.test", "agent")
	var got invited
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.AcmeAdmin,
		map[string]any{"role": "manager", "can_manage_team": true, "status": "invited"}).Want(200).JSON(&got)
	if got.Role != "manager" || !got.Team || got.Status != "invited" {
		t.Errorf("got %+v", got)
	}
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.AcmeAdmin, map[string]any{"status": "active"}).Want(400).Nothing()
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.AcmeAdmin, map[string]any{"role": "owner"}).Want(403).Nothing()
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.AcmeAgent, map[string]any{"role": "viewer"}).Want(403).Nothing()
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.BoltOwner, map[string]any{"role": "viewer"}).Want(404).Nothing()
	d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
		map[string]any{"token": token, "password": strong, "fullName": "I"}).Want(200)
	if m := d.Find(collections.Memberships, "email = 'ines@new.test'"); m.GetString("role") != "manager" {
		t.Errorf("joined as %s", m.GetString("role"))
	}
	d.Do("PUT", "/api/team-members/"+i.ID, testkit.AcmeAdmin, map[string]any{"role": "viewer"}).Want(404).Nothing()
}

// A link that lost its last letters on the way is told to be incomplete: it would
// make an account that has not proved its address.
func TestLink_of_an_invitation_that_was_cut_or_changed_makes_no_account(t *testing.T) {
	d := open(t, nil)
	i, token := invite(d, testkit.AcmeAdmin, "ines@new.test", "manager")
	parts := strings.Split(token, ".")
	last := "A"
	if strings.HasSuffix(token, last) {
		last = "B"
	}
	for name, wrong := range map[string]string{
		"one letter less": token[:len(token)-1], "another last letter": token[:len(token)-1] + last,
		"no tail":   parts[0] + "." + parts[1] + ".",
		"two parts": parts[0] + "." + parts[1], "half of the secret": parts[0] + "." + parts[1][:20],
		"more letters": token + "xx",
	} {
		for url, body := range map[string]map[string]any{
			"/api/auth/verify-invite": {"token": wrong},
			"/api/auth/accept-invite": {"token": wrong, "password": strong, "fullName": "Ines"},
		} {
			if a := d.Do("POST", url, testkit.Guest, body); a.Status != 400 || !strings.Contains(string(a.Body), "incomplete") {
				t.Errorf("%s: %s: got %d %s", name, url, a.Status, a.Body)
			}
		}
	}
	if d.Find(collections.Users, "email = 'ines@new.test'") != nil {
		t.Fatal("an account was made")
	}
	// An invitation of an earlier version, whose link's last part was not kept.
	d.Set(collections.Invitations, i.ID, map[string]any{"metadata": map[string]any{"mail_hash": "x"}})
	d.Do("POST", "/api/auth/verify-invite", testkit.Guest, map[string]any{"token": token}).Want(200)
	d.Do("POST", "/api/auth/accept-invite", testkit.Guest,
		map[string]any{"token": token, "password": strong, "fullName": "Ines"}).Want(200)
	if d.Find(collections.Users, "email = 'ines@new.test'").Verified() {
		t.Error("the address counts as proved")
	}
}
