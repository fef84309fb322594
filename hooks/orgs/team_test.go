package orgs_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

type teamList struct {
	Members    []map[string]any
	Pagination struct{ Page, Limit, Total, TotalPages int }
}

func (l teamList) emails() []string {
	out := []string{}
	for _, m := range l.Members {
		out = append(out, strings.TrimSuffix(m["email"].(string), ".test"))
	}
	return out
}

func member(email string) string {
	return "/api/team-members/" + testkit.UserMembership(email, testkit.Acme)
}

func TestTeam_merges_invitations_and_pages_rightly(t *testing.T) {
	d := open(t, nil)
	for i := range 7 {
		d.Do("POST", "/api/team-members", testkit.AcmeOwner,
			map[string]any{"full_name": fmt.Sprintf("Guest %d", i), "email": fmt.Sprintf("g%d@new.test", i),
				"role": "viewer", "department": "Night"}).Want(201)
	}
	d.Do("GET", "/api/team-members", testkit.Guest, nil).Want(401).Nothing()
	d.Do("GET", "/api/team-members", testkit.Nobody, nil).Want(403).Nothing()
	var seen []string
	for page := 1; page <= 5; page++ {
		var l teamList
		d.Do("GET", fmt.Sprintf("/api/team-members?page=%d&limit=5", page), testkit.AcmeOwner, nil).Want(200).JSON(&l)
		// 8 active, 1 suspended, 1 invitation of the fixtures, 7 new ones.
		if l.Pagination.Total != 17 || l.Pagination.TotalPages != 4 || l.Pagination.Limit != 5 || l.Pagination.Page != page {
			t.Errorf("page %d: %+v", page, l.Pagination)
		}
		if want := []int{5, 5, 5, 2, 0}[page-1]; len(l.Members) != want {
			t.Errorf("page %d has %d members, want %d", page, len(l.Members), want)
		}
		for _, m := range l.Members {
			seen = append(seen, m["id"].(string))
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 17 {
		t.Errorf("%d different people on all pages, want 17", len(slices.Compact(seen)))
	}
	for query, want := range map[string]int{
		"status=invited": 8, "status=suspended": 1, "status=active": 8, "role=viewer": 9, "role=owner": 1,
		"department=Night": 7, "department=Night&status=active": 0,
		"search=guest": 7, "search=GUEST+3": 1, "search=%25": 0, "search=_dmin": 0, "search=%27%20OR%201=1--": 0,
		"search=admin%40acme": 1, "limit=1000": 17,
	} {
		var l teamList
		d.Do("GET", "/api/team-members?"+query, testkit.AcmeOwner, nil).Want(200).JSON(&l)
		if l.Pagination.Total != want || len(l.Members) != want {
			t.Errorf("%s: %d of %d, want %d", query, len(l.Members), l.Pagination.Total, want)
		}
	}
	if _, err := d.DB().NewQuery("UPDATE memberships SET full_name = 'Jean-Pierre Müller-Łoś' WHERE id = (SELECT min(id) FROM memberships WHERE organization = '" +
		testkit.Acme + "')").Execute(); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"jean pierre", "muller", "MÜLLER-LOS", "łoś"} {
		var l teamList
		d.Do("GET", "/api/team-members?search="+url.QueryEscape(typed), testkit.AcmeOwner, nil).Want(200).JSON(&l)
		if l.Pagination.Total != 1 {
			t.Errorf("%s: found %d, want 1", typed, l.Pagination.Total)
		}
	}
	for _, query := range []string{"status=gone", "role=king", "page=0", "limit=x", "search=" + strings.Repeat("x", 201)} {
		d.Do("GET", "/api/team-members?"+query, testkit.AcmeOwner, nil).Want(400).Nothing()
	}
	// Who does not manage the team sees members only; others see other teams.
	var l teamList
	d.Do("GET", "/api/team-members", testkit.AcmeAgent, nil).Want(200).JSON(&l)
	if l.Pagination.Total != 9 {
		t.Errorf("an agent sees %d, want the 9 members", l.Pagination.Total)
	}
	d.Do("GET", "/api/team-members", testkit.BoltOwner, nil).Want(200).JSON(&l)
	if got := l.emails(); !slices.Contains(got, "owner@bolt") || slices.Contains(got, "owner@acme") {
		t.Errorf("Bolt sees %v", got)
	}
	for _, field := range []string{"id", "user_id", "company_id", "created_by", "full_name", "email", "role",
		"department", "status", "phone_number", "avatar_url", "timezone",
		"permissions", "last_login_at", "last_active_at", "invitation_sent_at", "invitation_accepted_at",
		"total_calls_handled", "total_messages_handled", "total_emails_handled",
		"avg_response_time", "customer_satisfaction_score", "notes", "config", "created_at", "updated_at", "can_view_calls"} {
		if _, there := l.Members[0][field]; !there {
			t.Errorf("the documented field %s is missing", field)
		}
	}
}

func TestTeam_shows_one_organization_only(t *testing.T) {
	d := open(t, nil)
	var l teamList
	d.Do("GET", "/api/team-members?organization="+testkit.Bolt, testkit.AcmeOwner, nil).Want(404).Nothing()
	d.Do("GET", "/api/team-members?organization="+testkit.Bolt, testkit.Sam, nil).Want(200).JSON(&l)
	for _, m := range l.Members {
		if m["company_id"] != testkit.Bolt {
			t.Errorf("a row of %v", m["company_id"])
		}
	}
}

func TestTeam_changes_only_what_the_caller_may(t *testing.T) {
	for _, tt := range []struct {
		name, caller, subject string
		body                  map[string]any
		status                int
	}{
		{"guest", testkit.Guest, testkit.AcmeAgent, map[string]any{"department": "X"}, 401},
		{"another organization", testkit.BoltOwner, testkit.AcmeAgent, map[string]any{"department": "X"}, 404},
		{"an agent changes nobody", testkit.AcmeAgent, testkit.AcmeViewer, map[string]any{"department": "X"}, 403},
		{"a manager without the flag", testkit.AcmeManager, testkit.AcmeViewer, map[string]any{"department": "X"}, 403},
		{"a wrong role", testkit.AcmeOwner, testkit.AcmeAgent, map[string]any{"role": "king"}, 400},
		{"a wrong zone", testkit.AcmeOwner, testkit.AcmeAgent, map[string]any{"timezone": "Mars/X"}, 400},
		{"a wrong type", testkit.AcmeOwner, testkit.AcmeAgent, map[string]any{"can_view_calls": "yes"}, 400},
		{"an admin makes an owner", testkit.AcmeAdmin, testkit.AcmeAgent, map[string]any{"role": "owner"}, 403},
		{"an admin changes the owner", testkit.AcmeAdmin, testkit.AcmeOwner, map[string]any{"department": "X"}, 403},
		{"an admin suspends the owner", testkit.AcmeAdmin, testkit.AcmeOwner, map[string]any{"status": "suspended"}, 403},
		{"their own role", testkit.AcmeAdmin, testkit.AcmeAdmin, map[string]any{"role": "manager"}, 403},
		{"the owner's own role", testkit.AcmeOwner, testkit.AcmeOwner, map[string]any{"role": "admin"}, 403},
		{"their own flags", testkit.AcmeAgent, testkit.AcmeAgent, map[string]any{"can_manage_team": true}, 403},
		{"their own status", testkit.AcmeAdmin, testkit.AcmeAdmin, map[string]any{"status": "inactive"}, 403},
		{"a member is not invited again", testkit.AcmeAdmin, testkit.AcmeAgent, map[string]any{"status": "invited"}, 400},
		{"their own name", testkit.AcmeAgent, testkit.AcmeAgent,
			map[string]any{"full_name": "Ari A.", "phone_number": "+12025550188", "timezone": "Europe/Paris"}, 200},
		{"their own department", testkit.AcmeAgent, testkit.AcmeAgent, map[string]any{"department": "Board"}, 403},
		{"the same role again is no change", testkit.AcmeAdmin, testkit.AcmeAdmin,
			map[string]any{"role": "admin", "full_name": "A"}, 200},
		{"an admin changes an agent", testkit.AcmeAdmin, testkit.AcmeAgent,
			map[string]any{"role": "manager", "can_manage_agents": true, "department": "Desk", "notes": "n",
				"config": map[string]any{"a": 1}}, 200},
		{"an owner makes an owner", testkit.AcmeOwner, testkit.AcmeAgent, map[string]any{"role": "owner"}, 200},
		{"an admin makes an admin", testkit.AcmeAdmin, testkit.AcmeAgent, map[string]any{"role": "admin"}, 200},
		{"the operator", testkit.Superuser, testkit.AcmeAgent, map[string]any{"role": "owner"}, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, nil)
			path := member(tt.subject)
			if tt.caller == testkit.Superuser {
				path += "?organization=" + testkit.Bolt
			}
			a := d.Do("PUT", path, tt.caller, tt.body).Want(tt.status)
			m, err := d.FindRecordById(collections.Memberships, testkit.UserMembership(tt.subject, testkit.Acme))
			if err != nil {
				t.Fatal(err)
			}
			for field, value := range tt.body {
				if field == "config" {
					continue
				}
				same := m.GetString(field) == fmt.Sprint(value)
				if tt.status == 200 && !same {
					t.Errorf("%s is %q, want %v", field, m.GetString(field), value)
				}
				if tt.status != 200 && same && field != "role" {
					t.Errorf("%s was changed to %v", field, value)
				}
			}
			if tt.status == 200 && (d.Audited("memberships.update") != 1 || strings.Contains(string(a.Body), `"data"`)) {
				t.Errorf("audited %d times; %s", d.Audited("memberships.update"), a.Body)
			}
		})
	}
}

