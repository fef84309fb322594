package system

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

func TestHealth_watches_the_work_itself(t *testing.T) {
	full := errors.New("inbox: database or disk is full (13)")
	torn := errors.New("inbox: database disk image is malformed (11)")
	for _, tt := range []struct {
		name        string
		taken       int
		refused     int
		why         error
		damage      string
		want, check string
		says        string
	}{
		{"all is taken in", 100, 0, nil, "", healthy, "messages", "0 of 100"},
		{"an accident", 100, 2, full, "", healthy, "messages", "2 of 102"},
		{"some are refused", 100, 6, full, "", degraded, "messages", "disk of the data directory is full: make room"},
		{"too many at once", 100, 6, intake.ErrBusy, "", degraded, "messages",
			"more came at once than POCKETLINE_PROVIDER_BODIES"},
		{"faster than the disk", 100, 6, inbox.ErrBusy, "", degraded, "messages", "more came than the disk could write"},
		{"most are refused", 19, 85, torn, "", unhealthy, "messages", "data.db is damaged: stop the server"},
		{"damage was found", 0, 0, nil, "data.db", unhealthy, "files", "restore"},
		{"the log was lost", 0, 0, nil, "data.db-wal", degraded, "files", "data.db-wal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, Deps{})
			v := vitals.Of(s.app)
			for range tt.taken {
				v.Messages.Note(http.StatusOK)
			}
			for range tt.refused {
				v.Messages.Note(http.StatusServiceUnavailable)
				v.Messages.Because(tt.why)
			}
			v.Found(tt.damage, "restore the newest backup")
			if tt.damage == "" {
				v.Found("", "")
			}
			a := s.ask(testkit.Guest, "GET", "/api/health", nil, nil)
			var got report
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatal(err)
			}
			if got.Status != tt.want || !strings.Contains(got.Checks[tt.check].Message, tt.says) {
				t.Errorf("got %d %s, want %s, %s: …%s…", a.status, a.body, tt.want, tt.check, tt.says)
			}
		})
	}
}

func TestMetrics_ask_for_the_token(t *testing.T) {
	const token = "a-token-of-the-environment"
	bearer := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	closed := serve(t, Deps{})
	if a := closed.ask(testkit.Guest, "GET", "/api/metrics", nil, bearer("")); a.status != 404 {
		t.Errorf("without a token in the environment: got %d %s", a.status, a.body)
	}
	s := serve(t, Deps{MetricsToken: token})
	for _, person := range []string{testkit.Guest, testkit.AcmeOwner} {
		if a := s.ask(person, "GET", "/api/metrics", nil, nil); a.status != 401 || strings.Contains(a.body, "pocketline_") {
			t.Errorf("%s: got %d %s", person, a.status, a.body)
		}
	}
	if a := s.ask(testkit.Guest, "GET", "/api/metrics", nil, bearer(token+"x")); a.status != 401 {
		t.Errorf("another token: got %d", a.status)
	}
	vitals.Of(s.app).Messages.Note(http.StatusOK)
	s.ask(testkit.Guest, "GET", "/api/desk", nil, nil)
	a := s.ask(testkit.Guest, "GET", "/api/metrics", nil, bearer(token))
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("got %d %v %s", a.status, a.header, a.body)
	}
	for _, line := range []string{
		`pocketline_info{version="1.2.3"} 1`, "pocketline_messages_taken_total 1", "pocketline_messages_refused_total 0",
		`pocketline_check_passes{check="disk"}`, "pocketline_requests_total ", "pocketline_writer_lag_seconds ",
		"pocketline_writer_queue 0",
		"pocketline_inbox_waiting 0", "pocketline_inbox_oldest_seconds 0", "pocketline_disk_free_bytes ",
		"process_resident_memory_bytes ",
	} {
		if !strings.Contains(a.body, line) {
			t.Errorf("%s is missing in\n%s", line, a.body)
		}
	}
	if strings.Contains(a.body, testkit.Acme) {
		t.Error("an organization stands in the metrics")
	}
}

func TestRequests_that_fail_are_counted(t *testing.T) {
	s := serve(t, Deps{})
	before := vitals.Of(s.app).Requests.Since()
	s.app.OnRecordsListRequest("calls").
		BindFunc(func(e *core.RecordsListRequestEvent) error { return e.InternalServerError("", nil) })
	s.ask(testkit.AcmeOwner, "GET", "/api/collections/calls/records?filter="+"organization%3D%22"+testkit.Acme+"%22",
		nil, nil)
	s.ask(testkit.Guest, "GET", "/api/nowhere", nil, nil)
	after := vitals.Of(s.app).Requests.Since()
	if after.Bad-before.Bad != 1 || after.Good-before.Good != 1 {
		t.Errorf("got %v after %v, want one more of each", after, before)
	}
}

