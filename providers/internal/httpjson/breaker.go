package httpjson

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// breakerFailures in a row open the breaker: fewer would punish a hiccup.
	breakerFailures = 5
	// breakerPause is how long nobody asks a provider that is down.
	breakerPause = 30 * time.Second
	// breakerShare is how many failures of one party count at most: what one
	// customer's data brings about must not keep the provider from all others.
	breakerShare = 2
	// recoveredAfter failures in a row, the next success is worth telling.
	recoveredAfter = 2
)

type partyKey struct{}

// For says on whose behalf the requests made with ctx are: failures of one
// party alone never open the breaker.
func For(ctx context.Context, party string) context.Context {
	return context.WithValue(ctx, partyKey{}, party)
}

func partyOf(ctx context.Context) string {
	party, _ := ctx.Value(partyKey{}).(string)
	return party
}

// ErrOpen says that the provider failed several times in a row and is left
// alone for half a minute. Nothing was sent.
var ErrOpen = errors.New("the provider is not answering; trying again shortly")

type verdict int

const (
	verdictNone verdict = iota // says nothing about the provider
	verdictGood
	verdictBad
)

// breaker is closed (requests pass), open (requests fail at once), or on trial
// (one request is let through and decides). The zero value is closed.
type breaker struct {
	mu sync.Mutex
	// row are the failures since the last success, by the party asked for.
	row      map[string]int
	openTill time.Time
	trial    bool
	answered bool // it has answered since the process began
}

// failures is how many of them count, and how many there were.
func (b *breaker) failures() (counted, all int) {
	for party, n := range b.row {
		all += n
		if party != "" {
			n = min(n, breakerShare)
		}
		counted += n
	}
	return counted, all
}

func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if counted, _ := b.failures(); counted < breakerFailures {
		return true
	}
	if b.trial || now.Before(b.openTill) {
		return false
	}
	b.trial = true
	return true
}

// record notes what a request said of the provider. recovered is true for the
// success that ends a row of failures, and for the first one of all: the process
// before this one may have met them.
func (b *breaker) record(now time.Time, v verdict, party string) (recovered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch v {
	case verdictGood:
		_, all := b.failures()
		recovered = all >= recoveredAfter || !b.answered
		b.answered = true
		b.row = nil
	case verdictBad:
		if b.row == nil {
			b.row = map[string]int{}
		}
		b.row[party]++
		if counted, _ := b.failures(); counted >= breakerFailures {
			b.openTill = now.Add(breakerPause)
		}
	}
	b.trial = false
	return recovered
}

// verdictOf judges the provider, not the request: a refusal (4xx) proves that
// it is up, and our own impatience proves nothing.
func verdictOf(ctx context.Context, e *Error) verdict {
	switch {
	case e == nil:
		return verdictGood
	case ctx.Err() != nil:
		return verdictNone
	case e.Status >= http.StatusInternalServerError:
		return verdictBad
	case e.Status > 0:
		return verdictGood
	case errors.Is(e.Err, ErrTooLarge):
		return verdictGood
	}
	return verdictBad
}
