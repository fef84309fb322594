package orgs_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	acmeKeys = "/api/organizations/" + testkit.Acme + "/keys"
	acmeOne  = "/api/collections/calls/records/" + testkit.AcmeCall
)

// apiKey is a key somebody made, with what it opened.
type apiKey struct {
	b                *bureau
	id, secret, file string
	stream           *subscriptions.DefaultClient
}

// makeKey makes a key over the wire, takes a file token with it and opens a stream.
func (b *bureau) makeKey(maker, role string) apiKey {
	b.t.Helper()
	var made struct {
		Key    string
		Record struct{ ID, State, Acts_With string }
	}
	b.ask(maker, "", "POST", acmeKeys, map[string]string{"name": "Till", "role": role}).want(201).into(&made)
	if made.Record.State != identity.KeyActive || made.Record.Acts_With != role {
		b.t.Fatalf("got %+v, want an active key that acts with its role", made.Record)
	}
	k := apiKey{b: b, id: made.Record.ID, secret: made.Key, stream: subscriptions.NewDefaultClient()}
	b.ask(k.secret, "", "GET", acmeOne, nil).want(200)
	k.file = b.ask(k.secret, "", "POST", "/api/files/token", nil).want(200).text("token")
	b.file(k.file).want(200)
	b.app.SubscriptionsBroker().Register(k.stream)
	b.ask(k.secret, "", "POST", "/api/realtime", map[string]any{"clientId": k.stream.Id(), "subscriptions": []string{"calls/*"}}).want(204)
	return k
}

// file asks for Acme's recording with a file token.
func (b *bureau) file(token string) reply {
	b.t.Helper()
	sound := b.find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	return b.ask("", "", "GET", "/api/files/recordings/"+sound.Id+"/"+sound.GetString("file")+"?token="+token, nil)
}

// ended checks that nothing of the key is left, and why.
func (k apiKey) ended(why string) {
	k.b.t.Helper()
	k.b.ask(k.secret, "", "GET", "/api/organizations", nil).want(401)
	k.b.ask(k.secret, "", "GET", acmeOne, nil).want(404)
	k.b.file(k.file).want(404)
	if k.b.app.SubscriptionsBroker().Clients()[k.stream.Id()] != nil {
		k.b.t.Error("the key's stream is open")
	}
	row := k.b.find(collections.APIKeys, "id = '"+k.id+"'")
	if row == nil {
		if why != "" {
			k.b.t.Error("the key's row is gone")
		}
		return
	}
	if row.GetString("revoked_at") == "" || row.GetString("ended_by") != why {
		k.b.t.Errorf("ended at %q by %q, want by %q", row.GetString("revoked_at"), row.GetString("ended_by"), why)
	}
	if account := row.GetString("acts_as"); k.b.find(collections.Users, "id = '"+account+"' && is_active = true") != nil ||
		k.b.find(collections.Memberships, "user = '"+account+"'") != nil {
		k.b.t.Error("the key's account is still a member")
	}
}

