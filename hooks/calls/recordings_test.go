package calls

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// wav is sound of 16 bits at 8 kHz: each lane a function of the frame.
func wav(frames int, lanes ...func(frame int) int16) []byte {
	var data bytes.Buffer
	for n := range frames {
		for _, lane := range lanes {
			binary.Write(&data, binary.LittleEndian, lane(n))
		}
	}
	channels := uint16(len(lanes))
	var b bytes.Buffer
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, uint32(36+data.Len()))
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, uint32(16))
	binary.Write(&b, binary.LittleEndian, [2]uint16{1, channels})
	binary.Write(&b, binary.LittleEndian, [2]uint32{8000, 8000 * 2 * uint32(channels)})
	binary.Write(&b, binary.LittleEndian, [2]uint16{2 * channels, 16})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, uint32(data.Len()))
	b.Write(data.Bytes())
	return b.Bytes()
}

func silence(int) int16 { return 0 }

// growing becomes louder until full.
func growing(frames int) func(int) int16 {
	return func(n int) int16 { return int16(float64(n+1) / float64(frames) * 32767) }
}

func TestPeaks_of_sound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sound.wav")
	odd := wav(10, silence)
	withList := append(append(append([]byte{}, odd[:12]...), "LIST\x03\x00\x00\x00abc\x00"...), odd[12:]...)
	for _, one := range []struct {
		name        string
		sound       []byte
		left, right int // points
		loudest     [2]int
		duration    int64
		err         error
	}{
		{"two lanes", wav(8000, growing(8000), silence), 800, 800, [2]int{100, 0}, 1000, nil},
		{"one lane", wav(4000, growing(4000)), 800, 0, [2]int{100, 0}, 500, nil},
		{"short", wav(10, silence, growing(10)), 10, 10, [2]int{0, 100}, 1, nil},
		{"the loudest negative value", wav(10, func(int) int16 { return math.MinInt16 }), 10, 0, [2]int{100, 0}, 1,
			nil},
		{"another chunk before the sound", withList, 10, 0, [2]int{0, 0}, 1, nil},
		{"cut short", wav(8000, growing(8000))[:8044], 800, 0, [2]int{49, 0}, 1000, nil},
		{"no sound", wav(0, silence), 0, 0, [2]int{}, 0, errNotWAV},
		{"not WAV", []byte("ID3 something else"), 0, 0, [2]int{}, 0, errNotWAV},
		{"empty", nil, 0, 0, [2]int{}, 0, errNotWAV},
		{"only a head", odd[:20], 0, 0, [2]int{}, 0, nil},
		{"8 bits", func() []byte { b := bytes.Clone(odd); b[34] = 8; return b }(), 0, 0, [2]int{}, 0, errNotWAV},
		{"no rate", func() []byte { b := bytes.Clone(odd); clear(b[24:28]); return b }(), 0, 0, [2]int{}, 0, errNotWAV},
		{"no lanes", func() []byte { b := bytes.Clone(odd); clear(b[22:24]); return b }(), 0, 0, [2]int{}, 0,
			errNotWAV},
	} {
		if err := os.WriteFile(file, one.sound, 0o600); err != nil {
			t.Fatal(err)
		}
		p, duration, err := peaksOf(file)
		if one.name == "only a head" {
			if err == nil {
				t.Error("a head alone is sound")
			}
			continue
		}
		if !errors.Is(err, one.err) {
			t.Errorf("%s: got %v, want %v", one.name, err, one.err)
			continue
		}
		loudest := [2]int{}
		for i, lane := range [][]int{p.Left, p.Right} {
			for _, v := range lane {
				loudest[i] = max(loudest[i], v)
				if v < 0 || v > 100 {
					t.Errorf("%s: a peak of %d", one.name, v)
				}
			}
		}
		if len(p.Left) != one.left || len(p.Right) != one.right || loudest != one.loudest || duration != one.duration {
			t.Errorf("%s: got %d and %d points, loudest %v, %d ms", one.name, len(p.Left), len(p.Right), loudest,
				duration)
		}
	}
}

func FuzzPeaks(f *testing.F) {
	f.Add(wav(100, silence, silence))
	f.Add(wav(1, growing(1)))
	f.Add([]byte("RIFF....WAVEdata"))
	file := filepath.Join(f.TempDir(), "sound.wav")
	f.Fuzz(func(t *testing.T, sound []byte) {
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, _, err := peaksOf(file); err == nil &&
			(len(p.Left) == 0 || len(p.Left) > maxPeaks || len(p.Right) > maxPeaks) {
			t.Errorf("%d and %d points", len(p.Left), len(p.Right))
		}
	})
}