func TestTeam_manager_gives_only_what_they_hold(t *testing.T) {
	d := open(t, nil)
	d.Set(collections.Memberships, testkit.UserMembership(testkit.AcmeManager, testkit.Acme),
		map[string]any{"can_manage_team": true})
	for _, tt := range []struct {
		body   map[string]any
		status int
	}{
		{map[string]any{"can_manage_integrations": true}, 403}, {map[string]any{"can_view_emails": true}, 403},
		{map[string]any{"role": "admin"}, 403},
		{map[string]any{"role": "developer"}, 403},
		{map[string]any{"can_access_analytics": true, "can_manage_team": true}, 200},
		{map[string]any{"role": "manager"}, 200},
		{map[string]any{"can_view_calls": false}, 200},
	} {
		a := d.Do("PUT", member(testkit.AcmeAgent), testkit.AcmeManager, tt.body)
		if a.Status != tt.status {
			t.Errorf("%v: got %d %s, want %d", tt.body, a.Status, a.Body, tt.status)
		}
		invite := map[string]any{"full_name": "N", "email": fmt.Sprintf("n%d@new.test", len(d.Dropped)), "role": "agent"}
		for k, v := range tt.body {
			invite[k] = v
		}
		if tt.status == 403 {
			d.Do("POST", "/api/team-members", testkit.AcmeManager, invite).Want(403).Nothing()
		}
	}
	d.Do("PUT", member(testkit.AcmeAdmin), testkit.AcmeManager, map[string]any{"department": "X"}).Want(403).Nothing()
	d.Do("DELETE", member(testkit.AcmeAdmin), testkit.AcmeManager, nil).Want(403).Nothing()
	d.Do("DELETE", member(testkit.AcmeViewer), testkit.AcmeManager, nil).Want(200)
}

