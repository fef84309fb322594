package rate

import (
	"fmt"
	"testing"
	"time"
)

func TestWindows_count_in_windows_of_their_own(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	l := Windows{Now: func() time.Time { return at }}
	for n := range 3 {
		if got := l.Hit("a", time.Minute); got != n+1 {
			t.Errorf("got %d, want %d", got, n+1)
		}
	}
	if got := l.Hit("b", time.Minute); got != 1 {
		t.Errorf("another key counts %d", got)
	}
	at = at.Add(time.Minute)
	if got := l.Hit("a", time.Minute); got != 1 {
		t.Errorf("after the window: got %d, want 1", got)
	}
	for n := range keysMost + 10 {
		l.Hit(fmt.Sprint(n), time.Hour)
	}
	if len(l.windows) > keysMost {
		t.Errorf("%d windows are kept, want at most %d", len(l.windows), keysMost)
	}
}

func TestPace_begins_anew_with_each_window(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	p := NewPace(2, time.Second, func() time.Time { return at })
	for i, want := range []bool{true, true, false} {
		if p.Allow("a") != want {
			t.Errorf("message %d: want %v", i, want)
		}
	}
	if !p.Allow("b") {
		t.Error("another one is not let through")
	}
	at = at.Add(time.Second)
	if !p.Allow("a") {
		t.Error("the next second is not let through")
	}
}
