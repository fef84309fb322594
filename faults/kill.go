package main

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/vapi"
)

// senders is how many calls go on at once in a storm.
const senders = 4

// killed kills the process at random moments while messages come in (F1). One call
// lies there unapplied, as after a disk that was full.
func killed(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	end := s.Blow(t, 1, senders)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	const unapplied = "ffffffff-0000-7000-8000-000000000001"
	rounds := t.rounds(20, 2)
	for round := range rounds {
		enough := s.Count() + 50 + random.IntN(200)
		rig.Until(t, "more messages", func() bool { return s.Count() >= enough })
		if round == rounds-1 {
			putUnapplied(t, d.Operator(t), s.Make(unapplied))
		}
		d.Kill()
		began := time.Now()
		d = rig.Start(t, d.Dir, d.Address(), rig.Demo, rig.Secret)
		t.wellAfter(time.Since(began))
	}
	end()
	operator := d.Operator(t)
	applied(t, operator)
	t.keeps(d.Dir, s.Acked())
	same(t, operator, append(s.Calls(), unapplied))
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d kills, %d calls, each whole", rounds, len(s.Calls())+1)
}

// applied waits until every stored message is.
func applied(t *trial, operator *rig.Person) {
	t.Helper()
	operator.Ask("POST", "/api/crons/inbox.retry", nil, http.StatusNoContent, nil)
	rig.Until(t, "what was stored to be applied", func() bool {
		return len(operator.Rows(collections.ProviderEvents, "status != 'applied'", "")) == 0
	})
}

// same wants all calls to be the same call but for their ids: each was sent to its
// end.
func same(t *trial, operator *rig.Person, calls []string) {
	t.Helper()
	first := ""
	for _, id := range calls {
		told := rig.Tell(operator, id)
		if first == "" {
			first = told
			t.Logf("each call is: %.300s", told)
		}
		if told != first {
			t.Errorf("call %s is not the first one:\n%s", id, differing(first, told))
		}
	}
}

// putUnapplied stores messages as they are when applying them failed: the whole
// call, in no order.
func putUnapplied(t rig.T, operator *rig.Person, messages []string) {
	t.Helper()
	for _, body := range messages {
		m, err := vapi.ParseMessage([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if m.Type == vapi.TypeSpeechUpdate {
			continue // who is speaking is not kept
		}
		operator.Ask("POST", "/api/collections/"+collections.ProviderEvents+"/records", rig.Row{
			"provider": "vapi", "event_key": m.EventKey(), "type": m.Type, "payload": string(m.Reduced()),
			"status": collections.EventErrored, "error": "the disk was full", "next_at": "2026-01-01 00:00:00.000Z",
		}, http.StatusOK, nil)
	}
}
