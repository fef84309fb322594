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
)

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
	mu       sync.Mutex
	failures int
	openTill time.Time
	trial    bool
}

func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerFailures {
		return true
	}
	if b.trial || now.Before(b.openTill) {
		return false
	}
	b.trial = true
	return true
}

func (b *breaker) record(now time.Time, v verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch v {
	case verdictGood:
		b.failures = 0
	case verdictBad:
		b.failures++
		if b.failures >= breakerFailures {
			b.openTill = now.Add(breakerPause)
		}
	}
	b.trial = false
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
