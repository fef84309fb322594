package rig

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/vapi"
)

// HookSecret is what a storm's messages carry; Secret is how a server is told.
const (
	HookSecret = "secret-of-the-storm"
	Secret     = "VAPI_WEBHOOK_SECRET=" + HookSecret
)

// Sample is a call as the provider sends it, one message a line.
type Sample struct{ text, call, number, assistant string }

// Root is the repository's folder: the first above the working one with a go.mod.
func Root(t T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("run this inside the repository")
		}
		dir = filepath.Dir(dir)
	}
}

// LoadSample reads a recorded call and moves it to the present.
func LoadSample(t T) Sample {
	t.Helper()
	return LoadSampleAt(t, time.Now())
}

// LoadSampleAt moves the recorded call to when it began: a call of last week that
// is still open would be asked after and found lost, as it should.
func LoadSampleAt(t T, began time.Time) Sample {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(Root(t), "hooks", "calls", "testdata", "call-inbound.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	s := Sample{text: moved(t, strings.TrimSpace(string(raw)), began)}
	for line := range strings.Lines(s.text) {
		m, err := vapi.ParseMessage([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		s.call, s.number = m.CallID(), m.Call.PhoneNumberID
		if m.Call.AssistantID != "" {
			s.assistant = m.Call.AssistantID
		}
	}
	return s
}

var (
	sampleStamp = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	sampleClock = regexp.MustCompile(`\b1[6-9]\d{11}\b`) // milliseconds since 1970
)

// moved shifts every instant of a recorded call so that the first is began.
func moved(t T, text string, began time.Time) string {
	t.Helper()
	first, err := strconv.ParseInt(sampleClock.FindString(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	by := began.Sub(time.UnixMilli(first)).Truncate(time.Second)
	text = sampleStamp.ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.Add(by).Format("2006-01-02T15:04:05.000Z")
	})
	return sampleClock.ReplaceAllStringFunc(text, func(s string) string {
		at, _ := strconv.ParseInt(s, 10, 64) // thirteen digits
		return strconv.FormatInt(at+by.Milliseconds(), 10)
	})
}

// Messages are those of one call of ours.
func (s Sample) Messages(call string, number, assistant Row) []string {
	of := strings.NewReplacer(s.call, call, s.number, number["vapi_phone_id"].(string), s.assistant,
		assistant["vapi_assistant_id"].(string))
	return strings.Split(of.Replace(s.text), "\n")
}

// Storm sends calls over and over, as the provider would: each message again
// until it is acknowledged.
type Storm struct {
	Target string // the server
	Make   func(call string) []string

	mu    sync.Mutex
	acked map[string]ack // by event key
	calls []string       // ids of calls that were begun
}

// ack is a message that was acknowledged.
type ack struct {
	kind string
	sent time.Time // when it was sent, the time it was taken
}

// NewStorm is one of calls to the demonstration's English line.
func NewStorm(d *Desk, owner *Person) *Storm {
	owner.T.Helper()
	Synced(owner)
	number, assistant := LineIn(owner, "en"), owner.One(collections.Assistants, "language = 'en'")
	sent := LoadSample(owner.T)
	return &Storm{Target: d.Base, Make: func(call string) []string { return sent.Messages(call, number, assistant) }}
}

// Count is how many messages were acknowledged.
func (s *Storm) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// Acked are the keys of the messages that were acknowledged, with their types.
func (s *Storm) Acked() map[string]string { return s.AckedSince(time.Time{}) }

// AckedSince are those of them that were sent after an instant.
func (s *Storm) AckedSince(at time.Time) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for key, a := range s.acked {
		if a.sent.After(at) {
			all[key] = a.kind
		}
	}
	return all
}

// Calls are the provider's ids of the calls that were begun.
func (s *Storm) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Blow lets senders send call after call until end is called, which returns when
// each has sent its last one to the end. Senders of a storm have seeds of their own.
func (s *Storm) Blow(t T, seed uint64, senders int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stop, failed := make(chan struct{}), make(chan error, senders)
	for n := range senders {
		go func() { failed <- s.run(ctx, seed<<8|uint64(n), stop) }()
	}
	return func() {
		t.Helper()
		close(stop)
		for range senders {
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (s *Storm) run(ctx context.Context, seed uint64, stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := s.Call(ctx, fmt.Sprintf("%08x-0000-7000-8000-%012x", seed, n)); err != nil {
			return err
		}
	}
}

// Call sends one call to its end.
func (s *Storm) Call(ctx context.Context, call string) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	for _, body := range s.Make(call) {
		if err := s.Deliver(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// Deliver sends a message until it is acknowledged.
func (s *Storm) Deliver(ctx context.Context, body string) error {
	m, err := vapi.ParseMessage([]byte(body))
	if err != nil {
		return err
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		sent := time.Now()
		if s.Post(ctx, body) == http.StatusOK {
			s.note(m, sent)
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// note remembers that a message was acknowledged. Who is speaking is told to
// those who listen and is not kept.
func (s *Storm) note(m *vapi.Message, sent time.Time) {
	if m.Type == vapi.TypeSpeechUpdate {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acked == nil {
		s.acked = map[string]ack{}
	}
	s.acked[m.EventKey()] = ack{m.Type, sent}
}

// Post sends a message once and returns the status, 0 when there was none: the
// server is dead.
func (s *Storm) Post(ctx context.Context, body string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Target+"/api/webhooks/vapi", strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("X-Vapi-Secret", HookSecret)
	res, err := Client.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	var answer Row
	if json.NewDecoder(res.Body).Decode(&answer) != nil {
		return 0 // cut off in the middle: the provider has no answer
	}
	return res.StatusCode
}

// Stormed is a data directory whose server was killed after it acknowledged the
// messages of some calls.
func Stormed(t T, calls int) *Desk {
	t.Helper()
	d := Start(t, t.TempDir(), "", Demo, Secret)
	s := NewStorm(d, d.Owner(t))
	for n := range calls {
		if err := s.Call(t.Context(), fmt.Sprintf("%08x-0000-7000-8000-000000000001", n)); err != nil {
			t.Fatal(err)
		}
	}
	if h, status := d.Health(); status != http.StatusOK || h.Checks["files"].Status != "pass" ||
		h.Checks["messages"].Status != "pass" {
		t.Fatalf("before anything is damaged: got %d %+v", status, h)
	}
	d.Kill()
	return d
}

// Lost are the acknowledged messages that the data directory does not have exactly
// once. Who answers a caller is stored after the answer, so as not to let them
// wait: a kill may lose it.
func Lost(t T, dir string, acked map[string]string) (lost []string) {
	t.Helper()
	stored := map[string]int{}
	db := Open(t, filepath.Join(dir, "data.db"))
	defer db.Close()
	rows, err := db.Query("SELECT event_key FROM provider_events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		stored[key]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for key, kind := range acked {
		if stored[key] != 1 && (kind != vapi.TypeAssistantRequest || stored[key] > 1) {
			lost = append(lost, fmt.Sprintf("%s %s is there %d times", kind, key, stored[key]))
		}
	}
	return lost
}

// Open opens a database beside the server, or without one.
func Open(t T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite",
		(&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=busy_timeout(10000)"}).String())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Tell is everything that came of a call, without ids of its own and
// without what functions answered, which depends on who else asked.
func Tell(operator *Person, vapiID string) string {
	call := operator.One(collections.Calls, "vapi_call_id = '"+vapiID+"'")
	of := "call = '" + call["id"].(string) + "'"
	var b strings.Builder
	facts := func(r Row, names ...string) {
		for _, name := range names {
			fmt.Fprintf(&b, "%s=%v ", name, r[name])
		}
		b.WriteString("\n")
	}
	facts(call,
		append(slices.DeleteFunc(slices.Clone(collections.CallFacts),
			func(name string) bool { return name == "vapi_call_id" }),
			"summary", "organization", "resolution_status", "success_evaluation", "contact")...)
	for _, l := range operator.Rows(collections.Messages, of, "position") {
		facts(l, "role", "content", "position", "offset_ms", "duration_ms")
	}
	for _, e := range operator.Rows(collections.CallEvents, of, "position,key") {
		facts(e, "type", "name", "key", "position")
	}
	for _, r := range operator.Rows(collections.CallReports, of, "") {
		facts(r, "summary", "transcript", "analysis", "costs")
	}
	for _, u := range operator.Rows(collections.UsageEvents, of, "") {
		facts(u, "kind", "quantity", "cost_micros", "at")
	}
	for _, r := range operator.Rows(collections.Recordings, of, "") {
		facts(r, "kind")
	}
	return b.String()
}

// Sound asks SQLite whether the databases of a stopped server are well.
func Sound(t T, dir string) {
	t.Helper()
	for _, name := range []string{"data.db", "auxiliary.db"} {
		db := Open(t, filepath.Join(dir, name))
		var verdict string
		err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict)
		if err = errors.Join(err, db.Close()); err != nil || verdict != "ok" {
			t.Errorf("%s: %s, %v", name, verdict, err)
		}
	}
}