func TestTeam_demotion_takes_what_the_role_gave(t *testing.T) {
	d := open(t, nil)
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/transfer", testkit.AcmeOwner,
		map[string]any{"user": testkit.User(testkit.AcmeManager)}).Want(200)
	var row map[string]any
	d.Do("PUT", member(testkit.AcmeOwner), testkit.AcmeManager,
		map[string]any{"role": "agent", "can_manage_agents": true}).Want(200).JSON(&row)
	for flag, want := range map[string]bool{
		"can_manage_team": false, "can_manage_integrations": false, "can_access_analytics": false, "can_manage_agents": true,
		"can_view_calls": true,
	} {
		if row[flag] != want {
			t.Errorf("%s: got %v, want %v", flag, row[flag], want)
		}
	}
	d.Do("POST", "/api/team-members", testkit.AcmeOwner,
		map[string]any{"full_name": "N", "email": "n@new.test", "role": "agent"}).Want(403).Nothing()
}

func TestTeam_does_not_count_the_accounts_of_keys(t *testing.T) {
	d := open(t, nil)
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
		map[string]any{"name": "Reports", "role": "viewer"})
	if d.Count("SELECT count(*) FROM users WHERE is_service") == 0 {
		t.Fatal("no key was made")
	}
	service := d.Find(collections.Memberships, "user.is_service = true")
	d.Do("PUT", "/api/team-members/"+service.Id, testkit.AcmeOwner, map[string]any{"role": "admin"}).Want(404).Nothing()
	d.Do("DELETE", "/api/team-members/"+service.Id, testkit.AcmeOwner, nil).Want(404).Nothing()
	var l teamList
	d.Do("GET", "/api/team-members", testkit.AcmeOwner, nil).Want(200).JSON(&l)
	var limits struct{ Used struct{ Members int } }
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeOwner, nil).Want(200).JSON(&limits)
	var listed struct{ Companies []company }
	d.Do("GET", "/api/organizations", testkit.AcmeOwner, nil).Want(200).JSON(&listed)
	if l.Pagination.Total != 10 || limits.Used.Members != 9 || listed.Companies[0].MemberCount != 8 {
		t.Errorf("a key counts as a person: %d listed, %d used, %d members", l.Pagination.Total, limits.Used.Members,
			listed.Companies[0].MemberCount)
	}
}

