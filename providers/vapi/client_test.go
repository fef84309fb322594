package vapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const testToken = "example-private-key-000"

// seen is one request as it arrived.
type seen struct {
	method, path, query, body string
	header                    http.Header
}

type standIn struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	// answer decides by request number, counting from 1; status 0 drops the
	// connection after the request was read.
	answer func(n int, r seen) (status int, body string, header map[string]string)
}

func newStandIn(t *testing.T, answer func(n int, r seen) (int, string, map[string]string)) *standIn {
	t.Helper()
	s := &standIn{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header}
		s.mu.Lock()
		s.requests = append(s.requests, got)
		n := len(s.requests)
		s.mu.Unlock()
		status, text, header := s.answer(n, got)
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) client(opts ...Option) *Client {
	noWait := withSleep(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	return NewClient(append([]Option{WithToken(testToken), WithBaseURL(s.URL), noWait}, opts...)...)
}

func (s *standIn) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if want == "" || got == "" {
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
		return
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%s: %v in %s", what, err, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: bad expectation: %v", what, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

func TestClient_sends_every_request_as_documented(t *testing.T) {
	ctx := context.Background()
	const one = `{"id":"id-1","name":"n","createdAt":"2026-11-18T15:04:05.210Z","unknown":{"kept":true}}`
	const many = `[` + one + `]`
	const paged = `{"results":[` + one + `],"metadata":{"totalItems":1,"itemsPerPage":100,"currentPage":1}}`
	long := strings.Repeat("é", 50)
	cut := strings.Repeat("é", 40)
	for _, c := range []struct {
		name                      string
		do                        func(*Client) (any, error)
		answer                    string
		method, path, query, body string
	}{
		{"assistants list", func(c *Client) (any, error) {
			return c.Assistants.List(ctx, &ListOptions{Limit: 5, CreatedAtLt: time.Unix(1795014245, 0)})
		},
			many, "GET", "/assistant", "createdAtLt=2026-11-18T15%3A04%3A05.000Z&limit=5", ""},
		{"assistants create", func(c *Client) (any, error) {
			return c.Assistants.Create(ctx,
				&AssistantDTO{Name: long, FirstMessage: Value("Hi"),
					Model: &Model{Provider: "openai", Model: "gpt-4o-mini", Messages: []ChatMessage{{"system", "p"}},
						Temperature: Ptr(0.0), Extra: map[string]any{"emotionRecognitionEnabled": true}},
					Voice:  &Voice{Provider: "elevenlabs", VoiceID: "sarah", Speed: Ptr(1.2)},
					Server: NewServer("https://desk.example.com/x", "shh"), ServerMessages: []string{"hang"},
					Metadata: map[string]any{"recordId": "r1"},
					Extra:    map[string]any{"name": "mine", "metadata": 1, "server": "evil", "backgroundDenoisingEnabled": true}})
		},
			one, "POST", "/assistant", "", `{"name":"` + cut + `","firstMessage":"Hi","model":{"provider":"openai","model":"gpt-4o-mini","messages":[{"role":"system","content":"p"}],"temperature":0,"emotionRecognitionEnabled":true},
			"voice":{"provider":"11labs","voiceId":"sarah","speed":1.2},"server":{"url":"https://desk.example.com/x","timeoutSeconds":20,"headers":{"X-Vapi-Secret":"shh"},"backoffPlan":{"type":"exponential","maxRetries":3,"baseDelaySeconds":1}},
			"serverMessages":["hang"],"metadata":{"recordId":"r1"},"backgroundDenoisingEnabled":true}`},
		{"assistants get", func(c *Client) (any, error) { return c.Assistants.Get(ctx, "id-1") }, one, "GET",
			"/assistant/id-1", "", ""},
		{"assistants update clears", func(c *Client) (any, error) {
			return c.Assistants.Update(ctx, "id-1", &AssistantDTO{FirstMessage: Null[string](), EndCallPhrases: []string{}})
		},
			one, "PATCH", "/assistant/id-1", "", `{"firstMessage":null,"endCallPhrases":[]}`},
		{"assistants delete", func(c *Client) (any, error) { return nil, c.Assistants.Delete(ctx, "id-1") },
			one, "DELETE", "/assistant/id-1", "", ""},
		{"squads create", func(c *Client) (any, error) {
			return c.Squads.Create(ctx,
				&SquadDTO{Name: long,
					Members: []SquadMember{{AssistantID: "a1",
						AssistantOverrides: &AssistantOverrides{VariableValues: map[string]any{"x": 1},
							ToolsAppend: []ToolDTO{{Type: "endCall"}}, AssistantDTO: AssistantDTO{FirstMessage: Value("")}}}}})
		},
			one, "POST", "/squad", "",
			`{"name":"` + long +
				`","members":[{"assistantId":"a1","assistantOverrides":{"firstMessage":"","variableValues":{"x":1},"tools:append":[{"type":"endCall"}]}}]}`},
		{"squads update", func(c *Client) (any, error) { return c.Squads.Update(ctx, "id-1", &SquadDTO{Name: "x"}) },
			one, "PATCH", "/squad/id-1", "", `{"name":"x"}`},
		{"tools create", func(c *Client) (any, error) {
			return c.Tools.Create(ctx,
				&ToolDTO{Type: "function", Function: &ToolFunction{Name: "f", Parameters: map[string]any{"type": "object"}},
					Server: &Server{URL: "https://d/x"}, Async: Ptr(false),
					Destinations: []Destination{{Type: "number", Number: "+1", TransferPlan: &TransferPlan{Mode: "blind-transfer"}}}})
		},
			one, "POST", "/tool", "",
			`{"type":"function","function":{"name":"f","parameters":{"type":"object"}},"server":{"url":"https://d/x"},"async":false,"destinations":[{"type":"number","number":"+1","transferPlan":{"mode":"blind-transfer"}}]}`},
		{"numbers create", func(c *Client) (any, error) {
			return c.PhoneNumbers.Create(ctx, &PhoneNumberDTO{Provider: "twilio", Number: "+14155550100", TwilioAccountSID: "AC",
				TwilioAuthToken: "t", SMSEnabled: Ptr(false), AssistantID: OrNull("a1")})
		},
			one, "POST", "/phone-number", "",
			`{"provider":"twilio","number":"+14155550100","twilioAccountSid":"AC","twilioAuthToken":"t","smsEnabled":false,"assistantId":"a1"}`},
		{"numbers unassign", func(c *Client) (any, error) {
			return c.PhoneNumbers.Update(ctx, "id-1",
				&PhoneNumberDTO{AssistantID: OrNull(""), SquadID: Null[string](), Server: Null[*Server](),
					FallbackDestination: Value(&Destination{Type: "number", Number: "+1"})})
		},
			one, "PATCH", "/phone-number/id-1", "",
			`{"assistantId":null,"squadId":null,"server":null,"fallbackDestination":{"type":"number","number":"+1"}}`},
		{"numbers page", func(c *Client) (any, error) {
			return c.PhoneNumbers.ListPage(ctx,
				&PageOptions{Page: 2, Limit: 10, SortOrder: "ASC", Filter: url.Values{"search": {"+1"}}})
		},
			paged, "GET", "/v2/phone-number", "limit=10&page=2&search=%2B1&sortOrder=ASC", ""},
		{"calls create", func(c *Client) (any, error) {
			return c.Calls.Create(ctx, &CallDTO{Name: long, AssistantID: "a1", PhoneNumberID: "p1",
				Customer:     &Customer{Number: "+33199000042", Name: long},
				SchedulePlan: &SchedulePlan{EarliestAt: time.Unix(1795014245, 0).UTC()}})
		},
			one, "POST", "/call", "",
			`{"name":"` + cut + `","assistantId":"a1","phoneNumberId":"p1","customer":{"number":"+33199000042","name":"` +
				cut + `"},"schedulePlan":{"earliestAt":"2026-11-18T15:04:05Z"}}`},
		{"calls web", func(c *Client) (any, error) { return c.Calls.CreateWeb(ctx, &CallDTO{AssistantID: "a1"}) },
			one, "POST", "/call/web", "", `{"assistantId":"a1"}`},
		{"calls list", func(c *Client) (any, error) {
			return c.Calls.List(ctx, &CallListOptions{AssistantID: "a1", PhoneNumberID: "p1"})
		}, many, "GET", "/call", "assistantId=a1&phoneNumberId=p1", ""},
		{"calls rename", func(c *Client) (any, error) { return c.Calls.Update(ctx, "id-1", long) }, one, "PATCH",
			"/call/id-1", "", `{"name":"` + cut + `"}`},
		{"calls erase", func(c *Client) (any, error) { return nil, c.Calls.Delete(ctx, "id-1") }, one, "DELETE",
			"/call/id-1", "", ""},
		{"chats create", func(c *Client) (any, error) {
			return c.Chats.Create(ctx, &ChatDTO{Input: "hello", SessionID: "s1", Extra: map[string]any{"stream": false}})
		}, one, "POST", "/chat", "", `{"input":"hello","sessionId":"s1","stream":false}`},
		{"chats list", func(c *Client) (any, error) { return c.Chats.List(ctx, nil) }, paged, "GET", "/chat", "", ""},
		{"sessions create", func(c *Client) (any, error) {
			return c.Sessions.Create(ctx, &SessionDTO{Name: long, AssistantID: "a1", ExpirationSeconds: 3600})
		}, one, "POST", "/session", "", `{"name":"` + cut + `","assistantId":"a1","expirationSeconds":3600}`},
		{"sessions complete", func(c *Client) (any, error) {
			return c.Sessions.Update(ctx, "id-1", &SessionDTO{Status: "completed"})
		}, one, "PATCH", "/session/id-1", "", `{"status":"completed"}`},
		{"files list", func(c *Client) (any, error) { return c.Files.List(ctx) }, many, "GET", "/file", "", ""},
		{"files rename", func(c *Client) (any, error) { return c.Files.Update(ctx, "id-1", long) }, one, "PATCH",
			"/file/id-1", "", `{"name":"` + cut + `"}`},
		{"bases create", func(c *Client) (any, error) {
			return c.KnowledgeBases.Create(ctx, &KnowledgeBaseDTO{Name: strings.Repeat("k", 99)})
		}, one, "POST", "/v2/knowledge-base", "", `{"name":"` + strings.Repeat("k", 80) + `"}`},
		{"bases add file", func(c *Client) (any, error) { return c.KnowledgeBases.AddFile(ctx, "id-1", "f1") },
			`{"fileId":"f1","status":"indexing"}`, "POST", "/v2/knowledge-base/id-1/file", "", `{"fileId":"f1"}`},
		{"bases remove file", func(c *Client) (any, error) { return nil, c.KnowledgeBases.RemoveFile(ctx, "id-1", "f1") },
			`{}`, "DELETE", "/v2/knowledge-base/id-1/file/f1", "", ""},
		{"bases retry file", func(c *Client) (any, error) { return c.KnowledgeBases.RetryFile(ctx, "id-1", "f1") },
			`{}`, "POST", "/v2/knowledge-base/id-1/file/f1/retry", "", ""},
		{"outputs create", func(c *Client) (any, error) {
			return c.StructuredOutputs.Create(ctx,
				&StructuredOutputDTO{Name: "Booking", Type: "ai", Schema: map[string]any{"type": "object"}})
		}, one, "POST", "/structured-output", "", `{"name":"Booking","type":"ai","schema":{"type":"object"}}`},
		{"outputs update", func(c *Client) (any, error) {
			return c.StructuredOutputs.Update(ctx, "id-1", &StructuredOutputDTO{Description: "d"})
		}, one, "PATCH", "/structured-output/id-1", "schemaOverride=true", `{"description":"d"}`},
		{"outputs run", func(c *Client) (any, error) {
			return c.StructuredOutputs.Run(ctx, &StructuredOutputRun{CallIDs: []string{"c1"}, StructuredOutputID: "o1",
				PreviewEnabled: true})
		}, `{"c1":{}}`, "POST", "/structured-output/run", "",
			`{"callIds":["c1"],"structuredOutputId":"o1","previewEnabled":true}`},
		{"analytics", func(c *Client) (any, error) {
			return c.Analytics.Get(ctx,
				AnalyticsQuery{Name: long, Table: "call", Operations: []AnalyticsOperation{{"sum", "cost", "total"}}})
		}, `[{"name":"x","result":[{"total":1}]}]`, "POST", "/analytics", "",
			`{"queries":[{"name":"` + cut +
				`","table":"call","operations":[{"operation":"sum","column":"cost","alias":"total"}]}]}`},
	} {
		srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 200, c.answer, nil })
		out, err := c.do(srv.client())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := srv.all(); len(got) != 1 || got[0].method != c.method || got[0].path != c.path || got[0].query != c.query ||
			got[0].header.Get("Authorization") != "Bearer "+testToken || got[0].header.Get("User-Agent") != "pocketline" {
			t.Errorf("%s: got %+v", c.name, got)
		} else {
			sameJSON(t, c.name, got[0].body, c.body)
		}
		if a, ok := out.(*Assistant); ok && (a.ID != "id-1" || !strings.Contains(string(a.Raw), `"kept":true`) ||
			a.CreatedAt.IsZero()) {
			t.Errorf("%s: read %+v", c.name, a)
		}
	}
}

