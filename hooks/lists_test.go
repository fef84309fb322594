package hooks_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/dbutils"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// mostStatements is how many a page of any documented list may cost.
const mostStatements = 6

// documentedLists are the routes that answer pages of rows an organization has, with
// the statement that gives it row n.
var documentedLists = []struct{ path, insert string }{
	{"/api/dashboard/activity?limit=100", insertCall},
	{"/functions/v1/calls?limit=100", insertCall},
	{"/api/vapi/assistants?limit=100", insertAssistant},
	{"/functions/v1/assistants?limit=100", insertAssistant},
	{"/api/team-members?limit=100", `INSERT INTO invitations (id, organization, email, role, status, token_hash,
		expires_at, created, updated)
		VALUES ('listed%09d', '` + testkit.Acme + `', 'listed%[1]d@acme.test', 'agent', 'pending', 'hash%[1]d', '2099-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`},
	{"/api/security/audit-logs?limit=100", ""},
	{"/api/organizations/" + testkit.Acme + "/calls?limit=100", insertCall},
	{"/api/organizations/" + testkit.Acme + "/keys", insertKey},
	{"/api/me/sessions", insertSession},
	{"/api/organizations", insertOrganization},
	{"/api/organizations/" + testkit.Acme + "/calls.csv", insertCall},
	{"/api/organizations/" + testkit.Acme + "/contacts?limit=100", insertContact},
	{"/api/organizations/" + testkit.Acme + "/contacts.csv", insertContact},
	{"/api/organizations/" + testkit.Acme + "/audit.csv?action=listed", insertAudit},
	{"/functions/v1/messages?limit=100&call_id=" + testkit.AcmeCall, insertMessage},
	{"/functions/v1/messages/" + testkit.AcmeCall + "?limit=100", insertMessage},
}

// rowsOf is the statement that gives a list of a collection's rows row n, made of the
// fixture's row; "" for another list. A new collection needs no line here.
func rowsOf(path string) string {
	name, found := strings.CutPrefix(path, "/api/")
	c := collections.ByName(strings.ReplaceAll(name, "-", "_"))
	if !found || c == nil || !collections.Tenant(c) {
		return ""
	}
	unique := map[string]bool{}
	for _, raw := range c.Indexes {
		if index := dbutils.ParseIndex(raw); index.Unique {
			for _, column := range index.Columns {
				unique[column.Name] = true
			}
		}
	}
	var columns, values []string
	for _, field := range c.Fields {
		column := field.GetName()
		value := column
		if _, text := field.(*core.TextField); text && unique[column] {
			value += ` || '%[1]d'`
		}
		if column == "id" {
			value = `'listed%09[1]d'`
		}
		columns, values = append(columns, column), append(values, value)
	}
	return "INSERT INTO " + c.Name + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(values, ", ") +
		" FROM " + c.Name + " WHERE organization = '" + testkit.Acme + "' ORDER BY id LIMIT 1"
}

// otherLists are answers with a list that is not counted here, and why.
var otherLists = map[string]string{
	"/api/agency":                               "what each costs is counted in hooks/orgs",
	"/api/assistant-choices":                    "is known to the program",
	"/api/installation/backups":                 "are files",
	"/api/installation/strays":                  "are at the provider",
	"/api/organizations/{organization}/home":    "are as many as the page shows",
	"/api/organizations/{organization}/privacy": "are as many as were asked for",
}

// Every documented route that answers a list is asked below, or stands above.
func TestLists_are_all_the_documented_ones(t *testing.T) {
	p := newProduct(t)
	other := maps.Clone(otherLists)
	for _, r := range p.desk.Facade.Routes() {
		list := strings.Contains(r.Answer, "[{") || strings.Contains(r.Answer, `"pagination"`) ||
			strings.HasPrefix(r.Answer, "text/csv")
		if r.Method != http.MethodGet || !list {
			continue
		}
		pattern := regexp.MustCompile("^" + parameter.ReplaceAllString(r.Path, "[^/?]+") + `(\?|$)`)
		counted := slices.ContainsFunc(documentedLists, func(one struct{ path, insert string }) bool {
			return pattern.MatchString(one.path)
		})
		counted = counted || rowsOf(r.Path) != ""
		if _, said := other[r.Path]; said == counted {
			t.Errorf("GET %s answers a list: is it one of documentedLists (%t) or of otherLists (%t)?", r.Path, counted, said)
		}
		delete(other, r.Path)
	}
	for path := range other {
		t.Errorf("otherLists has %s, which answers no list", path)
	}
}