func TestTeam_suspension_takes_access_at_once(t *testing.T) {
	d := open(t, nil)
	list := "/api/collections/calls/records?filter=id!=''"
	d.Do("GET", list, testkit.AcmeAgent, nil).Want(200)
	d.Do("POST", member(testkit.AcmeAgent)+"/suspend", testkit.AcmeAgent, nil).Want(403).Nothing()
	d.Do("POST", member(testkit.AcmeOwner)+"/suspend", testkit.AcmeAdmin, nil).Want(403).Nothing()
	d.Do("POST", member(testkit.AcmeOwner)+"/suspend", testkit.AcmeOwner, nil).Want(403).Nothing()
	var row map[string]any
	d.Do("POST", member(testkit.AcmeAgent)+"/suspend", testkit.AcmeAdmin, nil).Want(200).JSON(&row)
	if row["status"] != "suspended" || row["email"] != testkit.AcmeAgent {
		t.Errorf("got %v", row)
	}
	if !slices.Equal(d.Dropped, []string{testkit.User(testkit.AcmeAgent) + "@" + testkit.Acme}) {
		t.Errorf("streams dropped: %v", d.Dropped)
	}
	d.Do("GET", "/api/team-members", testkit.AcmeAgent, nil).Want(403).Nothing()
	if ids := d.Do("GET", list, testkit.AcmeAgent, nil).Want(200).IDs(); len(ids) != 0 {
		t.Errorf("still sees %v", ids)
	}
	d.Do("POST", member(testkit.AcmeAgent)+"/activate", testkit.AcmeAdmin, nil).Want(200)
	if ids := d.Do("GET", list, testkit.AcmeAgent, nil).Want(200).IDs(); len(ids) != 2 {
		t.Errorf("sees %v, want both calls again", ids)
	}
	d.Do("POST", "/api/team-members/"+testkit.Row(testkit.Acme, "invite")+"/suspend", testkit.AcmeAdmin,
		nil).Want(404).Nothing()
	if d.Audited("memberships.update") != 2 {
		t.Errorf("audited %d times, want 2", d.Audited("memberships.update"))
	}
}

