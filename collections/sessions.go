package collections

import "github.com/pocketbase/pocketbase/core"

// Sessions are the places a person is signed in: one row per sign-in, so that
// each can be ended by itself. PocketBase's tokens know nothing of this; the
// server refuses the token of an ended session.
const Sessions = "sessions"

func sessions() *core.Collection {
	c := base(Sessions,
		owned(required(relation("user", Users)).(*core.RelationField)),
		// SHA-256 of the newest token of the session.
		hidden(required(text("token_hash", 64))),
		text("method", 40),
		boolean("second_factor"),
		text("ip_address", 64),
		text("user_agent", descriptionMax),
		date("last_seen_at"),
		date("expires_at"),
		date("ended_at"),
	)
	unique(c, "token_hash", "")
	index(c, "user, created")
	readOnly(c, signedIn+` && user = @request.auth.id`)
	return c
}

var _ = declare(Sessions, sessions, Traits{
	Personal: []string{"ip_address", "user_agent"},
	Plain:    []string{"token_hash", "method"},
	Logged:   true,
})
