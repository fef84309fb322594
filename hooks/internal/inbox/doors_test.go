package inbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	toyText = "/api/webhooks/toy/text"
	toyRing = "/api/webhooks/toy/ring"
	toyOver = "/api/webhooks/toy/over"
	// acmeLine and boltLine are numbers of the fixtures, made known to the toy.
	acmeLine, boltLine, nobodys = "+14155550101", "+14155550102", "+14155550199"
)

// toyTokens are the accounts' at the toy.
var toyTokens = map[string]string{testkit.Acme: "the token of acme", testkit.Bolt: "the token of bolt"}

// end is the toy's word for the last message of a call.
const end = "hung-up"

// toySign is what the toy's client would hold: the proof of a request.
func toySign(token, address string, form url.Values) []byte {
	if token == "" {
		return nil
	}
	mac := hmac.New(sha1.New, []byte(token))
	fmt.Fprint(mac, address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprint(mac, name, form.Get(name))
	}
	return []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// toyOwner is whose a number is; "" is nobody's.
func toyOwner(ctx context.Context, app core.App, number string) (organization string, err error) {
	const owner = "SELECT organization FROM phone_numbers WHERE phone_number = {:number}"
	err = app.ConcurrentDB().NewQuery(owner).WithContext(ctx).
		Bind(dbx.Params{"number": number}).Row(&organization)
	return organization, rows.IgnoreMissing(err)
}

// toyHeard is what a message does: a contact for each, so that twice is seen.
func toyHeard(tx *Tx, organization string, said Form) error {
	if said["From"] == "poison" { // until there is a cure
		var one int
		if err := tx.Get(`SELECT 1 FROM contacts WHERE phone_number = 'cure'`, nil, &one); err != nil {
			return err
		}
	}
	whom := said["From"] + "/" + said["Sid"] + "/" + core.GenerateDefaultRandomId()
	_, err := tx.Exec(insertContact, collections.NewID(time.Now()), organization, whom)
	return err
}

// porch is an app with the toy's door.
type porch struct {
	*tests.TestApp
	t     testing.TB
	doors *Doors
	box   *sealed.Box
	clock *testkit.Clock
	jobs  *schedule.Scheduler
	owed  *outbox.Outbox
	mux   http.Handler
}

func newPorch(t testing.TB, limits intake.Limits) *porch {
	t.Helper()
	p := &porch{t: t, clock: testkit.NewClock(time.Now())}
	p.TestApp = testkit.New(t, p.bind(t, limits))
	for id, number := range map[string]string{testkit.AcmeNumber: acmeLine, testkit.BoltNumber: boltLine} {
		testkit.Exec(t, p.TestApp, `UPDATE phone_numbers SET phone_number = ? WHERE id = ?`, number, id)
	}
	p.mux = testkit.Mux(t, p.TestApp)
	return p
}

func (p *porch) bind(t testing.TB, limits intake.Limits) func(app core.App) {
	return func(app core.App) {
		var err error
		if p.box, err = sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize)); err != nil {
			t.Fatal(err)
		}
		Register(app)
		p.jobs, p.owed = schedule.New(app), outbox.New(app)
		p.jobs.SetClock(p.clock.Now)
		p.doors = NewDoors(app, Deps{
			Intake: intake.NewDoor(limits), Sealed: p.box, Schedule: p.jobs, Outbox: p.owed, Now: p.clock.Now,
		})
		p.doors.Open(toy(app, toyTokens))
		routes := facade.New(app)
		routes.Document(facade.Route{Method: "POST", Path: toyText, Auth: facade.Signature})
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			routes.Mount(se)
			return se.Next()
		})
	}
}

