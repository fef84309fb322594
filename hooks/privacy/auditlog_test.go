package privacy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestAuditLog_is_read_by_chiefs_and_changed_by_nobody(t *testing.T) {
	b := openAt(t)
	for range 3 {
		b.Do("PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAgent,
			map[string]any{"notes": fmt.Sprint("=1+", b.Serial)}).Want(200)
		b.Serial++
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
	if len(p.Data.Logs) != 2 || p.Data.Pagination.Total != 3 || p.Data.Pagination.TotalPages != 2 ||
		p.Data.Logs[0].User != testkit.User(testkit.AcmeAgent) {
		t.Errorf("got %+v", p)
	}
	for query, want := range map[string]int{
		"actor=" + testkit.User(testkit.AcmeAgent): 3, "actor=key": 0, "resource=calls&record=" + testkit.AcmeCall: 3,
		"from=2999-01-01": 0, "to=2020-01-01": 0,
	} {
		b.Do("GET", "/api/security/audit-logs?"+query, testkit.AcmeOwner, nil).Want(200).JSON(&p)
		if p.Data.Pagination.Total != want {
			t.Errorf("%s: got %d lines, want %d", query, p.Data.Pagination.Total, want)
		}
	}
	// Acme is in New York: its 2nd of January begins at five in UTC.
	for id, at := range map[string]string{"zauditbefore000": "2025-01-02 04:59:59.000Z",
		"zauditfirst0000": "2025-01-02 05:00:00.000Z", "zauditlast00000": "2025-01-03 04:59:59.000Z"} {
		if _, err := b.DB().NewQuery("INSERT INTO audit_logs (id, organization, action, created, updated) VALUES ('" +
			id + "', '" + testkit.Acme + "', 'day', '" + at + "', '" + at + "')").Execute(); err != nil {
			t.Fatal(err)
		}
	}
	b.Do("GET", "/api/security/audit-logs?from=2025-01-02&to=2025-01-02", testkit.AcmeOwner, nil).Want(200).JSON(&p)
	if p.Data.Pagination.Total != 2 {
		t.Errorf("the organization's day has %d lines, want 2", p.Data.Pagination.Total)
	}
	b.Do("GET", "/api/security/audit-logs?from=yesterday", testkit.AcmeOwner, nil).Want(400).Nothing()
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
	b.Do("GET", "/api/organizations/"+testkit.Acme+"/audit.csv", testkit.AcmeViewer, nil).Want(403).Nothing()
	b.Do("GET", "/api/organizations/"+testkit.Acme+"/audit.csv", testkit.BoltOwner, nil).Want(404).Nothing()

	line := b.Find(collections.AuditLogs, "action = 'calls.update'")
	before := line.GetString("details")
	for _, statement := range []string{
		"UPDATE audit_logs SET action = 'x' WHERE id = '" + line.Id + "'",
		"UPDATE audit_logs SET details = '{}' WHERE id = '" + line.Id + "'",
		"UPDATE audit_logs SET organization = '" + testkit.Bolt + "' WHERE id = '" + line.Id + "'",
		"DELETE FROM audit_logs WHERE id = '" + line.Id + "'",
	} {
		if _, err := b.NonconcurrentDB().NewQuery(statement).Execute(); err == nil {
			t.Errorf("the database takes %q", statement)
		}
	}
	for _, change := range []func() error{
		func() error { line.Set("action", "x"); return b.Save(line) },
		func() error { return b.Delete(line) },
	} {
		if change() == nil {
			t.Error("a record of the log was changed")
		}
	}
	b.Do("PATCH", "/api/collections/audit_logs/records/"+line.Id, testkit.Superuser,
		map[string]any{"action": "x"}).Want(400).Nothing()
	b.Do("DELETE", "/api/collections/audit_logs/records/"+line.Id, testkit.Superuser, nil).Want(400).Nothing()
	if again := b.Find(collections.AuditLogs, "id = '"+line.Id+"'"); again == nil ||
		again.GetString("details") != before || again.GetString("action") != "calls.update" {
		t.Error("the line changed")
	}
}
