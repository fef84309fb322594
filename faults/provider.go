package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// providerDown lets the phone provider fail in five ways while an assistant is made
// (F4): each in an installation of its own, all at once, because most of it is waiting.
func providerDown(t *trial) {
	var all sync.WaitGroup
	for _, one := range []struct {
		name  string
		fault rig.Row // of the sandbox; nil keeps its answers away
	}{
		{"its answers do not come", nil},
		{"it answers 500", rig.Row{"kind": "500-before", "count": 3}},
		{"it answers 429", rig.Row{"kind": "429", "retryAfterSeconds": 3, "count": 3}},
		{"it acts and drops the connection", rig.Row{"kind": "drop-reply", "count": 1}},
		{"it acts and answers 500", rig.Row{"kind": "500-after", "count": 1}},
	} {
		all.Go(func() { providerFails(t, one.name, one.fault) })
	}
	all.Wait()
}

func providerFails(t *trial, name string, fault rig.Row) {
	provider := rig.StartProvider(t)
	gate := rig.NewGate(t, provider.URL())
	address := rig.FreeAddress(t)
	d := rig.Start(t, t.TempDir(), address, "serve", rig.Connected(provider, gate.URL, address)...)
	owner, organization := rig.SetUp(t, d)
	make := func(name string) rig.Row {
		return owner.Create(collections.Assistants, organization, rig.Row{
			"name": name, "type": "voice", "status": "active", "first_message": "Bonjour", "language": "fr",
		})
	}
	synced := func(id any) bool {
		rows := owner.Rows(collections.Assistants, fmt.Sprintf("id = '%v' && sync_status = 'synced'", id), "")
		return len(rows) == 1
	}
	warm := make("Accueil")
	rig.Until(t, "the first assistant to be at the provider", func() bool { return synced(warm["id"]) })
	if fault == nil {
		gate.Hold("POST /assistant", "GET /assistant")
	} else {
		fault["match"] = rig.Row{"method": "POST", "pathPrefix": "/assistant"}
		owner.Ask("POST", provider.URL()+"/_sandbox/faults", fault, http.StatusCreated, nil)
	}
	began := time.Now()
	made := make("Standard")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("%s: saving took %s", name, took)
	}
	if made["sync_status"] == collections.SyncSynced {
		t.Errorf("%s: the row says that it is at the provider", name)
	}
	at := time.Now()
	owner.Ask("GET", "/api/collections/assistants/records", nil, http.StatusOK, nil)
	if took := time.Since(at); took > 2*time.Second {
		t.Errorf("%s: the list took %s", name, took)
	}
	if fault == nil {
		rig.Until(t, "the provider to have been asked", func() bool { return gate.Waiting() > 1 }) // given up, and looked for
		gate.Release()
	}
	// It works again. Something else that is sent hurries what waits.
	healed := time.Now()
	owner.Ask("DELETE", provider.URL()+"/_sandbox/faults", nil, http.StatusOK, nil)
	rig.UntilWithin(t, 5*time.Minute, name+": everything to be at the provider", func() bool { return synced(made["id"]) })
	t.wellAfter(time.Since(healed))
	later := make("Plus tard")
	rig.Until(t, "a later assistant to be at the provider", func() bool { return synced(later["id"]) })
	rig.OneEach(t, owner, provider)
	if owed := d.Operator(t).Rows(collections.Outbox, "status = 'pending' || status = 'running'", ""); len(owed) > 0 {
		t.Errorf("%s: still owed: %v", name, owed)
	}
	t.note("%s: %.0f s", name, time.Since(healed).Seconds())
	d.Stop()
	rig.Sound(t, d.Dir)
}
