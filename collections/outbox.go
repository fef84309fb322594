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

func outbox() *core.Collection {
	c := base(Outbox,
		relation("organization", Organizations),
		required(text("kind", nameMax)),
		// The same promise made twice is one row.
		required(text("key", shortMax)),
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
	readOnly(c, "")
	return c
}