func TestKey_ends_with_whatever_ends_its_maker_or_itself(t *testing.T) {
	acme := "/api/team-members/" + testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)
	panel := func(collection, id string) string { return "/api/collections/" + collection + "/records/" + id }
	superuser := testkit.As(t, testkit.Superuser)["Authorization"]
	for name, end := range map[string]struct {
		why string
		do  func(b *bureau, owner, admin string, k apiKey)
	}{
		"suspension": {"maker", func(b *bureau, owner, _ string, _ apiKey) { b.ask(owner, "", "POST", acme+"/suspend", nil).want(200) }},
		"being made inactive": {"maker", func(b *bureau, owner, _ string, _ apiKey) {
			b.ask(owner, "", "PUT", acme, map[string]string{"status": "inactive"}).want(200)
		}},
		"removal": {"maker", func(b *bureau, owner, _ string, _ apiKey) { b.ask(owner, "", "DELETE", acme, nil).want(200) }},
		"removal with keys=revoke": {"maker", func(b *bureau, owner, _ string, _ apiKey) {
			b.ask(owner, "", "DELETE", acme+"?keys=revoke", nil).want(200)
		}},
		"leaving": {"maker", func(b *bureau, _, admin string, _ apiKey) {
			b.ask(admin, "", "POST", "/api/organizations/"+testkit.Acme+"/leave", nil).want(200)
		}},
		"deactivation": {"maker", func(b *bureau, _, _ string, _ apiKey) {
			b.ask(superuser, "", "PATCH", panel("users", testkit.User(testkit.AcmeAdmin)), map[string]bool{"is_active": false}).want(200)
		}},
		"deletion of the account": {"maker", func(b *bureau, _, _ string, _ apiKey) {
			b.ask(superuser, "", "DELETE", panel("users", testkit.User(testkit.AcmeAdmin)), nil).want(204)
		}},
		"deletion of the membership in the panel": {"maker", func(b *bureau, _, _ string, _ apiKey) {
			b.ask(superuser, "", "DELETE", panel("memberships", testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)), nil).want(204)
		}},
		"revoking": {"revoked", func(b *bureau, owner, _ string, k apiKey) {
			b.ask(owner, "", "DELETE", acmeKeys+"/"+k.id, nil).want(204)
		}},
		"revoking one's own": {"revoked", func(b *bureau, _, admin string, k apiKey) {
			b.ask(admin, "", "DELETE", acmeKeys+"/"+k.id, nil).want(204)
		}},
		"deletion of the row": {"", func(b *bureau, _, _ string, k apiKey) {
			b.ask(superuser, "", "DELETE", panel("api_keys", k.id), nil).want(204)
		}},
		"a date in the panel": {"", func(b *bureau, _, _ string, k apiKey) {
			b.ask(superuser, "", "PATCH", panel("api_keys", k.id), map[string]string{"revoked_at": "2026-10-01 00:00:00.000Z"}).want(200)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bureauOf(t)
			owner, admin := b.signIn(testkit.AcmeOwner, ""), b.signIn(testkit.AcmeAdmin, "")
			other, k := b.makeKey(owner, collections.Viewer), b.makeKey(admin, collections.Admin)
			end.do(b, owner, admin, k)
			k.ended(end.why)
			b.ask(other.secret, "", "GET", acmeOne, nil).want(200) // another maker's key stays
			b.file(other.file).want(200)
			if end.why == "maker" && b.count("SELECT count(*) FROM audit_logs WHERE action = 'api_keys.update' AND record = '"+k.id+"'") == 0 {
				t.Error("the end of the key is not written down")
			}
		})
	}
}

func TestKey_stays_when_what_would_end_it_is_undone(t *testing.T) {
	b := bureauOf(t)
	k := b.makeKey(b.signIn(testkit.AcmeOwner, ""), collections.Admin)
	// The last owner cannot be suspended: neither may the key go.
	b.ask(testkit.As(t, testkit.Superuser)["Authorization"], "", "PATCH", "/api/collections/memberships/records/"+testkit.UserMembership(testkit.AcmeOwner, testkit.Acme),
		map[string]string{"status": "suspended"}).want(409)
	b.ask(k.secret, "", "GET", acmeOne, nil).want(200)
	b.file(k.file).want(200)
}

