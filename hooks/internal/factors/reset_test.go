package factors_test

import (
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestFactor_of_a_member_is_taken_off_by_who_may_and_told(t *testing.T) {
	b := peoplekit.OpenAt(t)
	path := func(email string) string {
		return "/api/organizations/" + testkit.Acme + "/members/" + testkit.UserMembership(email, testkit.Acme) +
			"/reset-factor"
	}
	has := func(email string) bool {
		user := testkit.User(email)
		row := b.Find(collections.Authenticators, "user = '"+user+"'")
		on := b.Find(collections.Users, "id = '"+user+"'").GetBool("two_factor")
		if on != (row != nil) {
			t.Errorf("%s: half a factor", email)
		}
		return on
	}
	for _, person := range []string{testkit.AcmeAgent, testkit.AcmeAdmin, testkit.AcmeOwner, testkit.Sam} {
		b.Enroll(b.SignIn(person, ""))
	}
	for person, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403, testkit.AcmeViewer: 403, testkit.AcmeAgent: 403,
	} {
		b.Do("POST", path(testkit.AcmeAgent), person, nil).Want(want)
	}
	b.Do("POST", path(testkit.AcmeOwner), testkit.AcmeAdmin, nil).Want(403) // a higher role
	b.Do("POST", path(testkit.AcmeAdmin), testkit.AcmeAdmin, nil).Want(403) // oneself
	b.Do("POST", path(testkit.AcmeOwner), testkit.AcmeOwner, nil).Want(403)
	b.Do("POST", path(testkit.Sam), testkit.AcmeOwner, nil).Want(409) // Sam owns Bolt
	b.Do("POST", path(testkit.AcmeViewer), testkit.AcmeOwner, nil).Want(409)
	b.Do("POST", "/api/organizations/"+testkit.Acme+"/members/nobody000000000/reset-factor",
		testkit.AcmeOwner, nil).Want(404)
	if !has(testkit.AcmeAgent) || !has(testkit.AcmeAdmin) || !has(testkit.AcmeOwner) || !has(testkit.Sam) ||
		b.Audited("auth.two_factor_off") != 0 {
		t.Fatal("what was refused was done")
	}

	b.WithMail()
	b.ByHand()
	b.Do("POST", path(testkit.AcmeAgent), testkit.AcmeAdmin, nil).Want(204)
	if has(testkit.AcmeAgent) {
		t.Error("the factor is still on")
	}
	entry := b.Find(collections.AuditLogs, "action = 'auth.two_factor_off'")
	if entry == nil || entry.GetString("user") != testkit.User(testkit.AcmeAdmin) ||
		entry.GetString("record") != testkit.User(testkit.AcmeAgent) ||
		entry.GetString("organization") != testkit.Acme {
		t.Errorf("got %v", entry)
	}
	b.One(testkit.AcmeAgent, "second factor", "Acme")
	b.Password(testkit.AcmeAgent, "").Want(200)
	b.Do("POST", path(testkit.AcmeAgent), testkit.AcmeAdmin, nil).Want(409) // there is none any more

	// Whoever runs the installation is helped at its console only.
	b.Set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"metadata": map[string]any{"operator": true}})
	b.Do("POST", path(testkit.AcmeAdmin), testkit.AcmeOwner, nil).Want(409)
	b.Do("POST", path(testkit.AcmeAdmin), testkit.Superuser, nil).Want(204)
	b.One(testkit.AcmeAdmin, "second factor")
}
