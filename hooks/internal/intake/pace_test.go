package intake

import (
	"testing"
	"time"
)

func TestPace_lets_a_telephone_through_and_no_drip(t *testing.T) {
	late := func(perSecond int64, stops time.Duration, size int64) time.Duration {
		began := time.Now()
		p := &paced{patience: Defaults().GuestPatience, began: began}
		at := began.Add(stops)
		for ; p.read < size; p.read += 1 << 10 {
			if at.After(p.deadline()) {
				return at.Sub(began)
			}
			at = at.Add(time.Second * (1 << 10) / time.Duration(perSecond))
		}
		return 0
	}
	for name, tt := range map[string]struct {
		perSecond int64
		stops     time.Duration
		until     time.Duration // 0: it arrives
	}{
		"a bad mobile line":              {20_000, 0, 0},
		"one that says nothing at first": {20_000, 3 * time.Second, 0},
		"a slower one":                   {12_000, time.Second, 0},
		"a drip":                         {100, 0, 15 * time.Second},
		"nothing":                        {20_000, time.Minute, time.Minute},
	} {
		got := late(tt.perSecond, tt.stops, Defaults().GuestBody)
		if (got == 0) != (tt.until == 0) || got > tt.until {
			t.Errorf("%s: ended after %v", name, got)
		}
	}
	stalled := &paced{patience: Defaults().GuestPatience, read: 33 << 10}
	if waits := stalled.deadline().Sub(stalled.began); waits > 8*time.Second {
		t.Errorf("half a body is held for %v", waits)
	}
}
