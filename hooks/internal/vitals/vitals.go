// Package vitals counts what the installation does and keeps what was found
// wrong with its files: health, metrics and the operator's alert read it.
package vitals

import (
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/rows"
)

const (
	// window is what a share is taken of, in minutes: long enough to see a trend,
	// short enough that a fault which is over is soon forgotten.
	window = 5
	// maxReason bounds what is kept of a failure.
	maxReason = 300
)

// Vitals are the figures of one installation since its process began. Make them
// with Of.
type Vitals struct {
	// Requests are answers to anybody; bad ones have a status from 500.
	Requests Rate
	// Messages are those of providers; bad ones were not taken in.
	Messages Rate

	mu    sync.Mutex
	found map[string]string
	look  func() // looks at all of the database; nil in commands
}

// Database is the file that everything is in.
const Database = "data.db"

const storeKey = "pocketline.vitals"

// Of returns the app's vitals.
func Of(app core.App) *Vitals {
	return app.Store().GetOrSet(storeKey, func() any { return &Vitals{found: map[string]string{}} }).(*Vitals)
}

// Found notes what is wrong with a file and what to do; "" takes it back.
func (v *Vitals) Found(file, says string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if delete(v.found, file); says != "" {
		v.found[file] = says
	}
}

// Saw notes that the database refused some work because it is damaged, and has all of
// it looked at. Anything but damage is passed over.
func (v *Vitals) Saw(err error) {
	if !Damaged(err) {
		return
	}
	v.Found(Database, Remedy(err.Error()))
	v.mu.Lock()
	look := v.look
	v.mu.Unlock()
	if look != nil {
		look()
	}
}

// OnDamage has look called whenever Saw meets damage; it must not block.
func (v *Vitals) OnDamage(look func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.look = look
}

// Damage is everything found, by file.
func (v *Vitals) Damage() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.found)
}

// Rate counts good and bad ends. The zero value is ready; safe for concurrent use.
type Rate struct {
	mu      sync.Mutex
	all     Count
	minutes [window]Count
	minute  int64 // the newest of minutes
	reason  string
	because int64            // the minute of reason
	now     func() time.Time // nil is time.Now
}

// Count is how many ends there were. Left are those nobody waited for: they are
// neither good nor bad.
type Count struct{ Good, Bad, Left uint64 }

// StatusLeft is the status of what whoever asked did not wait for. It is for the log
// and the figures; nobody reads it.
const StatusLeft = 499

// Share is the part of bad ends.
func (c Count) Share() float64 {
	if c.Bad == 0 {
		return 0
	}
	return float64(c.Bad) / float64(c.Good+c.Bad)
}

// Note counts one end by its HTTP status. What the visitor did wrong is good.
func (r *Rate) Note(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.turn()
	switch {
	case status == StatusLeft:
		r.all.Left++
	case status >= http.StatusInternalServerError:
		r.all.Bad++
		r.minutes[at].Bad++
	default:
		r.all.Good++
		r.minutes[at].Good++
	}
}

// Because keeps why the last end was bad.
func (r *Rate) Because(err error) {
	text := rows.Clip(err.Error(), maxReason)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	r.reason, r.because = text, r.minute
}

// Lately is what ended in the last minutes, and why the last of them that gave a
// reason was bad: a reason is forgotten with its minute.
func (r *Rate) Lately() (sum Count, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	if r.minute-r.because >= window || r.because > r.minute {
		r.reason = ""
	}
	for _, m := range r.minutes {
		sum.Good += m.Good
		sum.Bad += m.Bad
	}
	return sum, r.reason
}

// Since is everything since the process began.
func (r *Rate) Since() Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// turn empties the minutes that are over and returns the present one's place.
func (r *Rate) turn() int64 {
	clock := time.Now
	if r.now != nil {
		clock = r.now
	}
	minute := clock().Unix() / 60
	if minute < r.minute || minute-r.minute >= window { // long ago, or a clock that went back
		r.minutes = [window]Count{}
	} else {
		for m := r.minute + 1; m <= minute; m++ {
			r.minutes[m%window] = Count{}
		}
	}
	r.minute = minute
	return minute % window
}

// StatusOf is the status a request ends with.
func StatusOf(e *core.RequestEvent, err error) int {
	if status := e.Status(); status > 0 {
		return status
	}
	if err == nil {
		return http.StatusOK
	}
	var known interface{ StatusCode() int }
	if errors.As(err, &known) {
		return known.StatusCode()
	}
	return router.ToApiError(err).Status
}