// store is a provider with recordings: a redirect to where the sound lies.
type store struct {
	sound   []byte
	missing atomic.Bool
	asked   atomic.Int64
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/call/" + sampleCall + "/stereo-recording":
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

const selectRecording = `SELECT r.status, r.size_bytes, r.duration_ms, r.mime_type, r.error FROM recordings r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`

func (d *desk) sampleID() string {
	d.t.Helper()
	call, err := d.FindFirstRecordByData(collections.Calls, "vapi_call_id", sampleCall)
	if err != nil {
		d.t.Fatal(err)
	}
	return call.Id
}

func TestRecording_is_fetched_and_served_to_those_who_may_hear(t *testing.T) {
	s := &store{sound: wav(4000, growing(4000), silence)}
	d := newDesk(t, s)
	d.sendAll(lines(t, "call-inbound.jsonl"))
	d.await(sampleCall)
	d.outbox.Nudge()
	until(t, "the recording is here", func() bool { return d.rows(selectRecording, sampleCall)[:5] == "ready" })
	if got, want := d.rows(selectRecording, sampleCall), fmt.Sprintf("ready | %d | 500 | audio/wav | \n",
		len(s.sound)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var peaks lanes
	if err := json.Unmarshal([]byte(d.rows(`SELECT peaks FROM recordings WHERE status = 'ready' AND duration_ms = 500`)), &peaks); err != nil {
		t.Fatal(err)
	}
	if len(peaks.Left) != maxPeaks || len(peaks.Right) != maxPeaks || peaks.Left[maxPeaks-1] != 100 ||
		peaks.Right[maxPeaks-1] != 0 {
		t.Errorf("got %d and %d points", len(peaks.Left), len(peaks.Right))
	}
	url := "/api/calls/" + d.sampleID() + "/recording"
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.Nobody: 404, testkit.AcmeSuspended: 404,
		testkit.AcmeTrainee: 403,
		testkit.AcmeViewer:  200, testkit.AcmeDeveloper: 200, testkit.AcmeOwner: 200, testkit.Sam: 200,
	} {
		rec := d.want(want, "GET", url, who, nil)
		if heard := bytes.Contains(rec.Body.Bytes(), []byte("WAVE")); heard != (want == 200) {
			t.Errorf("%q heard it: %v", who, heard)
		}
	}
	rec := d.want(200, "GET", url, testkit.AcmeViewer, nil)
	if !bytes.Equal(rec.Body.Bytes(), s.sound) || rec.Header().Get("Cache-Control") != "private, no-store" ||
		rec.Header().Get("Accept-Ranges") != "bytes" {
		t.Errorf("got %d bytes with %v", rec.Body.Len(), rec.Header())
	}
	for ranges, want := range map[string]string{"bytes=0-3": "RIFF", "bytes=8-11": "WAVE"} {
		part := d.ranged(url, ranges)
		if part.status != http.StatusPartialContent || part.body != want {
			t.Errorf("%s: got %d %q", ranges, part.status, part.body)
		}
	}
	if part := d.ranged(url, "bytes=99999999-"); part.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: got %d", part.status)
	}
	// Asked again, it is not fetched again.
	if err := d.schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	if s.asked.Load() != 1 {
		t.Errorf("the provider was asked %d times", s.asked.Load())
	}
}

func TestRecording_is_not_found_until_it_is_here(t *testing.T) {
	d := newDesk(t, nil)
	d.want(404, "GET", "/api/calls/"+testkit.AcmeLiveCall+"/recording", testkit.AcmeOwner, nil)
	d.want(404, "GET", "/api/calls/nothing00000000/recording", testkit.AcmeOwner, nil)
	d.set(collections.Recordings, testkit.AcmeRecording, map[string]any{"status": collections.RecordingPending})
	d.want(404, "GET", "/api/calls/"+testkit.AcmeCall+"/recording", testkit.AcmeOwner, nil)
	d.set(collections.Recordings, testkit.AcmeRecording, map[string]any{"status": collections.RecordingReady})
	d.want(200, "GET", "/api/calls/"+testkit.AcmeCall+"/recording", testkit.AcmeOwner, nil)
}

