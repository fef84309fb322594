package calls

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/vapi"
)

const selectStored = `SELECT status, type, event_key FROM provider_events WHERE provider = 'vapi'
	AND id NOT LIKE '%inbox%' ORDER BY event_key`

func TestWebhook_without_proof_stores_nothing(t *testing.T) {
	d := newDesk(t, nil)
	body := callskit.Sample(t, "end-of-call-report.json")
	for name, header := range map[string]http.Header{
		"no secret":           {},
		"a false secret":      {vapi.SecretHeader: {"wrong"}},
		"an empty secret":     {vapi.SecretHeader: {""}},
		"a prefix of it":      {vapi.SecretHeader: {callskit.Secret[:len(callskit.Secret)-1]}},
		"a false bearer":      {"Authorization": {"Bearer wrong"}},
		"a signature, unset":  {"X-Signature": {"00"}, "X-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}},
		"a person's token":    {"Authorization": {testkit.As(t, testkit.AcmeOwner)["Authorization"]}},
		"the secret as a key": {"X-Api-Key": {callskit.Secret}},
	} {
		rec := d.Post(bytes.NewReader(body), header)
		if rec.Code != http.StatusUnauthorized || callskit.Object(t, rec)["error"] == nil {
			t.Errorf("%s: got %d %s", name, rec.Code, rec.Body)
		}
	}
	if got := d.Rows(selectStored); got != "" {
		t.Errorf("stored %s", got)
	}
	for name, header := range map[string]http.Header{"the header": {vapi.SecretHeader: {callskit.Secret}},
		"a bearer": {"Authorization": {"Bearer " + callskit.Secret}}} {
		if rec := d.Post(bytes.NewReader(body), header); rec.Code != http.StatusOK ||
			strings.TrimSpace(rec.Body.String()) != `{"data":{"received":true}}` {
			t.Errorf("%s: got %d %s", name, rec.Code, rec.Body)
		}
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall); got != "1\n" {
		t.Errorf("got %s calls", got)
	}
}

func TestWebhook_without_any_secret_configured_refuses_everything(t *testing.T) {
	d := newDesk(t, nil)
	d.engine.Keyring = keyring.New(d.TestApp, d.engine.Sealed, nil)
	for _, given := range []string{"", callskit.Secret} {
		if rec := d.Post(bytes.NewReader(callskit.Sample(t, "hang.json")),
			http.Header{vapi.SecretHeader: {given}}); rec.Code != http.StatusUnauthorized {
			t.Errorf("%q: got %d", given, rec.Code)
		}
	}
}

func TestWebhook_accepts_a_signature_where_one_is_set_up(t *testing.T) {
	d := newDesk(t, nil)
	key := []byte("signing-key-of-this-desk")
	d.engine.HMAC = vapi.HMACConfig{Secrets: []string{string(key)}}
	body := callskit.Sample(t, "hang.json")
	sign := func(body []byte, when time.Time) http.Header {
		stamp := strconv.FormatInt(when.Unix(), 10)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s", stamp, body)
		return http.Header{"X-Signature": {hex.EncodeToString(mac.Sum(nil))}, "X-Timestamp": {stamp}}
	}
	now := time.Now()
	unsigned := sign(body, now)
	unsigned.Del("X-Signature")
	late := sign(body, now)
	late.Set("X-Timestamp", strconv.FormatInt(now.Add(time.Second).Unix(), 10))
	for _, one := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"no proof", http.Header{}, 401},
		{"expired", sign(body, now.Add(-vapi.SignatureWindow-time.Minute)), 401},
		{"from the future", sign(body, now.Add(vapi.SignatureWindow+time.Minute)), 401},
		{"another body", sign(append([]byte(" "), body...), now), 401},
		{"another time", late, 401},
		{"no signature", unsigned, 401},
		{"right", sign(body, now), 200},
		{"the secret still counts", http.Header{vapi.SecretHeader: {callskit.Secret}}, 200},
	} {
		if rec := d.Post(bytes.NewReader(body), one.header); rec.Code != one.want {
			t.Errorf("%s: got %d %s, want %d", one.name, rec.Code, rec.Body, one.want)
		}
	}
	if got := d.Rows(`SELECT count(*) FROM provider_events WHERE type = 'hang'`); got != "1\n" {
		t.Errorf("stored %s", got)
	}
}