func TestFiles_upload_is_multipart(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) {
		return 201,
			`{"id":"f1","status":"processing"}`, nil
	})
	p := NewFileParam(strings.NewReader("hello"), "pri\"ces\r\n.txt", "text/plain")
	p.Purpose, p.Metadata = "knowledge-base-v2", map[string]any{"recordId": "r"}
	f, err := srv.client().Files.Create(t.Context(), p)
	if err != nil || f.ID != "f1" {
		t.Fatal(f, err)
	}
	r := srv.all()[0]
	kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || r.path != "/file" {
		t.Fatal(kind, err)
	}
	form, err := multipart.NewReader(strings.NewReader(r.body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	fh := form.File["file"][0]
	if fh.Filename != "pri_ces.txt" || fh.Size != 5 || fh.Header.Get("Content-Type") != "text/plain" ||
		form.Value["purpose"][0] != "knowledge-base-v2" || form.Value["metadata"][0] != `{"recordId":"r"}` {
		t.Errorf("got %+v %+v", fh, form.Value)
	}
	if _, err := srv.client().Files.Create(t.Context(),
		NewFileParam(io.LimitReader(zeros{}, MaxFile+1), "x", "")); err == nil || len(srv.all()) != 1 {
		t.Errorf("too large a file was sent: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCalls_Create_never_rings_twice(t *testing.T) {
	created := string(file(t, "rest.call-created.json"))
	for _, c := range []struct {
		name   string
		first  int
		header map[string]string
		want   int
		ok     bool
	}{
		{"500", 500, nil, 1, false},
		{"502", 502, nil, 1, false},
		{"503", 503, nil, 1, false},
		{"504", 504, nil, 1, false},
		{"dropped after the request was read", 0, nil, 1, false},
		{"201 that is no JSON", 299, nil, 1, false},
		{"429", 429, map[string]string{"Retry-After": "1"}, 2, true},
	} {
		var placed atomic.Int32
		srv := newStandIn(t, func(n int, r seen) (int, string, map[string]string) {
			if c.first != 429 || n > 1 {
				placed.Add(1) // the provider may act on anything it has read but a 429
			}
			if n > 1 {
				return 201, created, nil
			}
			return c.first, "oops", c.header
		})
		call, err := srv.client(WithMaxAttempts(5)).Calls.Create(t.Context(), &CallDTO{AssistantID: "a"})
		if len(srv.all()) != c.want || placed.Load() != 1 || (err == nil) != c.ok {
			t.Errorf("%s: %d requests, %d calls placed, %v", c.name, len(srv.all()), placed.Load(), err)
		}
		var e *Error
		if !c.ok && (!errors.As(err, &e) || !e.Unclear) {
			t.Errorf("%s: the error does not say that it is unclear: %+v", c.name, e)
		}
		if c.ok && (call.ID != "0196b21a-11d8-7a40-8c9f-b07e52d4a36c" || call.Limits.RemainingConcurrentCalls != 9) {
			t.Errorf("%s: got %+v", c.name, call)
		}
	}
}

func TestError_gives_vapis_words(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		want     string
		messages int
		is       func(error) bool
	}{
		{404, string(file(t, "rest.error-single.json")), "vapi: Couldn't find that phone number. (404)", 1, IsNotFound},
		{400, string(file(t, "rest.error-validation.json")),
			"vapi: voice.provider must be one of the following values: 11labs, azure, deepgram; property serverUrl should not exist (400)", 2, IsValidation},
		{402, `{"message":"Add a card.","error":"Payment Required"}`, "vapi: Add a card. (402)", 1, IsPaymentRequired},
		{401, `{"message":"Invalid Key ` + testToken + `"}`, "vapi: Invalid Key [redacted] (401)", 1, IsUnauthorized},
		{409, `{"message":{"message":"pinned"}}`, "vapi: pinned (409)", 1, IsConflict},
		{429, ``, "vapi: Too Many Requests (429)", 0, IsRateLimited},
		{422, `<html>`, "", 0, IsValidation},
	} {
		srv := newStandIn(t, func(int, seen) (int, string, map[string]string) {
			return c.status, c.body, map[string]string{"X-Request-Id": "r-9"}
		})
		_, err := srv.client(WithMaxAttempts(1)).Assistants.Get(t.Context(), "a")
		var e *Error
		if !errors.As(err, &e) || e.Status != c.status || len(e.Messages) != c.messages || e.RequestID != "r-9" ||
			!c.is(err) || e.Temporary() != (c.status == 429) {
			t.Errorf("%d: got %+v", c.status, e)
			continue
		}
		if c.want != "" && err.Error() != c.want {
			t.Errorf("%d: got %q, want %q", c.status, err, c.want)
		}
		if !c.is(fmt.Errorf("wrapped: %w", err)) {
			t.Errorf("%d: not seen through a wrapper", c.status)
		}
	}
}

func TestError_without_an_answer_says_why(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 0, "", nil })
	c := srv.client()
	_, dropped := c.Assistants.Get(t.Context(), "a")
	srv.Close()
	_, refused := c.Assistants.Get(t.Context(), "a")
	_, unusable := NewClient(WithBaseURL("nowhere")).Assistants.Get(t.Context(), "a")
	for _, x := range []struct {
		err  error
		want string
	}{
		{dropped, "vapi: the connection was lost"},
		{refused, "vapi: cannot connect"},
		{unusable, "vapi: the base URL is not a usable http or https address"},
	} {
		var e *Error
		if !errors.As(x.err, &e) || e.Status != 0 || x.err.Error() != x.want {
			t.Errorf("got %q, want %q", x.err, x.want)
		}
	}
}

