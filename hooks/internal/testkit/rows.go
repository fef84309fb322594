package testkit

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Stored reads and writes rows of an app as the tests of one mechanism need them. A
// failure ends the test.
type Stored struct {
	T   testing.TB
	App core.App
}

// Row is a stored row by its id.
func (s Stored) Row(collection, id string) *core.Record {
	s.T.Helper()
	r, err := s.App.FindRecordById(collection, id)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

// User is a person as stored.
func (s Stored) User(email string) *core.Record {
	s.T.Helper()
	return s.Row(collections.Users, User(email))
}

// Make stores a new row.
func (s Stored) Make(collection string, values map[string]any) *core.Record {
	s.T.Helper()
	c, err := s.App.FindCollectionByNameOrId(collection)
	if err != nil {
		s.T.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(values)
	s.Save(r)
	return r
}

// Save stores a row.
func (s Stored) Save(r *core.Record) {
	s.T.Helper()
	if err := s.App.Save(r); err != nil {
		s.T.Fatal(err)
	}
}

// Set changes columns of a row.
func (s Stored) Set(collection, id string, values map[string]any) {
	s.T.Helper()
	r := s.Row(collection, id)
	r.Load(values)
	s.Save(r)
}

// Session stores one of the person's that is in use at a time, with an address it was
// used from.
func (s Stored) Session(email, address string, at time.Time, more map[string]any) *core.Record {
	s.T.Helper()
	values := map[string]any{
		"user": User(email), "token_hash": strings.Repeat("0", 49) + core.GenerateDefaultRandomId(),
		"method":     collections.AuthPassword,
		"ip_address": address, "last_seen_at": at, "expires_at": at.Add(time.Hour),
	}
	for name, value := range more {
		values[name] = value
	}
	return s.Make(collections.Sessions, values)
}

// Count is how many rows of a collection have these values.
func (s Stored) Count(collection string, values map[string]any) int {
	s.T.Helper()
	n, err := s.App.CountRecords(collection, dbx.HashExp(values))
	if err != nil {
		s.T.Fatal(err)
	}
	return int(n)
}

// Request is one from an address, outside of any route.
func (s Stored) Request(address string) *core.RequestEvent {
	e := &core.RequestEvent{App: s.App}
	e.Request, e.Response = httptest.NewRequest("POST", "/api/x", strings.NewReader("")), httptest.NewRecorder()
	e.Request.RemoteAddr = address + ":4000"
	if strings.Contains(address, ":") {
		e.Request.RemoteAddr = "[" + address + "]:4000"
	}
	return e
}