func TestWebhook_refuses_bodies_over_five_megabytes(t *testing.T) {
	d := newDesk(t, nil)
	known := http.Header{vapi.SecretHeader: {callskit.Secret}}
	fill := func(n int) io.Reader {
		return strings.NewReader(`{"message":{"type":"hang","text":"` + strings.Repeat("x", n) + `"}}`)
	}
	for _, one := range []struct {
		name   string
		body   io.Reader
		header http.Header
		want   int
	}{
		{"announced", fill(5 << 20), known, 413},
		{"in pieces", io.MultiReader(fill(5 << 20)), known, 413},
		{"of a stranger, unread", io.MultiReader(fill(5 << 20)), http.Header{}, 401},
		{"just small enough", io.MultiReader(fill(5<<20 - 100)), known, 200},
	} {
		rec := d.Post(one.body, one.header)
		if rec.Code != one.want {
			t.Errorf("%s: got %d, want %d: %.200s", one.name, rec.Code, one.want, rec.Body)
		}
		if one.want != 200 && callskit.Object(t, rec)["error"] == nil {
			t.Errorf("%s: the refusal has no error text: %s", one.name, rec.Body)
		}
	}
	if rec := d.Post(&testkit.Endless{}, known); rec.Code != 413 {
		t.Errorf("a body without end: got %d", rec.Code)
	}
	stranger := &testkit.Endless{}
	if rec := d.Post(stranger, http.Header{}); rec.Code != 401 || stranger.Bytes > 0 {
		t.Errorf("a stranger: got %d after reading %d bytes", rec.Code, stranger.Bytes)
	}
}

// Forty strangers send four megabytes each while signatures are accepted: the
// header says that they are none of the provider's.
func TestWebhook_reads_nothing_of_the_unsigned(t *testing.T) {
	d := newDesk(t, nil)
	d.engine.HMAC = vapi.HMACConfig{Secrets: []string{"signing-key-of-this-desk"}}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	size := strings.Repeat("ab", sha256.Size)
	for i, header := range []http.Header{
		{}, {"X-Timestamp": {now}}, {"X-Signature": {size}}, {"X-Signature": {size}, "X-Timestamp": {"1"}},
		{"X-Signature": {"abcd"}, "X-Timestamp": {now}}, {"X-Signature": {"not hex"}, "X-Timestamp": {now}},
		{vapi.SecretHeader: {"wrong"}},
	} {
		body := &testkit.Endless{}
		if rec := d.Post(body, header); rec.Code != http.StatusUnauthorized || body.Bytes > 0 {
			t.Errorf("%d: got %d after reading %d bytes", i, rec.Code, body.Bytes)
		}
	}
}

