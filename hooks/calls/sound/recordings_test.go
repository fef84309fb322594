package sound_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	count "sync/atomic"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// quiet is sound of two lanes at 8 kHz with nothing in it.
func quiet(frames int) []byte {
	head := []byte("RIFF....WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00")
	for _, n := range []uint32{8000, 8000 * 4, 16<<16 | 4} {
		head = binary.LittleEndian.AppendUint32(head, n)
	}
	head = binary.LittleEndian.AppendUint32(append(head, "data"...), uint32(frames*4))
	return append(head, make([]byte, frames*4)...)
}

// shelf is a provider with recordings: a redirect to where the sound lies.
type shelf struct {
	sound   []byte
	missing count.Bool
	asked   count.Int64
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/call/" + callskit.SampleCall + "/stereo-recording":
		s.asked.Add(1)
		if s.missing.Load() {
			http.Error(w, `{"message":"no recording"}`, http.StatusNotFound)
			return
		}
		if r.Header.Get("Authorization") == "" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, "/bucket/sound.wav?signature=short-lived", http.StatusFound)
	case "/bucket/sound.wav":
		if r.Header.Get("Authorization") != "" {
			http.Error(w, "the key went to the bucket", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "audio/wav")
		w.Write(s.sound)
	default:
		http.NotFound(w, r)
	}
}

const selectRecording = `SELECT r.status, r.size_bytes, r.duration_ms, r.mime_type, r.error FROM recordings r
	JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`

func TestRecording_is_fetched_and_served_to_those_who_may_hear(t *testing.T) {
	s := &shelf{sound: quiet(4000)}
	binary.LittleEndian.PutUint16(s.sound[len(s.sound)-4:], math.MaxInt16) // the caller's last word is loud
	d := whole.Open(t, s, nil)
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl"))
	d.Stored()
	d.Outbox.Nudge()
	callskit.Until(t, "the recording is here",
		func() bool { return d.Rows(selectRecording, callskit.SampleCall)[:5] == "ready" })
	if got, want := d.Rows(selectRecording, callskit.SampleCall), fmt.Sprintf("ready | %d | 500 | audio/wav | \n",
		len(s.sound)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	const maxPeaks = 800
	var peaks struct{ Left, Right []int }
	if err := json.Unmarshal([]byte(d.Rows(`SELECT peaks FROM recordings WHERE status = 'ready' AND duration_ms = 500`)),
		&peaks); err != nil {
		t.Fatal(err)
	}
	if len(peaks.Left) != maxPeaks || len(peaks.Right) != maxPeaks || peaks.Left[maxPeaks-1] != 100 ||
		peaks.Right[maxPeaks-1] != 0 {
		t.Errorf("got %d and %d points", len(peaks.Left), len(peaks.Right))
	}
	url := "/api/calls/" + d.IDOf(callskit.SampleCall) + "/recording"
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.Nobody: 404, testkit.AcmeSuspended: 404,
		testkit.AcmeTrainee: 403,
		testkit.AcmeViewer:  200, testkit.AcmeDeveloper: 200, testkit.AcmeOwner: 200, testkit.Sam: 200,
	} {
		rec := d.Want(want, "GET", url, who, nil)
		if heard := bytes.Contains(rec.Body.Bytes(), []byte("WAVE")); heard != (want == 200) {
			t.Errorf("%q heard it: %v", who, heard)
		}
	}
	rec := d.Want(200, "GET", url, testkit.AcmeViewer, nil)
	if !bytes.Equal(rec.Body.Bytes(), s.sound) || rec.Header().Get("Cache-Control") != "private, no-store" ||
		rec.Header().Get("Accept-Ranges") != "bytes" {
		t.Errorf("got %d bytes with %v", rec.Body.Len(), rec.Header())
	}
	for ranges, want := range map[string]string{"bytes=0-3": "RIFF", "bytes=8-11": "WAVE"} {
		part := ranged(d, url, ranges)
		if part.status != http.StatusPartialContent || part.body != want {
			t.Errorf("%s: got %d %q", ranges, part.status, part.body)
		}
	}
	if part := ranged(d, url, "bytes=99999999-"); part.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: got %d", part.status)
	}
	// Asked again, it is not fetched again.
	if err := d.Schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	if s.asked.Load() != 1 {
		t.Errorf("the provider was asked %d times", s.asked.Load())
	}
}

func TestRecording_is_not_found_until_it_is_here(t *testing.T) {
	d := whole.Open(t, nil, nil)
	d.Want(404, "GET", "/api/calls/"+testkit.AcmeLiveCall+"/recording", testkit.AcmeOwner, nil)
	d.Want(404, "GET", "/api/calls/nothing00000000/recording", testkit.AcmeOwner, nil)
	d.Set(collections.Recordings, testkit.AcmeRecording, map[string]any{"status": collections.RecordingPending})
	d.Want(404, "GET", "/api/calls/"+testkit.AcmeCall+"/recording", testkit.AcmeOwner, nil)
	d.Set(collections.Recordings, testkit.AcmeRecording, map[string]any{"status": collections.RecordingReady})
	d.Want(200, "GET", "/api/calls/"+testkit.AcmeCall+"/recording", testkit.AcmeOwner, nil)
	record, err := d.FindRecordById(collections.Recordings, testkit.AcmeRecording)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(d.DataDir(), "storage", record.BaseFilesPath())); err != nil {
		t.Fatal(err)
	}
	d.Want(404, "GET", "/api/calls/"+testkit.AcmeCall+"/recording", testkit.AcmeOwner, nil)
}

