package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/sandbox"
)

// TestKill_between_provider_and_commit kills the process when the provider did
// what it was asked for and we have not heard it: afterwards there is one object
// per record, and none for a deleted one (reliability.md F4, I3). The provider
// is addressed as the real one would be.
func TestKill_between_provider_and_commit(t *testing.T) {
	provider := rig.StartProvider(t)
	g := rig.NewGate(t, provider.URL())
	address := rig.FreeAddress(t)
	env := rig.Connected(provider, g.URL, address)
	d := rig.Start(t, t.TempDir(), address, "serve", env...)
	owner, organization := rig.SetUp(t, d)
	create := func(collection string, values row) row {
		return owner.Create(collection, organization, values)
	}
	restart := func() {
		d.Kill()
		g.Release()
		d = rig.Start(t, d.Dir, address, "serve", env...) // and what the dead process was delivering is free
	}

	const each = 3
	g.Hold("POST /assistant", "POST /tool", "POST /phone-number")
	for n := range each {
		create(collections.Assistants, row{"name": fmt.Sprint("Accueil ", n), "type": "voice", "status": "active",
			"first_message": "Bonjour", "language": "fr"})
		create(collections.Functions, row{"name": fmt.Sprint("look_up_", n), "description": "Looks something up",
			"type": "http", "webhook_url": "https://example.com/look", "is_active": true})
		create(collections.PhoneNumbers, row{"friendly_name": fmt.Sprint("Ligne ", n), "provider": "vapi",
			"area_code": "415", "number_type": "voice"})
	}
	// All that is sent at a time (a lane of the outbox has four workers): a request that was
	// cut off before it arrived would be looked for during two minutes.
	rig.Until(t, "the provider to have made what we have not heard of", func() bool { return g.Waiting() == 4 })
	restart()
	rig.Synced(owner)
	rig.OneEach(t, owner, provider)

	// The provider does the work and says it did not.
	for _, path := range []string{"/assistant", "/tool", "/phone-number"} {
		for _, kind := range []string{"500-after", "drop-reply"} {
			owner.Ask("POST", provider.URL()+"/_sandbox/faults",
				row{"match": row{"method": "POST", "pathPrefix": path}, "kind": kind, "count": 1}, http.StatusCreated, nil)
		}
	}
	doomed := create(collections.Assistants, row{"name": "Standard", "type": "voice", "status": "active",
		"first_message": "Bonjour", "language": "fr"})
	create(collections.Functions, row{"name": "look_again", "description": "Looks again", "type": "http",
		"webhook_url": "https://example.com/look", "is_active": true})
	create(collections.PhoneNumbers, row{"friendly_name": "Ligne directe", "provider": "vapi", "area_code": "415",
		"number_type": "voice"})
	rig.Synced(owner)
	rig.OneEach(t, owner, provider)

	// The provider deletes and we do not hear it.
	g.Hold("DELETE /assistant")
	path := "/api/collections/" + collections.Assistants + "/records/" + doomed["id"].(string)
	owner.Ask("DELETE", path, nil, http.StatusNoContent, nil)
	rig.Until(t, "the provider to have deleted it", func() bool { return g.Waiting() > 0 })
	restart()
	rig.Until(t, "the row to go", func() bool {
		status, _, _, err := owner.Send("GET", path, nil)
		return err == nil && status == http.StatusNotFound
	})
	rig.OneEach(t, owner, provider)
	d.Stop()
	rig.Sound(t, d.Dir)
}

// TestKill_while_a_call_is_placed kills the process between what the provider does
// and what we write down: afterwards there is one call there and one row, which
// says what is true.
func TestKill_while_a_call_is_placed(t *testing.T) {
	for name, one := range map[string]struct {
		fault row    // at the provider; nil is none
		hold  bool   // its answer stays in the gate
		made  int    // calls at the provider
		ends  string // the row's placing
	}{
		"the answer is on its way": {nil, true, 1, ""},
		"500 after acting":         {row{"kind": "500-after"}, true, 1, ""},
		"the answer is lost":       {row{"kind": "drop-reply"}, false, 1, ""},
		"500 before acting":        {row{"kind": "500-before"}, true, 0, collections.PlacingUnclear},
	} {
		t.Run(name, func(t *testing.T) {
			provider := rig.StartProvider(t)
			g := rig.NewGate(t, provider.URL())
			address := rig.FreeAddress(t)
			env := rig.Connected(provider, g.URL, address)
			d := rig.Start(t, t.TempDir(), address, "serve", env...)
			owner, organization := rig.SetUp(t, d)
			create := func(collection string, values row) row {
				return owner.Create(collection, organization, values)
			}
			assistant := create(collections.Assistants,
				row{"name": "Accueil", "type": "voice", "status": "active", "first_message": "Bonjour", "language": "fr"})
			number := create(collections.PhoneNumbers,
				row{"friendly_name": "Ligne", "provider": "vapi", "area_code": "415", "number_type": "voice"})
			rig.Until(t, "assistant and number to be at the provider", func() bool {
				return len(owner.Rows(collections.Assistants, "sync_status = 'synced'", ""))+
					len(owner.Rows(collections.PhoneNumbers, "sync_status = 'synced'", "")) == 2
			})

			if one.fault != nil {
				one.fault["match"] = row{"method": "POST", "pathPrefix": "/call"}
				owner.Ask("POST", provider.URL()+"/_sandbox/faults", one.fault, http.StatusCreated, nil)
			}
			if one.hold {
				g.Hold("POST /call")
			}
			press := row{"assistant": assistant["id"], "phone_number": number["id"], "customer_number": "+14155552671"}
			path := "/api/organizations/" + organization + "/calls"
			var pressing sync.WaitGroup
			pressing.Go(func() {
				owner.Send("POST", path, press, "Idempotency-Key",
					"one press")
			}) // its answer is lost with the process
			if one.hold {
				rig.Until(t, "the provider to be asked", func() bool { return g.Waiting() > 0 })
			} else {
				rig.Until(t, "the provider to have acted", func() bool { return len(callsAt(t, provider)) > 0 })
			}
			d.Kill()
			pressing.Wait()
			g.Release()
			d = rig.Start(t, d.Dir, address, "serve", env...)

			rig.Until(t, "the row to say what is true", func() bool {
				rows := owner.Rows(collections.Calls, "", "")
				return len(rows) == 1 && rows[0]["placing"] == one.ends && (rows[0]["vapi_call_id"] != "") == (one.made == 1)
			})
			at := callsAt(t, provider)
			status, _, answer, err := owner.Send("POST", path, press, "Idempotency-Key", "one press")
			if err != nil || status != map[int]int{0: http.StatusAccepted, 1: http.StatusCreated}[one.made] {
				t.Errorf("the press again: %d %s %v", status, answer, err)
			}
			if len(at) != one.made || len(callsAt(t, provider)) != one.made {
				t.Errorf("the provider has %d calls, want %d", len(at), one.made)
			}
			if got := owner.One(collections.Calls, ""); one.made == 1 && got["vapi_call_id"] != at[0]["id"] {
				t.Errorf("the row names %v, the provider has %v", got["vapi_call_id"], at[0]["id"])
			}
			d.Stop()
			rig.Sound(t, d.Dir)
		})
	}
}

// callsAt are the calls a provider has.
func callsAt(t *testing.T, provider *sandbox.Server) (all []row) {
	t.Helper()
	(&rig.Person{T: t, Token: "Bearer " + provider.Key()}).Ask("GET", provider.URL()+"/call?limit=100",
		nil, http.StatusOK, &all)
	return all
}
