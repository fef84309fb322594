package outbox

import "time"

const (
	// usualTimeout is what one delivery may take; three tries of 15 s at a
	// provider and a look fit.
	usualTimeout = 60 * time.Second
	// leaseLonger is how much longer a row stays claimed, so that it is never given
	// away under a handler.
	leaseLonger = 30 * time.Second
	// usualWorkers deliver at the same time: they wait for others' servers, not for
	// this machine.
	usualWorkers = 4
	// kindMost is how many rows of a kind are under way at the same time, in all its
	// lanes: each may hold a connection and a payload.
	kindMost = 64
)

// usualDelays are the waits after the first, second, … failure.
var usualDelays = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute,
	time.Hour, 6 * time.Hour}

// Kind is how promises of one kind are kept. The zero value is how most are.
type Kind struct {
	// Delays are the waits after the first, second, … failure, each shortened at
	// random (full jitter), so that what failed together does not return together.
	// After the last the row is dead. Without any: from 5 s to 6 h, six of them.
	Delays []time.Duration
	// Timeout is what one delivery may take; 0 is a minute.
	Timeout time.Duration
	// Workers is how many rows of a lane are delivered at the same time; 0 is four.
	Workers int
	// Lane names what the delivery of a row waits for: a receiver, a mail server. A
	// lane whose rows hang holds up no other one. Without it the kind is one lane.
	// Kinds that name the same lane share its workers, of which both say the same
	// number.
	Lane func(r Row) string
	// Serial promises do not run side by side when their keys agree up to the last
	// colon.
	Serial bool
	// Provider is whom the deliveries speak to, one of collections.Provider…; when it
	// answers again they are hurried (Answers). Empty: nobody hurries them.
	Provider string

	sealed Sealed
}

// filled is k with what it leaves to us.
func (k Kind) filled(name string) Kind {
	if k.Delays == nil {
		k.Delays = usualDelays
	}
	if k.Timeout == 0 {
		k.Timeout = usualTimeout
	}
	if k.Workers == 0 {
		k.Workers = usualWorkers
	}
	if k.Lane == nil {
		k.Lane = func(Row) string { return name }
	}
	return k
}

// lease is how long a row of the kind stays claimed.
func (k Kind) lease() time.Duration { return k.Timeout + leaseLonger }

// underWay counts the rows this process delivers.
type underWay struct {
	lanes, kinds map[string]int
	most         map[string]int // what a lane in lanes may have
}

func (u *underWay) begin(k Kind, kind, lane string) {
	u.lanes[lane]++
	u.kinds[kind]++
	u.most[lane] = k.Workers
}

func (u *underWay) end(kind, lane string) {
	if u.kinds[kind]--; u.kinds[kind] == 0 {
		delete(u.kinds, kind)
	}
	if u.lanes[lane]--; u.lanes[lane] == 0 {
		delete(u.lanes, lane)
		delete(u.most, lane)
	}
}

// full are the lanes whose workers are all at work.
func (u *underWay) full() []string {
	full := []string{}
	for lane, n := range u.lanes {
		if n >= u.most[lane] {
			full = append(full, lane)
		}
	}
	return full
}
