package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// What can be said of a fault.
const (
	held     = "HELD"
	fellDown = "FELL"
	skipped  = "SKIPPED"
	notBuilt = "not built yet"
)

// trial is a fault that is being run: whoever looks on, and what was measured.
type trial struct {
	rig.T
	// short is the choice for `make test`: fewer rounds, the same questions.
	short bool

	mu      sync.Mutex
	acked   int
	counted bool
	lost    int
	well    time.Duration
	notes   []string
}

// rounds is n, or few in the short choice.
func (t *trial) rounds(n, few int) int {
	if t.short {
		return few
	}
	return n
}

// keeps wants every acknowledged message to lie in a data directory once.
func (t *trial) keeps(dir string, acked map[string]string) {
	t.Helper()
	lost := rig.Lost(t, dir, acked)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted = true
	t.acked += len(acked)
	t.lost += len(lost)
	for n, one := range lost {
		if n == 5 {
			t.Errorf("and %d more", len(lost)-n)
			break
		}
		t.Error(one)
	}
}

// wellAfter notes how long it took until the server was well; the longest counts.
func (t *trial) wellAfter(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.well = max(t.well, d)
}

// note adds a figure.
func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// figures are what was measured, as people read it.
func (t *trial) figures() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	if t.counted {
		all = append(all, fmt.Sprintf("%d acknowledged, %d lost", t.acked, t.lost))
	}
	if t.well > 0 {
		all = append(all, fmt.Sprintf("well in %.1f s", t.well.Seconds()))
	}
	return strings.Join(append(all, t.notes...), "; ")
}

// result is what came of a fault.
type result struct {
	fault
	verdict string
	figures string
	why     string // it was skipped
	took    time.Duration
	said    []string
	broken  bool // somebody broke the run off
}

func (r result) String() string {
	tells := r.figures
	switch r.verdict {
	case skipped:
		tells = r.why
	case notBuilt:
		tells = "waits for " + r.missing
	}
	return fmt.Sprintf("%-4s %-8s %5.1f s  %s: %s", r.id, r.verdict, r.took.Seconds(), r.does, tells)
}

// inject runs a fault by itself.
func inject(f fault, breakOff <-chan os.Signal) result {
	r := result{fault: f, verdict: notBuilt}
	if f.run == nil {
		return r
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := &alone{ctx: ctx}
	t := &trial{T: a}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer a.cleanUp()
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				a.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		f.run(t)
	}()
	select {
	case <-done:
	case <-breakOff:
		r.broken = true
		cancel()
		<-done
	}
	r.verdict, r.figures, r.took, r.said, r.why = held, t.figures(), time.Since(began), a.said, a.skipped
	switch {
	case a.failed:
		r.verdict = fellDown
	case a.skipped != "":
		r.verdict = skipped
	}
	return r
}

// alone looks on where there is no test: it is a rig.T of its own.
type alone struct {
	ctx context.Context

	mu       sync.Mutex
	failed   bool
	skipped  string
	said     []string
	cleanups []func()
}

func (a *alone) Helper()                  {}
func (a *alone) Context() context.Context { return a.ctx }

func (a *alone) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanups = append(a.cleanups, f)
}

// cleanUp undoes what was set up, the last first, whatever one of them does.
func (a *alone) cleanUp() {
	for {
		a.mu.Lock()
		if len(a.cleanups) == 0 {
			a.mu.Unlock()
			return
		}
		last := a.cleanups[len(a.cleanups)-1]
		a.cleanups = a.cleanups[:len(a.cleanups)-1]
		a.mu.Unlock()
		done := make(chan struct{})
		go func() { // it may end itself, as Fatal does
			defer close(done)
			last()
		}()
		<-done
	}
}

func (a *alone) TempDir() string {
	dir, err := os.MkdirTemp("", "pocketline-fault")
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			a.Log(err)
		}
	})
	return dir
}

func (a *alone) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *alone) say(failed bool, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = a.failed || failed
	a.said = append(a.said, strings.TrimSpace(text))
}

func (a *alone) Log(args ...any)                   { a.say(false, fmt.Sprintln(args...)) }
func (a *alone) Logf(format string, args ...any)   { a.say(false, fmt.Sprintf(format, args...)) }
func (a *alone) Error(args ...any)                 { a.say(true, fmt.Sprintln(args...)) }
func (a *alone) Errorf(format string, args ...any) { a.say(true, fmt.Sprintf(format, args...)) }

func (a *alone) Fatal(args ...any) {
	a.Error(args...)
	runtime.Goexit()
}

func (a *alone) Fatalf(format string, args ...any) {
	a.Errorf(format, args...)
	runtime.Goexit()
}

func (a *alone) Skip(args ...any) {
	a.mu.Lock()
	a.skipped = strings.TrimSpace(fmt.Sprintln(args...))
	a.mu.Unlock()
	runtime.Goexit()
}