func TestDelete_of_what_is_gone_succeeds(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 404, `{"message":"gone"}`, nil })
	c := srv.client()
	for name, f := range map[string]func(context.Context, string) error{"assistant": c.Assistants.Delete,
		"squad": c.Squads.Delete, "tool": c.Tools.Delete,
		"number": c.PhoneNumbers.Delete, "call": c.Calls.Delete, "chat": c.Chats.Delete, "session": c.Sessions.Delete,
		"file": c.Files.Delete,
		"base": c.KnowledgeBases.Delete, "output": c.StructuredOutputs.Delete} {
		if err := f(t.Context(), "id-1"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := len(srv.all()); got != 10 {
		t.Errorf("%d requests", got)
	}
	if _, err := c.Assistants.Get(t.Context(), "id-1"); !IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestIDs_that_would_address_something_else_are_refused(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 200, `{}`, nil })
	for _, id := range []string{"", ".", "..", "a/b", "a?b=c", "a#b", "a%2fb", "a b", "é", strings.Repeat("a", 200)} {
		if err := srv.client().Assistants.Delete(t.Context(), id); err == nil {
			t.Errorf("%q was sent", id)
		}
		if _, err := srv.client().Calls.Recording(t.Context(), id, RecordingMono); err == nil {
			t.Errorf("%q was sent", id)
		}
	}
	if len(srv.all()) != 0 {
		t.Errorf("sent %+v", srv.all())
	}
}

