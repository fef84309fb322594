package vitals

import (
	"errors"
	"testing"
	"time"
)

func TestRate_forgets_what_is_over(t *testing.T) {
	at := time.Unix(1_000_000_020, 0)
	r := Rate{now: func() time.Time { return at }}
	for _, status := range []int{200, 404, StatusLeft, 503, 500} { // one of them was not waited for
		r.Note(status)
	}
	r.Because(errors.New("the disk"))
	got, why := r.Lately()
	if got != (Count{2, 2, 0}) || got.Share() != 0.5 || why != "the disk" {
		t.Errorf("got %v, %q", got, why)
	}
	at = at.Add((window - 1) * time.Minute)
	r.Note(200)
	if got, why := r.Lately(); got != (Count{3, 2, 0}) || why != "the disk" {
		t.Errorf("within the window: got %v, %q", got, why)
	}
	at = at.Add(time.Minute)
	if got, why := r.Lately(); got != (Count{1, 0, 0}) || why != "" {
		t.Errorf("a minute later: got %v, %q", got, why)
	}
	at = at.Add(-time.Hour) // the clock went back
	r.Note(503)
	if got, _ := r.Lately(); got != (Count{0, 1, 0}) || r.Since() != (Count{3, 3, 1}) {
		t.Errorf("after the clock went back: got %v, %v in all", got, r.Since())
	}
	r.Because(errors.New("the next"))
	at = at.Add(-time.Hour)
	if _, why := r.Lately(); why != "" {
		t.Errorf("a reason of later than now: %q", why)
	}
}
