package main

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// edited lets eight clients change one record at once (F25): first a field each, then
// all the same one.
func edited(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	unlimited(operator)
	assistant := owner.One(collections.Assistants, "language = 'en'")["id"].(string)
	path := "/api/collections/assistants/records/" + assistant
	fields := []string{
		"name", "description", "system_prompt", "first_message", "end_call_message", "voicemail_message",
		"forwarding_number", "notes",
	}
	row := owner.One(collections.Assistants, "id = '"+assistant+"'")
	var texts []string
	for _, name := range fields {
		if _, ok := row[name].(string); ok && name != "forwarding_number" {
			texts = append(texts, name)
		}
	}
	if len(texts) < 4 {
		t.Fatalf("only %v can be changed", texts)
	}
	edits := t.rounds(50, 10)
	var clients sync.WaitGroup
	for _, name := range texts {
		clients.Go(func() {
			for n := range edits {
				value := fmt.Sprintf("%s %d", name, n)
				status, _, body, err := owner.Send("PATCH", path, rig.Row{name: value})
				if err != nil || status != http.StatusOK {
					t.Errorf("%s: %d %v %.200s", name, status, err, body)
					return
				}
			}
		})
	}
	clients.Wait()
	row = owner.One(collections.Assistants, "id = '"+assistant+"'")
	for _, name := range texts {
		if want := fmt.Sprintf("%s %d", name, edits-1); row[name] != want {
			t.Errorf("%s is %q, its last edit was %q", name, row[name], want)
		}
	}
	before := len(operator.Rows(collections.AuditLogs, "record = '"+assistant+"'", ""))
	stored := disputed(t, owner, assistant, path, edits/5)
	if said := len(operator.Rows(collections.AuditLogs, "record = '"+assistant+"'", "")) - before; said != stored {
		t.Errorf("%d changes were stored, the audit log has %d", stored, said)
	}
	rig.Synced(owner)
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d edits of %d fields at once, none lost; %d of one field, each in the audit log",
		edits*len(texts), len(texts), stored)
}

// disputed lets eight people edit one field at once, and returns how many of their
// changes were stored.
func disputed(t *trial, owner *rig.Person, assistant, path string, edits int) int {
	var clients sync.WaitGroup
	const people = 8
	var mu sync.Mutex
	accepted := map[string]bool{}
	answers := map[int]int{}
	for who := range people {
		clients.Go(func() {
			for n := range edits {
				value := fmt.Sprintf("Desk %d of %d", n, who)
				status, _, _, err := owner.Send("PATCH", path, rig.Row{"name": value})
				mu.Lock()
				if answers[status]++; err == nil && status == http.StatusOK {
					accepted[value] = true
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	for status := range answers {
		if status != http.StatusOK && status != http.StatusConflict {
			t.Errorf("the same field: answers %v", answers)
		}
	}
	if last := owner.One(collections.Assistants, "id = '"+assistant+"'")["name"].(string); !accepted[last] {
		t.Errorf("the name is %q, which nobody was told was stored", last)
	}
	return answers[http.StatusOK]
}
