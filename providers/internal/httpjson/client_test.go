package httpjson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const token = "example-secret-token-12345"

// answer is one scripted answer of the server; status 0 drops the connection
// after the request was read.
type answer struct {
	status int
	header map[string]string
	body   string
}

type script struct {
	*httptest.Server
	hits  atomic.Int32
	waits []time.Duration
}

func serve(t *testing.T, answers ...answer) *script {
	t.Helper()
	s := &script{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(s.hits.Add(1))
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		a := answers[min(n, len(answers))-1]
		if a.status == 0 {
			panic(http.ErrAbortHandler)
		}
		for k, v := range a.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s
}

func (s *script) client(cfg Config) *Client {
	cfg.Provider, cfg.BaseURL = "acme", s.URL
	if cfg.Header == nil {
		cfg.Header = http.Header{"Authorization": {"Bearer " + token}}
	}
	if cfg.Sleep == nil {
		cfg.Sleep = func(ctx context.Context, d time.Duration) error { s.waits = append(s.waits, d); return ctx.Err() }
	}
	cfg.Jitter = func() float64 { return 0 }
	return New(cfg)
}

func TestDo_sends_what_was_asked(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Authorization"), " ", r.Header.Get("User-Agent"),
			" ", r.Header.Get("Content-Type"), " ", r.Header.Get("X-Extra"), " ", string(body))
		want := `POST /v1/things?a=b+c Bearer ` + token + ` pocketline application/json yes {"name":"x"}`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.WriteHeader(201)
		io.WriteString(w, `{"id":"1"}`)
	}))
	defer srv.Close()
	c := New(Config{Provider: "acme", BaseURL: srv.URL + "/v1/",
		Header: http.Header{"authorization": {"Bearer " + token}}})
	var out struct{ ID string }
	resp, err := c.Do(t.Context(), Request{Method: "POST", Path: "/things", Query: url.Values{"a": {"b c"}},
		Header: http.Header{"X-Extra": {"yes"}}, Body: map[string]string{"name": "x"}}, &out)
	if err != nil || out.ID != "1" || resp.Status != 201 {
		t.Errorf("got %v %v %v", resp, out, err)
	}
}

func TestDo_repeats_only_where_it_is_safe(t *testing.T) {
	ok := answer{200, nil, `{}`}
	for _, c := range []struct {
		name   string
		method string
		first  answer
		hits   int32
		fails  bool
	}{
		{"GET 502", "GET", answer{502, nil, ""}, 2, false},
		{"GET 503", "GET", answer{503, nil, ""}, 2, false},
		{"GET 504", "GET", answer{504, nil, ""}, 2, false},
		{"GET 429", "GET", answer{429, nil, ""}, 2, false},
		{"GET dropped", "GET", answer{}, 2, false},
		{"GET 500", "GET", answer{500, nil, ""}, 1, true},
		{"GET 404", "GET", answer{404, nil, ""}, 1, true},
		{"PATCH 503", "PATCH", answer{503, nil, ""}, 1, true},
		{"PATCH 429", "PATCH", answer{429, nil, ""}, 2, false},
		{"PATCH dropped", "PATCH", answer{}, 1, true},
		{"DELETE 504", "DELETE", answer{504, nil, ""}, 1, true},
		{"DELETE dropped", "DELETE", answer{}, 1, true},
		{"POST 429", "POST", answer{429, nil, ""}, 2, false},
		{"POST 500", "POST", answer{500, nil, ""}, 1, true},
		{"POST 502", "POST", answer{502, nil, ""}, 1, true},
		{"POST 503", "POST", answer{503, nil, ""}, 1, true},
		{"POST dropped", "POST", answer{}, 1, true},
		{"PUT dropped", "PUT", answer{}, 1, true},
		{"POST redirect", "POST", answer{307, map[string]string{"Location": "/elsewhere"}, ""}, 1, true},
	} {
		srv := serve(t, c.first, ok)
		_, err := srv.client(Config{}).Do(t.Context(),
			Request{Method: c.method, Path: "/x", Body: map[string]int{"n": 1}}, nil)
		if (err != nil) != c.fails || srv.hits.Load() != c.hits {
			t.Errorf("%s: %d requests, error %v; want %d, failing %v", c.name, srv.hits.Load(), err, c.hits, c.fails)
		}
		if e := new(Error); c.fails && c.method != "GET" && errors.As(err, &e) {
			unclear := e.Status == 0 || e.Status >= 500
			if e.Unclear != unclear {
				t.Errorf("%s: Unclear is %v", c.name, e.Unclear)
			}
		}
	}
}