// A key has its own role or its maker's present rights, whichever is less.
func TestKey_has_no_more_than_its_maker_has_now(t *testing.T) {
	b := bureauOf(t)
	owner, admin := b.signIn(testkit.AcmeOwner, ""), b.signIn(testkit.AcmeAdmin, "")
	k := b.makeKey(admin, collections.Admin)
	contact := "/api/collections/contacts/records/" + testkit.AcmeContact
	assistant := "/api/collections/assistants/records/" + testkit.AcmeAssistant
	member := "/api/team-members/" + testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)
	type may struct{ seesCalls, notes, builds, numbers bool }
	check := func(when, role string, want may) {
		t.Helper()
		got := may{
			b.ask(k.secret, "", "GET", acmeOne, nil).status == 200,
			b.ask(k.secret, "", "PATCH", acmeOne, map[string]string{"notes": when}).status == 200,
			b.ask(k.secret, "", "PATCH", assistant, map[string]string{"first_message": when}).status == 200,
			b.ask(k.secret, "", "PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber, map[string]string{"friendly_name": when}).status == 200,
		}
		if got != want {
			t.Errorf("%s: the key may %+v, want %+v", when, got, want)
		}
		var list struct{ Keys []map[string]any }
		b.ask(owner, "", "GET", acmeKeys, nil).want(200).into(&list)
		at := slices.IndexFunc(list.Keys, func(row map[string]any) bool { return row["id"] == k.id })
		if row := list.Keys[at]; row["role"] != "admin" || row["acts_with"] != role || row["state"] != "active" {
			t.Errorf("%s: listed as %v, want role admin that acts with %s", when, row, role)
		}
	}
	check("at first", "admin", may{true, true, true, true})
	b.ask(owner, "", "PUT", member, map[string]any{"role": "manager", "can_manage_agents": true, "can_view_calls": true}).want(200)
	check("maker is a manager", "manager", may{true, true, true, false})
	b.ask(owner, "", "PUT", member, map[string]any{"can_manage_agents": false}).want(200)
	check("maker lost a flag", "manager", may{true, true, false, false})
	b.ask(owner, "", "PUT", member, map[string]any{"role": "viewer"}).want(200)
	check("maker is a viewer", "viewer", may{true, false, false, false})
	b.ask(k.secret, "", "DELETE", contact, nil).want(404)
	b.ask(owner, "", "PUT", member, map[string]any{"can_view_calls": false}).want(200)
	check("maker sees no calls", "viewer", may{})
	b.file(k.file).want(404)
	b.ask(admin, "", "DELETE", acmeKeys+"/"+b.makeKeyOf(owner), nil).want(403) // not theirs, and they keep no keys
	b.ask(owner, "", "PUT", member, map[string]any{"role": "admin"}).want(200)
	check("maker is an admin again", "admin", may{true, true, true, true})

	// Nor by the panel, on the key's own account.
	account := b.find(collections.APIKeys, "id = '"+k.id+"'").GetString("acts_as")
	b.ask(owner, "", "PUT", member, map[string]any{"role": "agent", "can_view_calls": true}).want(200)
	b.set(collections.Memberships, b.find(collections.Memberships, "user = '"+account+"'").Id, map[string]any{"role": "owner", "can_manage_team": true})
	check("somebody raised the account", "agent", may{true, true, false, false})
}

// makeKeyOf makes a key and returns its id.
func (b *bureau) makeKeyOf(maker string) string {
	b.t.Helper()
	return b.makeKey(maker, collections.Viewer).id
}

