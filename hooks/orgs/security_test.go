package orgs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/orgs"
)

func TestNetworks_close_every_surface_of_the_organization(t *testing.T) {
	b := bureauOf(t)
	const office, home = "192.0.2.10", "203.0.113.10"
	sam, owner := b.signIn(testkit.Sam, home), b.signIn(testkit.AcmeOwner, office)
	sound := b.find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	files := b.ask(sam, home, "POST", "/api/files/token", nil).want(200).text("token")
	list := map[string]any{"ip_whitelist": []string{"192.0.2.0/24", "2001:db8::/32"}}
	b.ask(owner, home, "PATCH", "/api/security/settings", list).want(400) // would lock the editor out
	b.ask(owner, office, "PATCH", "/api/security/settings", map[string]any{"ip_whitelist": []string{"nonsense"}}).want(400)
	b.ask(owner, office, "PATCH", "/api/security/settings", list).want(200)

	surfaces := []struct{ method, url string }{
		{"GET", acmeCalls},
		{"GET", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"PATCH", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"DELETE", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"GET", "/api/collections/organizations/records/" + testkit.Acme},
		{"GET", "/api/security/settings"},
		{"GET", "/api/organizations/" + testkit.Acme + "/limits"},
		{"GET", "/api/organizations/" + testkit.Acme + "/keys"},
		{"GET", "/api/files/recordings/" + sound.Id + "/" + sound.GetString("file") + "?token=" + files},
	}
	for _, s := range surfaces {
		b.ask(owner, home, s.method, s.url, nil).want(403)
	}
	for _, s := range surfaces {
		if s.method == "GET" {
			b.ask(owner, office, s.method, s.url, nil).want(200)
			b.ask(owner, "::ffff:"+office, s.method, s.url, nil).want(200) // IPv4 written as IPv6
			b.ask(owner, "2001:db8::7", s.method, s.url, nil).want(200)
		}
	}
	// Sam's other organization asks for nothing.
	b.ask(sam, home, "GET", acmeCalls, nil).want(403)
	answer := b.ask(sam, home, "GET", "/api/collections/calls/records?organization="+testkit.Bolt, nil).want(200)
	if !strings.Contains(string(answer.body), testkit.BoltCall) {
		t.Errorf("got %s, want Bolt's calls", answer.body)
	}
	both := b.ask(sam, home, "GET", "/api/collections/calls/records?filter="+
		"organization%3D%27"+testkit.Acme+"%27%7C%7Corganization%3D%27"+testkit.Bolt+"%27", nil)
	if strings.Contains(string(both.body), testkit.AcmeCall) {
		t.Errorf("a list over both shows Acme's calls: %s", both.body)
	}
	// A forged header changes nothing while no proxy is trusted.
	forged := b.raw(owner, home, "GET", acmeCalls, map[string]string{"X-Forwarded-For": office, "X-Real-IP": office, "Fly-Client-IP": office})
	forged.want(403)

	var made struct{ Key string }
	b.ask(owner, office, "POST", "/api/organizations/"+testkit.Acme+"/keys", map[string]string{"name": "k", "role": "viewer"}).want(201).into(&made)
	b.ask(made.Key, home, "GET", acmeCalls, nil).want(403)
	b.ask(made.Key, office, "GET", acmeCalls, nil).want(200)

	// The console opens it again.
	cmd := orgs.Command(b.app)
	cmd.SetArgs([]string{"reset", "--organization", testkit.Acme})
	cmd.SetOut(&strings.Builder{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	b.ask(owner, home, "GET", acmeCalls, nil).want(200)
}

func TestNetworks_behind_a_trusted_proxy_count_its_header(t *testing.T) {
	b := bureauOf(t)
	b.app.Settings().TrustedProxy.Headers = []string{"Fly-Client-IP"}
	b.set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"ip_whitelist": []string{"192.0.2.0/24"}})
	token := b.signIn(testkit.AcmeOwner, "")
	b.raw(token, "10.0.0.1", "GET", acmeCalls, map[string]string{"Fly-Client-IP": "192.0.2.5"}).want(200)
	b.raw(token, "192.0.2.5", "GET", acmeCalls, map[string]string{"Fly-Client-IP": "203.0.113.5"}).want(403)
	b.raw(token, "10.0.0.1", "GET", acmeCalls, map[string]string{"Fly-Client-IP": "203.0.113.5", "X-Forwarded-For": "192.0.2.5"}).want(403)
}