func TestDo_repeats_a_POST_that_never_left(t *testing.T) {
	srv := serve(t, answer{200, nil, `{}`})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	real := strings.TrimPrefix(srv.URL, "http://")
	dials := 0
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		dials++
		if dials == 1 {
			return (&net.Dialer{}).DialContext(ctx, network, closed)
		}
		return (&net.Dialer{}).DialContext(ctx, network, real)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	_, err = srv.client(Config{HTTPClient: &http.Client{Transport: transport}}).Do(t.Context(),
		Request{Method: "POST", Path: "/x", Body: 1}, nil)
	if err != nil || srv.hits.Load() != 1 || dials != 2 {
		t.Errorf("%v, %d requests, %d dials", err, srv.hits.Load(), dials)
	}
}

func TestDo_gives_up_after_three_attempts_and_doubles_the_wait(t *testing.T) {
	srv := serve(t, answer{503, nil, ""})
	_, err := srv.client(Config{}).Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil)
	var e *Error
	if !errors.As(err, &e) || e.Status != 503 || !e.Temporary() || srv.hits.Load() != 3 {
		t.Errorf("got %v after %d", err, srv.hits.Load())
	}
	if fmt.Sprint(srv.waits) != "[250ms 500ms]" { // lower half of 0.5 s and 1 s
		t.Errorf("waits %v", srv.waits)
	}
	c := New(Config{Jitter: func() float64 { return 0.999 }, BaseURL: "http://a"})
	for attempt := range 40 {
		if w := c.backoff(attempt + 1); w > maxWait {
			t.Errorf("attempt %d waits %v", attempt, w)
		}
	}
}

func TestDo_waits_as_long_as_it_is_asked_to(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, header, value string
		want                time.Duration
	}{
		{"seconds", "Retry-After", "4", 4 * time.Second},
		{"fraction", "Retry-After", "0.5", 500 * time.Millisecond},
		{"date", "Retry-After", now.Add(5 * time.Second).Format(http.TimeFormat), 5 * time.Second},
		{"past date", "Retry-After", now.Add(-time.Hour).Format(http.TimeFormat), 250 * time.Millisecond},
		{"reset", "X-RateLimit-Reset", fmt.Sprint(now.Unix() + 4), 4 * time.Second},
		{"nonsense", "Retry-After", "soon", 250 * time.Millisecond},
		{"negative", "Retry-After", "-5", 250 * time.Millisecond},
	} {
		srv := serve(t, answer{429, map[string]string{c.header: c.value}, ""}, answer{200, nil, ""})
		if _, err := srv.client(Config{Now: func() time.Time { return now }}).Do(t.Context(),
			Request{Method: "POST", Path: "/x"}, nil); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(srv.waits) != 1 || srv.waits[0] != c.want {
			t.Errorf("%s: waited %v, want %v", c.name, srv.waits, c.want)
		}
	}
}

// Somebody sits before a screen: what takes longer is theirs to put off, by ten
// minutes at most.
func TestDo_hands_long_waits_back(t *testing.T) {
	for asked, waits := range map[string]int{"6": 0, "30": 0, "86400": 0, "3": 1} {
		srv := serve(t, answer{429, map[string]string{"Retry-After": asked}, ""})
		_, err := srv.client(Config{}).Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
		var e *Error
		if !errors.As(err, &e) || fmt.Sprint(e.RetryAfter.Seconds()) != strings.Replace(asked, "86400", "600", 1) ||
			len(srv.waits) != waits || int(srv.hits.Load()) != waits+1 {
			t.Errorf("%s s: %v after %v and %d requests", asked, err, srv.waits, srv.hits.Load())
		}
	}
}

func TestDo_stops_waiting_when_the_context_ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := New(Config{Provider: "acme", BaseURL: "http://acme.test",
			HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				time.AfterFunc(time.Second, cancel)
				return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"4"}}, Body: http.NoBody}, nil
			})}})
		start := time.Now()
		_, err := c.Do(ctx, Request{Method: "GET", Path: "/x"}, nil)
		var e *Error
		if !errors.As(err, &e) || e.Status != 429 || e.RetryAfter != 4*time.Second {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestDo_does_not_wait_past_the_deadline(t *testing.T) {
	srv := serve(t, answer{429, map[string]string{"Retry-After": "4"}, ""})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := srv.client(Config{}).Do(ctx, Request{Method: "GET", Path: "/x"}, nil); err == nil ||
		len(srv.waits) != 0 || srv.hits.Load() != 1 {
		t.Errorf("%v after %v", err, srv.waits)
	}
}

func TestDo_times_out_one_attempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			request Request
			want    time.Duration
		}{
			{Request{Method: "POST", Path: "/x"}, 15 * time.Second},
			{Request{Method: "POST", Path: "/x", Timeout: LongTimeout}, 60 * time.Second},
			{Request{Method: "POST", Path: "/x", Timeout: time.Hour, Stream: true}, 15 * time.Second}, // the first byte
		} {
			client := New(Config{Provider: "acme", BaseURL: "http://acme.test",
				HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})}})
			start := time.Now()
			_, err := client.Do(t.Context(), c.request, nil)
			if took := time.Since(start); err == nil || took != c.want || !strings.Contains(err.Error(), "timed out") {
				t.Errorf("took %v, want %v: %v", took, c.want, err)
			}
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type countedBody struct {
	io.Reader
	closed *int
}