// crashed is a porch on what a server leaves that is killed now.
func (p *porch) crashed() *porch {
	p.t.Helper()
	after := &porch{t: p.t, clock: p.clock}
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{
		DataDir: p.DataDir(), EncryptionEnv: "pb_test_env", DBConnect: database.Connect, // works on a copy
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(app.Cleanup)
	after.TestApp = app
	after.bind(p.t, intake.Limits{})(app)
	after.mux = testkit.Mux(p.t, app)
	return after
}

// until waits for what a worker does by itself.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: did not happen", what)
		}
	}
}

// text is a message to a number.
func text(account, to, sid string) url.Values {
	return url.Values{"Account": {account}, "Sid": {sid}, "From": {"+15005550006"}, "To": {to}, "Secret": {"never kept"}}
}

// send posts a form as the account signs it.
func (p *porch) send(path string, form url.Values) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.post(path, strings.NewReader(form.Encode()), string(toySign(toyTokens[form.Get("Account")], path, form)))
}

func (p *porch) post(path string, body io.Reader, signature string) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		r.Header.Set("X-Toy-Signature", signature)
	}
	w := httptest.NewRecorder()
	p.mux.ServeHTTP(w, r)
	return w
}

// stored are the toy's messages.
func (p *porch) stored() string {
	p.t.Helper()
	p.doors.Settle()
	return testkit.Rows(p.t, p.TestApp,
		`SELECT event_key, status, organization FROM provider_events WHERE provider = 'twilio' ORDER BY rowid`)
}

// effects are what the toy's messages did.
func (p *porch) effects() string {
	p.t.Helper()
	return testkit.Rows(p.t, p.TestApp, `SELECT organization, substr(phone_number, 1, instr(phone_number, '/') + 3)
		FROM contacts WHERE phone_number LIKE '%/%/%' ORDER BY id`)
}

// refused fails unless an answer refuses as every surface does.
func refused(t testing.TB, what string, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var says map[string]any
	err := json.Unmarshal(w.Body.Bytes(), &says)
	if err != nil || w.Code != status || says["code"] != code || says["error"] == "" {
		t.Errorf("%s: got %d %s (%v), want %d %s", what, w.Code, w.Body, err, status, code)
	}
}

