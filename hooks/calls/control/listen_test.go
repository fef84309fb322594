package control

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestListen_says_something_when_nothing_is_said(t *testing.T) {
	var hub *live.Hub
	testkit.New(t, func(app core.App) { hub = live.New(app, nil, 0) })
	listener := hub.Listen("quiet", "", testkit.Acme)
	defer listener.Close()
	rec := httptest.NewRecorder()
	re := new(core.RequestEvent)
	re.Request, re.Response = httptest.NewRequest("GET", "/", nil), rec
	stream := &eventStream{re: re, control: http.NewResponseController(rec), sent: map[string]bool{},
		may: func() bool { return true }}
	quiet, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		follow(context.Background(), stream, listener, quiet)
	}()
	quiet <- time.Now()
	hub.Line("quiet", store.LiveMessage{Type: "line", Role: "user", Content: "hello", Position: 1})
	hub.Line("quiet", store.LiveMessage{Type: "line", Role: "user", Content: "hello",
		Position: 1}) // stored and told at once
	hub.Line("quiet", store.LiveMessage{Type: "line", Role: "assistant", Content: "yes", Position: 1})
	hub.Line("quiet", store.LiveMessage{Type: "over", Status: "completed"})
	<-done
	got := rec.Body.String()
	if !strings.HasPrefix(got, ": keep-alive\n\n") || strings.Count(got, "hello") != 1 ||
		strings.Count(got, "yes") != 1 || !strings.HasSuffix(got, "\"status\":\"completed\"}\n\n") {
		t.Errorf("got %s", got)
	}
}

func TestHearers_leave_room_for_other_organizations(t *testing.T) {
	var h hearers
	person := func(n int) string { return "person" + strconv.Itoa(n/soundsPerPerson) }
	var leave []func()
	for n := range soundsPerOrganization {
		out, ok := h.enter(person(n), testkit.Acme)
		if !ok {
			t.Fatalf("%d is refused", n)
		}
		leave = append(leave, out)
	}
	if _, ok := h.enter(person(soundsPerOrganization), testkit.Acme); ok {
		t.Error("one more of the same organization is let in")
	}
	out, ok := h.enter("sam", testkit.Bolt)
	if !ok {
		t.Fatal("somebody of another one is refused")
	}
	for _, one := range append(leave, out) {
		one()
	}
	if h.all != 0 || len(h.of) != 0 {
		t.Errorf("after all left: %d, %v", h.all, h.of)
	}
}