// reliability.md F14: a correctly signed body is never lost and never a 5xx.
func TestWebhook_malformed_bodies_are_kept_or_understood(t *testing.T) {
	d := newDesk(t, nil)
	hang := func(more string) string { return `{"message":{"type":"hang","call":{"id":"odd-1"}` + more + `}}` }
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, one := range []struct {
		name, body, contentType string
		unread                  bool
	}{
		{"empty", "", "application/json", true},
		{"text", "hello", "application/json", true},
		{"null", "null", "application/json", true},
		{"a list", "[]", "application/json", true},
		{"an empty object", "{}", "application/json", true},
		{"no type", `{"message":{}}`, "application/json", true},
		{"a type that is no text", `{"message":{"type":5}}`, "application/json", true},
		{"truncated", string(callskit.Sample(t, "end-of-call-report.json")[:900]), "application/json", true},
		{"trailing data", hang("") + " x", "application/json", true},
		{"two documents", hang("") + hang(""), "application/json", true},
		{"too deep", hang(`,"x":` + deep), "application/json", true},
		{"NUL bytes", "\x00\x00", "application/json", true},
		{"form data", "a=b&c=d", "application/x-www-form-urlencoded", true},
		{"a call twice", hang(`,"call":{"id":"odd-2"}`), "application/json", true},
		{"the message twice", `{"message":{"type":"hang"},"message":{"type":"hang","call":{"id":"odd-3"}}}`,
			"application/json", true},
		{"a key twice, one escaped", hang(`,"c\u0061ll":{"id":"odd-4"}`), "application/json", true},
		{"a key twice, deep down", hang(`,"artifact":{"variables":[{"a":1,"a":2}]}`), "application/json", true},
		{"a key twice where nobody reads", hang(`,"brand-new":{"a":1,"b":2,"a":3}`), "application/json", true},
		{"a key twice beside the message", `{"x":1,"x":2,"message":{"type":"hang","call":{"id":"odd-5"}}}`,
			"application/json", true},
		{"bad UTF-8", hang(",\"text\":\"\xff\xfe\""), "application/json", true},
		{"bad UTF-8 in a key", hang(",\"te\xe9xt\":1"), "application/json", true},
		{"a letter cut in two", hang(",\"text\":\"caf\xc3\""), "application/json", true},
		{"a surrogate in UTF-8", hang(",\"text\":\"\xed\xa0\x80\""), "application/json", true},
		{"a mark of UTF-16", "\xff\xfe{\x00}\x00", "application/json", true},
		{"a second call by another case", hang(`,"Call":{"id":"odd-6"}`), "application/json", false},
		{"an escaped NUL", hang(`,"text":"a\u0000b"`), "application/json", false},
		{"half a surrogate", hang(`,"text":"\ud800"`), "application/json", false},
		{"huge numbers", hang(`,"timestamp":1e400,"cost":-1e999`), "application/json", false},
		{"a huge integer", hang(`,"timestamp":` + strings.Repeat("9", 400)), "application/json", false},
		{"a time before all", hang(`,"timestamp":-62135596800000`), "application/json", false},
		{"a time after all", hang(`,"timestamp":9007199254740993`), "application/json", false},
		{"wrong kinds", hang(`,"status":{"a":1},"toolCallList":"no","artifact":[],"customer":7`), "application/json",
			false},
		{"no content type", hang(`,"turn":1`), "", false},
		{"a wrong content type", hang(`,"turn":2`), "text/plain", false},
		{"multipart", hang(`,"turn":3`), "multipart/form-data; boundary=x", false},
	} {
		before := strings.Count(d.Rows(`SELECT id FROM provider_events`), "\n")
		header := http.Header{vapi.SecretHeader: {callskit.Secret}}
		if one.contentType != "" {
			header.Set("Content-Type", one.contentType)
		}
		rec := d.Post(strings.NewReader(one.body), header)
		if rec.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", one.name, rec.Code, rec.Body)
			continue
		}
		if !one.unread {
			continue // understood; what of it is stored, ParseMessage's tests show
		}
		if after := strings.Count(d.Rows(`SELECT id FROM provider_events`), "\n"); after != before+1 {
			t.Errorf("%s: %d rows were added, want one", one.name, after-before)
		}
		last := strings.SplitN(strings.TrimSuffix(d.Rows(`SELECT event_key, status, payload FROM provider_events
			WHERE type = 'unread' ORDER BY rowid DESC LIMIT 1`), "\n"), " | ", 3)
		if last[1] != collections.EventParked || len(one.body) > 3 && strings.Contains(last[2], one.body) {
			t.Errorf("%s: kept %.200s", one.name, last)
		}
		plain, err := d.engine.Sealed.Open(last[2], sealed.Place(collections.ProviderEvents, last[0], "payload"))
		if err != nil {
			t.Errorf("%s: %v", one.name, err)
		} else if raw, err := base64.StdEncoding.DecodeString(plain); err != nil || string(raw) != one.body {
			t.Errorf("%s: the kept body is another one (%v)", one.name, err)
		}
	}
	if got := d.Rows(`SELECT event_key FROM provider_events WHERE event_key GLOB 'odd-[2-9]*'`); got != "" {
		t.Errorf("applied: %s", got)
	}
}

