package identity_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// meeting holds requests that change an account until all who are awaited have read
// its row.
type meeting struct {
	mu      sync.Mutex
	awaited int
	met     chan struct{}
}

// of begins a meeting; without one nobody waits.
func (m *meeting) of(n int) { m.awaited, m.met = n, make(chan struct{}) }

func (m *meeting) arrive() {
	m.mu.Lock()
	if m.awaited == 0 {
		m.mu.Unlock()
		return
	}
	met := m.met
	if m.awaited--; m.awaited == 0 {
		close(met)
	}
	m.mu.Unlock()
	<-met
}

// bind lets requests meet before anything of ours decides about them.
func (m *meeting) bind(app core.App) {
	app.OnRecordConfirmPasswordResetRequest(collections.Users).Bind(first[*core.RecordConfirmPasswordResetRequestEvent](m))
	app.OnRecordConfirmEmailChangeRequest(collections.Users).Bind(first[*core.RecordConfirmEmailChangeRequestEvent](m))
	app.OnRecordConfirmVerificationRequest(collections.Users).Bind(first[*core.RecordConfirmVerificationRequestEvent](m))
	app.OnRecordUpdateRequest(collections.Users).Bind(first[*core.RecordRequestEvent](m))
}

func first[E hook.Resolver](m *meeting) *hook.Handler[E] {
	return &hook.Handler[E]{Priority: -1000, Func: func(e E) error {
		m.arrive()
		return e.Next()
	}}
}

// Requests that read an account at once do not change it one over the other: the
// first renews what its tokens are signed with, and what the others came with is
// worth nothing any more.
func TestAccount_is_changed_once_by_requests_at_once(t *testing.T) {
	m := new(meeting)
	b := peoplekit.OpenAt(t, m.bind)
	id := testkit.User(testkit.AcmeAgent)
	user := func() *core.Record { return b.Find(collections.Users, "id = '"+id+"'") }
	type change func() (status int)
	made := func(token string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	serial := 0
	send := func(token, method, path string, body map[string]string) change {
		serial++
		address := fmt.Sprintf("203.0.113.%d", serial)
		return func() int { return b.Ask(token, address, method, peoplekit.UsersURL+path, body).Status }
	}
	reset := func(token, password string) change {
		return send("", "POST", "confirm-password-reset",
			map[string]string{"token": token, "password": password, "passwordConfirm": password})
	}
	link := func() string { return made(user().NewPasswordResetToken()) }
	patch := func(password string) change {
		return send(b.SignIn(testkit.AcmeAgent, ""), "PATCH", "records/"+id,
			map[string]string{"oldPassword": testkit.Password, "password": password, "passwordConfirm": password})
	}
	move := func(token string) change {
		return send("", "POST", "confirm-email-change", map[string]string{"token": token, "password": testkit.Password})
	}
	moved := func() string { return made(user().NewEmailChangeToken("moved@acme.test")) }
	verify := func() change {
		return send("", "POST", "confirm-verification", map[string]string{"token": made(user().NewVerificationToken())})
	}
	const first, second = "a first long one", "a second long one"
	for name, changes := range map[string]func() []change{
		"one link twice": func() []change { one := link(); return []change{reset(one, first), reset(one, second)} },
		"one link eight times": func() (all []change) {
			one := link()
			for range 8 {
				all = append(all, reset(one, first))
			}
			return
		},
		"a link and the profile":    func() []change { return []change{reset(link(), first), patch(second)} },
		"the profile twice":         func() []change { return []change{patch(first), patch(second)} },
		"a link and a new address":  func() []change { return []change{reset(link(), first), move(moved())} },
		"one new address twice":     func() []change { one := moved(); return []change{move(one), move(one)} },
		"a link and a proof":        func() []change { return []change{reset(link(), first), verify()} },
		"the profile and a proof":   func() []change { return []change{patch(first), verify()} },
		"a new address and a proof": func() []change { return []change{move(moved()), verify()} },
	} {
		row := user()
		row.SetEmail(testkit.AcmeAgent)
		row.SetVerified(false)
		row.SetPassword(testkit.Password)
		if err := b.Save(row); err != nil {
			t.Fatal(err)
		}
		all := changes()
		before := user()
		got := make([]int, len(all))
		m.of(len(all))
		var running sync.WaitGroup
		for n, change := range all {
			running.Go(func() { got[n] = change() })
		}
		running.Wait()
		done := 0
		for _, status := range got {
			if status < 300 {
				done++
			} else if status != 400 {
				t.Errorf("%s: got %v", name, got)
			}
		}
		after := user()
		if done != 1 || after.TokenKey() == before.TokenKey() {
			t.Errorf("%s: %d of %v changed the account; its tokens work on: %v", name, done, got,
				after.TokenKey() == before.TokenKey())
		}
		for n, change := range all {
			if status := change(); status < 300 {
				t.Errorf("%s: the %d. request changed the account again: %d", name, n+1, status)
			}
		}
	}
}