var (
	// Each key acts as an account of its own and was made by another one.
	insertKey = `INSERT INTO users (id, email, name, tokenKey, password, is_service, is_active, created, updated) VALUES
		('keeper%09d', 'keeper%[1]d@acme.test', 'Keeper %[1]d', 'keeper%[1]d', '', FALSE, TRUE, '2026-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z'),
		('acting%09[1]d', 'acting%[1]d@acme.test', '', 'acting%[1]d', '', TRUE, TRUE, '2026-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z');
		INSERT INTO api_keys (id, organization, name, role, prefix, hash, acts_as, created_by, created, updated)
		VALUES ('listed%09[1]d', '` + testkit.Acme + `', 'Key %[1]d', 'viewer', 'pk_', 'hash%[1]d', 'acting%09[1]d', 'keeper%09[1]d',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertSession = `INSERT INTO sessions (id, user, token_hash, method, expires_at, last_seen_at, created, updated)
		VALUES ('listed%09d', '` + testkit.User(testkit.AcmeOwner) + `', 'hash%[1]d', 'password', '2099-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertOrganization = `INSERT INTO organizations (id, name, status, created, updated)
		VALUES ('listed%09d', 'Listed %[1]d', 'active', '2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z');
		INSERT INTO memberships (id, organization, user, role, status, created, updated)
		VALUES ('listed%09[1]d', 'listed%09[1]d', '` + testkit.User(testkit.AcmeOwner) + `', 'viewer', 'active',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
)

const (
	insertMessage = `INSERT INTO messages (id, organization, call, role, content, position, created, updated)
		VALUES ('listed%09d', '` + testkit.Acme + `', '` + testkit.AcmeCall + `', 'user', 'Hello', 1000 + %[1]d,
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertCall = `INSERT INTO calls (id, organization, vapi_call_id, status, outcome, call_type, channel, caller_number,
		recipient_number,
		assistant, started_at, created, updated) VALUES ('listed%09d',
		'` + testkit.Acme + `', 'there%[1]d', 'completed', 'completed',
		'inbound', 'phone', '+13105550100', '+12025550100', '` + testkit.AcmeAssistant + `', '2026-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertContact = `INSERT INTO contacts (id, organization, phone_number, name, first_seen_at, last_seen_at, created, updated)
		VALUES ('listed%09d', '` + testkit.Acme + `', '+1310555%04[1]d', 'Contact %[1]d', '2026-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertAudit = `INSERT INTO audit_logs (id, organization, action, created, updated)
		VALUES ('listed%09d', '` + testkit.Acme + `', 'listed', '2026-10-01 09:00:00.000Z', '2026-10-01 09:00:00.000Z')`
	insertAssistant = `INSERT INTO assistants (id, organization, name, type, status, sync_status, created, updated)
		VALUES ('listed%09d', '` + testkit.Acme + `', 'Assistant %[1]d', 'voice', 'active', 'synced', '2026-10-01 09:00:00.000Z',
		'2026-10-01 09:00:00.000Z')`
)

// spaced is a time in the spelling of PocketBase's own routes, in JSON or a file.
var spaced = regexp.MustCompile(`[",\n]\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^",]*`)

func TestLists_cost_few_statements_however_many_rows_and_tell_times_one_way(t *testing.T) {
	lists := documentedLists
	for _, r := range newProduct(t).desk.Facade.Routes() {
		if insert := rowsOf(r.Path); r.Method == http.MethodGet && insert != "" {
			lists = append(lists, struct{ path, insert string }{r.Path + "?limit=100", insert})
		}
	}
	for _, list := range lists {
		t.Run(strings.TrimLeft(list.path, "/"), func(t *testing.T) {
			var mu sync.Mutex
			var heard []string
			p := &product{t: t, hear: func(statement string) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(strings.TrimSpace(strings.ToUpper(statement)), "SELECT") ||
					strings.HasPrefix(statement, "WITH") {
					heard = append(heard, statement)
				}
			}}
			provider := httptest.NewServer(&presented{secrets: map[string]string{}})
			t.Cleanup(provider.Close)
			p.start(provider.URL)
			api := testkit.API(t, p.TestApp)
			ask := func() (statements []string, body []byte) {
				mu.Lock()
				heard = nil
				mu.Unlock()
				answer := api.Do("GET", list.path, testkit.AcmeOwner, nil)
				answer.Want(200)
				mu.Lock()
				defer mu.Unlock()
				return append([]string(nil), heard...), answer.Body
			}
			ask() // what is remembered of who asks is read once
			few, small := ask()
			for n := range 100 {
				if list.insert != "" {
					p.exec(fmt.Sprintf(list.insert, n))
				}
			}
			many, large := ask()
			if list.insert != "" && len(large) < 2*len(small) {
				t.Fatalf("the rows are not in the list: %d bytes, then %d", len(small), len(large))
			}
			if len(many) > mostStatements {
				t.Errorf("%d statements, %d for the rows of before:\n%s", len(many), len(few), strings.Join(many, "\n"))
			}
			// The files of calls and contacts are in the organization's time, with its zone beside it.
			if found := spaced.Find(large); found != nil && !strings.Contains(list.path, "s.csv") {
				t.Errorf("a time in another spelling: %s", found)
			}
			if _, again := ask(); !bytes.Equal(large, again) {
				t.Errorf("asked twice:\n%.400s\n%.400s", large, again)
			}
		})
	}
}