func TestKey_pauses_while_its_maker_lacks_the_factor_the_organization_asks_for(t *testing.T) {
	b := bureauOf(t)
	owner, admin := b.signIn(testkit.AcmeOwner, ""), b.signIn(testkit.AcmeAdmin, "")
	b.enroll(owner)
	k, kept := b.makeKey(admin, collections.Viewer), b.makeKey(owner, collections.Viewer)
	b.ask(owner, "", "PATCH", "/api/security/settings", map[string]any{"two_factor_enabled": true}).want(200)

	b.ask(kept.secret, "", "GET", acmeOne, nil).want(200) // its maker has one
	paused := b.ask(k.secret, "", "GET", acmeOne, nil).want(403)
	if !strings.Contains(string(paused.body), "This API key is paused") {
		t.Errorf("got %s, want it said in words", paused.body)
	}
	if answer := b.ask(k.secret, "", "GET", "/api/organizations", nil).want(403); answer.text("code") != "key_paused" {
		t.Errorf("got %s", answer.body)
	}
	b.ask(k.secret+"x", "", "GET", "/api/organizations", nil).want(401) // who holds no key learns nothing of it
	b.file(k.file).want(403)
	if b.hears(k.stream) {
		t.Error("a paused key's stream hears")
	}
	state := func() string {
		t.Helper()
		var list struct {
			Keys []struct{ ID, State, Why string }
		}
		b.ask(owner, "", "GET", acmeKeys, nil).want(200).into(&list)
		for _, row := range list.Keys {
			if row.ID == k.id {
				return strings.TrimSpace(row.State + " " + row.Why)
			}
		}
		return ""
	}
	if got := state(); got != "paused factor" {
		t.Errorf("listed as %q", got)
	}
	b.enroll(admin)
	b.ask(k.secret, "", "GET", acmeOne, nil).want(200)
	b.file(k.file).want(200)
	if got := state(); got != "active" {
		t.Errorf("listed as %q", got)
	}
}

// hears tells whether a message to the stream is sent.
func (b *bureau) hears(stream *subscriptions.DefaultClient) (sent bool) {
	b.t.Helper()
	event := new(core.RealtimeMessageEvent)
	event.RequestEvent = &core.RequestEvent{App: b.app}
	event.Client, event.Message = stream, &subscriptions.Message{Name: "calls/*", Data: []byte(`{"record":{"organization":"` + testkit.Acme + `"}}`)}
	if err := b.app.OnRealtimeMessageSend().Trigger(event, func(*core.RealtimeMessageEvent) error { sent = true; return nil }); err != nil {
		b.t.Fatal(err)
	}
	return sent
}