func TestCalls_ListSince_walks_all_pages_once(t *testing.T) {
	base := time.Date(2026, 11, 18, 15, 0, 0, 0, time.UTC)
	type row struct {
		id string
		at time.Time
	}
	var rows []row
	for i := range 25 {
		// Four calls share each second, so a page ends in the middle of one.
		rows = append(rows, row{fmt.Sprintf("c%02d", i), base.Add(-time.Duration(i/4) * time.Second)})
	}
	for _, pageSize := range []int{3, 4, 7, 10, 25, 100} {
		srv := newStandIn(t, func(n int, r seen) (int, string, map[string]string) {
			q, err := url.ParseQuery(r.query)
			if err != nil || n > 60 {
				t.Fatalf("request %d: %v", n, err)
			}
			since, err := time.Parse(time.RFC3339, q.Get("createdAtGt"))
			if err != nil {
				t.Errorf("createdAtGt: %v", err)
			}
			before := base.Add(time.Hour)
			if v := q.Get("createdAtLt"); v != "" {
				if before, err = time.Parse(time.RFC3339, v); err != nil {
					t.Errorf("createdAtLt: %v", err)
				}
			}
			var out []string
			for _, c := range rows {
				if c.at.After(since) && c.at.Before(before) && len(out) < pageSize {
					out = append(out, fmt.Sprintf(`{"id":%q,"createdAt":%q}`, c.id, c.at.Format("2006-01-02T15:04:05.000Z")))
				}
			}
			return 200, "[" + strings.Join(out, ",") + "]", nil
		})
		var got []string
		opts := &CallListOptions{ListOptions: ListOptions{Limit: pageSize, CreatedAtGt: base.Add(-time.Minute)}}
		for call, err := range srv.client().Calls.All(t.Context(), opts) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, call.ID)
		}
		want := 25
		if pageSize == 3 {
			// More rows in one instant than fit a page cannot all be had from
			// this API; it must still end, and repeat nothing.
			want = 0
		}
		unique := map[string]bool{}
		for _, id := range got {
			unique[id] = true
		}
		if len(unique) != len(got) || (want != 0 && len(got) != want) || len(got) < 18 {
			t.Errorf("page size %d: got %d, %d unique", pageSize, len(got), len(unique))
		}
	}
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 500, "", nil })
	n := 0
	for call, err := range srv.client().Calls.ListSince(t.Context(), base) {
		if n++; call != nil || err == nil {
			t.Errorf("got %v %v", call, err)
		}
	}
	if r := srv.all()[0]; n != 1 || r.query != "createdAtGt=2026-11-18T15%3A00%3A00.000Z&limit=100" {
		t.Errorf("%d steps, %s", n, r.query)
	}
}

