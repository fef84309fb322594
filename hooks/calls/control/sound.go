package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// soundsPerPerson is how many calls one person hears at once: two open pages with
	// room. Nobody follows more.
	soundsPerPerson = 4
	// soundsPerOrganization is how many an organization's people hear at once: nobody else
	// goes without because of one.
	soundsPerOrganization = 40
	// soundsMost is how many are heard at once on the installation: each is 32 kB a
	// second in and out.
	soundsMost = 100
	// rightsEvery is how often it is looked at whether the listener still may.
	rightsEvery = 5 * time.Second
)

var soundRoute = facade.Route{
	Method: "GET", Path: "/api/calls/{id}/sound", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "The sound of a running call as it is spoken, until the call is over. Who listens is written into the audit log.",
	Answer:  "audio/wav of a length nobody knows yet: PCM of 16 bits, its rate and channels in the head",
	Errors: "403 the person may not view calls · 409 the call is over or its sound cannot be heard · " +
		"429 the person listens to four already, or the organization to forty · 502 the provider refused",
}

// hearers counts who hears calls just now.
type hearers struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by a person's or an organization's id
}

// enter counts one more, unless there are too many already; leave takes it back.
func (h *hearers) enter(person, organization string) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= soundsMost || h.of[person] >= soundsPerPerson || h.of[organization] >= soundsPerOrganization {
		return nil, false
	}
	if h.of == nil {
		h.of = map[string]int{}
	}
	h.count(1, person, organization)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.count(-1, person, organization)
	}, true
}

func (h *hearers) count(n int, ids ...string) {
	h.all += n
	for _, id := range ids {
		if h.of[id] += n; h.of[id] == 0 {
			delete(h.of, id)
		}
	}
}

// sound is GET /api/calls/{id}/sound, for the people who may hear recordings. The
// provider's address stays here: it opens the call to whoever has it.
func (co *Control) sound(re *core.RequestEvent) error {
	call, t, err := lists.CallToView(co.app, re)
	if err != nil {
		return err
	}
	leave, ok := co.hearing.enter(re.Auth.Id, t.ID())
	if !ok {
		return refusal.Of("too_many_requests/streams")
	}
	defer leave()
	listener := co.Hub.Listen(call.Id, follower(t), t.ID())
	defer listener.Close()
	// As for the words: what ended while we began to listen would never be heard of.
	if call, _, err = lists.CallToView(co.app, re); err != nil {
		return err
	}
	url, err := co.soundAddress(call)
	if err != nil {
		return err
	}
	if re.Request.Method == http.MethodHead { // nobody hears anything
		return re.NoContent(http.StatusOK)
	}
	ctx, stop := context.WithCancel(re.Request.Context())
	defer stop()
	heard, err := co.Vapi.Calls.Listen(vapi.For(ctx, t.ID()), url)
	if err != nil {
		return providerError(err)
	}
	defer func() { _ = heard.Close() }() // the call's end, or the listener's: nothing is owed to it
	// Nobody hears a call without its being written down.
	if err := audit.Add(co.app, audit.Entry{
		Organization: t.ID(), Actor: audit.ActorOf(re), Action: "calls.listen",
		Resource: collections.Calls, Record: call.Id,
	}); err != nil {
		return err
	}
	go guard(ctx, stop, listener, mayStill(re, t.ID()))
	return passOn(ctx, re, heard)
}

// guard stops the sound when the call is over or the right to hear it is.
func guard(ctx context.Context, stop func(), listener *live.Listener, may func() bool) {
	defer stop()
	ticker := time.NewTicker(rightsEvery)
	defer ticker.Stop()
	limit := time.NewTimer(lists.Longest)
	defer limit.Stop()
	for {
		select {
		case data := <-listener.Lines():
			if isOver(data) {
				return
			}
		case <-ticker.C:
		case <-listener.Done():
			return
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
		if !may() {
			return
		}
	}
}

// isOver tells whether a message of a call's topic is its last.
func isOver(data []byte) bool {
	var m store.LiveMessage
	return json.Unmarshal(data, &m) == nil && m.Type == "over"
}

// passOn sends the sound as it comes. Its first stretch is waited for: only then it is
// known how it sounds.
func passOn(ctx context.Context, re *core.RequestEvent, heard *vapi.Sound) error {
	data, err := heard.Next(ctx)
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return refusal.Of("call_over/sound")
	}
	if err != nil {
		return providerError(err)
	}
	h := re.Response.Header()
	h.Set("Content-Type", "audio/wav")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	re.Response.WriteHeader(http.StatusOK)
	control := http.NewResponseController(re.Response)
	data = append(waveHead(heard.Rate, heard.Channels), data...)
	for err == nil {
		if err = flushed(re, control, data); err == nil {
			data, err = heard.Next(ctx)
		}
	}
	return nil // over, or one of the two is gone: the sound that came was sent
}

// waveHead is the head of a WAV file that goes on until it ends.
func waveHead(rate, channels int) []byte {
	le, frame := binary.LittleEndian, 2*channels
	out := append(make([]byte, 0, 44), "RIFF"...)
	out = le.AppendUint32(out, math.MaxUint32)
	out = append(out, "WAVEfmt "...)
	out = le.AppendUint32(out, 16)
	out = le.AppendUint16(out, 1) // PCM
	out = le.AppendUint16(out, uint16(channels))
	out = le.AppendUint32(out, uint32(rate))
	out = le.AppendUint32(out, uint32(rate*frame))
	out = le.AppendUint16(out, uint16(frame))
	out = le.AppendUint16(out, 16)
	out = append(out, "data"...)
	return le.AppendUint32(out, math.MaxUint32)
}
