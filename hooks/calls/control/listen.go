package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// listenKeepAlive is how often a quiet stream says something.
	listenKeepAlive = 20 * time.Second
	// listenDeadline is how long one write may take before the reader is cut off.
	listenDeadline = 5 * time.Second
)

// Listen is GET /functions/v1/calls/{id}/listen: what happens in a call as
// server-sent events, or, asked for JSON, where its sound can be heard
// (requirements G-39).
func (co *Control) Listen(re *core.RequestEvent) error {
	call, t, err := lists.CallToView(co.app, re)
	if err != nil {
		return err
	}
	if wantsAddress(re.Request.Header) {
		return co.listenURL(re, call)
	}
	listener := co.Hub.Listen(call.Id, follower(t), t.ID())
	defer listener.Close()
	// What happened between looking and listening, the end of the call or of the
	// right to listen, would never be heard of.
	if call, _, err = lists.CallToView(co.app, re); err != nil {
		return err
	}

	stream := &eventStream{re: re, control: http.NewResponseController(re.Response), sent: map[string]bool{}}
	stream.may = mayStill(re, t.ID())
	if stream.begin() != nil {
		return nil // the reader left
	}
	// What was said before is sent first; the listener is already in place, so
	// nothing falls between.
	if err := co.replay(stream, call.Id); err != nil {
		return nil // the reader left
	}
	if store.Of(call).Over() {
		_ = stream.send("over", []byte(`{"type":"over","status":"`+call.GetString("status")+`"}`))
		return nil
	}
	ticker := time.NewTicker(listenKeepAlive)
	defer ticker.Stop()
	follow(re.Request.Context(), stream, listener, ticker.C)
	return nil
}

// follower is who listens, for the hub, which ends what a person may not hear any more.
func follower(t *tenant.Tenant) string {
	if t.User == nil {
		return ""
	}
	return t.User.Id
}

// mayStill tells, from memory, whether who sent the request may still hear calls.
func mayStill(re *core.RequestEvent, organization string) func() bool {
	return func() bool {
		t, err := tenant.In(re, organization)
		return err == nil && t.Can(collections.CanViewCalls)
	}
}

// follow sends what is heard until the call is over, the reader leaves or is
// cut off.
func follow(ctx context.Context, stream *eventStream, listener *live.Listener, quiet <-chan time.Time) {
	limit := time.NewTimer(lists.Longest) // as long as a call can be
	defer limit.Stop()
	for {
		select {
		case data := <-listener.Lines():
			select {
			case <-listener.Done():
				return // nothing more, not even what waits already
			default:
			}
			if !stream.may() {
				return // the session or key it was opened with is over
			}
			if over, err := stream.message(data); over || err != nil {
				return
			}
		case <-quiet:
			if !stream.may() || stream.comment("keep-alive") != nil {
				return
			}
		case <-listener.Done():
			return
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// replay sends the lines stored so far.
func (co *Control) replay(stream *eventStream, id string) error {
	reads, err := database.Reading(co.app)
	if err != nil {
		return err
	}
	rows, err := reads.QueryContext(stream.re.Request.Context(),
		`SELECT role, content, position, offset_ms FROM messages WHERE call = ? ORDER BY position LIMIT 2000`, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		m := store.LiveMessage{Type: "line"}
		if err := rows.Scan(&m.Role, &m.Content, &m.Position, &m.OffsetMS); err != nil {
			return err
		}
		data, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := stream.message(data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// wantsAddress tells whether the caller asks for JSON. The old system's library
// says only who it is.
func wantsAddress(header http.Header) bool {
	accept := header.Get("Accept")
	return strings.Contains(accept, "application/json") ||
		!strings.Contains(accept, "text/event-stream") && strings.HasPrefix(header.Get("X-Client-Info"), "supabase")
}

// listenURL answers with the address of the sound, which is a capability: only
// people who may act in calls get it. The dashboard never asks: it hears the sound
// through this server (sound.go).
func (co *Control) listenURL(re *core.RequestEvent, call *core.Record) error {
	if _, _, err := lists.CallToWork(co.app, re); err != nil {
		return err
	}
	url, err := co.soundAddress(call)
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK,
		facade.Functions(re, facade.Answer{Row: map[string]any{"listen_url": url, "url": url}}))
}

// soundAddress opens the address where a running call is heard.
func (co *Control) soundAddress(call *core.Record) (string, error) {
	stored := call.GetString("listen_url")
	if stored == "" || store.Of(call).Over() {
		return "", refusal.Of("call_over/sound")
	}
	url, err := co.Sealed.Open(stored, sealed.Place(collections.Calls, call.Id, "listen_url"))
	if err != nil {
		return "", err
	}
	// Rows stored before addresses were checked are still there.
	if co.Vapi.CheckListen(url) != nil {
		return "", refusal.Of("call_over/sound")
	}
	return url, nil
}

// eventStream writes server-sent events.
type eventStream struct {
	re      *core.RequestEvent
	control *http.ResponseController
	sent    map[string]bool // lines, by who said them when
	may     func() bool     // whether the reader may still listen
}

// begin sends the head at once: the first line may be long in coming.
func (s *eventStream) begin() error {
	h := s.re.Response.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s.re.Response.WriteHeader(http.StatusOK)
	return s.comment("listening")
}

// message sends one message of the call and tells whether it was the last. A
// line that was stored while the stream began comes twice and goes out once.
func (s *eventStream) message(data []byte) (over bool, err error) {
	var m store.LiveMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return false, err
	}
	if m.Type == "line" {
		key := m.Role + strconv.FormatInt(m.Position, 10)
		if s.sent[key] {
			return false, nil
		}
		s.sent[key] = true
	}
	return m.Type == "over", s.send(m.Type, data)
}

func (s *eventStream) send(kind string, data []byte) error {
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", kind, data))
}

func (s *eventStream) comment(text string) error { return s.write(": " + text + "\n\n") }

func (s *eventStream) write(text string) error { return flushed(s.re, s.control, []byte(text)) }

// flushed writes and sends at once; a reader that does not take it in time is cut off.
func flushed(re *core.RequestEvent, control *http.ResponseController, data []byte) error {
	if err := control.SetWriteDeadline(time.Now().Add(listenDeadline)); err != nil &&
		!errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := re.Response.Write(data); err != nil {
		return err
	}
	return re.Flush()
}