func TestAccount_that_is_tried_too_often_answers_late_and_is_never_locked(t *testing.T) {
	b := bureauOf(t)
	inside := b.signIn(testkit.AcmeOwner, "192.0.2.1")
	wrong := map[string]string{"identity": testkit.AcmeOwner, "password": "not the password"}
	for range 25 {
		b.ask("", "", "POST", "/api/collections/users/auth-with-password", wrong).want(400)
	}
	if len(b.delays) == 0 || b.delays[0] != 500*time.Millisecond || slices.Max(b.delays) > 8*time.Second {
		t.Errorf("answers were held back by %v, want from 0.5 s to 8 s", b.delays)
	}
	held := len(b.delays)
	b.ask(inside, "192.0.2.1", "GET", "/api/user/profile", nil).want(200)
	b.signIn(testkit.AcmeOwner, "192.0.2.1") // from where the owner was before
	if len(b.delays) != held {
		t.Error("the owner waits at a known address")
	}
	b.signIn(testkit.AcmeOwner, "") // elsewhere: late, not never
	if len(b.delays) != held+1 {
		t.Error("a stranger's address does not wait")
	}
	b.signIn(testkit.BoltOwner, "")
}

func TestAddress_that_tries_too_often_is_refused_by_64(t *testing.T) {
	b := bureauOf(t)
	body := map[string]string{"identity": "nobody@nowhere.test", "password": "x"}
	last := 0
	for n := range 31 {
		last = b.ask("", fmt.Sprintf("2001:db8:1:2::%x", n+1), "POST", "/api/collections/users/auth-with-password", body).status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 31st try of one /64 got %d, want 429", last)
	}
	b.ask("", "2001:db8:1:3::1", "POST", "/api/collections/users/auth-with-password", body).want(400)
	b.clock.pass(time.Minute)
	b.ask("", "2001:db8:1:2::1", "POST", "/api/collections/users/auth-with-password", body).want(400)
}

func TestSignUp_makes_nobody_elses_account(t *testing.T) {
	b := bureauOf(t)
	form := func(more map[string]any) map[string]any {
		all := map[string]any{"email": "new@client.test", "fullName": "Nia New", "password": "a long password"}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	b.ask("", "", "POST", "/api/auth/signup", form(map[string]any{"userId": testkit.User(testkit.AcmeOwner)})).want(401)
	b.ask("", "", "POST", "/api/auth/signup", form(map[string]any{"password": "short"})).want(400)
	b.ask("", "", "POST", "/api/auth/signup", form(map[string]any{"email": "Nia <new@client.test>"})).want(400)
	made := b.ask("", "", "POST", "/api/auth/signup", form(nil)).want(200)
	if made.text("data", "user", "full_name") != "Nia New" || made.text("message") != "User profile created successfully" || made.text("reason") == "" {
		t.Errorf("got %s", made.body)
	}
	user, err := b.app.FindAuthRecordByEmail(collections.Users, "new@client.test")
	if err != nil || user.Verified() {
		t.Fatalf("got %v (%v), want an account that has not proved its address", user, err)
	}
	b.ask("", "", "POST", "/api/auth/signup", form(nil)).want(409)

	// With mail, an address that is taken looks like one that is not.
	b.app.Settings().SMTP.Enabled = true
	taken := b.ask("", "", "POST", "/api/auth/signup", form(nil)).want(200)
	fresh := b.ask("", "", "POST", "/api/auth/signup", form(map[string]any{"email": "other@client.test"})).want(200)
	if a, c := strings.ReplaceAll(string(taken.body), "new@client.test", "X"), strings.ReplaceAll(string(fresh.body), "other@client.test", "X"); !sameJSON(t, a, c) {
		t.Errorf("got %s for a taken address and %s for a free one", a, c)
	}

	b.ask(b.signIn(testkit.Nobody, ""), "", "POST", "/api/auth/signup", map[string]any{"userId": testkit.User(testkit.AcmeOwner), "fullName": "Mallory"}).want(403)
	b.ask(b.signIn(testkit.Nobody, ""), "", "POST", "/api/auth/signup", map[string]any{"userId": testkit.User(testkit.Nobody), "email": testkit.Nobody, "fullName": "Noa N."}).want(200)
	if name := b.find(collections.Users, "id = '"+testkit.User(testkit.Nobody)+"'").GetString("name"); name != "Noa N." {
		t.Errorf("got name %q", name)
	}

	closed := open(t, func(d *orgs.Deps) { d.SignUp = "invite-only" })
	closed.Do("POST", "/api/auth/signup", testkit.Guest, form(nil)).Want(403)
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		t.Fatalf("not JSON: %s %s", a, b)
	}
	left, _ := json.Marshal(x)
	right, _ := json.Marshal(y)
	return string(left) == string(right)
}

