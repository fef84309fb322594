// Package contacts is the people an organization speaks with: found by name, company
// or number, as a file, and put together when two turn out to be one.
//
// Who a contact is, is written through PocketBase's records (name, company, notes,
// blocked); provider's messages make them (package store). Merging keeps both rows,
// since each has its number: calls, lists and search go by the one that stays, and
// splitting gives back the calls of the other's number.
package contacts

import (
	"database/sql"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Deps are what the routes need.
type Deps struct {
	Facade *facade.Facade
	Hub    *live.Hub
}

type routes struct {
	Deps
	app core.App
}

// Register binds the routes.
func Register(app core.App, d Deps) {
	rt := &routes{Deps: d, app: app}
	d.Facade.Handle(listRoute, rt.list)
	d.Facade.Handle(exportRoute, rt.export)
	d.Facade.Handle(mergeRoute, rt.merge)
	d.Facade.Handle(splitRoute, rt.split)
	d.Facade.Handle(numbersRoute, rt.numbers)
}

const (
	path    = "/api/organizations/{organization}/contacts"
	filters = "search (a name, a company, or a number as people write it, or its last digits), blocked=true|false"
	item    = `{"id", "name", "company", "phone_number", "email", "blocked": bool, "calls": up to 1000, "first_seen_at", "last_seen_at"}`
)

var (
	listRoute = facade.Route{
		Method: "GET", Path: path, Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "A page of contacts, who was heard of last first, by key. Those merged into others are found as these.",
		Query:   filters + ", limit=30 (1–200), after (the page before's next)",
		Answer:  `{"items": [` + item + `], "next": "cursor or empty"}`,
		Errors:  "400 a parameter is wrong · 403 the person may not view calls",
	}
	exportRoute = facade.Route{
		Method: "GET", Path: path + ".csv", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "The filtered contacts as a CSV file, at most 50,000 rows, times in the organization's zone.",
		Query:   filters, Answer: "text/csv with a byte order mark",
		Errors: "400 a parameter is wrong · 403 the person may not view calls",
	}
	mergeRoute = facade.Route{
		Method: "POST", Path: path + "/{id}/merge", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Makes another contact a second number of this one: its calls follow, what this one lacks is taken over.",
		Body:    `{"other": "id"}`, Answer: item,
		Errors: "400 the other cannot be merged · 403 role · 404",
	}
	splitRoute = facade.Route{
		Method: "POST", Path: path + "/{id}/split", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Makes a number that was merged into this contact a contact of its own again, with its calls.",
		Body:    `{"other": "id"}`, Answer: item,
		Errors: "400 the other is not merged into this one · 403 role · 404",
	}
	numbersRoute = facade.Route{
		Method: "GET", Path: "/api/organizations/{organization}/calls/{id}/numbers", Auth: facade.SignedIn,
		System:  facade.Pocketline,
		Summary: "The numbers of a call, for who may call back. From whom lists keep them, the audit log has it.",
		Answer:  `{"caller_number", "recipient_number"}`,
		Errors:  "403 the person may not act in calls · 404",
	}
)

// worker is the caller in the path's organization, when they may act in calls.
func worker(re *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := tenant.InPath(re)
	if err == nil && !lists.MayWork(t) {
		err = refusal.Of("forbidden/acting")
	}
	return t, err
}

// contact is one of an organization, as it is stored.
func contact(app core.App, organization, id string) (*core.Record, error) {
	found, err := database.Found(app.FindRecordById(collections.Contacts, id))
	if err != nil {
		return nil, err
	}
	if found == nil || found.GetString("organization") != organization {
		return nil, sql.ErrNoRows
	}
	return found, nil
}