func TestWebhook_unknown_type_is_kept(t *testing.T) {
	d := newDesk(t, nil)
	body := callskit.Remake(t, callskit.Sample(t, "hang.json"), map[string]any{"message.type": "brand-new"})
	for range 2 {
		if rec := d.Send(body); rec.Code != http.StatusOK || callskit.Object(t, rec)["data"] == nil {
			t.Errorf("got %d %s", rec.Code, rec.Body)
		}
	}
	if got := d.Rows(`SELECT status, type, organization FROM provider_events
		WHERE type = 'brand-new'`); got != "applied | brand-new | "+testkit.Acme+"\n" {
		t.Errorf("stored %q", got)
	}
}

func TestWebhook_of_an_unknown_number_is_parked(t *testing.T) {
	d := newDesk(t, nil)
	body := bytes.ReplaceAll(bytes.ReplaceAll(callskit.Sample(t, "end-of-call-report.json"), []byte(callskit.SampleNumber),
		[]byte("another-number")), []byte(callskit.SampleAssistant), []byte("another-assistant"))
	if rec := d.Send(body); rec.Code != http.StatusOK {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	if got := d.Rows(`SELECT status, organization FROM provider_events
		WHERE type = 'end-of-call-report'`); got != "parked | \n" {
		t.Errorf("stored %q", got)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall); got != "0\n" {
		t.Errorf("made %s calls", got)
	}
}

// A number rings before its row is there: what was said waits, and counts once for
// whom the number turns out to be.
func TestWebhook_of_an_unknown_number_is_applied_when_the_number_appears(t *testing.T) {
	// Functions of a call that is nobody's do not run, and are not made up for.
	messages := slices.DeleteFunc(callskit.Lines(t, "call-inbound.jsonl"), func(m []byte) bool {
		parsed, err := vapi.ParseMessage(m)
		return err == nil && parsed.Type == vapi.TypeToolCalls
	})
	straight := newDesk(t, nil)
	straight.SendAll(messages)
	want := straight.await(callskit.SampleCall)

	d := newDesk(t, nil)
	d.Set("phone_numbers", testkit.AcmeNumber, map[string]any{"vapi_phone_id": "not-yet"})
	d.Set("assistants", testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": "not-yet-either"})
	d.SendAll(messages)
	d.SendAll(messages[3:5])
	// Another organization's secret brings a message of the same number.
	stray := bytes.ReplaceAll(messages[len(messages)-1], []byte(callskit.SampleCall), []byte("stray-call"))
	if rec := d.Post(bytes.NewReader(stray), d.secretOf(testkit.Bolt)); rec.Code != http.StatusOK {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	const states = `SELECT status, organization, count(*) FROM provider_events WHERE provider = 'vapi'
		AND id NOT LIKE '%inbox%'
		AND type != 'packed' GROUP BY 1, 2 ORDER BY 1, 2`
	d.await(callskit.SampleCall)
	stored := fmt.Sprintf(" | %d\n", strings.Count(straight.Rows(selectStored), "\n"))
	if got := d.Rows(states); got != "parked | "+stored+"parked | "+testkit.Bolt+" | 1\n" {
		t.Fatalf("stored %q", got)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall); got != "0\n" {
		t.Fatalf("made %s calls", got)
	}
	d.Set("assistants", testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": callskit.SampleAssistant})
	d.Set("phone_numbers", testkit.AcmeNumber, map[string]any{"vapi_phone_id": callskit.SampleNumber})
	callskit.Until(t, "the messages of the call", func() bool {
		return d.Rows(states) == "applied | "+testkit.Acme+stored+"parked | "+testkit.Bolt+" | 1\n"
	})
	if got := d.await(callskit.SampleCall); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	d.SendAll(messages)
	if got := d.await(callskit.SampleCall); got != want {
		t.Errorf("after repeats: got\n%s\nwant\n%s", got, want)
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events WHERE reference = ?`, "call:"+callskit.SampleCall); got != "1\n" {
		t.Errorf("metered %s times", strings.TrimSpace(got))
	}
}

// The number and the assistant are gone, the call is known: its messages still
// find it. An assistant of another organization never moves a call.
func TestWebhook_belongs_to_the_call_we_know(t *testing.T) {
	d := newDesk(t, nil)
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[:2])
	d.await(callskit.SampleCall)
	d.Set("assistants", testkit.BoltAssistant, map[string]any{"vapi_assistant_id": "bolts-own"})
	for collection, field := range map[string]string{"phone_numbers": "vapi_phone_id",
		"assistants": "vapi_assistant_id"} {
		id := map[string]string{"phone_numbers": testkit.AcmeNumber, "assistants": testkit.AcmeAssistant}[collection]
		d.Set(collection, id, map[string]any{field: "made-anew"})
	}
	d.SendAll(messages[2:])
	d.await(callskit.SampleCall)
	if got := d.Rows(`SELECT organization, status FROM calls WHERE vapi_call_id = ?`,
		callskit.SampleCall); got != testkit.Acme+" | completed\n" {
		t.Errorf("got %q", got)
	}
	// A false claim: Bolt's assistant on Acme's number.
	d.Set("phone_numbers", testkit.AcmeNumber, map[string]any{"vapi_phone_id": callskit.SampleNumber})
	stolen := bytes.ReplaceAll(bytes.ReplaceAll(messages[1], []byte(callskit.SampleAssistant), []byte("bolts-own")),
		[]byte(callskit.SampleCall), []byte("stolen-call"))
	d.SendAll([][]byte{stolen})
	if got := d.Rows(`SELECT organization, assistant FROM calls WHERE vapi_call_id = 'stolen-call'`); got != testkit.Acme+
		" | \n" {
		t.Errorf("got %q", got)
	}
}

// reliability.md F5.
func TestWebhook_the_same_message_five_times_at_once_has_one_effect(t *testing.T) {
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl"} {
		messages := callskit.Lines(t, name)
		id := callskit.CallID(t, messages[0])
		straight := newDesk(t, nil)
		straight.SendAll(messages)
		want := straight.await(id)
		d := newDesk(t, nil)
		for _, m := range messages {
			var wait sync.WaitGroup
			for range 5 {
				wait.Go(func() {
					if rec := d.Send(m); rec.Code != http.StatusOK {
						t.Errorf("got %d %s", rec.Code, rec.Body)
					}
				})
			}
			wait.Wait()
		}
		if got := d.await(id); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestWebhook_a_message_that_fails_to_apply_is_applied_later(t *testing.T) {
	straight := newDesk(t, nil)
	messages := callskit.Lines(t, "call-inbound.jsonl")
	straight.SendAll(messages)
	want := straight.await(callskit.SampleCall)

	d := newDesk(t, nil)
	broken := true
	atomic.On(d.TestApp, collections.Calls, atomic.Updated, "test: fails at first",
		func(atomic.Tx, *core.Record, *core.Record) error {
			if broken {
				return errors.New("the ledger is not there")
			}
			return nil
		}, "reported_at")
	d.SendAll(messages) // every answer is 200: the message is stored
	d.await(callskit.SampleCall)
	const failed = `SELECT type, status, attempts, error FROM provider_events WHERE status = 'failed'`
	if got := d.Rows(failed); !strings.HasPrefix(got, "end-of-call-report | failed | 1 | test: fails at first") ||
		strings.Count(got, "\n") != 1 {
		t.Fatalf("got %q", got)
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events WHERE reference = ?`, "call:"+callskit.SampleCall); got != "0\n" {
		t.Errorf("a report that was undone is metered: %s", got)
	}
	retry := func() {
		t.Helper()
		d.Execute(`UPDATE provider_events SET next_at = '2026-01-01 00:00:00.000Z' WHERE status = 'failed'`)
		if err := d.Schedule.RunNow(context.Background(), "inbox.retry"); err != nil {
			t.Fatal(err)
		}
	}
	retry()
	if got := d.Rows(failed); !strings.HasPrefix(got, "end-of-call-report | failed | 2 | ") {
		t.Errorf("got %q", got)
	}
	if got := d.Rows(`SELECT next_at > ? FROM provider_events WHERE status = 'failed'`,
		inDate(time.Now())); got != "1\n" {
		t.Error("what still fails is not put off")
	}
	broken = false
	retry()
	if got := d.Rows(failed); got != "" {
		t.Errorf("got %q", got)
	}
	if got := d.await(callskit.SampleCall); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func inDate(t time.Time) string { return fold.At(t).Date() }

func TestWebhook_a_message_is_left_for_a_person_after_ten_failures(t *testing.T) {
	d := newDesk(t, nil)
	d.Execute(`INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, error,
		attempts, next_at, created, updated)
		VALUES ('poison000000000', ?, 'vapi', 'poison:1', 'hang', 'failed', 'not json', '', ?, '', '', '')`, testkit.Acme, 9)
	for range 2 {
		d.Execute(`UPDATE provider_events SET next_at = '' WHERE id = 'poison000000000'`)
		if err := d.Schedule.RunNow(context.Background(), "inbox.retry"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT attempts, error != '' FROM provider_events WHERE id = 'poison000000000'`); got != "10 | 1\n" {
		t.Errorf("got %q", got)
	}
}

func TestWebhook_answers_busy_when_nothing_can_be_stored(t *testing.T) {
	d := newDesk(t, nil)
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	box.Stop()
	for _, name := range []string{"hang.json", "end-of-call-report.json"} {
		rec := d.Send(callskit.Sample(t, name))
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d %v", name, rec.Code, rec.Header())
		}
	}
	if rec := d.Send([]byte("{")); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("an unreadable message: got %d", rec.Code)
	}
	// The caller still gets a voice.
	if rec := d.Send(callskit.Sample(t, "assistant-request.json")); rec.Code != http.StatusOK ||
		callskit.Object(t, rec)["assistantId"] != callskit.SampleAssistant {
		t.Errorf("assistant-request: got %d %s", rec.Code, rec.Body)
	}
}

// Every documented type is taken in.
func TestWebhook_every_documented_type_is_handled(t *testing.T) {
	d := newDesk(t, nil)
	template := callskit.Sample(t, "hang.json")
	for _, kind := range append(slices.Clone(vapi.ServerMessages), vapi.RequestMessages...) {
		id := "type-" + strconv.Itoa(len(kind)) + kind[:3]
		rec := d.Send(callskit.Remake(t, template, map[string]any{"message.type": kind, "message.call.id": id}))
		if rec.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", kind, rec.Code, rec.Body)
		}
		if kind == vapi.TypeVoiceRequest {
			continue // answered with sound: TestVoice_requests_get_sound_of_the_rate_they_ask_for
		}
		answer := callskit.Object(t, rec)
		needs := (&vapi.Message{Type: kind}).NeedsAnswer()
		if needs != (fmt.Sprint(answer["data"]) != "map[received:true]") {
			t.Errorf("%s: answered %s", kind, rec.Body)
		}
	}
}