// deliver tries what is owed once more, at once.
func deliver(d *callskit.Desk) {
	d.T.Helper()
	d.Execute(`UPDATE outbox SET next_at = '2026-01-01 00:00:00.000Z' WHERE status = 'pending'`)
	if _, err := d.Outbox.Deliver(context.Background()); err != nil {
		d.T.Fatal(err)
	}
}

func TestRecording_that_fails_is_tried_again_and_then_gone(t *testing.T) {
	s := &shelf{sound: []byte("<html>not sound</html>")}
	d := whole.Open(t, s, nil)
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl"))
	d.Stored()
	status := func() string {
		return d.Rows(`SELECT r.status, r.file FROM recordings r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`,
			callskit.SampleCall)
	}
	d.Outbox.Nudge()
	callskit.Until(t, "the first try failed", func() bool { return status() == "failed | \n" })
	if got := d.Rows(`SELECT error != '' FROM recordings WHERE status = 'failed'`); got != "1\n" {
		t.Error("the failure has no words")
	}
	s.missing.Store(true)
	tried := func() int { return int(s.asked.Load()) }
	for want := 2; want <= 4; want++ {
		deliver(d)
		callskit.Until(t, "the next try", func() bool {
			return tried() >= want && d.Rows(`SELECT count(*) FROM outbox WHERE kind = ? AND status = 'running'`,
				"recordings.fetch") == "0\n"
		})
	}
	if got := status(); got != "gone | \n" {
		t.Errorf("after %d tries: got %q", tried(), got)
	}
	if got := d.Rows(`SELECT status FROM outbox WHERE kind = ?`, "recordings.fetch"); got != "dead\n" {
		t.Errorf("the promise is %q", got)
	}
	// What is gone is not owed again.
	if err := d.Schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT status FROM outbox WHERE kind = ?`, "recordings.fetch"); got != "dead\n" {
		t.Errorf("the promise is %q", got)
	}
}

func TestRecording_given_up_is_owed_again(t *testing.T) {
	s := &shelf{sound: quiet(100)}
	d := whole.Open(t, s, nil)
	s.missing.Store(true)
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl"))
	d.Stored()
	d.Outbox.Nudge()
	callskit.Until(t, "the first try failed", func() bool {
		return d.Rows(selectRecording, callskit.SampleCall)[:6] == "failed" &&
			d.Rows(`SELECT count(*) FROM outbox WHERE kind = ? AND status = 'running'`, "recordings.fetch") == "0\n"
	})
	d.Execute(`UPDATE outbox SET status = 'dead' WHERE kind = ?`, "recordings.fetch") // the provider was away too long
	s.missing.Store(false)
	if err := d.Schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	callskit.Until(t, "the recording is here",
		func() bool { return d.Rows(selectRecording, callskit.SampleCall)[:5] == "ready" })
}

func TestRecording_of_a_deleted_call_is_not_fetched(t *testing.T) {
	s := &shelf{sound: quiet(100)}
	d := whole.Open(t, s, nil)
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl")[:1])
	d.Stored()
	promise := outbox.Row{Kind: "recordings.fetch", Key: "nothing",
		Payload: map[string]string{"recording": "nothing00000000"}}
	if err := d.Outbox.Add(atomic.Of(d.TestApp), promise); err != nil {
		t.Fatal(err)
	}
	d.Outbox.Nudge()
	callskit.Until(t, "the promise is over",
		func() bool { return d.Rows(`SELECT status FROM outbox WHERE key = 'nothing'`) == "done\n" })
	if s.asked.Load() != 0 {
		t.Error("the provider was asked")
	}
}

func TestRecording_of_a_call_deleted_meanwhile_leaves_no_file(t *testing.T) {
	s := &shelf{sound: quiet(4000)}
	var d *callskit.Desk
	var once sync.Once
	recording := ""
	d = whole.Open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { // the sound is on its way
			recording = strings.TrimSpace(d.Rows(`SELECT id FROM recordings WHERE call = ?`, d.IDOf(callskit.SampleCall)))
			call, err := d.FindRecordById(collections.Calls, d.IDOf(callskit.SampleCall))
			if err == nil {
				err = d.Delete(call)
			}
			if err != nil {
				t.Error(err)
			}
		})
		s.ServeHTTP(w, r)
	}), nil)
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl"))
	d.Stored()
	d.Outbox.Nudge()
	callskit.Until(t, "the promise is over", func() bool {
		return d.Rows(`SELECT status FROM outbox WHERE kind = ?`,
			"recordings.fetch") == "done\n"
	})
	left, err := filepath.Glob(filepath.Join(d.DataDir(), "storage", "*", recording, "*"))
	if err != nil || len(left) != 0 || recording == "" {
		t.Errorf("recording %q left %v, %v", recording, left, err)
	}
}

type part struct {
	status int
	body   string
}

// ranged asks for a part of a file.
func ranged(d *callskit.Desk, url, ranges string) part {
	d.T.Helper()
	req := httptest.NewRequest(http.MethodGet, url, nil)
	req.Header.Set("Range", ranges)
	for k, v := range testkit.As(d.T, testkit.AcmeViewer) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	d.Mux.ServeHTTP(rec, req)
	return part{rec.Code, rec.Body.String()}
}
