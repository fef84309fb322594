package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

func TestRedact_cuts_secrets_and_numbers(t *testing.T) {
	for text, want := range map[string]string{
		"Authorization: Bearer abcdef123456":                                "Authorization: [redacted] [redacted]",
		"sent bearer abcdef123456 to them":                                  "sent bearer [redacted] to them",
		"token eyJhbGciOi.eyJzdWIiOiIx.sflKxwRJ expired":                    "token [redacted] expired",
		"/api/files/a/b.wav?thumb=1&token=abc.def&x=1":                      "/api/files/a/b.wav?thumb=1&token=[redacted]&x=1",
		"/api/collections/calls/records?filter=caller~'612'&page=2":         "/api/collections/calls/records?filter=[redacted]&page=2",
		`body {"twilioAuthToken":"s3cret","id":"abc"}`:                      `body {"twilioAuthToken":"[redacted]","id":"abc"}`,
		`body {\"apiKey\":\"s3cret\",\"id\":\"abc\"}`:                       `body {\"apiKey\":\"[redacted]\",\"id\":\"abc\"}`,
		"stored k1:AbCdEfGhIjKlMnOpQrStUvWxYz":                              "stored [redacted]",
		"key sk_live_4242424242424242 was refused":                          "key [redacted] was refused",
		"call from +1 (415) 555-0100 ended":                                 "call from [number] ended",
		"call from +14155550100 ended, then +33 6 12 34 56 78":              "call from [number] ended, then [number]",
		"/calls?to=%2B14155550100":                                          "/calls?to=[number]",
		"dial sip:alice@example.com":                                        "dial sip:[redacted]example.com",
		"https://user:pass@example.com/x":                                   "https://[redacted]example.com/x",
		"assistant abc123def456ghi at 2026-08-20 12:00:00.000Z, 1724155200": "assistant abc123def456ghi at 2026-08-20 12:00:00.000Z, 1724155200",
		"Thu, 20 Aug 2026 12:00:00 +0200":                                   "Thu, 20 Aug 2026 12:00:00 +0200",
		"id 2f1a6a1c-52b4-4c3f-9d57-0a5c1b9c6f55 took 12 tokens":            "id 2f1a6a1c-52b4-4c3f-9d57-0a5c1b9c6f55 took 12 tokens",
		"": "",
		// Statuses and counts are no part of the number or secret before them.
		"vapi: customer.number +14155550100 is not valid (400)":                    "vapi: customer.number [number] is not valid (400)",
		"vapi: cannot call +14155550100 (400)":                                     "vapi: cannot call [number] (400)",
		"vapi: cannot call +14155550100. (400)":                                    "vapi: cannot call [number]. (400)",
		"vapi: cannot call +1 (415) 555-0100 (402)":                                "vapi: cannot call [number] (402)",
		"vapi: cannot call +33 6 12 34 56 78 (404)":                                "vapi: cannot call [number] (404)",
		"vapi: cannot call +44 (0)20 7946 0958 (422)":                              "vapi: cannot call [number] (422)",
		"vapi: cannot call +221771234567 500 Internal":                             "vapi: cannot call [number] 500 Internal",
		"vapi: cannot call +1 415 555 0100 503":                                    "vapi: cannot call [number] 503",
		"+14155550100 2026-08-20 12:00:00.000Z":                                    "[number] 2026-08-20 12:00:00.000Z",
		"/calls?to=%2B14155550100 (429)":                                           "/calls?to=[number] (429)",
		"vapi: invalid credential: (401)":                                          "vapi: invalid credential: (401)",
		"vapi: bad token: 401 Unauthorized":                                        "vapi: bad token: 401 Unauthorized",
		"vapi: token=400":                                                          "vapi: token=400",
		"maxTokens: 10000 is too many (400)":                                       "maxTokens: 10000 is too many (400)",
		"max_tokens=4096, prompt_tokens=12 (400)":                                  "max_tokens=4096, prompt_tokens=12 (400)",
		"otp: 123456, token=4001 (400)":                                            "otp: [redacted], token=[redacted] (400)",
		"tokens: abc123, api_key=400abc, secret: 400.abc":                          "tokens: [redacted], api_key=[redacted] secret: [redacted]",
		"two: +14155550100 (+33612345678) and +1 415 555 0100 (+1 (212) 555-0101)": "two: [number] ([number]) and [number] ([number])",
	} {
		if got := Redact(text); got != want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestRedactJSON_goes_by_names_and_by_looks(t *testing.T) {
	in := `{"apiKey":"a","nested":{"X-Vapi-Secret":"b","list":["Bearer abcdefgh","ok"],"headers":{"X-Any":"c"}},
		"phoneNumber":"0612345678","phoneNumberId":"pn-1234567890","number":"+14155550100","secret":12345678,"maxTokens":250,
		"big":12345678901234567890,"none":null,"text":"call +14155550100"}`
	var got map[string]any
	if err := json.Unmarshal(RedactJSON([]byte(in)), &got); err != nil {
		t.Fatal(err)
	}
	nested := got["nested"].(map[string]any)
	list := nested["list"].([]any)
	for what, pair := range map[string][2]any{
		"api key": {got["apiKey"], Redacted}, "header name": {nested["X-Vapi-Secret"], Redacted},
		"headers":   {nested["headers"], Redacted},
		"in a list": {list[0], "Bearer " + Redacted}, "ordinary": {list[1], "ok"},
		"local number": {got["phoneNumber"], RedactedNumber},
		"id":           {got["phoneNumberId"], "pn-1234567890"}, "number": {got["number"], RedactedNumber},
		"numeric secret": {got["secret"], Redacted},
		"count":          {got["maxTokens"], 250.0}, "null": {got["none"], nil},
		"text": {got["text"], "call " + RedactedNumber},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	if !strings.Contains(string(RedactJSON([]byte(in))), "12345678901234567890") {
		t.Error("a large number lost digits")
	}
	if got := string(RedactJSON([]byte("not json token=abc"))); got != "not json token=[redacted]" {
		t.Errorf("got %q", got)
	}
}

func TestLogHandler_writes_no_secret_whatever_its_form(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(LogHandler(slog.NewJSONHandler(&out, nil))).With("token", "MARKER1").WithGroup("request")
	log.Info("calling +14155550100 with token=MARKER2",
		"url", "/x?token=MARKER3", "error", errors.New(`bad {"apiKey":"MARKER4"}`), "api_key", "MARKER5",
		slog.Group("g", "secret", "MARKER6", "id", "keep-id"),
		"object", map[string]any{"authToken": "MARKER7", "n": 1},
		"struct", struct{ Password string }{"MARKER8"},
		"bytes", []byte(`{"secret":"MARKER9"}`), "addr", netip.MustParseAddr("192.0.2.1"), "caller_number", "0612345678",
		"count", 3)
	text := out.String()
	for _, no := range []string{"MARKER", "14155550100", "0612345678"} {
		if strings.Contains(text, no) {
			t.Errorf("the log holds %s: %s", no, text)
		}
	}
	for _, yes := range []string{"keep-id", `"count":3`, "192.0.2.1"} {
		if !strings.Contains(text, yes) {
			t.Errorf("the log lost %s: %s", yes, text)
		}
	}
}

// every is Redact without looking for signs first.
func every(text string) string {
	for _, f := range secretTexts {
		text = f.cut(text)
	}
	return cutNumbers(text)
}

// Looking for signs first overlooks nothing.
func FuzzRedact_signs(f *testing.F) {
	for _, text := range []string{
		"Authorization: Bearer abcdef123456", "sent BASIC abcdef123456", "token eyJhbGciOi.eyJzdWIiOiIx.sflKxwRJ",
		"/a?TOKEN=abc.def&x=1", "?FILTER=a", `{"twilioAuthToken":"s3cret"}`,
		`{\"api_Key\":\"s3cret\"}`, "k1:AbCdEfGhIjKlMnOpQrStUvWxYz", "sk_live_4242424242424242", "xoxb-4242424242424242",
		"whsec_4242424242424242", "+1 (415) 555-0100", "%2b14155550100",
		"sip:alice@example.com", "https://user:pass@example.com/x", "pass\u017fword=abc", "to\u212aen=abc",
		"\u212a1:AbCdEfGhIjKlMnOpQrStUvWxYz", "x-private-key: abc", "control_url=abc",
		"listenURL: abc", "passphrase=abc", "passwd=abc", "otp=1", "presigned=1", "csrf: 1", "cookie=1", "credentials: 1",
		"signature=1", "apikey=1", "/api/organizations/a/calls?limit=30",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Redact(text), every(text); got != want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", text, got, want)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	for b.Loop() {
		Redact("GET /api/organizations/acme00000000000/calls?limit=30&to=redacted")
		Redact("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	}
}

var sealedText = regexp.MustCompile(`\bk\d:[A-Za-z0-9_-]{20,}`)

func FuzzRedactJSON(f *testing.F) {
	f.Add([]byte(`{"apiKey":"hunter2hunter2"}`))
	f.Add([]byte(`[{"number":"+14155550100"}]`))
	f.Add([]byte(`k1:AAAAAAAAAAAAAAAAAAAAAAAAA`))
	f.Fuzz(func(t *testing.T, data []byte) {
		out := RedactJSON(data)
		if json.Valid(data) && !json.Valid(out) {
			t.Fatalf("valid JSON became %q", out)
		}
		if once := Redact(string(data)); sealedText.MatchString(once) {
			t.Fatalf("a sealed text stays: %q", once)
		}
	})
}
