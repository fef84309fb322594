package mailing

import (
	"errors"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// silent is an app whose mail server says nothing until the returned function is
// called, which may be done twice. begun hears of each conversation.
func silent(t *testing.T, patience, grace time.Duration) (app *tests.TestApp, begun chan string, speak func()) {
	t.Helper()
	open, begun := make(chan struct{}), make(chan string, 2*most)
	app = testkit.New(t, func(app core.App) {
		register(app, patience, grace)
		app.OnMailerSend().Bind(&hook.Handler[*core.MailerEvent]{Priority: last + 1, Func: func(e *core.MailerEvent) error {
			begun <- e.Message.Subject
			<-open
			return e.Next()
		}})
	})
	return app, begun, sync.OnceFunc(func() { close(open) })
}

func letter() *mailer.Message {
	return &mailer.Message{From: mail.Address{Address: "desk@acme.test"}, To: []mail.Address{{Address: "ada@acme.test"}},
		Subject: "x", Text: "y"}
}

func TestSend_does_not_wait_for_a_silent_server(t *testing.T) {
	app, begun, speak := silent(t, time.Millisecond, grace)
	defer speak()
	for range most + 1 { // the last one once all its connections are taken
		if err := app.NewMailClient().Send(letter()); !errors.Is(err, ErrSilent) {
			t.Fatalf("got %v, want %v", err, ErrSilent)
		}
	}
	for range most {
		<-begun
	}
	app.Settings().SMTP.Host = "another.test"
	if err := app.NewMailClient().Send(letter()); !errors.Is(err, ErrSilent) {
		t.Errorf("got %v, want %v", err, ErrSilent)
	}
	if subject := <-begun; subject != letter().Subject { // another server is spoken to at once
		t.Errorf("began %q", subject)
	}
}

func TestSend_goes_on_when_the_server_speaks(t *testing.T) {
	app, _, speak := silent(t, time.Minute, grace)
	speak()
	if err := app.NewMailClient().Send(letter()); err != nil {
		t.Error(err)
	}
}

func TestEnd_of_the_program_lets_mails_under_way_go_out(t *testing.T) {
	app, begun, speak := silent(t, time.Minute, time.Minute)
	sent := make(chan error)
	go func() { sent <- app.NewMailClient().Send(letter()) }()
	<-begun
	if err := app.OnTerminate().Trigger(&core.TerminateEvent{App: app}); err != nil {
		t.Fatal(err)
	}
	if err := app.NewMailClient().Send(letter()); !errors.Is(err, ErrEnding) { // what has not begun waits
		t.Errorf("got %v, want %v", err, ErrEnding)
	}
	speak()
	if err := <-sent; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestEnd_of_the_program_does_not_wait_for_a_silent_server(t *testing.T) {
	app, begun, speak := silent(t, time.Minute, time.Millisecond)
	defer speak()
	sent := make(chan error)
	go func() { sent <- app.NewMailClient().Send(letter()) }()
	<-begun
	if err := app.OnTerminate().Trigger(&core.TerminateEvent{App: app}); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; !errors.Is(err, ErrEnding) {
		t.Errorf("got %v, want %v", err, ErrEnding)
	}
}

func TestAlert_of_a_sign_in_is_sent_after_its_answer(t *testing.T) {
	app, begun, speak := silent(t, time.Hour, grace)
	defer speak()
	api := testkit.API(t, app)
	body := map[string]string{"identity": testkit.Superuser, "password": testkit.Password}
	path := "/api/collections/_superusers/auth-with-password"
	api.Do("POST", path, testkit.Guest, body).Want(200)
	origins, err := app.FindAllRecords(core.CollectionNameAuthOrigins)
	if err != nil || len(origins) != 1 {
		t.Fatalf("%d places of sign-ins, %v", len(origins), err)
	}
	origins[0].Set("fingerprint", "another device")
	if err := app.Save(origins[0]); err != nil {
		t.Fatal(err)
	}
	api.Do("POST", path, testkit.Guest, body).Want(200)
	<-begun // and is held
	// Where the mail is waited for, PocketBase gives up in the end and forgets the device.
	if origins, err = app.FindAllRecords(core.CollectionNameAuthOrigins); err != nil || len(origins) != 2 {
		t.Errorf("%d places of sign-ins, %v: the answer waited for the mail", len(origins), err)
	}
}
