package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/live"
)

// LiveMessage is one message of a call's topic.
type LiveMessage struct {
	Type     string `json:"type"` // line, event, status, over, speech
	Role     string `json:"role,omitempty"`
	Content  string `json:"content,omitempty"`
	Position int64  `json:"position,omitempty"` // ms since 1970
	OffsetMS int64  `json:"offset_ms,omitempty"`
	Kind     string `json:"kind,omitempty"` // of an event
	Name     string `json:"name,omitempty"`
	Data     any    `json:"data,omitempty"`
	Status   string `json:"status,omitempty"` // of a call; of speech: started or stopped
}

// Speaks tells who follow a call that somebody in it begins or stops to speak. It is worth
// nothing a moment later, so it is told and never stored.
func (s *Store) Speaks(call, role, status string, at fold.Instant) {
	s.hub.Line(call, LiveMessage{Type: "speech", Role: role, Status: status, Position: int64(at)})
}

// Tell reports a committed message: what was said to those who follow the call,
// what changed to the organization's dashboards, and the records to SDK users
// who subscribed to them.
func (s *Store) Tell(before, after fold.Call, found bool, ch fold.Changes) {
	s.stream(after.ID, ch)
	if before.Status != after.Status {
		s.hub.Line(after.ID, LiveMessage{Type: statusKind(after), Status: after.Status})
	}
	if !found || before != after || len(ch.Events) > 0 || ch.Replace {
		s.hub.Changed(after.Organization, collections.Calls, after.ID)
	}
	if !found || before != after {
		s.publisher.record(collections.Calls, after.ID, action(!found))
	}
	if before.Contact != after.Contact || ch.Report != nil && ch.CustomerName != "" {
		s.publisher.changed(news{collection: collections.Contacts, id: after.Contact})
	}
	for _, ev := range ch.Events {
		s.publisher.changed(news{collection: collections.CallEvents, call: after.ID, key: ev.Key})
	}
	if ch.Report != nil {
		s.publisher.changed(news{collection: collections.CallReports, call: after.ID})
	}
	if before.ReportedAt != after.ReportedAt {
		s.publisher.changed(news{collection: collections.UsageEvents, call: after.ID})
	}
	for _, l := range ch.Lines {
		s.publisher.record(collections.Messages, l.ID, action(!l.Again))
	}
}

// stream tells those who watch a call what is new in it. What replaces everything is
// read anew.
func (s *Store) stream(call string, ch fold.Changes) {
	if ch.Replace {
		return
	}
	for _, l := range ch.Lines {
		s.hub.Line(call, LiveMessage{Type: "line", Role: l.Role, Content: l.Content, Position: int64(l.Position),
			OffsetMS: l.OffsetMS})
	}
	for _, ev := range ch.Events {
		if ev.Type != collections.EventStatus {
			s.hub.Line(call, LiveMessage{Type: "event", Kind: ev.Type, Name: ev.Name, Position: int64(ev.Position),
				Data: ev.Data})
		}
	}
}

// statusKind tells the last status of a call from those before it.
func statusKind(after fold.Call) string {
	if after.Over() {
		return "over"
	}
	return "status"
}

// action is PocketBase's word for what happened to a row.
func action(created bool) string {
	if created {
		return "create"
	}
	return "update"
}

// publisher hands records the writer changed by SQL to PocketBase's realtime,
// for those who subscribed to the records themselves. It loads each record once
// however often it changed meanwhile, and only while somebody listens.
type publisher struct {
	app core.App
	hub *live.Hub

	mu      sync.Mutex
	records map[news]string // → action
	busy    bool
	working sync.WaitGroup
}

// Wait returns once what was noted is broadcast.
func (s *Store) Wait() { s.publisher.working.Wait() }

func newPublisher(app core.App, hub *live.Hub) *publisher {
	return &publisher{app: app, hub: hub, records: map[news]string{}}
}

// news is about a record by its id, or by its call, and its key there when a call has
// several.
type news struct{ collection, id, call, key string }

func (p *publisher) record(collection, id, action string) {
	p.note(news{collection: collection, id: id}, action)
}

// changed is record for a row that says by its times whether it is new.
func (p *publisher) changed(r news) { p.note(r, "") }

func (p *publisher) note(r news, action string) {
	if r.id+r.call == "" || !p.hub.Watching(r.collection) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records[r] != "create" {
		p.records[r] = action
	}
	p.wake()
}

// wake starts the worker unless it runs. The lock is held.
func (p *publisher) wake() {
	if !p.busy {
		p.busy = true
		p.working.Go(p.work)
	}
}

func (p *publisher) work() {
	for {
		p.mu.Lock()
		records := p.records
		if len(records) == 0 {
			p.busy = false
			p.mu.Unlock()
			return
		}
		p.records = map[news]string{}
		p.mu.Unlock()
		for r, action := range records {
			p.publish(r, action)
		}
	}
}

func (p *publisher) publish(r news, action string) {
	record, err := p.find(r)
	if errors.Is(err, sql.ErrNoRows) {
		return // deleted meanwhile: its deletion was broadcast
	}
	if err != nil {
		p.app.Logger().Error("record not read to be broadcast", "collection", r.collection, "error", err)
		return
	}
	if action == "" {
		action = "update"
		if record.GetString("created") == record.GetString("updated") {
			action = "create"
		}
	}
	p.trigger(record, action)
}

func (p *publisher) find(r news) (*core.Record, error) {
	if r.id != "" {
		return p.app.FindRecordById(r.collection, r.id)
	}
	filter, values := "call = {:call}", map[string]any{"call": r.call}
	if r.key != "" {
		filter, values["key"] = "call = {:call} && key = {:key}", r.key
	}
	return p.app.FindFirstRecordByFilter(r.collection, filter, values)
}

// trigger runs PocketBase's own broadcast, which checks each subscriber's rule.
func (p *publisher) trigger(record *core.Record, action string) {
	event := new(core.ModelEvent)
	event.App, event.Context, event.Model = p.app, live.Published(context.Background()), record
	var err error
	if action == "create" {
		event.Type = core.ModelEventTypeCreate
		err = p.app.OnModelAfterCreateSuccess().Trigger(event)
	} else {
		event.Type = core.ModelEventTypeUpdate
		err = p.app.OnModelAfterUpdateSuccess().Trigger(event)
	}
	if err != nil {
		p.app.Logger().Warn("record not broadcast", "error", err)
	}
}