func TestProfile_changes_a_name_and_never_a_role(t *testing.T) {
	b := bureauOf(t)
	b.Do("GET", "/api/user/profile", testkit.Guest, nil).Want(401)
	b.Do("GET", "/api/auth/check-profile", testkit.Guest, nil).Want(401)
	var got struct {
		Data struct {
			User struct {
				Name    string `json:"full_name"`
				Role    string `json:"role"`
				Company string `json:"company_id"`
				Phone   any    `json:"phone"`
			} `json:"user"`
		} `json:"data"`
		Message string `json:"message"`
	}
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{
		"full_name": "Ari A.", "phone": "+12025550111", "role": "owner", "company_id": testkit.Bolt, "is_active": false, "two_factor": true,
	}).Want(200).JSON(&got)
	if u := got.Data.User; u.Name != "Ari A." || u.Role != "agent" || u.Company != testkit.Acme || u.Phone != "+12025550111" {
		t.Errorf("got %+v", u)
	}
	user := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	if !user.GetBool("is_active") || user.GetBool("two_factor") {
		t.Error("a profile changed what it may not")
	}
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"full_name": ""}).Want(400)
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"avatar_url": "https://evil.example/x.png"}).Want(400)
	b.Do("GET", "/api/user/profile", testkit.Superuser, nil).Want(403)
	var check struct {
		Authenticated, HasProfile, HasCompanyID bool
		Problem                                 any `json:"profileError"`
	}
	b.Do("GET", "/api/auth/check-profile", testkit.AcmeAgent, nil).Want(200).JSON(&check)
	if !check.Authenticated || !check.HasProfile || !check.HasCompanyID || check.Problem != nil {
		t.Errorf("got %+v", check)
	}
	b.Do("GET", "/api/auth/check-profile", testkit.Nobody, nil).Want(200).JSON(&check)
	if check.HasCompanyID {
		t.Error("Nobody has a company")
	}
}

func TestPreferences_merge_shallowly_and_have_a_limit(t *testing.T) {
	b := bureauOf(t)
	post := func(v any) *testkit.Answer {
		return b.Do("POST", "/api/user/preferences", testkit.AcmeAgent, map[string]any{"preferences": v})
	}
	post(map[string]any{"theme": "dark", "list": map[string]any{"a": 1, "b": 2}, "old": true}).Want(200)
	post(map[string]any{"list": map[string]any{"c": 3}, "old": nil}).Want(200)
	b.Do("POST", "/api/user/preferences", testkit.AcmeAgent, map[string]any{"preferences": "dark"}).Want(400)
	post(map[string]any{"big": strings.Repeat("x", 17<<10)}).Want(413)
	var got struct {
		Success bool
		Data    map[string]any
	}
	b.Do("GET", "/api/user/preferences", testkit.AcmeAgent, nil).Want(200).JSON(&got)
	if fmt.Sprint(got.Data) != "map[list:map[c:3] theme:dark]" || !got.Success {
		t.Errorf("got %v", got)
	}
}

func TestSecuritySettings_have_defaults_and_are_checked(t *testing.T) {
	b := bureauOf(t)
	if _, err := b.app.DB().NewQuery("DELETE FROM security_settings").Execute(); err != nil {
		t.Fatal(err)
	}
	// A change may be the first that is asked.
	b.Do("PATCH", "/api/security/settings", testkit.BoltOwner, map[string]any{"keep_events_days": 7}).Want(200)
	if row := b.find(collections.SecuritySettings, "organization = '"+testkit.Bolt+"'"); row == nil || row.GetInt("keep_events_days") != 7 || row.GetInt("keep_audit_days") != collections.AuditKept {
		t.Errorf("Bolt has %v", row)
	}
	for person, want := range map[string]int{
		testkit.Guest: 401, testkit.Nobody: 403, testkit.AcmeViewer: 403, testkit.AcmeManager: 403, testkit.AcmeDeveloper: 403, testkit.AcmeAdmin: 200, testkit.AcmeOwner: 200,
	} {
		b.Do("GET", "/api/security/settings", person, nil).Want(want)
		b.Do("PATCH", "/api/security/settings", person, map[string]any{}).Want(want)
	}
	if n := b.count("SELECT count(*) FROM security_settings"); n != 2 {
		t.Errorf("%d rows were made, want 2", n)
	}
	for _, wrong := range []map[string]any{
		{"session_timeout_minutes": 1}, {"session_timeout_minutes": 10.5}, {"session_timeout_minutes": "60"}, {"keep_audit_days": 5},
		{"keep_recordings_days": -1}, {"allowed_auth_methods": []string{}}, {"allowed_auth_methods": []string{"telepathy"}},
		{"ip_whitelist": "1.2.3.4"}, {"ip_whitelist": []string{"1.2.3.4/33"}}, {"legal_hold": "yes"},
	} {
		b.Do("PATCH", "/api/security/settings", testkit.AcmeOwner, wrong).Want(400)
	}
	var got struct {
		Data struct {
			Settings struct {
				Methods []string `json:"allowed_auth_methods"`
				Days    int      `json:"keep_recordings_days"`
				Minutes int      `json:"session_timeout_minutes"`
			} `json:"settings"`
		} `json:"data"`
	}
	b.Do("PATCH", "/api/security/settings", testkit.AcmeOwner, map[string]any{"allowed_auth_methods": []string{"password", "oauth"}, "keep_recordings_days": 30}).Want(200).JSON(&got)
	if s := got.Data.Settings; !slices.Equal(s.Methods, []string{"password", "oauth2"}) || s.Days != 30 || s.Minutes != 1440 {
		t.Errorf("got %+v", s)
	}
	if b.audited("security_settings.update") == 0 {
		t.Error("the change is not written down")
	}
}