func TestDoor_of_a_provider_has_few_lines(t *testing.T) {
	file, err := os.ReadFile("toy_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(file), "\nvar ")
	if lines := strings.Count(code, "\n"); !found || lines < 10 || lines > 40 {
		t.Errorf("the toy's door has %d lines, want at most 40", lines)
	}
}

func TestDoor_takes_what_is_signed_and_answers(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	if w := p.send(toyText, text(testkit.Acme, acmeLine, "t1")); w.Code != 200 || w.Body.String() != "<Response/>" ||
		w.Header().Get("Content-Type") != "text/xml" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
	if got := p.effects(); got != testkit.Acme+" | +15005550006/t1/\n" {
		t.Errorf("it did %q", got)
	}
	for range 2 { // answered from memory, stored afterwards, once
		w := p.send(toyRing, text(testkit.Bolt, boltLine, "r1"))
		if w.Code != 200 || w.Body.String() != "<Response><Say>Hello</Say></Response>" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	want := "t1:text | applied | " + testkit.Acme + "\nr1:ring | applied | " + testkit.Bolt + "\n"
	if got := p.stored(); got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
	if got := testkit.Rows(t, p.TestApp, `SELECT type, payload FROM provider_events WHERE event_key = 't1:text'`); got !=
		`text | {"From":"+15005550006","Sid":"t1","To":"+14155550101"}`+"\n" {
		t.Errorf("kept %q", got)
	}
	if got := p.effects(); strings.Count(got, "\n") != 2 {
		t.Errorf("together they did %q", got)
	}
}

func TestDoor_refuses_what_nobody_vouches_for(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	form := text(testkit.Acme, acmeLine, "x1")
	endless := &testkit.Endless{}
	refused(t, "unsigned", p.post(toyText, endless, ""), 403, "forbidden")
	if endless.Bytes > 0 {
		t.Errorf("%d bytes of a stranger were read", endless.Bytes)
	}
	refused(t, "a wrong signature", p.post(toyText, strings.NewReader(form.Encode()), "AAAA"), 403, "forbidden")
	signature := string(toySign(toyTokens[testkit.Acme], toyText, form))
	refused(t, "another body", p.post(toyText, strings.NewReader(form.Encode()+"&X=1"), signature), 403, "forbidden")
	refused(t, "another path", p.post(toyRing, strings.NewReader(form.Encode()), signature), 403, "forbidden")
	refused(t, "an unknown account", p.send(toyText, text("nobody", acmeLine, "x1")), 403, "forbidden")
	refused(t, "another organization's number", p.send(toyText, text(testkit.Acme, boltLine, "x1")), 403, "forbidden")
	if got := p.stored() + p.effects(); got != "" {
		t.Errorf("stored %q", got)
	}
}

func TestDoor_takes_posts_and_is_looked_at(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "PUT": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		p.mux.ServeHTTP(w, httptest.NewRequest(method, toyText, nil))
		if w.Code != want || method == "GET" && w.Body.String() != "OK" {
			t.Errorf("%s: got %d %s", method, w.Code, w.Body)
		}
		if want == 405 {
			refused(t, method, w, 405, "not_allowed")
		}
	}
}

func TestDoor_reads_no_more_than_it_may(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	large := text(testkit.Acme, acmeLine, strings.Repeat("x", 8<<10))
	body := strings.NewReader(large.Encode())
	signature := string(toySign(toyTokens[testkit.Acme], toyText, large))
	refused(t, "announced", p.post(toyText, body, signature), 413, "too_large")
	endless := &testkit.Endless{}
	refused(t, "in pieces", p.post(toyText, endless, signature), 413, "too_large")
	if endless.Bytes > 16<<10 {
		t.Errorf("%d bytes of it were read", endless.Bytes)
	}
	// What looks signed is read within the strangers' part of the budget.
	p = newPorch(t, intake.Limits{ProviderBody: 4 << 10, ProviderBodies: 2 << 10, ProvenBodies: 1 << 10})
	endless = &testkit.Endless{}
	w := p.post(toyText, endless, "AAAA")
	refused(t, "a spent budget", w, 503, "unavailable")
	if w.Header().Get("Retry-After") == "" || endless.Bytes > 1<<10 {
		t.Errorf("%d bytes were read, %v", endless.Bytes, w.Header())
	}
	if got := p.stored(); got != "" {
		t.Errorf("stored %q", got)
	}
}

func TestDoor_the_same_message_five_times_at_once_has_one_effect(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			if w := p.send(toyText, text(testkit.Acme, acmeLine, "t5")); w.Code != 200 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	wait.Wait()
	if got := p.effects(); got != testkit.Acme+" | +15005550006/t5/\n" {
		t.Errorf("together they did %q", got)
	}
}

func TestDoor_keeps_what_it_cannot_read(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	odd := url.Values{"Account": {testkit.Acme}, "Odd": {"a confidence " + strings.Repeat("x", 1000)}}
	for range 2 {
		if w := p.send(toyText, odd); w.Code != 200 || w.Body.String() != "<Response/>" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	row := strings.Split(strings.TrimSpace(testkit.Rows(t, p.TestApp,
		`SELECT event_key, status, organization, type, payload FROM provider_events WHERE provider = 'twilio'`)), " | ")
	if len(row) != 5 || row[1] != collections.EventParked || row[2] != testkit.Acme || row[3] != "unread" ||
		strings.Contains(row[4], "confidence") {
		t.Fatalf("stored %q", row)
	}
	plain, err := p.box.Open(row[4], sealed.Place(collections.ProviderEvents, row[0], "payload"))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := base64.StdEncoding.DecodeString(plain); err != nil || string(raw) != odd.Encode() {
		t.Errorf("kept another body (%v)", err)
	}
}

func TestDoor_slows_down_whom_a_message_belongs_to(t *testing.T) {
	lines := map[string]string{testkit.Acme: acmeLine, testkit.Bolt: boltLine}
	for name, form := range map[string]func(account, sid string) url.Values{
		"read":     func(account, sid string) url.Values { return text(account, lines[account], sid) },
		"nobody's": func(account, sid string) url.Values { return text(account, nobodys, sid) },
		"unread":   func(account, sid string) url.Values { return url.Values{"Account": {account}, "Odd": {sid}} },
	} {
		p := newPorch(t, intake.Limits{}) // its clock stands
		for n := range 7 {
			w := p.send(toyText, form(testkit.Acme, fmt.Sprint(n)))
			want := map[bool]int{true: 200, false: 429}[n < 5]
			if w.Code != want || want == 429 && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s, message %d: got %d %v", name, n, w.Code, w.Header())
			}
		}
		if w := p.send(toyText, form(testkit.Bolt, "0")); w.Code != 200 {
			t.Errorf("%s, another organization: got %d", name, w.Code)
		}
		p.clock.Move(time.Second)
		if w := p.send(toyText, form(testkit.Acme, "later")); w.Code != 200 {
			t.Errorf("%s, a second later: got %d", name, w.Code)
		}
	}
}

func TestDoor_asks_for_another_try_when_nothing_can_be_stored(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	box, err := Of(p.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	box.Stop()
	for name, form := range map[string]url.Values{
		"read": text(testkit.Acme, acmeLine, "t1"), "unread": {"Account": {testkit.Acme}},
	} {
		w := p.send(toyText, form)
		if refused(t, name, w, 503, "unavailable"); w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	if w := p.send(toyRing, text(testkit.Acme, acmeLine, "r1")); w.Code != 200 {
		t.Errorf("who waits for an answer: got %d", w.Code)
	}
}

func TestDoor_is_one_for_each_provider(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	defer func() {
		if recover() == nil {
			t.Error("a second door for the same provider")
		}
	}()
	p.doors.Open(toy(p.TestApp, toyTokens))
}

func TestDoor_applies_later_what_failed_although_the_server_was_killed(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	form := text(testkit.Acme, acmeLine, "t1")
	form.Set("From", "poison")
	if w := p.send(toyText, form); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	const failed = "t1:text | failed | " + testkit.Acme + "\n"
	if got := p.stored(); got != failed {
		t.Fatalf("stored %q", got)
	}
	p = p.crashed()
	retry := func() {
		t.Helper()
		if err := p.jobs.RunNow(t.Context(), "inbox.retry"); err != nil {
			t.Fatal(err)
		}
	}
	retry() // not due yet
	p.clock.Move(FirstRetry)
	retry()
	const tries = `SELECT status, attempts, next_at > ? FROM provider_events WHERE event_key = 't1:text'`
	if got := testkit.Rows(t, p.TestApp, tries, rows.Stamp(p.clock.Now())); got != "failed | 2 | 1\n" {
		t.Errorf("after the second failure: %q", got)
	}
	if w := p.send(toyText, form); w.Code != 200 || p.stored() != failed {
		t.Errorf("a repeat: got %d, stored %q", w.Code, p.stored())
	}
	testkit.Exec(t, p.TestApp, `UPDATE contacts SET phone_number = 'cure' WHERE id = ?`,
		testkit.Row(testkit.Bolt, "contact"))
	p.clock.Move(time.Hour)
	for range 2 {
		retry()
	}
	if got := p.stored() + p.effects(); got != "t1:text | applied | "+testkit.Acme+"\n"+testkit.Acme+" | poison/t1/\n" {
		t.Errorf("in the end: %q", got)
	}
}

// move gives a number to the toy's, as rooms do when a row changes.
func (p *porch) move(id, number string) {
	p.t.Helper()
	r, err := p.FindRecordById(collections.PhoneNumbers, id)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Set("phone_number", number)
	err = p.RunInTransaction(func(tx core.App) error {
		if err := tx.SaveNoValidate(r); err != nil {
			return err
		}
		return p.doors.Appeared(atomic.Of(tx), r.GetString("organization"), "twilio", number)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestDoor_applies_once_what_waited_for_a_number(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	poison := text(testkit.Acme, nobodys, "w3")
	poison.Set("From", "poison")
	for _, form := range []url.Values{
		text(testkit.Acme, nobodys, "w1"), text(testkit.Acme, nobodys, "w1"), text(testkit.Bolt, nobodys, "w2"), poison,
		{"Account": {testkit.Acme}, "Odd": {nobodys}}, text(testkit.Acme, "+14155550198", "w4"),
	} {
		if w := p.send(toyText, form); w.Code != 200 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	if got := p.effects(); got != "" {
		t.Errorf("while it is nobody's: %q", got)
	}
	p = p.crashed() // what waits, waits longer than the server
	p.move(testkit.AcmeNumber, nobodys)
	states := func() string {
		return testkit.Rows(t, p.TestApp, `SELECT substr(event_key, 1, 2), status, organization FROM provider_events
			WHERE provider = 'twilio' ORDER BY event_key`)
	}
	// Bolt's account never speaks for a number of Acme's.
	want := "un | parked | acme\nw1 | applied | acme\nw2 | parked | bolt\nw3 | failed | acme\nw4 | parked | acme\n"
	want = strings.NewReplacer("acme", testkit.Acme, "bolt", testkit.Bolt).Replace(want)
	until(t, "the messages", func() bool { return states() == want })
	if w := p.send(toyText, text(testkit.Acme, nobodys, "w1")); w.Code != 200 {
		t.Errorf("a repeat: got %d", w.Code)
	}
	if got := p.effects(); got != testkit.Acme+" | +15005550006/w1/\n" {
		t.Errorf("they did %q", got)
	}
	testkit.Exec(t, p.TestApp, `UPDATE contacts SET phone_number = 'cure' WHERE id = ?`,
		testkit.Row(testkit.Bolt, "contact"))
	p.clock.Move(time.Hour)
	if err := p.jobs.RunNow(t.Context(), "inbox.retry"); err != nil {
		t.Fatal(err)
	}
	if got := p.effects(); got != testkit.Acme+" | +15005550006/w1/\n"+testkit.Acme+" | poison/w3/\n" {
		t.Errorf("in the end they did %q", got)
	}
}

// A kill between storing a message and looking once more leaves it parked, though what
// it waits for is there.
func TestDoor_applies_a_parked_message_when_it_is_sent_again(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	form := text(testkit.Acme, nobodys, "w1")
	p.send(toyText, form)
	testkit.Exec(t, p.TestApp, `UPDATE phone_numbers SET phone_number = ? WHERE id = ?`, nobodys, testkit.AcmeNumber)
	for range 2 {
		if w := p.send(toyText, form); w.Code != 200 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	want := "w1:text | applied | " + testkit.Acme + "\n" + testkit.Acme + " | +15005550006/w1/\n"
	if got := p.stored() + p.effects(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What waits about a subject alone is applied once it is known whose that is.
func TestDoor_applies_what_waited_for_its_subject(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	p.send(toyText, text(testkit.Acme, nobodys, "w1"))
	p.send(toyText, text(testkit.Acme, nobodys, "w2"))
	testkit.Exec(t, p.TestApp, `UPDATE phone_numbers SET phone_number = ? WHERE id = ?`, nobodys, testkit.AcmeNumber)
	err := p.RunInTransaction(func(tx core.App) error {
		return p.doors.Known(atomic.Of(tx), testkit.Acme, Subject{"twilio", "w1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "w1:text | applied | " + testkit.Acme + "\nw2:text | parked | " + testkit.Acme + "\n"
	until(t, "the message", func() bool { return p.stored() == want })
	if got := p.effects(); got != testkit.Acme+" | +15005550006/w1/\n" {
		t.Errorf("it did %q", got)
	}
}
