package keyroutes_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/keyroutes"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The strongest key there is, against everything that is not for keys.
func TestKey_reaches_only_what_is_for_keys(t *testing.T) {
	b := peoplekit.OpenAt(t)
	owner := b.SignIn(testkit.AcmeOwner, "")
	k := b.MakeKey(owner, collections.Admin)
	account := b.Find(collections.APIKeys, "id = '"+k.ID+"'").GetString("acts_as")
	fill := strings.NewReplacer("{organization}", testkit.Acme, "{id}",
		testkit.UserMembership(testkit.AcmeViewer, testkit.Acme), "{message}", "x")
	tables := []string{"memberships", "users", "api_keys", "security_settings", "organizations", "invitations",
		"sessions", "outbox"}
	counts := func() (all []int) {
		for _, table := range tables {
			all = append(all, b.Count("SELECT count(*) FROM "+table))
		}
		return all
	}
	before := counts()
	closed := 0
	for _, r := range b.Facade.Routes() {
		pattern := r.Method + " " + r.Path
		if may, _ := keyroutes.Route(pattern); may || strings.Contains(r.Path, "webhooks") {
			continue
		}
		closed++
		for _, body := range []any{nil, map[string]any{"email": "new@client.test", "full_name": "N", "role": "admin",
			"name": "child", "two_factor_enabled": false}} {
			if got := b.Ask(k.Secret, "", r.Method, fill.Replace(r.Path), body); got.Status != 403 ||
				!strings.Contains(string(got.Body), "An API key cannot do this") {
				t.Errorf("%s: got %d %.200s, want 403 with the sentence", pattern, got.Status, got.Body)
			}
		}
	}
	if closed < 40 {
		t.Errorf("only %d routes are closed", closed)
	}
	for _, route := range []string{
		"POST /api/batch", "GET /api/collections", "GET /api/logs", "POST /api/sql", "GET /api/settings",
		"GET /api/backups", "GET /api/crons",
		"POST /api/collections/users/auth-refresh", "POST /api/collections/USERS/auth-with-password",
		"POST /api/collections/users/request-otp",
		"POST /api/collections/_pb_users_auth_/request-email-change", "GET /api/collections/users/auth-methods",
		"POST /api/collections/_superusers/auth-with-password",
		"POST /api/collections/users/impersonate/" + testkit.User(testkit.AcmeOwner),
		"PATCH /api/collections/Users/records/" + account, "GET /api/collections/users/records",
		"PATCH /api/collections/organizations/records/" + testkit.Acme,
	} {
		method, path, _ := strings.Cut(route, " ")
		b.Ask(k.Secret, "", method, path, map[string]any{"name": "x", "requests": []any{}}).Want(403)
	}
	// A collection is the same by any spelling PocketBase knows.
	for _, name := range []string{collections.SecuritySettings, collections.APIKeys, collections.AuditLogs,
		collections.Invitations, collections.PrivacyRequests, collections.Sessions} {
		c, err := b.FindCollectionByNameOrId(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:],
			c.Id, url.PathEscape(name)} {
			path := "/api/collections/" + spelled + "/records"
			b.Ask(k.Secret, "", "GET", path, nil).Want(403)
			b.Ask(k.Secret, "", "GET", path+"/"+testkit.Row(testkit.Acme, "security"), nil).Want(403)
			for _, method := range []string{"POST", "PATCH", "DELETE"} {
				where := path
				if method != "POST" {
					where += "/" + testkit.Row(testkit.Acme, "security")
				}
				b.Ask(k.Secret, "", method, where, map[string]any{"two_factor_enabled": false}).Want(403)
			}
			stream := subscriptions.NewDefaultClient()
			b.SubscriptionsBroker().Register(stream)
			b.Ask(k.Secret, "", "POST", "/api/realtime",
				map[string]any{"clientId": stream.Id(), "subscriptions": []string{spelled + "/*?options=%7B%7D"}}).Want(403)
			b.SubscriptionsBroker().Unregister(stream.Id())
		}
	}
	// The old client's wrapper is asked about inside.
	b.Ask(k.Secret, "", "POST", "/functions/v1/organization",
		map[string]any{"method": "PATCH", "data": map[string]any{"name": "Taken"}}).Want(403)
	if after := counts(); !slices.Equal(before, after) {
		t.Errorf("rows of %v went from %v to %v", tables, before, after)
	}
	if name := b.Find(collections.Organizations, "id = '"+testkit.Acme+"'").GetString("name"); name != "Acme Bakery" {
		t.Errorf("the organization is called %s", name)
	}
	b.Ask(k.Secret, "", "GET", "/api/team-members", nil).Want(200)
	b.Ask(k.Secret, "", "GET", "/api/nothing/there", nil).Want(404)
}

// What a key may not list it sees by no other way either.
func TestKey_sees_no_closed_rows_through_others(t *testing.T) {
	b := peoplekit.OpenAt(t)
	k := b.MakeKey(b.SignIn(testkit.AcmeOwner, ""), collections.Admin)
	var closed []string
	for _, c := range collections.All() {
		if reads, _ := keyroutes.Records(c.Name); !reads && collections.Tenant(c) {
			closed = append(closed, c.Name)
		}
	}
	if len(closed) < 5 {
		t.Fatalf("closed to keys are only %v", closed)
	}
	for _, from := range []string{"organizations", "calls", "memberships", "assistants"} {
		prefix := "organization."
		if from == "organizations" {
			prefix = ""
		}
		for _, name := range closed {
			path := prefix + name + "_via_organization"
			answer := b.Ask(k.Secret, "", "GET", "/api/collections/"+from+"/records?expand="+path, nil).Want(200)
			if strings.Contains(string(answer.Body), name+"_via_organization") {
				t.Errorf("%s expands %s: %.300s", from, path, answer.Body)
			}
			var list struct {
				Items []json.RawMessage `json:"items"`
			}
			told := b.Ask(k.Secret, "", "GET",
				"/api/collections/"+from+"/records?filter="+url.QueryEscape(path+".ID ?!= ''"), nil)
			if told.Status != http.StatusOK {
				continue // refused
			}
			if told.Into(&list); len(list.Items) > 0 {
				t.Errorf("%s tells by a filter of %s", from, path)
			}
		}
	}
}
