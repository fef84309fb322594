package accounts_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestResetLink_is_shown_where_no_mail_can_be_sent_and_to_nobody_else(t *testing.T) {
	b := peoplekit.OpenAt(t)
	path := func(email string) string {
		return "/api/organizations/" + testkit.Acme + "/members/" + testkit.UserMembership(email, testkit.Acme) +
			"/reset-link"
	}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403,
		testkit.AcmeViewer: 403} {
		b.Do("POST", path(testkit.AcmeAgent), person, nil).Want(want).Nothing()
	}
	b.Do("POST", path(testkit.AcmeOwner), testkit.AcmeAdmin, nil).Want(403).Nothing()
	b.Do("POST", path(testkit.Sam), testkit.AcmeOwner, nil).Want(409).Nothing() // Sam owns Bolt
	var got struct {
		Sent   bool   `json:"email_sent"`
		Link   string `json:"reset_link"`
		Reason string `json:"reason"`
	}
	b.Do("POST", path(testkit.AcmeAgent), testkit.AcmeAdmin, nil).Want(200).JSON(&got)
	token, ok := strings.CutPrefix(got.Link, "https://desk.example.com/reset#token=")
	if got.Sent || !ok || got.Reason == "" || b.Audited("auth.reset_link") != 1 {
		t.Fatalf("got %+v", got)
	}
	if strings.Contains(b.Find("audit_logs", "action = 'auth.reset_link'").GetString("details"), token) {
		t.Error("the log holds the link")
	}
	reset(b, token, true)
	b.Ask("", "", "POST", "/api/collections/users/confirm-password-reset",
		map[string]string{"token": token, "password": "another long one", "passwordConfirm": "another long one"}).Want(204)
	reset(b, token, false) // it works once
	for _, bad := range []any{"", nil, 5, "x.y.z", token[:len(token)-2], b.SignIn(testkit.AcmeOwner, "")} {
		reset(b, bad, false)
	}

	b.WithMail()
	answer := b.Do("POST", path(testkit.Sam), testkit.AcmeOwner, nil).Want(200)
	if strings.Contains(string(answer.Body), "/reset") || b.TestMailer.TotalSend() != 1 {
		t.Errorf("got %s and %d mails, want one mail and no link", answer.Body, b.TestMailer.TotalSend())
	}
}

// reset asks whether a link for a new password works.
func reset(b *peoplekit.Desk, token any, want bool) {
	b.T.Helper()
	var got struct{ Valid bool }
	b.Do("POST", "/api/auth/check-reset", testkit.Guest, map[string]any{"token": token}).Want(200).JSON(&got)
	if got.Valid != want {
		b.T.Errorf("token %v: valid is %v", token, got.Valid)
	}
}

// A link that was handed over ends with the right of whoever made it.
func TestResetLink_is_worth_what_its_maker_may_still_do(t *testing.T) {
	superuser := testkit.As(t, testkit.Superuser)["Authorization"]
	admin := testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)
	for name, end := range map[string]func(b *peoplekit.Desk, owner string){
		"suspended": func(b *peoplekit.Desk, owner string) {
			b.Ask(owner, "", "POST", "/api/team-members/"+admin+"/suspend", nil).Want(200)
		},
		"demoted": func(b *peoplekit.Desk, owner string) {
			b.Ask(owner, "", "PUT", "/api/team-members/"+admin, map[string]string{"role": "manager"}).Want(200)
		},
		"removed": func(b *peoplekit.Desk, owner string) {
			b.Ask(owner, "", "DELETE", "/api/team-members/"+admin, nil).Want(200)
		},
		"deactivated": func(b *peoplekit.Desk, _ string) {
			b.Ask(superuser, "", "PATCH", "/api/collections/users/records/"+testkit.User(testkit.AcmeAdmin),
				map[string]bool{"is_active": false}).Want(200)
		},
		"below": func(b *peoplekit.Desk, owner string) { // the member, that is, is above by now
			b.Ask(owner, "", "PUT", "/api/team-members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme),
				map[string]string{"role": "owner"}).Want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			link := b.Ask(b.SignIn(testkit.AcmeAdmin, ""), "", "POST",
				"/api/organizations/"+testkit.Acme+"/members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme)+
					"/reset-link", nil).Want(200).Text("reset_link")
			_, token, _ := strings.Cut(link, "#token=")
			reset(b, token, true)
			end(b, b.SignIn(testkit.AcmeOwner, ""))
			reset(b, token, false)
			answer := b.Ask("", "", "POST", "/api/collections/users/confirm-password-reset",
				map[string]string{"token": token, "password": "another long one",
					"passwordConfirm": "another long one"}).Want(400).Nothing()
			if !strings.Contains(string(answer.Body), "may not help you any more") {
				t.Errorf("got %s", answer.Body)
			}
			b.SignIn(testkit.AcmeAgent, "") // the password is the old one
		})
	}
}

// It did not pass through a mailbox, so it proves none.
func TestResetLink_that_was_handed_over_proves_no_address(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Set("users", testkit.User(testkit.AcmeAgent), map[string]any{"verified": false})
	link := b.Ask(b.SignIn(testkit.AcmeAdmin, ""), "", "POST",
		"/api/organizations/"+testkit.Acme+"/members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme)+"/reset-link",
		nil).Want(200).Text("reset_link")
	_, token, _ := strings.Cut(link, "#token=")
	b.Ask("", "", "POST", "/api/collections/users/confirm-password-reset",
		map[string]string{"token": token, "password": "another long one", "passwordConfirm": "another long one"}).Want(204)
	if b.Find("users", "id = '"+testkit.User(testkit.AcmeAgent)+"'").GetBool("verified") {
		t.Error("the address counts as proved")
	}
}
