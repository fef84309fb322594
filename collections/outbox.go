package collections

import "github.com/pocketbase/pocketbase/core"

// Outbox rows are promises to do something elsewhere, written in the
// transaction of the change that made them (hooks/internal/outbox).
const Outbox = "outbox"

// States of a promise.
const (
	OutboxPending = "pending"
	OutboxRunning = "running"
	OutboxDone    = "done"
	OutboxDead    = "dead" // given up; a person may try again
)

// OutboxWaiting is the condition of the index over promises that wait in their lanes.
// SQLite uses that index only where a query repeats it word for word.
const OutboxWaiting = "status = 'pending'"

func outbox() *core.Collection {
	c := base(Outbox,
		relation("organization", Organizations),
		required(text("kind", nameMax)),
		// The same promise made twice is one row.
		required(text("key", shortMax)),
		// What its delivery waits for; promises of before lanes have none.
		text("lane", shortMax),
		object("payload", LargeJSON),
		required(choice("status", OutboxPending, OutboxRunning, OutboxDone, OutboxDead)),
		integer("attempts"),
		date("next_at"),
		date("lease_until"),
		text("error", descriptionMax*2),
		date("done_at"),
	)
	unique(c, "key", "")
	index(c, "organization")
	index(c, "status, next_at")
	addIndex(c, "idx_outbox_lanes", "INDEX", "lane, next_at", OutboxWaiting)
	readOnly(c, "")
	return c
}

var _ = declare(Outbox, outbox, Traits{
	Personal:    []string{"payload"},
	Plain:       []string{"kind", "key", "lane", "error"},
	Kept:        "keep_events_days",
	Last:        true,
	NotExported: "promises of this server to others, not data",
})
