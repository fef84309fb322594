// Package remembered keeps in memory what was read, until it changes.
//
// A Cache is filled by reading and emptied by whoever learns of a change: rows say
// so after their commit (OnChange), SQL that fires no hook must say so itself. What was
// read before a change and arrives after it is answered to those who asked before, and
// never kept. Several who ask for the same at the same time wait for one reading. What
// failed is neither kept nor shared.
package remembered

import (
	"context"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
)

// Always is for what only a change makes untrue.
const Always time.Duration = 1<<63 - 1

// Cache remembers values by key; make one with New. The values are shared: whoever
// is given one reads it and never changes it.
type Cache[K comparable, V any] struct {
	most int
	now  func() time.Time

	mu    sync.RWMutex
	known map[K]value[V]
	// loads are the readings under way that may be kept. A change takes them out.
	loads map[K]*load[V]
}

type value[V any] struct {
	is    V
	until time.Time // zero is always
}

type load[V any] struct {
	is     V
	shared bool
	done   chan struct{} // made by the first who waits
}

// New makes a cache of at most so many values; a full one drops any of them for a new
// one. now is the clock, nil is time.Now.
func New[K comparable, V any](most int, now func() time.Time) *Cache[K, V] {
	if now == nil {
		now = time.Now
	}
	return &Cache[K, V]{most: most, now: now, known: map[K]value[V]{}, loads: map[K]*load[V]{}}
}

// Get answers from memory, or reads. read says how long the value may be believed; zero
// is not at all, and then those who asked at the same time read for themselves. The
// error is read's, or the context's when it ended while another one read.
func (c *Cache[K, V]) Get(ctx context.Context, key K, read func() (V, time.Duration, error)) (V, error) {
	c.mu.RLock()
	found, ok := c.known[key]
	c.mu.RUnlock()
	if ok && c.holds(found) {
		return found.is, nil
	}
	return c.load(ctx, key, read)
}

// GetIn is Get as app sees it: a transaction neither believes the memory nor fills it,
// since it has rows that may never be committed.
func (c *Cache[K, V]) GetIn(app core.App, key K, read func() (V, time.Duration, error)) (V, error) {
	if app.IsTransactional() {
		is, _, err := read()
		return is, err
	}
	return c.Get(context.Background(), key, read)
}

func (c *Cache[K, V]) holds(v value[V]) bool { return v.until.IsZero() || c.now().Before(v.until) }

func (c *Cache[K, V]) load(ctx context.Context, key K, read func() (V, time.Duration, error)) (is V, err error) {
	c.mu.Lock()
	if found, ok := c.known[key]; ok && c.holds(found) {
		c.mu.Unlock()
		return found.is, nil
	}
	if other := c.loads[key]; other != nil {
		if other.done == nil {
			other.done = make(chan struct{})
		}
		c.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return is, ctx.Err()
		}
		if other.shared {
			return other.is, nil
		}
		is, _, err = read()
		return is, err
	}
	mine := &load[V]{}
	c.loads[key] = mine
	c.mu.Unlock()

	var keep time.Duration
	defer func() { c.end(key, mine, keep) }() // a panic lets nobody wait for ever
	is, keep, err = read()
	if err != nil {
		keep = 0
	}
	mine.is, mine.shared = is, keep > 0
	return is, err
}

// end lets go whoever waits, and keeps what was read unless it changed meanwhile.
func (c *Cache[K, V]) end(key K, l *load[V], keep time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.done != nil {
		close(l.done)
	}
	if c.loads[key] != l {
		return
	}
	delete(c.loads, key)
	delete(c.known, key) // what was there is over
	if keep <= 0 {
		return
	}
	if len(c.known) >= c.most {
		for one := range c.known {
			delete(c.known, one)
			break
		}
	}
	v := value[V]{is: l.is}
	if keep != Always {
		v.until = c.now().Add(keep)
	}
	c.known[key] = v
}

// Forget drops what is known of a key; a reading under way is not kept.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, key)
	delete(c.loads, key)
}

// ForgetIf drops the values about which about is true. No reading under way is kept,
// since nobody can tell yet what it is about.
func (c *Cache[K, V]) ForgetIf(about func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, v := range c.known {
		if about(v.is) {
			delete(c.known, key)
		}
	}
	clear(c.loads)
}

// Clear drops everything.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
	clear(c.loads)
}

// Replace remembers a changed copy of what was read, as long as that would have been.
// When something else or nothing is known by now, it stays so.
func Replace[K, V comparable](c *Cache[K, V], key K, was, is V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.known[key]; ok && found.is == was {
		c.known[key] = value[V]{is, found.until}
	}
}

// OnChange tells of every row of the collections that was made, changed or deleted,
// after it was committed: what is rolled back is not told.
func OnChange(app core.App, do func(*core.Record), collections ...string) {
	told := func(e *core.RecordEvent) error {
		do(e.Record)
		return e.Next()
	}
	app.OnRecordAfterCreateSuccess(collections...).BindFunc(told)
	app.OnRecordAfterUpdateSuccess(collections...).BindFunc(told)
	app.OnRecordAfterDeleteSuccess(collections...).BindFunc(told)
}
