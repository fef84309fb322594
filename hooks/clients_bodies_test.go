package hooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestClients_every_documented_write_names_fields_it_does_not_know(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	call := map[string]any{"caller_number": "+12025550123", "duration": 1, "transcripts": "x"}
	for _, ask := range []struct {
		method, path string
		body         map[string]any
		status       int
	}{
		{"POST", "/api/calls", call, 200},
		{"PUT", "/api/calls/" + testkit.AcmeCall, map[string]any{"priority": "low"}, 200},
		{"PUT", "/api/user/profile", map[string]any{"full_name": "Ada"}, 200},
		{"POST", "/api/team-members", map[string]any{"full_name": "New", "email": "new@acme.test", "role": "agent"}, 201},
		{"POST", "/api/vapi/assistants", map[string]any{"name": "Desk"}, 200},
		{"PATCH", "/api/vapi/assistants/" + testkit.AcmeAssistant, map[string]any{"name": "Desk two"}, 200},
		{"PATCH", "/api/security/settings", map[string]any{"session_timeout_minutes": 600}, 200},
		{"PATCH", "/functions/v1/calls/" + testkit.AcmeCall, map[string]any{"notes": "x"}, 200},
		{"POST", "/functions/v1/messages/" + testkit.AcmeCall, map[string]any{"content": "x", "role": "user"}, 201},
		{"PATCH", "/functions/v1/organization", map[string]any{"description": "x"}, 200},
		{"POST", "/functions/v1/assistants", map[string]any{"name": "x"}, 400},
	} {
		plain := says(t, api.Do(ask.method, ask.path, testkit.AcmeOwner, ask.body).Outcome(ask.status), nil)
		if _, said := plain["warnings"]; said && ask.path != "/api/calls" {
			t.Errorf("%s %s warns of what it knows: %v", ask.method, ask.path, plain["warnings"])
		}
		ask.body["favourite_colour"] = "green"
		if ask.body["email"] != nil {
			ask.body["email"] = "newer@acme.test"
		}
		warned := says(t, api.Do(ask.method, ask.path, testkit.AcmeOwner, ask.body).Outcome(ask.status), nil)
		if !strings.Contains(fmt.Sprint(warned["warnings"]), "favourite_colour") {
			t.Errorf("%s %s passes over a field without a word: %v", ask.method, ask.path, warned)
		}
	}
}

func TestClients_errors_name_the_field_that_was_sent(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	answer := api.Do("POST", "/functions/v1/calls", testkit.AcmeOwner, map[string]any{
		"assistant_id": testkit.BoltAssistant, "phone_number_id": testkit.BoltNumber, "to": "nobody",
	}).Want(400).Nothing()
	details, _ := says(t, answer, nil)["details"].(map[string]any)
	for _, field := range []string{"assistant_id", "phone_number_id", "to"} {
		if details[field] == nil {
			t.Errorf("%s is not named: %v", field, details)
		}
	}
	if len(details) != 3 {
		t.Errorf("got %v", details)
	}
}

func TestClients_a_body_that_is_no_object_is_told_in_words(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for body, want := range map[string]string{
		`[1]`:                            "It is JSON of another kind: an object begins with {",
		`7`:                              "It is JSON of another kind: an object begins with {",
		`null`:                           "It is JSON of another kind: an object begins with {",
		`"a"`:                            "It is JSON of another kind: an object begins with {",
		`{"duration": 1, "duration": 2}`: "The field duration stands there twice",
		`{"duration": 1`:                 "It ends before the object does",
		`{"duration" 1}`:                 "It is not JSON from byte 13 on", `duration=1`: "It is not JSON from byte 1 on",
		`{"a": 1} x`: "It is not JSON from byte 10 on",
	} {
		for _, path := range []string{"/api/calls", "/functions/v1/assistants", "/api/team-members"} {
			says(t, api.Do("POST", path, testkit.AcmeOwner, body).Want(400).Nothing(),
				map[string]any{"error": "The body is not a JSON object", "details": want})
		}
	}
	api.Do("PUT", "/api/installation/mail", testkit.Superuser, `[1]`).Want(400).Nothing()
}

// Whatever a documented route does not look at is named, ours included.
func TestClients_every_documented_write_names_what_it_passed_over(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	// Those of the dashboard alone, and those that end the session that asks.
	ours := []string{"/api/session", "/api/setup", "/api/simulate", "/api/me/sessions/end-all", "/auth/v1/logout"}
	for _, r := range served(t) {
		if r.Method == "GET" || r.Method == "HEAD" || slices.Contains(ours, r.Path) || r.Auth == facade.Superuser ||
			r.Auth == facade.Signature {
			continue
		}
		path := strings.NewReplacer("{organization}", testkit.Acme, "{id}", "nothing", "{path...}", "x").Replace(r.Path)
		answer := api.Do(r.Method, path, testkit.AcmeOwner, map[string]any{"zzz_unknown": 1})
		if answer.Status != 204 && !strings.Contains(string(answer.Body), "zzz_unknown is not known here and was ignored") &&
			!strings.Contains(r.Body, "…}") {
			t.Errorf("%s %s: %d %.200s", r.Method, r.Path, answer.Status, answer.Body)
		}
	}
	call := map[string]any{"assistant": testkit.AcmeAssistant, "phone_number": testkit.AcmeNumber,
		"customer_number": "+12025550144", "voice": "x", "tone": 1}
	says(t, api.Do("POST", "/api/organizations/"+testkit.Acme+"/calls", testkit.AcmeOwner, call), map[string]any{
		"warnings": "[tone is not known here and was ignored voice is not known here and was ignored]",
	})
	says(t, api.Do("PUT", "/api/team-members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme), testkit.AcmeOwner,
		map[string]any{"full_name": "Ari Agent", "avatar_url": "https://example.com/a.png"}).Want(200), map[string]any{
		"warnings": "[avatar_url is not known here and was ignored]",
	})
}

func TestClients_a_field_only_the_server_writes_is_named(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for collection, fields := range map[string][]string{"assistants": {"vapi_assistant_id", "sync_status"},
		"functions": {"vapi_tool_id"}} {
		for _, field := range fields {
			answer := api.Do("POST", "/api/collections/"+collection+"/records", testkit.AcmeOwner, map[string]any{
				"organization": testkit.Acme, "name": "Accueil", field: "pending",
			}).Want(400).Nothing()
			says(t, answer, map[string]any{"data." + field + ".code": "validation_server_only"})
		}
	}
	says(t, api.Do("POST", "/functions/v1/assistants", testkit.AcmeOwner,
		map[string]any{"name": "Accueil", "vapi_assistant_id": "x"}).Want(201),
		map[string]any{"warnings": "[vapi_assistant_id is not known here and was ignored]"})
	api.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner,
		map[string]any{"organization": testkit.Acme, "name": "Accueil", "vapi_assistant_id": ""}).
		Want(200)
}