// The strongest key there is, against everything that is not for keys.
func TestKey_reaches_only_what_is_for_keys(t *testing.T) {
	b := bureauOf(t)
	owner := b.signIn(testkit.AcmeOwner, "")
	k := b.makeKey(owner, collections.Admin)
	account := b.find(collections.APIKeys, "id = '"+k.id+"'").GetString("acts_as")
	fill := strings.NewReplacer("{organization}", testkit.Acme, "{id}", testkit.UserMembership(testkit.AcmeViewer, testkit.Acme), "{message}", "x")
	tables := []string{"memberships", "users", "api_keys", "security_settings", "organizations", "invitations", "sessions", "outbox"}
	counts := func() (all []int) {
		for _, table := range tables {
			all = append(all, b.count("SELECT count(*) FROM "+table))
		}
		return all
	}
	before := counts()
	closed := 0
	for _, r := range b.facade.Routes() {
		pattern := r.Method + " " + r.Path
		if may, _ := identity.KeyRoute(pattern); may || strings.Contains(r.Path, "webhooks") {
			continue
		}
		closed++
		for _, body := range []any{nil, map[string]any{"email": "new@client.test", "full_name": "N", "role": "admin", "name": "child", "two_factor_enabled": false}} {
			if got := b.ask(k.secret, "", r.Method, fill.Replace(r.Path), body); got.status != 403 || !strings.Contains(string(got.body), "An API key cannot do this") {
				t.Errorf("%s: got %d %.200s, want 403 with the sentence", pattern, got.status, got.body)
			}
		}
	}
	if closed < 40 {
		t.Errorf("only %d routes are closed", closed)
	}
	for _, route := range []string{
		"POST /api/batch", "GET /api/collections", "GET /api/logs", "POST /api/sql", "GET /api/settings", "GET /api/backups", "GET /api/crons",
		"POST /api/collections/users/auth-refresh", "POST /api/collections/USERS/auth-with-password", "POST /api/collections/users/request-otp",
		"POST /api/collections/_pb_users_auth_/request-email-change", "GET /api/collections/users/auth-methods",
		"POST /api/collections/_superusers/auth-with-password", "POST /api/collections/users/impersonate/" + testkit.User(testkit.AcmeOwner),
		"PATCH /api/collections/Users/records/" + account, "GET /api/collections/users/records", "PATCH /api/collections/organizations/records/" + testkit.Acme,
	} {
		method, path, _ := strings.Cut(route, " ")
		b.ask(k.secret, "", method, path, map[string]any{"name": "x", "requests": []any{}}).want(403)
	}
	// A collection is the same by any spelling PocketBase knows.
	for _, name := range []string{collections.SecuritySettings, collections.APIKeys, collections.AuditLogs, collections.Invitations, collections.PrivacyRequests, collections.Sessions} {
		c, err := b.app.FindCollectionByNameOrId(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], c.Id, url.PathEscape(name)} {
			path := "/api/collections/" + spelled + "/records"
			b.ask(k.secret, "", "GET", path, nil).want(403)
			b.ask(k.secret, "", "GET", path+"/"+testkit.Row(testkit.Acme, "security"), nil).want(403)
			for _, method := range []string{"POST", "PATCH", "DELETE"} {
				where := path
				if method != "POST" {
					where += "/" + testkit.Row(testkit.Acme, "security")
				}
				b.ask(k.secret, "", method, where, map[string]any{"two_factor_enabled": false}).want(403)
			}
			stream := subscriptions.NewDefaultClient()
			b.app.SubscriptionsBroker().Register(stream)
			b.ask(k.secret, "", "POST", "/api/realtime", map[string]any{"clientId": stream.Id(), "subscriptions": []string{spelled + "/*?options=%7B%7D"}}).want(403)
			b.app.SubscriptionsBroker().Unregister(stream.Id())
		}
	}
	// The old client's wrapper is asked about inside.
	b.ask(k.secret, "", "POST", "/functions/v1/organization", map[string]any{"method": "PATCH", "data": map[string]any{"name": "Taken"}}).want(403)
	if after := counts(); !slices.Equal(before, after) {
		t.Errorf("rows of %v went from %v to %v", tables, before, after)
	}
	if name := b.find(collections.Organizations, "id = '"+testkit.Acme+"'").GetString("name"); name != "Acme Bakery" {
		t.Errorf("the organization is called %s", name)
	}
	b.ask(k.secret, "", "GET", "/api/team-members", nil).want(200)
	b.ask(k.secret, "", "GET", "/api/nothing/there", nil).want(404)
}

// What a key may not list it sees by no other way either.
func TestKey_sees_no_closed_rows_through_others(t *testing.T) {
	b := bureauOf(t)
	k := b.makeKey(b.signIn(testkit.AcmeOwner, ""), collections.Admin)
	var closed []string
	for _, c := range collections.All() {
		if reads, _, _ := identity.KeyRecords(c.Name); !reads && collections.Tenant(c) {
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
			answer := b.ask(k.secret, "", "GET", "/api/collections/"+from+"/records?expand="+path, nil).want(200)
			if strings.Contains(string(answer.body), name+"_via_organization") {
				t.Errorf("%s expands %s: %.300s", from, path, answer.body)
			}
			var list struct {
				Items []json.RawMessage `json:"items"`
			}
			told := b.ask(k.secret, "", "GET", "/api/collections/"+from+"/records?filter="+url.QueryEscape(path+".id ?!= ''"), nil)
			if told.status != http.StatusOK {
				continue // refused
			}
			if told.into(&list); len(list.Items) > 0 {
				t.Errorf("%s tells by a filter of %s", from, path)
			}
		}
	}
}