func TestTeam_removal_ends_membership_and_keys_when_asked(t *testing.T) {
	d := open(t, nil)
	d.Set(collections.APIKeys, testkit.Row(testkit.Acme, "key"),
		map[string]any{"created_by": testkit.User(testkit.AcmeDeveloper)})
	d.Do("DELETE", member(testkit.AcmeDeveloper), testkit.Guest, nil).Want(401).Nothing()
	d.Do("DELETE", member(testkit.AcmeDeveloper), testkit.AcmeViewer, nil).Want(403).Nothing()
	d.Do("DELETE", member(testkit.AcmeDeveloper), testkit.BoltOwner, nil).Want(404).Nothing()
	d.Do("DELETE", member(testkit.AcmeAdmin), testkit.AcmeAdmin, nil).Want(403).Nothing()
	if a := d.Do("DELETE", member(testkit.AcmeDeveloper)+"?keys=revoke", testkit.AcmeAdmin,
		nil).Want(200); strings.TrimSpace(string(a.Body)) != `{"success":true}` {
		t.Errorf("got %s", a.Body)
	}
	key, err := d.FindRecordById(collections.APIKeys, testkit.Row(testkit.Acme, "key"))
	if err != nil || key.GetString("revoked_at") == "" {
		t.Errorf("the key was kept (%v)", err)
	}
	if d.Find(collections.Memberships, "user = '"+testkit.User(testkit.AcmeDeveloper)+"'") != nil ||
		d.Find(collections.Users, "email = 'developer@acme.test'") == nil {
		t.Error("the membership goes, the person stays")
	}
	if d.Audited("memberships.delete") != 1 || d.Audited("api_keys.update") != 1 || len(d.Dropped) != 1 {
		t.Errorf("audited %d and %d, dropped %v", d.Audited("memberships.delete"), d.Audited("api_keys.update"), d.Dropped)
	}
	d.Do("DELETE", member(testkit.AcmeDeveloper), testkit.AcmeAdmin, nil).Want(404).Nothing()
}

func TestTeam_keeps_its_last_owner(t *testing.T) {
	d := open(t, nil)
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.AcmeOwner, nil).Want(409).Nothing()
	// Nor by the operator's panel, nor with the account.
	d.Do("DELETE", "/api/collections/memberships/records/"+testkit.UserMembership(testkit.AcmeOwner, testkit.Acme),
		testkit.Superuser, nil).Want(409).Nothing()
	d.Do("PATCH", "/api/collections/memberships/records/"+testkit.UserMembership(testkit.AcmeOwner, testkit.Acme),
		testkit.Superuser, map[string]any{"role": "agent"}).Want(409).Nothing()
	d.Do("DELETE", "/api/collections/users/records/"+testkit.User(testkit.AcmeOwner), testkit.Superuser,
		nil).Want(409).Nothing()
	if m := d.Find(collections.Memberships, "organization = '"+testkit.Acme+"' && role = 'owner'"); m == nil ||
		m.GetString("status") != "active" {
		t.Fatal("the owner is gone")
	}
	// Two owners: one may go.
	d.Do("PUT", member(testkit.AcmeAdmin), testkit.AcmeOwner, map[string]any{"role": "owner"}).Want(200)
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.AcmeOwner, nil).Want(200)
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeOwner, nil).Want(404).Nothing()
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.AcmeAdmin, nil).Want(409).Nothing()
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.AcmeViewer, nil).Want(200)
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.BoltOwner, nil).Want(404).Nothing()
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.Guest, nil).Want(401).Nothing()
}

