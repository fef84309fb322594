package inbox

import "time"

// pace estimates how fast messages come, so that the writer gathers only when
// gathering pays.
type pace struct {
	since time.Time
	seen  int
	rate  float64 // a second
	now   func() time.Time
}

func newPace() *pace { return &pace{now: time.Now, since: time.Now()} }

// count adds messages; every tenth of a second the estimate moves half way to
// what was seen.
func (p *pace) count(n int) {
	p.seen += n
	if elapsed := p.now().Sub(p.since); elapsed >= 100*time.Millisecond {
		p.rate = (p.rate + float64(p.seen)/elapsed.Seconds()) / 2
		p.since, p.seen = p.now(), 0
	}
}

func (p *pace) slow() bool { return p.rate < gatherRate }
