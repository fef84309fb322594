package accounts_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Every door at which a password is set refuses the same ones, and says which
// field it is about.
func TestPassword_that_is_tried_first_is_refused_at_every_door(t *testing.T) {
	b := peoplekit.OpenAt(t)
	agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	mine, root := b.SignIn(testkit.AcmeAgent, ""), testkit.Token(t, b.TestApp, testkit.Superuser)
	link := b.Ask(b.SignIn(testkit.AcmeOwner, ""), "", "POST", "/api/team-members",
		map[string]string{"full_name": "Vera", "email": "vera@example.com", "role": "agent"}).Want(201).Text("inviteLink")
	invitation := link[strings.LastIndexAny(link, "/=")+1:]
	reset := func() string {
		token, err := agent.NewPasswordResetToken()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, set := range map[string]func(password string) peoplekit.Reply{
		"sign-up": func(p string) peoplekit.Reply {
			return b.Ask("", "", "POST", "/api/auth/signup",
				map[string]string{"email": "new.person@client.test", "fullName": "Nia New", "password": p})
		},
		"invitation": func(p string) peoplekit.Reply {
			return b.Ask("", "", "POST", "/api/auth/accept-invite",
				map[string]string{"token": invitation, "fullName": "Vera", "password": p})
		},
		"reset": func(p string) peoplekit.Reply {
			return b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-password-reset",
				map[string]string{"token": reset(), "password": p, "passwordConfirm": p})
		},
		"change": func(p string) peoplekit.Reply {
			return b.Ask(mine, "", "PATCH", peoplekit.UsersURL+"records/"+agent.Id,
				map[string]string{"oldPassword": testkit.Password, "password": p, "passwordConfirm": p})
		},
		"operator's new account": func(p string) peoplekit.Reply {
			return b.Ask(root, "", "POST", peoplekit.UsersURL+"records",
				map[string]string{"email": "made@client.test", "password": p, "passwordConfirm": p})
		},
		"operator's change": func(p string) peoplekit.Reply {
			return b.Ask(root, "", "PATCH", peoplekit.UsersURL+"records/"+agent.Id,
				map[string]string{"password": p, "passwordConfirm": p})
		},
	} {
		for _, password := range []string{"password1234", "QWERTYUIOP12", "pocketline2026"} {
			refused := set(password).Want(400).Nothing()
			if body := string(refused.Body); !strings.Contains(body, `"password"`) ||
				!strings.Contains(body, "passwords that are tried first") && !strings.Contains(body, "the name of this product") {
				t.Errorf("%s: %q is refused without its reason: %s", name, password, body)
			}
		}
	}
	b.SignIn(testkit.AcmeAgent, "") // nothing was changed
}