func TestWithExtra_and_null_round_trip(t *testing.T) {
	var d PhoneNumberDTO
	if err := json.Unmarshal([]byte(`{"assistantId":null,"squadId":"s"}`), &d); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.AssistantID.Get(); ok || d.AssistantID.IsZero() || !d.Server.IsZero() {
		t.Errorf("got %+v", d)
	}
	if v, ok := d.SquadID.Get(); !ok || v != "s" {
		t.Errorf("got %+v", d)
	}
	data, err := json.Marshal(&AssistantDTO{Extra: map[string]any{"hooks": nil, "x": map[string]any{"y": 1}}})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "extra", string(data), `{"hooks":null,"x":{"y":1}}`)
	if _, err := json.Marshal(Model{Extra: map[string]any{"bad": make(chan int)}}); err == nil {
		t.Error("a channel was encoded")
	}
}

func TestName_is_cut_by_characters(t *testing.T) {
	for in, want := range map[string]string{"": "", " a ": "a", strings.Repeat("é", 40): strings.Repeat("é", 40),
		strings.Repeat("漢", 41): strings.Repeat("漢", 40),
		"\xff":                  "\uFFFD", strings.Repeat("a", 39) + " b": strings.Repeat("a", 39)} {
		if got := Name(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestChat_reply_joins_what_the_assistant_wrote(t *testing.T) {
	var c Chat
	if err := json.Unmarshal([]byte(`{"id":"x","output":[{"role":"assistant","content":"One."},{"role":"tool","content":"{}"},{"role":"assistant","content":null},{"role":"assistant","content":[{"type":"text","text":"Two."}]}]}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Reply() != "One.\nTwo." {
		t.Errorf("got %q", c.Reply())
	}
}

// An id is stored and put into addresses: one that leads elsewhere is none.
func TestAnswer_with_an_odd_id_is_refused(t *testing.T) {
	for id, good := range map[string]bool{
		"../phone-number/zzz?x=": false, "a/b": false, "..": false, "a?b": false, "a#b": false, "%2e%2e": false,
		"a b": false, "é": false,
		strings.Repeat("a", 300): false, "9f0c1e54-7a1b-4b53-9c77-0a6f6a7e4d11": true, "assistant_1.v2:3": true, "": true,
	} {
		raw, err := json.Marshal(map[string]any{"id": id})
		if err != nil {
			t.Fatal(err)
		}
		for kind, into := range map[string]any{"assistant": new(Assistant), "tool": new(Tool), "number": new(PhoneNumber),
			"call": new(Call)} {
			if err := json.Unmarshal(raw, into); (err == nil) != good {
				t.Errorf("%s %q: got %v", kind, id, err)
			}
		}
	}
}