// A key's maker is a person who belongs to the organization.
func TestKey_is_made_by_a_member(t *testing.T) {
	b := bureauOf(t)
	b.ask(testkit.As(t, testkit.Superuser)["Authorization"], "", "POST", acmeKeys, map[string]string{"name": "x", "role": "viewer"}).want(403)
	// Keys of which nobody knows who made them do nothing.
	k := b.makeKey(b.signIn(testkit.AcmeOwner, ""), collections.Viewer)
	b.set(collections.APIKeys, k.id, map[string]any{"created_by": ""})
	b.ask(k.secret, "", "GET", "/api/organizations", nil).want(401)
	b.file(k.file).want(404)
}

func TestKey_may_hold_less_than_its_maker(t *testing.T) {
	b := bureauOf(t)
	of := b.find(collections.Memberships, "user = '"+testkit.User(testkit.AcmeManager)+"'")
	b.set(collections.Memberships, of.Id, map[string]any{collections.CanManageIntegrations: true})
	manager := b.signIn(testkit.AcmeManager, "")
	for role, want := range map[string]int{
		collections.Manager: 201, collections.Agent: 201, collections.Viewer: 201,
		collections.Developer: 403, collections.Admin: 403,
	} {
		b.ask(manager, "", "POST", acmeKeys, map[string]string{"name": "for " + role, "role": role}).want(want)
	}
}

