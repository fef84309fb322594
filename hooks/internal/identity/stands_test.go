package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A session stands while it is its person's, has not ended and is not over; its row
// decides at the next request, whatever was remembered.
func TestSession_stands_as_its_row_says(t *testing.T) {
	h := houseOf(t)
	agent := h.User(testkit.AcmeAgent)
	for name, c := range map[string]struct {
		change map[string]any
		want   bool
	}{
		"open":                {map[string]any{}, true},
		"without an end":      {map[string]any{"expires_at": ""}, true},
		"ended":               {map[string]any{"ended_at": h.clock.Now()}, false},
		"over":                {map[string]any{"expires_at": h.clock.Now().Add(-time.Second)}, false},
		"over at this moment": {map[string]any{"expires_at": h.clock.Now()}, true},
		"somebody else's":     {map[string]any{"user": testkit.User(testkit.BoltOwner)}, false},
	} {
		row := h.session(testkit.AcmeAgent, "192.0.2.1", nil)
		p := proof{session: row.Id}
		if got, err := h.stands(h.App, agent, p); err != nil || !got {
			t.Fatalf("%s: before: %t, %v", name, got, err)
		}
		h.Set(collections.Sessions, row.Id, c.change)
		if got, err := h.stands(h.App, agent, p); err != nil || got != c.want {
			t.Errorf("%s: got %t, %v, want %t", name, got, err, c.want)
		}
	}
	for name, p := range map[string]proof{"nothing": {}, "no such session": {session: "nosuchsession00"},
		"no such key": {key: "nosuchkey000000"}} {
		if got, err := h.stands(h.App, agent, p); err != nil || got {
			t.Errorf("%s: got %t, %v: the absence of a proof is none", name, got, err)
		}
	}
}

// The proof stays with the record it was given to, and shows in nothing that leaves.
func TestProof_is_carried_and_never_shown(t *testing.T) {
	h := houseOf(t)
	agent := h.User(testkit.AcmeAgent)
	if proofOf(agent) != (proof{}) || proofOf(nil) != (proof{}) {
		t.Error("somebody who showed nothing has a proof")
	}
	given := proof{session: "one", address: "192.0.2.1"}
	given.give(agent)
	if proofOf(agent) != given {
		t.Errorf("got %+v", proofOf(agent))
	}
	if _, shown := agent.PublicExport()[proofField]; shown {
		t.Error("the proof is shown")
	}
	agent.Set(proofField, map[string]any{"session": "forged"}) // what a body could bring
	if proofOf(agent) != (proof{}) {
		t.Errorf("a body made a proof: %+v", proofOf(agent))
	}
}

// A key stands as its row, its account, its maker and its organization say.
func TestKey_stands_as_the_table_says(t *testing.T) {
	active, ended := Standing{State: KeyActive}, func(why string) Standing { return Standing{KeyEnded, why} }
	for name, c := range map[string]struct {
		change func(h *house, key *core.Record)
		want   Standing
	}{
		"as it was made": {func(*house, *core.Record) {}, active},
		"revoked": {func(h *house, key *core.Record) {
			h.Set(collections.APIKeys, key.Id, map[string]any{"revoked_at": h.clock.Now()})
		}, ended(WhyRevoked)},
		"ended with its maker": {func(h *house, key *core.Record) {
			h.Set(collections.APIKeys, key.Id,
				map[string]any{"revoked_at": h.clock.Now(), "ended_by": collections.KeyEndedMaker})
		}, ended(WhyMaker)},
		"over": {func(h *house, key *core.Record) {
			h.Set(collections.APIKeys, key.Id, map[string]any{"expires_at": h.clock.Now()})
		}, ended(WhyExpired)},
		"account off": {func(h *house, key *core.Record) {
			h.Set(collections.Users, key.GetString("acts_as"), map[string]any{"is_active": false})
		}, ended(WhyRevoked)},
		"acts as a person": {func(h *house, key *core.Record) {
			h.Set(collections.APIKeys, key.Id, map[string]any{"acts_as": testkit.User(testkit.AcmeOwner)})
		}, ended(WhyRevoked)},
		"maker off": {func(h *house, _ *core.Record) {
			h.Set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"is_active": false})
		}, ended(WhyMaker)},
		"maker gone from the organization": {func(h *house, _ *core.Record) {
			if err := h.App.Delete(h.Row(collections.Memberships,
				testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme))); err != nil {
				h.T.Fatal(err)
			}
		}, ended(WhyMaker)},
		"a factor is asked for": {func(h *house, _ *core.Record) {
			h.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
				map[string]any{"two_factor_enabled": true})
		}, Standing{KeyPaused, WhyFactor}},
		"a factor is asked for, and there": {func(h *house, _ *core.Record) {
			h.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
				map[string]any{"two_factor_enabled": true})
			h.Set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"two_factor": true})
		}, active},
	} {
		h := houseOf(t)
		key := h.apiKey()
		if got, err := standingOf(h, key.Id); err != nil || got != active {
			t.Fatalf("%s: before: %+v, %v", name, got, err)
		}
		c.change(h, key)
		if got, err := standingOf(h, key.Id); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	h := houseOf(t)
	if got, err := standingOf(h, "nosuchkey000000"); err != nil || got != ended(WhyRevoked) {
		t.Errorf("no such key: got %+v, %v", got, err)
	}
}

