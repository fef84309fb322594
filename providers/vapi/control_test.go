package vapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestControl_sends_the_documented_commands_without_the_key(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return 200, "", nil })
	c := srv.client(WithControlHosts(strings.TrimPrefix(srv.URL, "http://")))
	u := srv.URL + "/secret-call/control"
	ctx := t.Context()
	for i, step := range []struct {
		err  error
		want string
	}{
		{c.Calls.Say(ctx, u, "Hello", true), `{"type":"say","content":"Hello","endCallAfterSpoken":true}`},
		{c.Calls.AddMessage(ctx, u, "system", "Be brief", true),
			`{"type":"add-message","message":{"role":"system","content":"Be brief"},"triggerResponseEnabled":true}`},
		{c.Calls.Mute(ctx, u, "mute-assistant"), `{"type":"control","control":"mute-assistant"}`},
		{c.Calls.End(ctx, u), `{"type":"end-call"}`},
		{c.Calls.Transfer(ctx, u, &Destination{Type: "number", Number: "+14155550177"}, "One moment"),
			`{"type":"transfer","destination":{"type":"number","number":"+14155550177"},"content":"One moment"}`},
		{c.Calls.Handoff(ctx, u, &Destination{Type: "assistant", AssistantID: "a1"}, ""),
			`{"type":"handoff","destination":{"type":"assistant","assistantId":"a1"}}`},
	} {
		if step.err != nil {
			t.Fatal(step.err)
		}
		r := srv.all()[i]
		if r.method != "POST" || r.path != "/secret-call/control" || r.header.Get("Authorization") != "" ||
			r.header.Get("Content-Type") != "application/json" {
			t.Errorf("got %+v", r)
		}
		sameJSON(t, "command", r.body, step.want)
	}
}

