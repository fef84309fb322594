package orgs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

type overview struct {
	Organizations []struct {
		ID, Name, Currency string
		Paused             bool
		Calls              int                        `json:"calls_7d"`
		Days               []int                      `json:"days"`
		Answered           *int                       `json:"answered_percent"`
		Open               int                        `json:"open_items"`
		Balance            int                        `json:"balance_minor"`
		Used               int                        `json:"minutes_used"`
		Limit              int                        `json:"minutes_limit"`
		Incident           *struct{ At, What string } `json:"last_incident"`
		Attention          []string
	}
}

// agency makes Sam, who owns Bolt, an admin of Acme.
func agency(t testing.TB) *desk {
	d := open(t, nil)
	d.Set(collections.Memberships, testkit.UserMembership(testkit.Sam, testkit.Acme), map[string]any{"role": "admin"})
	return d
}

func call(d *desk, organization string, at time.Time, values string) {
	d.T.Helper()
	stamp := rows.Stamp(at)
	if _, err := d.DB().NewQuery(fmt.Sprintf(`INSERT INTO calls (id, organization, vapi_call_id, started_at, created,
		updated, call_type, status, outcome, answered, missed, ended_at, resolution_status)
		SELECT '%[1]s', '%[2]s', '%[1]s', '%[3]s', '%[3]s', '%[3]s', 'inbound', %[4]s`, collections.NewID(at),
		organization, stamp, strings.ReplaceAll(values, "NOW", "'"+stamp+"'"))).Execute(); err != nil {
		d.T.Fatal(err)
	}
}

func TestAgency_shows_a_row_a_client_attention_first(t *testing.T) {
	d := agency(t)
	d.Do("GET", "/api/agency", testkit.Guest, nil).Want(401).Nothing()
	for _, person := range []string{testkit.AcmeOwner, testkit.Nobody, testkit.AcmeViewer} {
		d.Do("GET", "/api/agency", person, nil).Want(403).Nothing()
	}
	now := time.Now()
	answered, missed, broken := "'completed', 'completed', TRUE, FALSE, NOW, 'pending'",
		"'completed', 'no_answer', FALSE, TRUE, NOW, 'resolved'", "'failed', 'failed_provider', FALSE, TRUE, NOW, 'pending'"
	for i := range 3 {
		call(d, testkit.Acme, now.Add(-time.Duration(i)*time.Second), answered)
	}
	call(d, testkit.Acme, now.Add(-time.Minute*0-4*time.Second), missed)
	call(d, testkit.Acme, now.AddDate(0, 0, -3), answered)
	call(d, testkit.Acme, now.AddDate(0, 0, -30), answered)
	call(d, testkit.Bolt, now.Add(-5*time.Second), broken)
	var got overview
	a := d.Do("GET", "/api/agency", testkit.Sam, nil).Want(200).JSON(&got)
	if len(got.Organizations) != 2 || got.Organizations[0].ID != testkit.Bolt ||
		!slices.Equal(got.Organizations[0].Attention, []string{"incident"}) || len(got.Organizations[1].Attention) != 0 {
		t.Fatalf("got %s", a.Body)
	}
	bolt, acme := got.Organizations[0], got.Organizations[1]
	if bolt.Incident == nil || bolt.Incident.What != "failed_provider" || bolt.Calls != 1 || *bolt.Answered != 0 ||
		bolt.Balance != 500 || bolt.Currency != "USD" {
		t.Errorf("Bolt: %+v", bolt)
	}
	sum := 0
	for _, n := range acme.Days {
		sum += n
	}
	if acme.Calls != 5 || sum != 5 || len(acme.Days) != 7 || acme.Days[3] != 1 || *acme.Answered != 80 ||
		acme.Open != 4 || acme.Limit != 5_000 || acme.Incident != nil {
		t.Errorf("Acme: %+v", acme)
	}
}