func TestFileToken_is_good_as_long_as_what_it_came_from(t *testing.T) {
	b := bureauOf(t)
	of := func(token string) string {
		t.Helper()
		file := b.ask(token, "", "POST", "/api/files/token", nil).want(200).text("token")
		b.file(file).want(200)
		return file
	}
	desk, phone := b.signIn(testkit.AcmeAgent, ""), b.signIn(testkit.AcmeAgent, "")
	first, second := of(desk), of(phone)
	b.ask(desk, "", "DELETE", "/api/me/sessions/current", nil).want(204)
	b.file(first).want(404)
	b.file(second).want(200) // of another session

	third := of(b.signIn(testkit.AcmeAgent, ""))
	b.ask(phone, "", "POST", "/api/me/sessions/end-others", nil).want(200)
	b.file(third).want(404)
	b.file(second).want(200)
	b.ask(phone, "", "POST", "/api/me/sessions/end-all", nil).want(204)
	b.file(second).want(404)

	// A session that ran out.
	fourth := of(b.signIn(testkit.AcmeAgent, ""))
	session := b.find(collections.Sessions, "user = '"+testkit.User(testkit.AcmeAgent)+"' && ended_at = ''")
	b.set(collections.Sessions, session.Id, map[string]any{"expires_at": b.clock.at.Add(time.Minute)})
	b.file(fourth).want(200)
	b.clock.pass(2 * time.Minute)
	b.file(fourth).want(404)

	// A token that says not what it came from is nobody's, but a superuser's.
	agent := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	bare, err := agent.NewFileToken()
	if err != nil {
		t.Fatal(err)
	}
	b.file(bare).want(404)
	root, err := b.app.FindAuthRecordByEmail(core.CollectionNameSuperusers, testkit.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if bare, err = root.NewFileToken(); err != nil {
		t.Fatal(err)
	}
	b.file(bare).want(200)

	// Who is deactivated has no file either.
	fifth := of(b.signIn(testkit.AcmeAgent, ""))
	b.set(collections.Users, agent.Id, map[string]any{"is_active": false})
	b.file(fifth).want(404)
}

// What is written about members is for who manages them.
func TestMember_notes_permissions_and_config_are_for_who_manages_the_team(t *testing.T) {
	b := bureauOf(t)
	written := map[string]any{"notes": "slow on the phone", "permissions": map[string]any{"till": "closed"}, "config": map[string]any{"desk": "four"}}
	about := testkit.UserMembership(testkit.AcmeViewer, testkit.Acme)
	owner := b.signIn(testkit.AcmeOwner, "")
	b.ask(owner, "", "PUT", "/api/team-members/"+about, written).want(200)
	words := []string{"slow on the phone", `"till"`, `"four"`}
	const list = "/api/collections/memberships/records"
	surfaces := []string{
		list, list + "/" + about, "/api/collections/organizations/records?expand=memberships_via_organization",
		"/api/collections/calls/records?expand=organization.memberships_via_organization", "/api/team-members?limit=100",
	}
	key := b.makeKey(owner, collections.Admin).secret
	for who, token := range map[string]string{
		"the member": b.signIn(testkit.AcmeViewer, ""), "an agent": b.signIn(testkit.AcmeAgent, ""), "a developer": b.signIn(testkit.AcmeDeveloper, ""), "a key": key,
	} {
		for _, surface := range surfaces {
			answer := b.ask(token, "", "GET", surface, nil).want(200)
			for _, word := range words {
				if strings.Contains(string(answer.body), word) {
					t.Errorf("%s reads %s at %s", who, word, surface)
				}
			}
		}
		for _, field := range collections.MemberPrivate {
			for _, path := range []string{
				list + "?filter=" + url.QueryEscape(field+" ~ 'slow'"), list + "?sort=" + field,
				"/api/collections/calls/records?filter=" + url.QueryEscape("organization.memberships_via_organization."+field+" ?~ 'slow'"),
			} {
				b.ask(token, "", "GET", path, nil).want(400)
			}
		}
	}
	for who, token := range map[string]string{"the owner": owner, "an admin": b.signIn(testkit.AcmeAdmin, "")} {
		for _, surface := range surfaces {
			answer := b.ask(token, "", "GET", surface, nil).want(200)
			for _, word := range words {
				if !strings.Contains(string(answer.body), word) {
					t.Errorf("%s does not read %s at %s", who, word, surface)
				}
			}
		}
	}
	// A member who sends back what was shown changes nothing of it.
	viewer := b.signIn(testkit.AcmeViewer, "")
	b.ask(viewer, "", "PUT", "/api/team-members/"+about, map[string]any{"full_name": "Vic V.", "notes": "", "permissions": map[string]any{}, "config": map[string]any{}}).want(200)
	b.ask(viewer, "", "PUT", "/api/team-members/"+about, map[string]any{"notes": "the best"}).want(403)
	if row := b.find(collections.Memberships, "id = '"+about+"'"); row.GetString("notes") != "slow on the phone" || row.GetString("full_name") != "Vic V." {
		t.Errorf("stored %q of %q", row.GetString("notes"), row.GetString("full_name"))
	}
}

// An invitation is lent by whoever sent it, too.
func TestInvitation_ends_with_the_account_of_whoever_sent_it(t *testing.T) {
	superuser := testkit.As(t, testkit.Superuser)["Authorization"]
	path := "/api/collections/users/records/" + testkit.User(testkit.AcmeAdmin)
	for name, end := range map[string]func(b *bureau){
		"deactivated": func(b *bureau) { b.ask(superuser, "", "PATCH", path, map[string]bool{"is_active": false}).want(200) },
		"deleted":     func(b *bureau) { b.ask(superuser, "", "DELETE", path, nil).want(204) },
	} {
		t.Run(name, func(t *testing.T) {
			b := bureauOf(t)
			link := b.ask(b.signIn(testkit.AcmeAdmin, ""), "", "POST", "/api/team-members",
				map[string]string{"full_name": "Nia New", "email": "nia@new.test", "role": "viewer"}).want(201).text("inviteLink")
			_, token, _ := strings.Cut(link, "#token=")
			b.ask("", "", "POST", "/api/auth/verify-invite", map[string]string{"token": token}).want(200)
			end(b)
			if open := b.find(collections.Invitations, "email = 'nia@new.test' && status = 'pending'"); open != nil {
				t.Errorf("the invitation is open, by %q", open.GetString("invited_by"))
			}
			b.ask("", "", "POST", "/api/auth/accept-invite",
				map[string]string{"token": token, "fullName": "Nia New", "password": "a long password"}).want(400)
		})
	}
}
