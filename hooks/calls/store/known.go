package store

import (
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
)

// Known is what the writer knows of a call that runs: its row, so that a message
// need not read it again, and which states are on the timeline.
type Known struct {
	Call   fold.Call
	Found  bool
	states map[string]fold.Instant // by key, the position it is stored with or a later one

	Asked, Buried bool // of a call without a row: whether it was deleted
}

// Recall returns what is known of a source's call, from memory or its row.
func Recall(tx *inbox.Tx, source fold.Source) (*Known, error) {
	if fact, ok := tx.Recall(source.String()); ok {
		return fact.(*Known), nil
	}
	c, found, err := Load(tx, source)
	if err != nil {
		return nil, err
	}
	k := &Known{Call: c, Found: found, states: map[string]fold.Instant{}}
	if found {
		k.Keep(tx)
	}
	return k, nil
}

// News are the events that storing would change the timeline with.
func (k *Known) News(events []fold.Event) []fold.Event {
	news := events[:0]
	for _, ev := range events {
		if position, stored := k.states[ev.Key]; !stored || ev.Data != nil || ev.Position < position {
			news = append(news, ev)
		}
	}
	return news
}

// Remember keeps the call as it is stored now, while it runs. After its report
// few messages come, if any.
func (k *Known) Remember(tx *inbox.Tx, after fold.Call, ch fold.Changes) {
	if after.ReportedAt != 0 {
		Forget(tx, after.Source)
		return
	}
	for _, ev := range ch.Events {
		if ev.Data == nil {
			k.states[ev.Key] = ev.Position
		}
	}
	k.Call, k.Found = after, true
	k.Keep(tx)
}

// Keep lets the next message of the call recall it.
func (k *Known) Keep(tx *inbox.Tx) { tx.Remember(k.Call.Source.String(), k) }

// Forget drops what is known of a call: its row is another now.
func Forget(tx *inbox.Tx, source fold.Source) { tx.Forget(source.String()) }