func TestControl_goes_nowhere_but_to_vapi(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	c := NewClient(WithToken("t"), WithHTTPClient(&http.Client{Transport: refuseAll{}}))
	for _, u := range []string{srv.URL + "/control", "", "http://x.vapi.ai/c", "https://vapi.ai.evil.example/c",
		"https://evilvapi.ai/c", "https://x.vapi.ai:8443/c", "https://u:p@x.vapi.ai/c",
		"https://x.vapi.ai@evil.example/c", "https://evil.example/x.vapi.ai", "https://evil.example#.vapi.ai",
		"ftp://x.vapi.ai/c", "wss://x.vapi.ai", "https:x.vapi.ai", "https://evil.example\\.vapi.ai/", "//x.vapi.ai/c"} {
		if err := c.Calls.End(t.Context(), u); !errors.Is(err, ErrForeignAddress) {
			t.Errorf("%q: %v", u, err)
		}
	}
	for _, u := range []string{"https://vapi.ai/c", "https://phone-call-websocket.example-region.vapi.ai/x/control",
		"https://X.VAPI.AI:443/c"} {
		if err := c.Calls.End(t.Context(), u); errors.Is(err, ErrForeignAddress) || err == nil {
			t.Errorf("%q: %v", u, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

func TestListen_leads_nowhere_but_to_vapi(t *testing.T) {
	c := NewClient(WithControlHosts("127.0.0.1:8787"))
	for _, u := range []string{"", "ws://x.vapi.ai/listen", "https://x.vapi.ai/listen", "wss://vapi.ai.evil.example/l",
		"wss://evilvapi.ai/l", "wss://x.vapi.ai:8443/l", "wss://u:p@x.vapi.ai/l",
		"wss://x.vapi.ai@evil.example/l", "wss://evil.example/x.vapi.ai", "wss://evil.example#.vapi.ai",
		"javascript:alert(1)//x.vapi.ai", "data:text/html,x", "wss:x.vapi.ai", "//x.vapi.ai/l",
		"wss://evil.example\\.vapi.ai/", "wss://127.0.0.1/l", "ws://127.0.0.1:9999/l", "wss://[::1]/l", "wss://x.vapi.ai./l",
		"wss://x.vapi.ai/l#f", " wss://x.vapi.ai/l", "wss://x.vapi.ai/" + strings.Repeat("l", maxAddress)} {
		if err := c.CheckListen(u); !errors.Is(err, ErrForeignAddress) {
			t.Errorf("%q: %v", u, err)
		}
	}
	for _, u := range []string{"wss://vapi.ai/l", "wss://phone-call-websocket.example-region.vapi.ai/x/listen",
		"wss://X.VAPI.AI:443/l", "ws://127.0.0.1:8787/x/listen"} {
		if err := c.CheckListen(u); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

type refuseAll struct{}

func (refuseAll) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func TestControl_errors_do_not_give_the_URL_away(t *testing.T) {
	for _, status := range []int{0, 400, 404, 410, 500} {
		srv := newStandIn(t, func(int, seen) (int, string, map[string]string) { return status, "", nil })
		c := srv.client(WithControlHosts("127.0.0.1"))
		err := c.Calls.Say(t.Context(), srv.URL+"/secret-call/control?k=secret", "hi", false)
		if err == nil {
			t.Fatalf("%d was taken for success", status)
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "secret") || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%d: %s", status, text)
		}
		if over := status == 400 || status == 404 || status == 410; errors.Is(err, ErrCallOver) != over {
			t.Errorf("%d: %v", status, err)
		}
		if len(srv.all()) != 1 {
			t.Errorf("%d: sent %d times", status, len(srv.all()))
		}
	}
}

func TestRecording_follows_the_redirect_without_the_key(t *testing.T) {
	srv := newStandIn(t, func(n int, r seen) (int, string, map[string]string) {
		if r.path == "/store/file.wav" {
			if r.header.Get("Authorization") != "" {
				t.Error("the key was sent to the store")
			}
			return 200, "RIFF", map[string]string{"Content-Type": "audio/wav"}
		}
		if r.path != "/call/c1/mono-recording" || r.header.Get("Authorization") == "" {
			t.Errorf("got %+v", r)
		}
		return 302, "", map[string]string{"Location": "/store/file.wav?signature=example"}
	})
	for _, kind := range []string{RecordingMono, "mono"} {
		rec, err := srv.client().Calls.Recording(t.Context(), "c1", kind)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(rec.Body)
		if err != nil || string(data) != "RIFF" || rec.ContentType != "audio/wav" || rec.Size != 4 {
			t.Errorf("got %q %+v %v", data, rec, err)
		}
		if err := rec.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := srv.client().Calls.Recording(t.Context(), "c1", "../../assistant"); err == nil {
		t.Error("any kind is accepted")
	}
}

func TestRecording_direct_answer_and_failures(t *testing.T) {
	var stranger atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stranger.Add(1) }))
	defer other.Close()
	for _, c := range []struct {
		name     string
		status   int
		location string
		check    func(*Recording, error) bool
	}{
		{"direct", 200, "",
			func(r *Recording, err error) bool { return err == nil && r.ContentType == "application/octet-stream" }},
		{"none", 404, "", func(_ *Recording, err error) bool { return IsNotFound(err) }},
		{"no target", 302, "", func(_ *Recording, err error) bool { return err != nil }},
		{"private", 302, "http://10.0.0.1/x?signature=s",
			func(_ *Recording, err error) bool { return err != nil && !strings.Contains(err.Error(), "10.0") }},
		{"metadata", 302, "http://169.254.169.254/latest", func(_ *Recording, err error) bool { return err != nil }},
		{"another local port", 302, other.URL + "/x?signature=s", func(_ *Recording, err error) bool {
			return err != nil && !strings.Contains(err.Error(), "signature") && !strings.Contains(err.Error(), "127.0")
		}},
		{"file", 302, "file:///etc/passwd", func(_ *Recording, err error) bool { return err != nil }},
		{"store says no", 302, "/gone", func(_ *Recording, err error) bool { return err != nil }},
	} {
		srv := newStandIn(t, func(n int, r seen) (int, string, map[string]string) {
			if r.path == "/gone" {
				return 403, "denied", nil
			}
			return c.status, "<html>", map[string]string{"Location": c.location, "Content-Type": "text/html"}
		})
		rec, err := srv.client().Calls.Recording(t.Context(), "c1", RecordingStereo)
		if !c.check(rec, err) {
			t.Errorf("%s: got %+v %v", c.name, rec, err)
		}
		if rec != nil {
			rec.Body.Close()
		}
	}
	if stranger.Load() != 0 {
		t.Error("another service on this machine was called")
	}
}

func TestClient_waits_for_nobody_when_the_context_is_over(t *testing.T) {
	srv := newStandIn(t, func(int, seen) (int, string, map[string]string) {
		return 503, "", map[string]string{"Retry-After": "30"}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := srv.client().Assistants.Get(ctx, "a")
	var e *Error
	if !errors.As(err, &e) || e.RetryAfter != 30*time.Second || !e.Temporary() || len(srv.all()) != 1 {
		t.Errorf("got %v after %d", err, len(srv.all()))
	}
}