func TestAuditLog_is_read_by_chiefs_and_changed_by_nobody(t *testing.T) {
	b := bureauOf(t)
	for range 3 {
		b.Do("PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAgent, map[string]any{"notes": fmt.Sprint("=1+", b.serial)}).Want(200)
		b.serial++
	}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.AcmeViewer: 403, testkit.AcmeAdmin: 200} {
		b.Do("GET", "/api/security/audit-logs", person, nil).Want(want)
	}
	type page struct {
		Data struct {
			Logs []struct {
				Action  string `json:"action"`
				Company string `json:"company_id"`
				User    string `json:"user_id"`
			} `json:"logs"`
			Pagination struct{ Page, Limit, Total, TotalPages int } `json:"pagination"`
		} `json:"data"`
	}
	var p page
	b.Do("GET", "/api/security/audit-logs?action=calls&limit=2", testkit.AcmeOwner, nil).Want(200).JSON(&p)
	if len(p.Data.Logs) != 2 || p.Data.Pagination.Total != 3 || p.Data.Pagination.TotalPages != 2 || p.Data.Logs[0].User != testkit.User(testkit.AcmeAgent) {
		t.Errorf("got %+v", p)
	}
	for query, want := range map[string]int{
		"actor=" + testkit.User(testkit.AcmeAgent): 3, "actor=key": 0, "resource=calls&record=" + testkit.AcmeCall: 3, "from=2999-01-01": 0, "to=2020-01-01": 0,
	} {
		b.Do("GET", "/api/security/audit-logs?"+query, testkit.AcmeOwner, nil).Want(200).JSON(&p)
		if p.Data.Pagination.Total != want {
			t.Errorf("%s: got %d lines, want %d", query, p.Data.Pagination.Total, want)
		}
	}
	// Acme is in New York: its 2nd of January begins at five in UTC.
	for id, at := range map[string]string{"zauditbefore000": "2025-01-02 04:59:59.000Z", "zauditfirst0000": "2025-01-02 05:00:00.000Z", "zauditlast00000": "2025-01-03 04:59:59.000Z"} {
		if _, err := b.app.DB().NewQuery("INSERT INTO audit_logs (id, organization, action, created, updated) VALUES ('" + id + "', '" + testkit.Acme + "', 'day', '" + at + "', '" + at + "')").Execute(); err != nil {
			t.Fatal(err)
		}
	}
	b.Do("GET", "/api/security/audit-logs?from=2025-01-02&to=2025-01-02", testkit.AcmeOwner, nil).Want(200).JSON(&p)
	if p.Data.Pagination.Total != 2 {
		t.Errorf("the organization's day has %d lines, want 2", p.Data.Pagination.Total)
	}
	b.Do("GET", "/api/security/audit-logs?from=yesterday", testkit.AcmeOwner, nil).Want(400)
	b.Do("GET", "/api/security/audit-logs", testkit.BoltOwner, nil).Want(200).JSON(&p)
	for _, l := range p.Data.Logs {
		if l.Company != testkit.Bolt {
			t.Errorf("Bolt's owner reads %+v", l)
		}
	}
	csv := b.Do("GET", "/api/organizations/"+testkit.Acme+"/audit.csv?action=calls", testkit.AcmeOwner, nil).Want(200)
	if lines := strings.Count(string(csv.Body), "\n"); lines != 4 || strings.Contains(string(csv.Body), ",=") {
		t.Errorf("got %d lines:\n%s", lines, csv.Body)
	}
	b.Do("GET", "/api/organizations/"+testkit.Acme+"/audit.csv", testkit.AcmeViewer, nil).Want(403)
	b.Do("GET", "/api/organizations/"+testkit.Acme+"/audit.csv", testkit.BoltOwner, nil).Want(404)

	line := b.find(collections.AuditLogs, "action = 'calls.update'")
	before := line.GetString("details")
	for _, statement := range []string{
		"UPDATE audit_logs SET action = 'x' WHERE id = '" + line.Id + "'", "UPDATE audit_logs SET details = '{}' WHERE id = '" + line.Id + "'",
		"UPDATE audit_logs SET organization = '" + testkit.Bolt + "' WHERE id = '" + line.Id + "'", "DELETE FROM audit_logs WHERE id = '" + line.Id + "'",
	} {
		if _, err := b.app.NonconcurrentDB().NewQuery(statement).Execute(); err == nil {
			t.Errorf("the database takes %q", statement)
		}
	}
	for _, change := range []func() error{
		func() error { line.Set("action", "x"); return b.app.Save(line) },
		func() error { return b.app.Delete(line) },
	} {
		if change() == nil {
			t.Error("a record of the log was changed")
		}
	}
	b.Do("PATCH", "/api/collections/audit_logs/records/"+line.Id, testkit.Superuser, map[string]any{"action": "x"}).Want(400)
	b.Do("DELETE", "/api/collections/audit_logs/records/"+line.Id, testkit.Superuser, nil).Want(400)
	if again := b.find(collections.AuditLogs, "id = '"+line.Id+"'"); again == nil || again.GetString("details") != before || again.GetString("action") != "calls.update" {
		t.Error("the line changed")
	}
}

