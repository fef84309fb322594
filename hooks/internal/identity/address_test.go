package identity_test

import (
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// spellings are how people write one address.
func spellings(address string) []string {
	return []string{address, strings.ToUpper(address), " " + address + " ", "\u200b" + address + "\ufeff",
		strings.Replace(address, "@", "\u00ad@", 1)}
}

func TestAddress_in_any_spelling_signs_in(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	for _, as := range spellings(testkit.AcmeAgent) {
		b.SignIn(as, "")
		for _, door := range []string{"request-otp", "request-password-reset", "request-verification"} {
			before := b.Count("SELECT count(*) FROM _otps")
			reply := b.Ask("", "", "POST", "/api/collections/users/"+door, map[string]string{"email": as})
			if reply.Status != 200 && reply.Status != 204 {
				t.Errorf("%s as %q: %d", door, as, reply.Status)
			}
			if door == "request-otp" && b.Count("SELECT count(*) FROM _otps") != before+1 {
				t.Errorf("no code was made for %q", as)
			}
		}
	}
	// The fields of a form, and names PocketBase takes in any case.
	form := b.Send("", "", "POST", "/api/collections/users/auth-with-password", nil, nil)
	form.Want(400)
	b.Ask("", "", "POST", "/api/collections/users/auth-with-password",
		map[string]string{"IDENTITY": " " + testkit.AcmeAgent, "password": testkit.Password}).Want(200)
}

// The operator's address is kept and asked for in the same spelling as anybody's.
func TestAddress_of_the_operator_in_any_spelling_signs_in_and_gets_mail(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	const url = "/api/collections/_superusers/"
	root := b.Find(core.CollectionNameSuperusers, "")
	b.Ask(testkit.Token(t, b.TestApp, testkit.Superuser), "", "PATCH", url+"records/"+root.Id,
		map[string]any{"email": " Root.One@Example.COM"}).Want(200)
	if got := b.Find(core.CollectionNameSuperusers, "id = '"+root.Id+"'").Email(); got != "root.one@example.com" {
		t.Errorf("stored as %q", got)
	}
	for _, as := range spellings("root.one@example.com") {
		b.Ask("", "", "POST", url+"auth-with-password",
			map[string]string{"identity": as, "password": testkit.Password}).Want(200)
	}
	b.Ask("", "", "POST", url+"request-password-reset", map[string]string{"email": "ROOT.One@example.com"}).Want(204)
	b.MailWith("confirm-password-reset")
}

func TestAddress_is_kept_in_one_spelling_and_once(t *testing.T) {
	b := peoplekit.OpenAt(t)
	users := "/api/collections/users/records"
	create := func(email string) peoplekit.Reply {
		return b.Ask(testkit.Token(t, b.TestApp, testkit.Superuser), "", "POST", users, map[string]any{
			"email": email, "password": "a long password 1", "passwordConfirm": "a long password 1", "is_active": true,
		})
	}
	id := create("New.Person@Example.COM ").Want(200).Text("id")
	if got := b.Find(collections.Users, "id = '"+id+"'").Email(); got != "new.person@example.com" {
		t.Errorf("stored as %q", got)
	}
	for _, as := range spellings("new.person@example.com") {
		create(as).Want(400)
		b.Ask("", "", "POST", "/api/auth/signup",
			map[string]string{"email": as, "fullName": "X", "password": "a long password"}).Want(409)
	}
	b.Ask(testkit.Token(t, b.TestApp, testkit.Superuser), "", "PATCH", users+"/"+id,
		map[string]any{"email": strings.ToUpper(testkit.AcmeAgent)}).Want(400)
	b.Ask(testkit.Token(t, b.TestApp, testkit.Superuser), "", "PATCH", users+"/"+id,
		map[string]any{"email": "Other@BÜCHER.example"}).Want(200)
	b.Ask("", "", "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": "other@xn--bcher-kva.example", "password": "a long password 1"}).Want(200)
	// The database itself keeps two spellings apart from one another.
	if _, err := b.DB().NewQuery("UPDATE users SET email = 'OTHER@xn--bcher-kva.example' WHERE email = '" +
		testkit.AcmeAgent + "'").Execute(); err == nil {
		t.Error("the database holds one address twice")
	}
}

func TestInvitation_knows_an_address_in_any_spelling(t *testing.T) {
	b := peoplekit.OpenAt(t)
	owner := b.SignIn(testkit.AcmeOwner, "")
	invite := func(email string) peoplekit.Reply {
		return b.Ask(owner, "", "POST", "/api/team-members",
			map[string]string{"full_name": "Vera", "email": email, "role": "agent"})
	}
	const vera = "vera.case@example.com"
	if got := invite("Vera.Case@Example.COM").Want(201).Text("email"); got != vera {
		t.Errorf("invited as %q", got)
	}
	link := ""
	for _, as := range spellings(vera) {
		invite(as).Want(409)
		link = b.Ask(owner, "", "POST", "/api/team-members/resend",
			map[string]string{"email": as}).Want(200).Text("inviteLink")
	}
	token := link[strings.LastIndexAny(link, "/=")+1:]
	b.Ask("", "", "POST", "/api/auth/accept-invite",
		map[string]string{"token": token, "password": "a long password", "fullName": "Vera"}).Want(200)
	for _, as := range spellings(vera) {
		b.Ask("", "", "POST", "/api/collections/users/auth-with-password",
			map[string]string{"identity": as, "password": "a long password"}).Want(200)
		invite(as).Want(409)
	}
	for _, other := range []string{"vera.case\uff20example.com", "\u212aera.case@example.com",
		"vera.case+desk@example.com"} {
		if status := invite(other).Status; status != 201 && status != 400 {
			t.Errorf("%q: got %d, want another person or a refusal", other, status)
		}
	}
}

func TestAccount_elsewhere_finds_the_one_here_in_other_letters(t *testing.T) {
	b := peoplekit.OpenAt(t)
	agent := testkit.User(testkit.AcmeAgent)
	for _, as := range spellings(testkit.AcmeAgent) {
		found, err := elsewhere(b, nil, nil, &auth.AuthUser{Id: "7", Email: as})
		if err != nil || found == nil || found.Id != agent {
			t.Errorf("%q: got %v (%v), want the account there is", as, found, err)
		}
	}
	made, err := elsewhere(b, nil, nil, &auth.AuthUser{Id: "8", Email: " Someone.New@Example.COM",
		Expiry: types.NowDateTime()})
	if err != nil || made == nil || made.Email() != "someone.new@example.com" {
		t.Errorf("got %v (%v), want an account in small letters", made, err)
	}
}
