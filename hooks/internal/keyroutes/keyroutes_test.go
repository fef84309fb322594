package keyroutes

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// callers are an app, the account of a key, a person and somebody who runs the
// installation.
func callers(t *testing.T) (s testkit.Stored, key, person, operator *core.Record) {
	t.Helper()
	s = testkit.Stored{T: t, App: testkit.New(t)}
	key = s.User(testkit.AcmeAgent)
	key.Set("is_service", true)
	operator, err := s.App.FindAuthRecordByEmail(core.CollectionNameSuperusers, testkit.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	return s, key, s.User(testkit.AcmeOwner), operator
}

// reach asks for a route as PocketBase does once it knows the pattern, and tells what is
// answered: 0 when the request goes on to its handler.
func reach(s testkit.Stored, caller *core.Record, pattern, collection string) (int, string) {
	s.T.Helper()
	e := s.Request("198.51.100.1")
	e.Auth = caller
	e.Request.Pattern = pattern
	e.Request.SetPathValue("collection", collection)
	if err := Reach(e); err != nil {
		s.T.Fatal(err)
	}
	w := e.Response.(*httptest.ResponseRecorder)
	if w.Body.Len() == 0 {
		return 0, ""
	}
	return w.Code, w.Body.String()
}

func TestReach_refuses_keys_what_is_in_no_table_and_nobody_else(t *testing.T) {
	s, key, person, operator := callers(t)
	for pattern, open := range map[string]bool{
		"GET /api/calls": true, "POST /functions/v1/calls/{id}/end": true, "GET /api/assistant-choices": true,
		"GET /api/saved-replies": true, "DELETE /api/saved-replies/{id}": true, "POST /api/files/token": true,
		"POST /functions/v1/{path...}": true, "GET /{path...}": true, "POST /api/sync/{collection}/{id}/retry": true,
		"POST /api/organizations/{organization}/keys": false, "POST /api/batch": false, "POST /api/setup": false,
		"POST /api/collections/{collection}/auth-with-password": false,
		"POST /api/collections/{collection}/impersonate/{id}":   false,
		"DELETE /api/collections/{collection}/truncate":         false,
		"GET /api/a-route-somebody-added-without-a-word":        false,
		"":                                      false,
		"PATCH /functions/v1/organization/{id}": false,
		"GET /api/organizations/{organization}/calls.csv":              true,
		"GET /api/organizations/{organization}/audit.csv":              false,
		"POST /api/organizations/{organization}/webhook-secret/rotate": false,
	} {
		status, body := reach(s, key, pattern, "")
		if (status == 0) != open {
			t.Errorf("%q answers a key %d, want that it goes on: %t", pattern, status, open)
		}
		if !open && (status != 403 || !strings.Contains(body, `"not_for_keys"`)) {
			t.Errorf("%q: got %d %s", pattern, status, body)
		}
		for name, caller := range map[string]*core.Record{"a guest": nil, "a person": person, "the operator": operator} {
			if status, _ := reach(s, caller, pattern, ""); status != 0 {
				t.Errorf("%q answers %s %d", pattern, name, status)
			}
		}
	}
}

// PocketBase finds a collection by its name in any case and by its id.
func TestReach_knows_a_collection_by_every_name_it_has(t *testing.T) {
	s, key, _, _ := callers(t)
	for _, defined := range collections.All() {
		c, err := s.App.FindCollectionByNameOrId(defined.Name)
		if err != nil {
			t.Fatal(err)
		}
		mayRead, mayWrite := Records(c.Name)
		if mayWrite && !mayRead {
			t.Errorf("%s is written by who may not read it", c.Name)
		}
		for _, name := range []string{c.Name, strings.ToUpper(c.Name), c.Id} {
			for route, deed := range recordRoutes {
				open := mayRead
				if deed == writes {
					open = mayWrite
				}
				if status, _ := reach(s, key, route, name); (status == 0) != open {
					t.Errorf("%s with %s: got %d, want that it goes on: %t", route, name, status, open)
				}
			}
		}
	}
	for _, name := range []string{"", "nothing", core.CollectionNameSuperusers, "_params", "_otps"} {
		status, _ := reach(s, key, "GET /api/collections/{collection}/records", name)
		if _, err := s.App.FindCachedCollectionByNameOrId(name); (status == 0) != (err != nil) {
			t.Errorf("%q answers a key %d, which exists: %t", name, status, err == nil)
		}
	}
}

func TestRoute_of_a_documented_collection_follows_its_rows(t *testing.T) {
	for path, collection := range map[string]string{
		"/api/saved-replies": collections.SavedReplies, "/api/vapi/assistants": collections.Assistants,
		"/functions/v1/assistants": collections.Assistants, "/api/phone-numbers": collections.PhoneNumbers,
		"/api/invitations": collections.Invitations, "/api/usage-events": collections.UsageEvents,
	} {
		mayRead, mayWrite := Records(collection)
		for route, want := range map[string]bool{"GET " + path: mayRead, "GET " + path + "/{id}": mayRead,
			"POST " + path: mayWrite, "PATCH " + path + "/{id}": mayWrite, "DELETE " + path + "/{id}": mayWrite} {
			if may, decided := Route(route); may != want || !decided {
				t.Errorf("%s: got %t, decided %t, want %t", route, may, decided, want)
			}
		}
		for _, route := range []string{"PUT " + path + "/{id}", "POST " + path + "/{id}/send", "GET " + path + ".csv"} {
			if may, decided := Route(route); may || decided {
				t.Errorf("%s is decided (%t) without anybody who did", route, may)
			}
		}
	}
	// A line of its own is stronger than what follows from the rows.
	for pattern, may := range keyRoutes {
		if got, decided := Route(pattern); got != may || !decided {
			t.Errorf("%s: got %t, want %t", pattern, got, may)
		}
	}
	if all := Routes(); len(all) != len(keyRoutes) || !slices.IsSorted(all) {
		t.Errorf("%d routes are listed of %d", len(all), len(keyRoutes))
	}
}

func TestTopics_are_refused_as_a_whole_when_one_is_not_for_keys(t *testing.T) {
	s, key, person, _ := callers(t)
	id := func(name string) string {
		c, err := s.App.FindCollectionByNameOrId(name)
		if err != nil {
			t.Fatal(err)
		}
		return c.Id
	}
	for _, c := range []struct {
		topics []string
		open   bool
	}{
		{nil, true},
		{[]string{"calls/*"}, true},
		{[]string{"calls/" + testkit.AcmeCall + "?options=%7B%7D", "CONTACTS/*"}, true},
		{[]string{"call/" + testkit.AcmeLiveCall}, true}, // no rows: its own door decides
		{[]string{"memberships"}, true},
		{[]string{"api_keys/*"}, false},
		{[]string{"API_KEYS?options=%7B%7D"}, false},
		{[]string{id(collections.SecuritySettings) + "/*"}, false},
		{[]string{"calls/*", "invitations/*"}, false},
		{[]string{"users/" + testkit.User(testkit.AcmeOwner)}, false},
		{[]string{core.CollectionNameSuperusers + "/*"}, false},
	} {
		for name, caller := range map[string]*core.Record{"a key": key, "a person": person, "a guest": nil} {
			e := &core.RealtimeSubscribeRequestEvent{Subscriptions: c.topics}
			e.RequestEvent = s.Request("198.51.100.1")
			e.Auth = caller
			if err := Topics(e); (err == nil) != (c.open || name != "a key") {
				t.Errorf("%s asks for %q: got %v", name, c.topics, err)
			}
		}
	}
}