// deliver tries what is owed once more, at once.
func (d *desk) deliver() {
	d.t.Helper()
	d.exec(`UPDATE outbox SET next_at = '2026-01-01 00:00:00.000Z' WHERE status = 'pending'`)
	if _, err := d.outbox.Deliver(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

func TestRecording_that_fails_is_tried_again_and_then_gone(t *testing.T) {
	s := &store{sound: []byte("<html>not sound</html>")}
	d := newDesk(t, s)
	d.sendAll(lines(t, "call-inbound.jsonl"))
	d.await(sampleCall)
	status := func() string {
		return d.rows(`SELECT r.status, r.file FROM recordings r JOIN calls c ON c.id = r.call WHERE c.vapi_call_id = ?`, sampleCall)
	}
	d.outbox.Nudge()
	until(t, "the first try failed", func() bool { return status() == "failed | \n" })
	if got := d.rows(`SELECT error != '' FROM recordings WHERE status = 'failed'`); got != "1\n" {
		t.Error("the failure has no words")
	}
	s.missing.Store(true)
	tried := func() int { return int(s.asked.Load()) }
	for want := 2; want <= 4; want++ {
		d.deliver()
		until(t, "the next try", func() bool {
			return tried() >= want && d.rows(`SELECT count(*) FROM outbox WHERE kind = ? AND status = 'running'`,
				fetchKind) == "0\n"
		})
	}
	if got := status(); got != "gone | \n" {
		t.Errorf("after %d tries: got %q", tried(), got)
	}
	if got := d.rows(`SELECT status FROM outbox WHERE kind = ?`, fetchKind); got != "dead\n" {
		t.Errorf("the promise is %q", got)
	}
	// What is gone is not owed again.
	if err := d.schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	if got := d.rows(`SELECT status FROM outbox WHERE kind = ?`, fetchKind); got != "dead\n" {
		t.Errorf("the promise is %q", got)
	}
}

func TestRecording_given_up_is_owed_again(t *testing.T) {
	s := &store{sound: wav(100, silence, silence)}
	d := newDesk(t, s)
	s.missing.Store(true)
	d.sendAll(lines(t, "call-inbound.jsonl"))
	d.await(sampleCall)
	d.outbox.Nudge()
	until(t, "the first try failed", func() bool {
		return d.rows(selectRecording, sampleCall)[:6] == "failed" &&
			d.rows(`SELECT count(*) FROM outbox WHERE kind = ? AND status = 'running'`, fetchKind) == "0\n"
	})
	d.exec(`UPDATE outbox SET status = 'dead' WHERE kind = ?`, fetchKind) // the provider was away too long
	s.missing.Store(false)
	if err := d.schedule.RunNow(context.Background(), "recordings.fetch"); err != nil {
		t.Fatal(err)
	}
	until(t, "the recording is here", func() bool { return d.rows(selectRecording, sampleCall)[:5] == "ready" })
}

func TestRecording_of_a_deleted_call_is_not_fetched(t *testing.T) {
	s := &store{sound: wav(100, silence, silence)}
	d := newDesk(t, s)
	d.sendAll(lines(t, "call-inbound.jsonl")[:1])
	d.await(sampleCall)
	if err := d.engine().fetchRecording(context.Background(), fetchRow("nothing00000000")); err != nil {
		t.Errorf("got %v", err)
	}
	if s.asked.Load() != 0 {
		t.Error("the provider was asked")
	}
}

func TestRecording_of_a_call_deleted_meanwhile_leaves_no_file(t *testing.T) {
	s := &store{sound: wav(4000, silence, silence)}
	var d *desk
	var once sync.Once
	recording := ""
	d = newDesk(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { // the sound is on its way
			recording = strings.TrimSpace(d.rows(`SELECT id FROM recordings WHERE call = ?`, d.sampleID()))
			call, err := d.FindRecordById(collections.Calls, d.sampleID())
			if err == nil {
				err = d.Delete(call)
			}
			if err != nil {
				t.Error(err)
			}
		})
		s.ServeHTTP(w, r)
	}))
	d.sendAll(lines(t, "call-inbound.jsonl"))
	d.await(sampleCall)
	d.outbox.Nudge()
	until(t, "the promise is over", func() bool {
		return d.rows(`SELECT status FROM outbox WHERE kind = ?`,
			fetchKind) == "done\n"
	})
	left, err := filepath.Glob(filepath.Join(d.DataDir(), "storage", "*", recording, "*"))
	if err != nil || len(left) != 0 || recording == "" {
		t.Errorf("recording %q left %v, %v", recording, left, err)
	}
}