// Whoever is removed is signed out with the removal (security.md S13); whoever leaves or
// is suspended stays signed in.
func TestTeam_removal_signs_out(t *testing.T) {
	d := open(t, nil)
	remove := func(email string) func() {
		return func() { d.Do("DELETE", member(email), testkit.AcmeOwner, nil).Want(200) }
	}
	status := func(email, status string) func() {
		return func() {
			d.Do("PUT", member(email), testkit.AcmeOwner, map[string]any{"status": status}).Want(200)
		}
	}
	for _, tt := range []struct {
		name, email string
		do          func()
		want        int
	}{
		{"suspended", testkit.AcmeManager, status(testkit.AcmeManager, "suspended"), 200},
		{"another role", testkit.AcmeManager, func() {
			d.Do("PUT", member(testkit.AcmeManager), testkit.AcmeOwner, map[string]any{"role": "viewer"}).Want(200)
		}, 200},
		{"removed, a member elsewhere too", testkit.Sam, remove(testkit.Sam), 401},
		{"removed", testkit.AcmeAgent, remove(testkit.AcmeAgent), 401},
		{"removed by the operator", testkit.AcmeTrainee, func() {
			d.Do("DELETE", "/api/collections/memberships/records/"+testkit.UserMembership(testkit.AcmeTrainee, testkit.Acme),
				testkit.Superuser, nil).Want(204)
		}, 401},
		{"left", testkit.AcmeViewer, func() {
			d.Do("POST", "/api/organizations/"+testkit.Acme+"/leave", testkit.AcmeViewer, nil).Want(200)
		}, 200},
	} {
		token := d.SignIn(tt.email, "")
		tt.do()
		d.Ask(token, "", "GET", "/api/organizations", nil).Want(tt.want)
		again := d.Ask(token, "", "POST", "/api/collections/users/auth-refresh", nil)
		open := d.Count("SELECT count(*) FROM sessions WHERE ended_at = '' AND user = '" + testkit.User(tt.email) + "'")
		if out := tt.want == 401; out != (again.Status == 401) || out != (open == 0) {
			t.Errorf("%s: refreshing got %d, %d sessions are open", tt.name, again.Status, open)
		}
	}
	// A removal that is refused signs nobody out.
	owner := d.SignIn(testkit.AcmeOwner, "")
	d.Do("DELETE", member(testkit.AcmeOwner), testkit.AcmeAdmin, nil).Want(403).Nothing()
	d.Ask(owner, "", "GET", "/api/organizations", nil).Want(200)
}

func TestTeam_two_owners_who_remove_each_other_leave_one(t *testing.T) {
	d := open(t, nil)
	d.Do("PUT", member(testkit.AcmeAdmin), testkit.AcmeOwner, map[string]any{"role": "owner"}).Want(200)
	mux := d.Handler()
	statuses := make([]int, 2)
	var wg sync.WaitGroup
	for i, pair := range [][2]string{{testkit.AcmeOwner, testkit.AcmeAdmin}, {testkit.AcmeAdmin, testkit.AcmeOwner}} {
		req := httptest.NewRequest("DELETE", member(pair[1]), nil)
		for k, v := range testkit.As(t, pair[0]) {
			req.Header.Set(k, v)
		}
		wg.Go(func() {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, req)
			statuses[i] = w.Code
		})
	}
	wg.Wait()
	left := d.Count("SELECT count(*) FROM memberships WHERE organization = '" + testkit.Acme +
		"' AND role = 'owner' AND status = 'active'")
	slices.Sort(statuses)
	if left != 1 || statuses[0] != 200 || statuses[1] < 400 {
		t.Errorf("%d owners left, answers %v", left, statuses)
	}
}

func TestTransfer_changes_hands(t *testing.T) {
	d := open(t, nil)
	path := "/api/organizations/" + testkit.Acme + "/transfer"
	to := func(email string) map[string]any { return map[string]any{"user": testkit.User(email)} }
	d.Do("POST", path, testkit.Guest, to(testkit.AcmeAgent)).Want(401).Nothing()
	d.Do("POST", path, testkit.AcmeAdmin, to(testkit.AcmeAgent)).Want(403).Nothing()
	d.Do("POST", path, testkit.BoltOwner, to(testkit.BoltOwner)).Want(404).Nothing()
	d.Do("POST", path, testkit.AcmeOwner, to(testkit.AcmeOwner)).Want(400).Nothing()
	d.Do("POST", path, testkit.AcmeOwner, to(testkit.BoltOwner)).Want(404).Nothing()
	d.Do("POST", path, testkit.AcmeOwner, to(testkit.AcmeSuspended)).Want(404).Nothing()
	d.Do("POST", path, testkit.AcmeOwner, to(testkit.AcmeAgent)).Want(200)
	next, _ := d.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.AcmeAgent, testkit.Acme))
	before, _ := d.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.AcmeOwner, testkit.Acme))
	if next.GetString("role") != "owner" || !next.GetBool("can_manage_team") || before.GetString("role") != "admin" {
		t.Errorf("got %s and %s", next.GetString("role"), before.GetString("role"))
	}
	d.Do("POST", path, testkit.AcmeOwner, to(testkit.AcmeAdmin)).Want(403).Nothing()
	if d.Audited("memberships.update") != 2 {
		t.Errorf("audited %d times", d.Audited("memberships.update"))
	}
}
