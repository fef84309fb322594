// Package rate counts what comes in a stretch of time, by who it comes from.
package rate

import (
	"maps"
	"sync"
	"time"
)

// Windows counts in fixed windows, in memory. The zero value counts with the
// machine's clock. Safe for concurrent use.
type Windows struct {
	Now func() time.Time

	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	ends time.Time
	n    int
}

// keysMost bounds the memory; when it is full, what has ended goes first,
// then what was counted least: a flood of new keys must not begin the count of
// an account anew that is being tried.
const keysMost = 50_000

// Hit counts one more for the key and returns how many that makes in its
// window, which begins with its first.
func (l *Windows) Hit(key string, length time.Duration) int {
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.windows[key]
	if !ok || !now.Before(w.ends) {
		if len(l.windows) >= keysMost {
			l.makeRoom(now)
		}
		if l.windows == nil {
			l.windows = map[string]window{}
		}
		w = window{ends: now.Add(length)}
	}
	w.n++
	l.windows[key] = w
	return w.n
}

// Seen tells whether the key was counted in its window.
func (l *Windows) Seen(key string) bool {
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.windows[key]
	return ok && w.n > 0 && now.Before(w.ends)
}

// Clear begins the count of the key anew.
func (l *Windows) Clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.windows, key)
}

// Undo takes one back: it turned out to be none.
func (l *Windows) Undo(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w, ok := l.windows[key]; ok && w.n > 0 {
		w.n--
		l.windows[key] = w
	}
}

func (l *Windows) makeRoom(now time.Time) {
	maps.DeleteFunc(l.windows, func(_ string, w window) bool { return !now.Before(w.ends) })
	for least := 1; len(l.windows) >= keysMost; least *= 2 {
		maps.DeleteFunc(l.windows, func(_ string, w window) bool { return w.n <= least })
	}
}

// Pace lets so many through in each window of a key, so that one noisy line cannot
// take the writer from the others, and a stolen account cannot ring the world.
type Pace struct {
	windows Windows
	most    int
	length  time.Duration
}

// NewPace lets most through in each length of time; now is the clock, nil the machine's.
func NewPace(most int, length time.Duration, now func() time.Time) *Pace {
	return &Pace{windows: Windows{Now: now}, most: most, length: length}
}

// Allow counts one more for the key and tells whether it may pass.
func (p *Pace) Allow(key string) bool { return p.windows.Hit(key, p.length) <= p.most }