func (b countedBody) Close() error { *b.closed++; return nil }

func TestDo_closes_and_bounds_every_body(t *testing.T) {
	for _, status := range []int{200, 302, 404, 500} {
		closed := 0
		c := New(Config{Provider: "acme", BaseURL: "http://acme.test", MaxBody: 100,
			HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{},
					Body: countedBody{strings.NewReader(strings.Repeat("x", 101)), &closed}}, nil
			})}})
		_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil)
		if closed != 1 || err == nil {
			t.Errorf("%d: closed %d times, %v", status, closed, err)
		}
		if status == 200 && !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDo_streams_within_bounds(t *testing.T) {
	srv := serve(t, answer{200, map[string]string{"Content-Type": "audio/wav"}, strings.Repeat("x", 100)})
	for limit, want := range map[int64]error{100: nil, 99: ErrTooLarge} {
		resp, err := srv.client(Config{}).Do(t.Context(),
			Request{Method: "GET", Path: "/x", Stream: true, MaxStream: limit}, nil)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Stream)
		if !errors.Is(err, want) || int64(len(data)) != limit || resp.Size != 100 {
			t.Errorf("limit %d: read %d of %d, %v", limit, len(data), resp.Size, err)
		}
		if err := resp.Stream.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDo_missing_is_success_only_when_asked(t *testing.T) {
	srv := serve(t, answer{404, nil, `{"message":"gone"}`})
	if _, err := srv.client(Config{}).Do(t.Context(), Request{Method: "DELETE", Path: "/x", MissingOK: true},
		new(struct{})); err != nil {
		t.Error(err)
	}
	if _, err := srv.client(Config{}).Do(t.Context(), Request{Method: "DELETE", Path: "/x"}, nil); err == nil {
		t.Error("404 was no error")
	}
}

func TestError_shows_no_secret(t *testing.T) {
	srv := serve(t, answer{401, map[string]string{"Set-Cookie": "s=" + token, "X-Request-Id": "req-1"},
		`{"message":"bad key ` + token + `, sent Bearer abcdefgh12345678"}`})
	_, err := srv.client(Config{}).Do(t.Context(),
		Request{Method: "GET", Path: "/x", Query: url.Values{"key": {"query-secret"}}}, nil)
	var e *Error
	if !errors.As(err, &e) || e.RequestID != "req-1" || e.Status != 401 || e.Temporary() {
		t.Fatalf("got %v", err)
	}
	dropped := serve(t, answer{})
	_, connErr := dropped.client(Config{MaxAttempts: 1}).Do(t.Context(),
		Request{Method: "GET", URL: dropped.URL + "/path-secret?key=query-secret"}, nil)
	refusedErr := func() error {
		dropped.Close()
		_, err := dropped.client(Config{MaxAttempts: 1}).Do(t.Context(),
			Request{Method: "GET", URL: dropped.URL + "/path-secret"}, nil)
		return err
	}()
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %s %s", e, e.Body, e.Header), connErr.Error(),
		refusedErr.Error()} {
		for _, secret := range []string{token, "abcdefgh12345678", "query-secret", "path-secret", "127.0.0.1"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q holds %q", text, secret)
			}
		}
	}
}

func TestDo_does_not_send_the_key_to_a_given_address(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key was sent")
		}
	}))
	defer srv.Close()
	c := New(Config{Provider: "acme", BaseURL: "http://acme.test",
		Header: http.Header{"Authorization": {"Bearer " + token}}})
	if _, err := c.Do(t.Context(), Request{Method: "POST", URL: srv.URL, Body: 1}, nil); err != nil {
		t.Error(err)
	}
}

func TestDo_refuses_a_base_URL_it_cannot_use(t *testing.T) {
	for _, base := range []string{"", "acme.test", "ftp://acme.test", "https://user:pw@acme.test", "https://",
		"https://acme.test?x=1"} {
		if _, err := New(Config{Provider: "acme", BaseURL: base}).Do(t.Context(), Request{Method: "GET", Path: "/x"},
			nil); err == nil {
			t.Errorf("%q was used", base)
		}
	}
}

