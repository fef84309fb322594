package calls

import (
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// line is a provider's line that sounds: what it sends is what the test gives it.
type line struct {
	t      *testing.T
	sounds chan string // one message each; a JSON object goes as text, "" hangs up
	first  string      // what each who listens hears at once
	opened atomic.Int32
	status atomic.Int32 // in place of a line, when it is not 0
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := l.status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	if r.Header.Get("Authorization") != "" || r.URL.Path != "/secret-listen" {
		l.t.Errorf("the line was asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		l.t.Error(err)
		return
	}
	l.opened.Add(1)
	defer l.opened.Add(-1)
	ctx := conn.CloseRead(context.Background())
	if l.first != "" && conn.Write(ctx, websocket.MessageBinary, []byte(l.first)) != nil {
		return
	}
	for {
		select {
		case sound := <-l.sounds:
			kind := websocket.MessageBinary
			if sound == "" {
				_ = conn.Close(websocket.StatusNormalClosure, "")
				return
			}
			if strings.HasPrefix(sound, "{") {
				kind = websocket.MessageText
			}
			if conn.Write(ctx, kind, []byte(sound)) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// newLine is a desk whose live call of Acme sounds.
func newLine(t *testing.T) (*desk, *line) {
	t.Helper()
	l := &line{t: t, sounds: make(chan string, 100)}
	d := newDesk(t, l)
	url := "ws" + strings.TrimPrefix(d.Provider, "http") + "/secret-listen"
	d.Set(collections.Calls, testkit.AcmeLiveCall,
		map[string]any{"listen_url": d.Seal(url, collections.Calls, testkit.AcmeLiveCall, "listen_url")})
	return d, l
}

const soundPath = "/api/calls/" + testkit.AcmeLiveCall + "/sound"

// listen opens the sound over the wire.
func listen(t *testing.T, server *httptest.Server, email string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+soundPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range testkit.As(t, email) {
		req.Header.Set(k, v)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// hears reads so many bytes of sound.
func hears(t *testing.T, res *http.Response, n int) string {
	t.Helper()
	out := make([]byte, n)
	if _, err := io.ReadFull(res.Body, out); err != nil {
		t.Fatalf("heard %q: %v", out, err)
	}
	return string(out)
}

func TestSound_is_passed_on_as_it_comes_and_ends_with_the_call(t *testing.T) {
	d, l := newLine(t)
	server := d.serve()
	l.sounds <- `{"type":"speech-update","status":"started","role":"user"}`
	l.sounds <- "abcd"
	res := listen(t, server, testkit.AcmeViewer)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "audio/wav" ||
		res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("got %d %v", res.StatusCode, res.Header)
	}
	head := []byte(hears(t, res, 44))
	if string(head[:4])+string(head[8:16])+string(head[36:40]) != "RIFFWAVEfmt data" ||
		binary.LittleEndian.Uint16(head[22:]) != 1 || binary.LittleEndian.Uint32(head[24:]) != 16_000 ||
		binary.LittleEndian.Uint16(head[34:]) != 16 {
		t.Errorf("the head says %x", head)
	}
	if got := hears(t, res, 4); got != "abcd" {
		t.Errorf("heard %q", got)
	}
	l.sounds <- "efgh" // only now: it is not kept back
	if got := hears(t, res, 4); got != "efgh" {
		t.Errorf("heard %q", got)
	}
	l.sounds <- ""
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q %v", rest, err)
	}
	if got := d.Rows(`SELECT action, organization, resource, record, actor_type FROM audit_logs WHERE action LIKE 'calls.%'`); got !=
		"calls.listen | "+testkit.Acme+" | calls | "+testkit.AcmeLiveCall+" | user\n" {
		t.Errorf("the audit log has %q", got)
	}
}

func TestSound_says_how_the_line_sounds(t *testing.T) {
	d, l := newLine(t)
	l.sounds <- `{"type":"start","sampleRate":8000,"channels":2}`
	l.sounds <- "abcd"
	head := []byte(hears(t, listen(t, d.serve(), testkit.AcmeAgent), 44))
	if binary.LittleEndian.Uint16(head[22:]) != 2 || binary.LittleEndian.Uint32(head[24:]) != 8_000 {
		t.Errorf("the head says %x", head)
	}
}

func TestSound_is_for_those_who_hear_recordings(t *testing.T) {
	d, l := newLine(t)
	for _, who := range testkit.Everyone {
		want := 409 // who may listen hears that the line has hung up
		switch who {
		case testkit.Guest:
			want = 401
		case testkit.BoltOwner, testkit.Nobody, testkit.AcmeSuspended:
			want = 404
		case testkit.AcmeTrainee:
			want = 403
		}
		if want == 409 {
			l.sounds <- ""
		}
		rec := d.Want(want, "GET", soundPath, who, nil)
		if strings.Contains(rec.Body.String(), "secret-listen") || strings.Contains(rec.Body.String(), "ws:") {
			t.Errorf("%q is told the address: %s", who, rec.Body)
		}
	}
	if got := len(l.sounds); got != 0 {
		t.Errorf("%d of those who may did not reach the line", got)
	}
	d.Want(409, "GET", "/api/calls/"+testkit.AcmeCall+"/sound", testkit.AcmeAgent, nil) // over
	d.Want(404, "GET", "/api/calls/nothing00000000/sound", testkit.AcmeAgent, nil)
}

func TestSound_that_does_not_open_is_told_without_its_address(t *testing.T) {
	d, l := newLine(t)
	for status, want := range map[int]int{404: 409, 410: 409, 401: 502, 500: 502, 200: 502} {
		l.status.Store(int32(status))
		rec := d.Want(want, "GET", soundPath, testkit.AcmeAgent, nil)
		if strings.Contains(rec.Body.String(), "secret-listen") {
			t.Errorf("%d: the answer shows the address: %s", status, rec.Body)
		}
	}
	if got := d.Rows(`SELECT count(*) FROM audit_logs WHERE action = 'calls.listen'`); got != "0\n" {
		t.Errorf("%s heard nothing and are in the log", got)
	}
	d.Set(collections.Calls, testkit.AcmeLiveCall, map[string]any{"listen_url": d.Seal("wss://evil.example/x",
		collections.Calls, testkit.AcmeLiveCall, "listen_url")})
	d.Want(409, "GET", soundPath, testkit.AcmeAgent, nil)
}

func TestSound_ends_with_the_right_to_listen(t *testing.T) {
	d, l := newLine(t)
	l.sounds <- "abcd"
	res := listen(t, d.serve(), testkit.AcmeViewer)
	hears(t, res, 48)
	d.Hub.Drop(testkit.User(testkit.AcmeViewer), testkit.Acme)
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != 0 {
		t.Errorf("heard on: %q %v", rest, err)
	}
	callskit.Until(t, "the line is closed", func() bool { return l.opened.Load() == 0 })
}

func TestSound_of_four_calls_is_as_much_as_one_person_hears(t *testing.T) {
	d, l := newLine(t)
	l.first = "abcd"
	server := d.serve()
	var open []*http.Response
	for range 4 {
		res := listen(t, server, testkit.AcmeAgent)
		hears(t, res, 48)
		open = append(open, res)
	}
	if res := listen(t, server, testkit.AcmeAgent); res.StatusCode != 429 {
		t.Errorf("a fifth: got %d", res.StatusCode)
	}
	if res := listen(t, server, testkit.AcmeViewer); res.StatusCode != 200 {
		t.Errorf("somebody else: got %d", res.StatusCode)
	}
	if err := open[0].Body.Close(); err != nil {
		t.Fatal(err)
	}
	callskit.Until(t, "there is room again", func() bool {
		res := listen(t, server, testkit.AcmeAgent)
		return res.StatusCode == 200
	})
}

// Asking for the head alone opens no line, and nobody is said to have listened.
func TestSound_is_not_opened_to_ask_for_its_head(t *testing.T) {
	d, l := newLine(t)
	l.status.Store(500) // whoever reached the line would hear of it
	d.Want(200, "HEAD", soundPath, testkit.AcmeViewer, nil)
	d.Want(409, "HEAD", "/api/calls/"+testkit.AcmeCall+"/sound", testkit.AcmeViewer, nil)
	if got := d.Rows(`SELECT count(*) FROM audit_logs WHERE action = 'calls.listen'`); got != "0\n" {
		t.Errorf("%s are in the log", got)
	}
}

// speech is Vapi's word that somebody begins or stops to speak in the sample call.
func speech(t *testing.T, role, status string) []byte {
	t.Helper()
	return callskit.Remake(t, says(t, callskit.Beginning+5_000, "x"), map[string]any{
		"message.type": "speech-update", "message.role": role, "message.status": status})
}

func TestSpeech_is_told_to_those_who_look_on_and_not_stored(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	e := hear(t, d.serve(), "/functions/v1/calls/"+id+"/listen", testkit.AcmeViewer)
	e.said()
	before := d.Rows(`SELECT count(*) FROM provider_events`)
	for _, m := range [][]byte{
		speech(t, "assistant", "stopping"), speech(t, "bystander", "started"), speech(t, "user", "started"),
	} {
		if rec := d.Send(m); rec.Code != http.StatusOK {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
	if got := e.next(); !strings.HasPrefix(got, "speech ") || !strings.Contains(got, `"role":"user"`) ||
		!strings.Contains(got, `"status":"started"`) {
		t.Errorf("got %s", got)
	}
	d.Stored()
	if got := d.Rows(`SELECT count(*) FROM provider_events`); got != before {
		t.Errorf("%s messages are stored, want %s", got, before)
	}
}