func TestAgency_bulk_changes_what_the_caller_runs(t *testing.T) {
	d := agency(t)
	both := []string{testkit.Acme, testkit.Bolt}
	bulk := func(person string, body map[string]any, status int) map[string]string {
		t.Helper()
		a := d.Do("POST", "/api/agency/bulk", person, body).Want(status)
		var got struct {
			Results []struct {
				Organization, Error, InviteLink string
				OK                              bool
			}
		}
		a.JSON(&got)
		said := map[string]string{}
		for _, r := range got.Results {
			said[r.Organization] = r.Error
			if r.OK != (r.Error == "") {
				t.Errorf("got %+v", r)
			}
			if body["action"] == "invite" && r.OK && r.InviteLink == "" {
				t.Errorf("no link: %+v", r)
			}
		}
		return said
	}
	for _, body := range []map[string]any{
		{}, {"organizations": both, "action": "delete"}, {"organizations": []string{}, "action": "pause"},
		{"organizations": []any{1}, "action": "pause"},
		{"organizations": both, "action": "limit"}, {"organizations": both, "action": "limit", "minutes": -5},
		{"organizations": both, "action": "invite"},
	} {
		bulk(testkit.Sam, body, 400)
	}
	d.Do("POST", "/api/agency/bulk", testkit.Guest,
		map[string]any{"organizations": both, "action": "pause"}).Want(401).Nothing()
	paused := func(organization string) bool {
		o, err := d.FindRecordById(collections.Organizations, organization)
		if err != nil {
			t.Fatal(err)
		}
		return o.GetBool("paused")
	}
	// Somebody who runs one of them changes that one.
	if said := bulk(testkit.AcmeAdmin, map[string]any{"organizations": both, "action": "pause"},
		200); said[testkit.Acme] != "" || said[testkit.Bolt] == "" || !paused(testkit.Acme) || paused(testkit.Bolt) {
		t.Errorf("got %v", said)
	}
	if said := bulk(testkit.AcmeManager, map[string]any{"organizations": both, "action": "resume"},
		200); said[testkit.Acme] == "" || !paused(testkit.Acme) {
		t.Errorf("a manager: got %v", said)
	}
	bulk(testkit.Sam, map[string]any{"organizations": append(both, testkit.Void), "action": "pause"}, 200)
	var got overview
	d.Do("GET", "/api/agency", testkit.Sam, nil).JSON(&got)
	for _, o := range got.Organizations {
		if !o.Paused || !slices.Equal(o.Attention, []string{"paused"}) {
			t.Errorf("got %+v", o)
		}
	}
	bulk(testkit.Sam, map[string]any{"organizations": both, "action": "resume"}, 200)
	if paused(testkit.Acme) || paused(testkit.Bolt) || paused(testkit.Void) {
		t.Error("not all were resumed")
	}
	limit := func() int {
		var l struct{ Limits struct{ Minutes int } }
		d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeViewer, nil).JSON(&l)
		return l.Limits.Minutes
	}
	for minutes, want := range map[int]int{120: 120, 999_999: 5_000, 0: 5_000} {
		bulk(testkit.Sam, map[string]any{"organizations": both, "action": "limit", "minutes": minutes}, 200)
		if got := limit(); got != want {
			t.Errorf("a cap of %d: got %d, want %d", minutes, got, want)
		}
	}
	said := bulk(testkit.Sam, map[string]any{"organizations": both, "action": "invite", "full_name": "Ines",
		"email": "agent@acme.test", "role": "manager"}, 200)
	if !strings.Contains(said[testkit.Acme], "member already") || said[testkit.Bolt] != "" ||
		d.Find(collections.Invitations, "email = 'agent@acme.test' && organization = '"+testkit.Bolt+"'") == nil {
		t.Errorf("got %v", said)
	}
	if d.Audited("organizations.update") < 6 {
		t.Errorf("audited %d times", d.Audited("organizations.update"))
	}
}

// An overview is a few reads on indexes for each client, whatever the number
// of calls.
func BenchmarkAgency_of_thirty_clients(b *testing.B) {
	d := open(b, nil)
	for i := range 30 {
		d.Do("POST", "/api/organizations/create", testkit.Nobody,
			map[string]any{"companyName": fmt.Sprintf("Client %d", i), "companySize": "small", "industry": "X"})
		if i == 9 || i == 19 {
			if _, err := d.DB().NewQuery("UPDATE organizations SET created_by = ''").Execute(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if _, err := d.DB().NewQuery(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
		INSERT INTO calls (id, organization, vapi_call_id, started_at, answered_at, ended_at, status, outcome, call_type,
		resolution_status)
		SELECT substr(o.id, 1, 9) || printf('%06d', i), o.id, o.id || i,
		strftime('%Y-%m-%d %H:%M:%fZ', 'now', '-' || (i * 30) || ' minutes'), '2026', '2026', 'completed', 'completed',
		'inbound', 'resolved'
		FROM n, organizations o WHERE o.name LIKE 'Client %'`).Execute(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var got overview
		d.Do("GET", "/api/agency", testkit.Nobody, nil).Want(200).JSON(&got)
		if len(got.Organizations) != 30 {
			b.Fatalf("%d rows", len(got.Organizations))
		}
	}
}