func TestCompliancePack_says_what_is_so(t *testing.T) {
	var deps orgs.Deps
	b := open(t, func(d *orgs.Deps) {
		d.Installation = orgs.Installation{Version: "9.9.9", Processors: []orgs.Processor{{Name: "Vapi", Where: "https://api.example.com", Does: "carries calls"}}}
		deps = *d
	})
	b.Do("GET", "/api/security/compliance-docs", testkit.Guest, nil).Want(401)
	b.Do("GET", "/api/security/compliance-docs", testkit.AcmeViewer, nil).Want(403)
	b.set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"keep_recordings_days": 42, "legal_hold": true})
	text := string(b.Do("GET", "/api/security/compliance-docs", testkit.AcmeOwner, nil).Want(200).Body)
	for _, want := range []string{"Acme Bakery", "9.9.9", "Vapi (https://api.example.com)", "42 days", "legal hold", "key is a file in the data directory", "does not require a second factor", deps.PublicURL} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, never := range []string{"ISO", "SOC 2", "GDPR compliant", b.app.DataDir()} {
		if strings.Contains(text, never) {
			t.Errorf("%q stands in\n%s", never, text)
		}
	}
}

func TestLink_of_a_mail_can_be_had_at_the_console_only(t *testing.T) {
	b := bureauOf(t)
	cmd := orgs.Command(b.app)
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"link", "--email", testkit.AcmeAgent})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(out.String()[strings.LastIndex(out.String(), "/reset#token=")+len("/reset#token="):])
	b.ask("", "", "POST", "/api/collections/users/confirm-password-reset", map[string]string{"token": token, "password": "another long one", "passwordConfirm": "another long one"}).want(204)
	b.password(testkit.AcmeAgent, "").want(400)
}

// TestMember_suspended_elsewhere_is_out_at_once suspends a member while they
// read: REST answers the next request so.
func TestMember_suspended_elsewhere_is_out_at_once(t *testing.T) {
	b := bureauOf(t)
	token := b.signIn(testkit.AcmeAgent, "")
	b.ask(token, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).want(200)
	b.set(collections.Memberships, testkit.UserMembership(testkit.AcmeAgent, testkit.Acme), map[string]any{"status": collections.MembershipSuspended})
	b.ask(token, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).want(404)
	b.ask(token, "", "GET", "/api/collections/calls/records/"+testkit.AcmeCall, nil).want(404)
	if !slices.Contains(b.dropped, testkit.User(testkit.AcmeAgent)+"@"+testkit.Acme) {
		t.Error("the streams stay open")
	}
}