// The token of a session names it; what is no token names none.
func TestToken_names_its_session(t *testing.T) {
	h := houseOf(t)
	agent := h.User(testkit.AcmeAgent)
	one, err := h.Sessions.token(agent, "one", visit{length: time.Hour, refreshable: true})
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Sessions.token(agent, "one", visit{length: time.Hour, refreshable: true})
	if err != nil || again == one {
		t.Errorf("two tokens of a second are the same (%v)", err)
	}
	plain, err := agent.NewAuthToken()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{one: "one", again: "one", plain: "", "": "", "a.b.c": "", "pk_x_y": ""} {
		for range 2 { // read, then remembered
			if got := h.Sessions.sessionOf(text); got != want {
				t.Errorf("%.20q: got %q, want %q", text, got, want)
			}
		}
	}
	if found, err := h.App.FindAuthRecordByToken(one, core.TokenTypeAuth); err != nil || found.Id != agent.Id {
		t.Errorf("PocketBase does not take it: %v", err)
	}
}

// What is written of a session or a key that was in use while it ended does not
// bring back what was remembered before.
func TestEnd_stays_when_a_late_sign_of_life_comes(t *testing.T) {
	h := houseOf(t)
	agent, session := h.User(testkit.AcmeAgent), h.session(testkit.AcmeAgent, "192.0.2.1", nil)
	before, err := h.Sessions.place(h.App, session.Id)
	if err != nil {
		t.Fatal(err)
	}
	stands := func() bool {
		t.Helper()
		stands, err := h.stands(h.App, agent, proof{session: session.Id})
		if err != nil {
			t.Fatal(err)
		}
		return stands
	}
	h.clock.Move(2 * seenEvery)
	h.Set(collections.Sessions, session.Id, map[string]any{"ended_at": h.clock.Now()})
	if stands() { // and remembers that it does not
		t.Fatal("an ended session stands")
	}
	h.Sessions.seen(h.App, before)
	if stands() {
		t.Error("a late sign of life brought an ended session back")
	}

	key := h.apiKey()
	was, err := h.Keys.key(h.App, key.Id)
	if err != nil {
		t.Fatal(err)
	}
	h.Set(collections.APIKeys, key.Id, map[string]any{"revoked_at": h.clock.Now()})
	for _, when := range []string{"before", "after"} {
		if is, err := standingOf(h, key.Id); err != nil || is.State != KeyEnded {
			t.Errorf("%s a late use: a revoked key is %+v, %v", when, is, err)
		}
		h.Keys.used(h.Request("192.0.2.9"), was, h.clock.Now())
	}
}

// What is remembered of a session that is in use says so, so that not every request
// writes it.
func TestSession_remembers_that_it_was_seen(t *testing.T) {
	h := houseOf(t)
	session := h.session(testkit.AcmeAgent, "192.0.2.1", nil)
	h.clock.Move(2 * seenEvery)
	h.Sessions.touch(h.App, session.Id)
	if p, err := h.Sessions.place(h.App, session.Id); err != nil || !p.seen.Equal(h.clock.Now()) {
		t.Errorf("got %+v, %v", p, err)
	}
	if got := h.Row(collections.Sessions, session.Id).GetDateTime("last_seen_at").Time(); !got.Equal(h.clock.Now()) {
		t.Errorf("stored %s", got)
	}
}

// What follows from a new token key follows when it is stored for good, and not
// before: until then the old one is what everybody else sees.
func TestTokenKey_ends_what_is_open_once_it_is_stored(t *testing.T) {
	for _, kept := range []bool{true, false} {
		h := houseOf(t)
		agent, session := h.User(testkit.AcmeAgent), h.session(testkit.AcmeAgent, "192.0.2.1", nil)
		stream := subscriptions.NewDefaultClient()
		stream.Set(streamAuth, h.User(testkit.AcmeAgent))
		h.App.SubscriptionsBroker().Register(stream)
		for range 5 {
			if err := h.Guesses.CheckPassword(h.Request("192.0.2.1"), agent, "wrong"); !errors.Is(err, guesses.ErrPassword) {
				t.Fatal(err)
			}
		}
		undone := errors.New("undone")
		err := h.App.RunInTransaction(func(tx core.App) error {
			agent.RefreshTokenKey()
			if err := tx.Save(agent); err != nil {
				return err
			}
			if p, err := h.Sessions.place(h.App, session.Id); err != nil || p.ended { // another request, which remembers it
				t.Errorf("ended before it is stored: %+v, %v", p, err)
			}
			if stream.IsDiscarded() {
				t.Error("the stream ended before the key was stored")
			}
			if !kept {
				return undone
			}
			return nil
		})
		if kept != (err == nil) {
			t.Fatal(err)
		}
		if p, err := h.Sessions.place(h.App, session.Id); err != nil || p.ended != kept {
			t.Errorf("stored %t: the session is %+v, %v", kept, p, err)
		}
		if stream.IsDiscarded() != kept {
			t.Errorf("stored %t: the stream ended: %t", kept, stream.IsDiscarded())
		}
		if err := h.Guesses.CheckPassword(h.Request("192.0.2.1"), agent, testkit.Password); (err == nil) != kept {
			t.Errorf("stored %t: the guesses are counted: %v", kept, err)
		}
	}
}

// standingOf is how the key with an id stands now, as requests find it.
func standingOf(h *house, id string) (Standing, error) {
	k, err := h.Keys.key(h.App, id)
	return h.Keys.standing(h.App, k), err
}