func TestDo_keeps_the_rest_when_one_field_is_of_another_kind(t *testing.T) {
	srv := serve(t, answer{200, nil, `{"id":"1","count":"many","name":"n"}`}, answer{200, nil, `<html>`})
	var out struct {
		ID, Name string
		Count    int
	}
	c := srv.client(Config{})
	if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &out); err != nil || out.ID != "1" ||
		out.Name != "n" {
		t.Errorf("got %+v %v", out, err)
	}
	if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, &out); err == nil {
		t.Error("a page of HTML was taken for JSON")
	}
}

func TestBreaker_opens_tries_once_and_closes(t *testing.T) {
	now := time.Unix(1e9, 0)
	up := false
	hits := 0
	c := New(Config{Provider: "acme", BaseURL: "http://acme.test", MaxAttempts: 1, Now: func() time.Time { return now },
		HTTPClient: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			hits++
			if up {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return &http.Response{StatusCode: 500, Header: http.Header{}, Body: http.NoBody}, nil
		})}})
	do := func() error {
		_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/x"}, nil)
		return err
	}
	step := func(what string, wantHits int, wantOpen, wantErr bool) {
		t.Helper()
		err := do()
		if hits != wantHits || errors.Is(err, ErrOpen) != wantOpen || (err != nil) != wantErr {
			t.Errorf("%s: hits %d, %v", what, hits, err)
		}
	}
	for i := range 5 {
		step("failing", i+1, false, true)
	}
	step("open", 5, true, true)
	now = now.Add(29 * time.Second)
	step("still open", 5, true, true)
	now = now.Add(2 * time.Second)
	step("trial fails", 6, false, true)
	step("open again", 6, true, true)
	now = now.Add(31 * time.Second)
	up = true
	step("trial succeeds", 7, false, false)
	up = false
	step("closed, one failure", 8, false, true)
	step("closed, two failures", 9, false, true)
}

func TestBreaker_ignores_refusals_and_our_own_impatience(t *testing.T) {
	srv := serve(t, answer{400, nil, ""})
	c := srv.client(Config{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		if _, err := c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil); errors.Is(err, ErrOpen) {
			t.Fatal("refusals opened the breaker")
		}
		if _, err := c.Do(ended, Request{Method: "POST", Path: "/x"}, nil); errors.Is(err, ErrOpen) || err == nil {
			t.Fatalf("got %v", err)
		}
	}
	var b breaker
	for range breakerFailures {
		b.record(time.Unix(1, 0), verdictBad, "")
	}
	later := time.Unix(1, 0).Add(breakerPause)
	if !b.allow(later) || b.allow(later) {
		t.Error("not exactly one trial")
	}
}

func TestBreaker_is_not_opened_by_one_party_and_tells_of_recovery(t *testing.T) {
	srv := serve(t, answer{500, nil, ""})
	c := srv.client(Config{})
	told := 0
	c.OnRecovered(func() { told++ })
	failing := func(party string) error {
		_, err := c.Do(For(t.Context(), party), Request{Method: "POST", Path: "/assistant"}, nil)
		return err
	}
	for range 10 {
		if err := failing("acme"); errors.Is(err, ErrOpen) {
			t.Fatal("one organization's failures keep the provider from all")
		}
	}
	for _, party := range []string{"bolt", "bolt", "carl"} {
		if err := failing(party); errors.Is(err, ErrOpen) {
			t.Fatal("open too early")
		}
	}
	if err := failing("dora"); !errors.Is(err, ErrOpen) {
		t.Errorf("several organizations failed in a row, and the answer is %v", err)
	}
	if told != 0 {
		t.Errorf("told of a recovery %d times", told)
	}

	now := time.Unix(1, 0)
	var b breaker
	if !b.record(now, verdictGood, "acme") {
		t.Error("what an earlier process left waiting is not told of")
	}
	if b.record(now, verdictBad, "acme"); b.record(now, verdictGood, "bolt") {
		t.Error("one failure is no outage")
	}
	b.record(now, verdictBad, "acme")
	b.record(now, verdictBad, "acme")
	if !b.record(now, verdictGood, "bolt") || b.record(now, verdictGood, "bolt") {
		t.Error("a recovery is told once")
	}
}

func TestClient_tells_when_the_provider_answers_again(t *testing.T) {
	srv := serve(t, answer{500, nil, ""}, answer{500, nil, ""}, answer{200, nil, ""})
	c := srv.client(Config{})
	told := 0
	c.OnRecovered(func() { told++ })
	for range 4 {
		_, _ = c.Do(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}
