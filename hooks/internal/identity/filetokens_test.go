package identity_test

import (
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestFileToken_is_good_as_long_as_what_it_came_from(t *testing.T) {
	b := peoplekit.OpenAt(t)
	of := func(token string) string {
		t.Helper()
		file := b.Ask(token, "", "POST", "/api/files/token", nil).Want(200).Text("token")
		b.File(file).Want(200)
		return file
	}
	desk, phone := b.SignIn(testkit.AcmeAgent, ""), b.SignIn(testkit.AcmeAgent, "")
	first, second := of(desk), of(phone)
	b.Ask(desk, "", "DELETE", "/api/me/sessions/current", nil).Want(204)
	b.File(first).Want(404)
	b.File(second).Want(200) // of another session

	third := of(b.SignIn(testkit.AcmeAgent, ""))
	b.Ask(phone, "", "POST", "/api/me/sessions/end-others", nil).Want(200)
	b.File(third).Want(404)
	b.File(second).Want(200)
	b.Ask(phone, "", "POST", "/api/me/sessions/end-all", nil).Want(204)
	b.File(second).Want(404)

	// A session that ran out.
	fourth := of(b.SignIn(testkit.AcmeAgent, ""))
	session := b.Find(collections.Sessions, "user = '"+testkit.User(testkit.AcmeAgent)+"' && ended_at = ''")
	b.Set(collections.Sessions, session.Id, map[string]any{"expires_at": b.Clock.At.Add(time.Minute)})
	b.File(fourth).Want(200)
	b.Clock.Pass(2 * time.Minute)
	b.File(fourth).Want(404)

	// A token that says not what it came from is nobody's, but a superuser's.
	agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	bare, err := agent.NewFileToken()
	if err != nil {
		t.Fatal(err)
	}
	b.File(bare).Want(404)
	root, err := b.FindAuthRecordByEmail(core.CollectionNameSuperusers, testkit.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if bare, err = root.NewFileToken(); err != nil {
		t.Fatal(err)
	}
	b.File(bare).Want(200)

	// Who is deactivated has no file either.
	fifth := of(b.SignIn(testkit.AcmeAgent, ""))
	b.Set(collections.Users, agent.Id, map[string]any{"is_active": false})
	b.File(fifth).Want(404)
}
