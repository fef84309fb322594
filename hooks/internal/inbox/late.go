package inbox

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Messages that are stored after their answer.
const (
	// lateWriters is how many of them enter the inbox at once: one stores some
	// hundred a second and leaves the processor to answering.
	lateWriters = 1
	// lateMax is how many may wait for that.
	lateMax = 1024
	// keptMax and keptBytes bound what is answered and could not be stored: on a full
	// disk it waits in memory.
	keptMax   = 1024
	keptBytes = 32 << 20
	// keptEvery is how long after a failure it is tried again.
	keptEvery = time.Second
)

// errKeptFull says that so many answered messages wait for room that no more may.
var errKeptFull = errors.New("inbox: too many answered messages wait to be stored")

// late is an answered message that is still to be stored.
type late struct {
	door   *door
	letter *Letter
	in     Incoming
	size   int // bytes of its body
}

// storeLater keeps an answered message. When more are answered than can be written it
// is dropped: what comes next brings the same facts.
func (d *Doors) storeLater(l late) {
	d.answered.Add(1)
	select {
	case d.late <- l:
		d.wakeLate()
	default:
		d.answered.Done()
		d.drop()
	}
}

// drop counts an answered message that will not be stored.
func (d *Doors) drop() {
	if n := d.dropped.Add(1); n%lateMax == 1 { // one line, not one a call
		d.app.Logger().Warn("answered messages are not stored: too many at once", "dropped", n)
	}
}

// wakeLate sees to it that what waits is written, by lateWriters at most.
func (d *Doors) wakeLate() {
	select {
	case d.lateSlots <- struct{}{}:
		go d.writeLate()
	default: // enough are at it, and they look once more before they leave
	}
}

// writeLate stores answered messages until none waits.
func (d *Doors) writeLate() {
	for {
		select {
		case l := <-d.late:
			if err := l.store(); err != nil {
				d.keep(l, err)
			}
			d.answered.Done()
			continue
		default:
		}
		<-d.lateSlots
		if len(d.late) > 0 {
			d.wakeLate()
		}
		return
	}
}

func (l late) store() error { return l.door.store(context.Background(), l.letter, l.in, nil) }

// kept are answered messages that could not be stored, in the order of their answers.
type kept struct {
	storing sync.Mutex // held while what waits is stored

	mu      sync.Mutex
	waiting []late
	bytes   int
	retry   *time.Timer // nil while nothing waits
	over    bool        // the server stops: nothing waits any longer
}

// admits tells whether one more message of so many bytes may wait.
func (k *kept) admits(size int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.waiting) < keptMax && k.bytes+size <= keptBytes
}

// put has a message wait, and tells whether it may.
func (k *kept) put(l late, again func()) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	// What acted was let in before: a crowd of them may go beyond, by as many as are
	// answered at once.
	full := len(k.waiting) >= keptMax || k.bytes+l.size > keptBytes
	if k.over || full && !l.letter.Acts {
		return false
	}
	k.waiting = append(k.waiting, l)
	k.bytes += l.size
	if k.retry == nil {
		k.retry = time.AfterFunc(keptEvery, again)
	}
	return true
}

// first is what waits longest.
func (k *kept) first() (l late, waits bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.waiting) == 0 {
		k.retry = nil
		return l, false
	}
	return k.waiting[0], true
}

// done takes what waited longest away, or puts it behind the others.
func (k *kept) done(stored bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.waiting[0]
	k.waiting = k.waiting[1:]
	if stored {
		k.bytes -= l.size
		return
	}
	k.waiting = append(k.waiting, l)
}

// keep has an answered message wait until it can be stored. Health counts it as one
// that was not taken in.
func (d *Doors) keep(l late, why error) {
	d.notStored(why)
	if errors.Is(why, ErrStopped) || !d.kept.put(l, d.storeKept) {
		d.drop()
		return
	}
	d.app.Logger().Warn("answered message not stored: it is kept until there is room",
		"provider", l.door.Provider, "error", why)
}

// notStored counts an answered message that could not be stored.
func (d *Doors) notStored(why error) {
	d.untaken(why)
	d.vitals.Messages.Note(http.StatusServiceUnavailable)
}

// storeKept stores what waits, and looks again later when it cannot.
func (d *Doors) storeKept() {
	if err := d.storeAllKept(); err != nil {
		d.kept.mu.Lock()
		defer d.kept.mu.Unlock()
		if !d.kept.over {
			d.kept.retry = time.AfterFunc(keptEvery, d.storeKept)
		}
	}
}

// storeAllKept stores what waits until one fails, which goes behind the others: it may
// be the only one that cannot be stored.
func (d *Doors) storeAllKept() error {
	d.kept.storing.Lock()
	defer d.kept.storing.Unlock()
	n := 0
	for {
		l, waits := d.kept.first()
		if !waits {
			if n > 0 {
				d.app.Logger().Info("answered messages that were kept are stored", "messages", n)
			}
			return nil
		}
		err := l.store()
		d.kept.done(err == nil)
		if err != nil {
			d.notStored(err)
			return err
		}
		n++
	}
}

// lastTry stores what still waits when the server stops; what finds no room now is
// lost, and said.
func (d *Doors) lastTry() {
	d.kept.mu.Lock()
	d.kept.over = true
	if d.kept.retry != nil {
		d.kept.retry.Stop()
	}
	tries := len(d.kept.waiting)
	d.kept.mu.Unlock()
	var err error
	for range tries { // each failure puts one behind the others
		if err = d.storeAllKept(); err == nil {
			return
		}
	}
	if err != nil {
		d.app.Logger().Error("answered messages are lost: the server stops, and they could not be stored", "error", err)
	}
}
