package orgs_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestResetLink_is_shown_where_no_mail_can_be_sent_and_to_nobody_else(t *testing.T) {
	b := bureauOf(t)
	path := func(email string) string {
		return "/api/organizations/" + testkit.Acme + "/members/" + testkit.UserMembership(email, testkit.Acme) + "/reset-link"
	}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403, testkit.AcmeViewer: 403} {
		b.Do("POST", path(testkit.AcmeAgent), person, nil).Want(want)
	}
	b.Do("POST", path(testkit.AcmeOwner), testkit.AcmeAdmin, nil).Want(403)
	b.Do("POST", path(testkit.Sam), testkit.AcmeOwner, nil).Want(409) // Sam owns Bolt
	var got struct {
		Sent   bool   `json:"email_sent"`
		Link   string `json:"reset_link"`
		Reason string `json:"reason"`
	}
	b.Do("POST", path(testkit.AcmeAgent), testkit.AcmeAdmin, nil).Want(200).JSON(&got)
	token, ok := strings.CutPrefix(got.Link, "https://desk.example.com/reset#token=")
	if got.Sent || !ok || got.Reason == "" || b.audited("auth.reset_link") != 1 {
		t.Fatalf("got %+v", got)
	}
	if strings.Contains(b.find("audit_logs", "action = 'auth.reset_link'").GetString("details"), token) {
		t.Error("the log holds the link")
	}
	b.ask("", "", "POST", "/api/collections/users/confirm-password-reset", map[string]string{"token": token, "password": "another long one", "passwordConfirm": "another long one"}).want(204)

	b.withMail()
	answer := b.Do("POST", path(testkit.Sam), testkit.AcmeOwner, nil).Want(200)
	if strings.Contains(string(answer.Body), "/reset") || b.app.TestMailer.TotalSend() != 1 {
		t.Errorf("got %s and %d mails, want one mail and no link", answer.Body, b.app.TestMailer.TotalSend())
	}
}
