package calls

import "github.com/pocketline/pocketline/hooks/internal/inbox"

// known is what the writer knows of a call that runs: its row, so that a message
// need not read it again, and which states are on the timeline.
type known struct {
	call   call
	found  bool
	states map[string]instant // by key, the position it is stored with or a later one

	asked, buried bool // of a call without a row: whether it was deleted
}

// recall returns what is known of a provider's call, from memory or its row.
func recall(tx *inbox.Tx, vapiID string) (*known, error) {
	if fact, ok := tx.Recall(vapiID); ok {
		return fact.(*known), nil
	}
	c, found, err := load(tx, vapiID)
	if err != nil {
		return nil, err
	}
	return &known{call: c, found: found, states: map[string]instant{}}, nil
}

// news are the events that storing would change the timeline with.
func (k *known) news(events []event) []event {
	news := events[:0]
	for _, ev := range events {
		if position, stored := k.states[ev.Key]; !stored || ev.Data != nil || ev.Position < position {
			news = append(news, ev)
		}
	}
	return news
}

// remember keeps the call as it is stored now, while it runs. After its report
// few messages come, if any.
func (k *known) remember(tx *inbox.Tx, after call, ch changes) {
	if after.ReportedAt != 0 {
		tx.Forget(after.VapiID)
		return
	}
	for _, ev := range ch.events {
		if ev.Data == nil {
			k.states[ev.Key] = ev.Position
		}
	}
	k.call, k.found = after, true
	tx.Remember(after.VapiID, k)
}
