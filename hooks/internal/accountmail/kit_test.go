package accountmail

import (
	"bytes"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// house is the package on a seeded app with a mail server, and nobody at work.
type house struct {
	*Mails
	testkit.Stored
	app *tests.TestApp
}

func houseOf(t *testing.T) *house {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{}
	h.app = testkit.New(t, func(app core.App) {
		h.Mails = Register(app, Deps{Sealed: box, Outbox: outbox.New(app)})
	})
	h.Stored = testkit.Stored{T: t, App: h.app}
	meta := &h.app.Settings().Meta
	meta.AppName, meta.AppURL = "Desk & Co", "https://desk.example.com/"
	h.app.Settings().SMTP.Enabled = true
	return h
}

// in is a person of Acme who reads a language.
func (h *house) in(language string) *core.Record {
	h.T.Helper()
	h.Set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"language": language})
	return h.User(testkit.AcmeAgent)
}

// owed fails when promising a mail does, and tells how many are owed.
func (h *house) owed(err error) int {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
	var n int
	if err := h.app.DB().NewQuery(`SELECT count(*) FROM outbox
		WHERE kind LIKE 'mail.%' AND status = 'pending'`).Row(&n); err != nil {
		h.T.Fatal(err)
	}
	return n
}

// sent are the mails that go out when what is owed is delivered.
func (h *house) sent() []*mailer.Message {
	h.T.Helper()
	h.app.TestMailer.Reset()
	if _, err := h.Outbox.Deliver(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	return h.app.TestMailer.Messages()
}

// one is the mail that goes out, the only one, and to whom.
func (h *house) one(to string) *mailer.Message {
	h.T.Helper()
	all := h.sent()
	if len(all) != 1 || len(all[0].To) != 1 || all[0].To[0].Address != to {
		h.T.Fatalf("sent %d mails, want one to %s: %+v", len(all), to, all)
	}
	return all[0]
}

// promise is the newest promised mail as it is stored.
func (h *house) promise() *core.Record {
	h.T.Helper()
	all, err := h.app.FindRecordsByFilter(collections.Outbox, "kind ~ 'mail.'", "-created", 1, 0)
	if err != nil || len(all) != 1 {
		h.T.Fatalf("got %d promises, %v", len(all), err)
	}
	return all[0]
}