func TestWatch_tells_once_when_it_turns_bad_and_once_when_it_is_well(t *testing.T) {
	var status string
	var told []string
	out := errors.New("the mail server is away")
	w := &watch{
		look: func(context.Context) report {
			return report{Status: status, Checks: map[string]check{"disk": {fail, "3 MB free"}, "service": {pass, "running"}}}
		},
		tell: func(_ context.Context, subject, text string, _ report) error {
			if out != nil {
				return out
			}
			told = append(told, subject+"; "+text)
			return nil
		},
		failed: func(error) {},
	}
	look := func(how string, times int) {
		status = how
		for range times {
			w.step(t.Context())
		}
	}
	look(healthy, 3)
	look(unhealthy, 1)
	look(healthy, 1)
	look(unhealthy, badAfter) // nobody can be told yet
	out = nil
	look(degraded, 5)
	look(healthy, wellAfter-1)
	look(degraded, 1)
	look(healthy, wellAfter+3)
	want := "needs attention; disk: 3 MB free\n|is well again; disk: 3 MB free\n"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Where an address leads is nobody's to choose but the operator's.
func TestAlert_follows_no_redirect(t *testing.T) {
	reached := false
	within := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer within.Close()
	hook := httptest.NewServer(http.RedirectHandler(within.URL, http.StatusTemporaryRedirect))
	defer hook.Close()
	s := &system{http: operators(), Deps: Deps{AlertWebhook: hook.URL}}
	if err := s.alertHook(t.Context(), "is not well", "", report{}); err == nil ||
		!strings.Contains(err.Error(), "307") || reached {
		t.Errorf("got %v, and it was followed: %v", err, reached)
	}
}

func TestAlert_reaches_a_webhook_and_a_mailbox(t *testing.T) {
	var got map[string]any
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an empty one fails below
		if err := json.Unmarshal(body, &got); err != nil || r.Method != http.MethodPost || r.URL.Query().Get("t") != "1" {
			t.Errorf("%s %s: %v in %s", r.Method, r.URL, err, body)
		}
	}))
	defer hook.Close()
	app := testkit.New(t)
	app.Settings().SMTP.Enabled = true
	s := &system{app: app, http: hook.Client(),
		Deps: Deps{AlertWebhook: hook.URL + "/?t=1", PublicURL: "https://desk.example.com"}}
	r := report{Status: unhealthy, Checks: map[string]check{"disk": {fail, "3 MB free"}}}
	if err := s.alert(t.Context(), "watch@example.com", "needs attention", r.words(), r); err != nil {
		t.Fatal(err)
	}
	want := "Pocketline https://desk.example.com needs attention"
	if got["text"] != want+"\ndisk: 3 MB free" || got["status"] != unhealthy {
		t.Errorf("the webhook got %v", got)
	}
	m := app.TestMailer.LastMessage()
	if m.Subject != want || m.To[0].Address != "watch@example.com" || m.Text != "disk: 3 MB free\n" {
		t.Errorf("the mailbox got %+v", m)
	}
	hook.Close()
	s.AlertMail, app.Settings().SMTP.Enabled = "", false
	if err := s.alert(t.Context(), "", "needs attention", "", r); err == nil {
		t.Error("nobody was told and nothing says so")
	}
}

// Nobody has an account when a new installation starts to serve.
func TestWatch_tells_who_set_the_installation_up_since(t *testing.T) {
	s := serve(t, Deps{})
	s.app.Settings().SMTP.Enabled = true
	watched := &system{app: s.app, health: newHealth(s.app, "test")}
	w := watched.newWatch()
	look := func() {
		watched.health.until = time.Time{}
		w.step(t.Context())
	}
	look()
	s.operates(testkit.AcmeOwner)
	look()
	vitals.Of(s.app).Found("data.db", "restore")
	if err := s.app.ConcurrentDB().(*dbx.DB).Close(); err != nil { // and the database answers no more
		t.Fatal(err)
	}
	watched.health.space = func(string) (uint64, uint64, error) { return 1 << 40, 1 << 41, nil }
	for range badAfter {
		look()
	}
	if m := s.app.TestMailer.LastMessage(); len(m.To) != 1 || m.To[0].Address != testkit.AcmeOwner {
		t.Errorf("told %+v", m.To)
	}
}

// A mail server that says nothing stops neither the watch nor the server's stop.
func TestAlert_gives_up_on_a_silent_mail_server(t *testing.T) {
	app := testkit.New(t)
	stay := make(chan struct{})
	t.Cleanup(func() { close(stay) })
	app.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		<-stay
		return e.Next()
	})
	s := &system{app: app}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.alertMail(ctx, "watch@example.com", "needs attention", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestFullDisk_is_said_to_whoever_changes_something(t *testing.T) {
	s := serve(t, Deps{})
	limit := func(pages string) {
		t.Helper()
		var n int
		if err := s.app.NonconcurrentDB().NewQuery("PRAGMA max_page_count = " + pages).Row(&n); err != nil {
			t.Fatal(err)
		}
	}
	rename := map[string]string{"name": strings.Repeat("A", 100)}
	path := "/api/collections/assistants/records/" + testkit.AcmeAssistant
	if _, err := s.app.NonconcurrentDB().NewQuery("CREATE TABLE filler (v)").Execute(); err != nil {
		t.Fatal(err)
	}
	limit("1") // no smaller than it is
	if _, err := s.app.NonconcurrentDB().NewQuery("INSERT INTO filler VALUES (zeroblob(100000))").
		Execute(); !vitals.DiskFull(err) {
		t.Fatalf("the disk is not full: %v", err)
	}
	s.app.OnRecordUpdateExecute("assistants").BindFunc(func(e *core.RecordEvent) error {
		if _, err := e.App.NonconcurrentDB().NewQuery("INSERT INTO filler VALUES (zeroblob(100000))").Execute(); err != nil {
			return err
		}
		return e.Next()
	})
	a := s.ask(testkit.AcmeOwner, "PATCH", path, rename, nil)
	if a.status != http.StatusInsufficientStorage || !strings.Contains(a.body, "disk is full") {
		t.Errorf("got %d %s, want 507", a.status, a.body)
	}
	limit("1000000")
	if a := s.ask(testkit.AcmeOwner, "PATCH", path, rename, nil); a.status != http.StatusOK {
		t.Errorf("with room again: got %d %s", a.status, a.body)
	}
}
