package hooks_test

import (
	"bytes"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/robfig/cron/v3"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// grown are tables that grow with the calls an installation ever had: a statement
// that runs with each message, each minute or each look reads none of them whole.
var grown = []string{
	collections.Calls, collections.Messages, collections.CallEvents, collections.ProviderEvents, collections.Outbox,
	collections.UsageEvents, collections.AuditLogs, collections.Contacts,
}

// bounded are reads that look like whole ones, by a piece of their statement, and why
// they are none.
var bounded = map[string]string{
	"FROM provider_events ORDER BY rowid DESC LIMIT 1":    "ends with the first row",
	"FROM contacts WHERE name != '' OR company != '') <=": "runs once, after a start: it spares looking each name up",
}

// ways are how statements with these words have to find their rows: the database knows
// wider ones that read all promises which wait, or all messages of a provider.
var ways = map[string]string{
	"[key] >= ?":             "(key>? AND key<?)",
	collections.EventWaiting: "idx_provider_events_waiting",
}

func TestStatements_of_each_message_and_minute_read_no_grown_table_whole(t *testing.T) {
	var mu sync.Mutex
	heard, listening := map[string]bool{}, false
	listen := func(on bool) {
		mu.Lock()
		defer mu.Unlock()
		listening = on
	}
	p := &product{t: t, hear: func(statement string) {
		mu.Lock()
		defer mu.Unlock()
		if listening {
			heard[statement] = true
		}
	}}
	provider := httptest.NewServer(&presented{secrets: map[string]string{}})
	t.Cleanup(provider.Close)
	p.start(provider.URL, "VAPI_WEBHOOK_SECRET=the secret of the messages",
		"POCKETLINE_METRICS_TOKEN=the token of the metrics")
	api := testkit.API(t, p.TestApp)
	p.exec("INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, next_at, created, updated) " +
		"VALUES ('failedmessage00', '" + testkit.Acme +
		"', 'vapi', 'lost:hang', 'hang', 'failed', '{}', '', '2026-01-01 00:00:00.000Z', '')")
	// The number and the assistant of the documented messages.
	p.exec("UPDATE phone_numbers SET vapi_phone_id = '2c7f4be1-95d0-4e3a-8f16-6ab3d905e772' WHERE id = '" +
		testkit.AcmeNumber + "'")
	p.exec("UPDATE assistants SET vapi_assistant_id = 'b3a9e8d2-6c17-4f58-8a2e-91d4c07f3b65' WHERE id = '" +
		testkit.AcmeAssistant + "'")
	p.exec("UPDATE assistants SET sync_status = 'failed' WHERE id = '" + testkit.AcmeAssistant + "'")

	listen(true)
	for _, name := range []string{"call-inbound.jsonl", "call-outbound.jsonl", "tool-calls.json",
		"assistant-request.json"} {
		raw, err := os.ReadFile("calls/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for message := range bytes.Lines(raw) {
			if strings.HasSuffix(name, ".json") {
				message = raw
			}
			req := httptest.NewRequest("POST", "/api/webhooks/vapi", bytes.NewReader(message))
			req.Header.Set("X-Vapi-Secret", "the secret of the messages")
			rec := httptest.NewRecorder()
			if api.ServeHTTP(rec, req); rec.Code != 200 {
				t.Fatalf("%s: %d %s", name, rec.Code, rec.Body)
			}
			if strings.HasSuffix(name, ".json") {
				break
			}
		}
	}
	for _, path := range []string{"/api/health", "/readyz"} {
		api.Do("GET", path, testkit.Guest, nil).Want(200)
	}
	req := httptest.NewRequest("GET", "/api/metrics", nil)
	req.Header.Set("Authorization", "Bearer the token of the metrics")
	rec := httptest.NewRecorder()
	if api.ServeHTTP(rec, req); rec.Code != 200 {
		t.Fatalf("metrics: %d", rec.Code)
	}
	api.Do("POST", "/api/sync/assistants/"+testkit.AcmeAssistant+"/retry", testkit.AcmeOwner, nil).Want(202)
	ran := 0
	for _, job := range p.desk.Schedule.Jobs() {
		spec, err := cron.ParseStandard(job.Spec)
		if err != nil {
			t.Fatal(err)
		}
		first := spec.Next(testkit.Start)
		if spec.Next(first).Sub(first) >= time.Hour {
			continue
		}
		ran++
		p.desk.Schedule.Tick(job.ID)
	}
	listen(false)
	if ran < 8 || len(heard) < 80 {
		t.Fatalf("%d jobs ran and %d statements were heard", ran, len(heard))
	}
	for _, piece := range []string{collections.EventWaiting, "FROM outbox", "sync_status", "UPDATE provider_events",
		"[key] >= ?"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(heard)), func(s string) bool { return strings.Contains(s, piece) }) {
			t.Errorf("no statement with %q was heard", piece)
		}
	}
	for _, statement := range slices.Sorted(maps.Keys(heard)) {
		if says := p.reads(statement); says != "" {
			t.Errorf("%s:\n%s", statement, says)
		}
	}
}

var (
	reading = regexp.MustCompile(`(?is)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|REPLACE)\b`)
	named   = regexp.MustCompile("(?i)\\b(?:FROM|JOIN|UPDATE|INTO|,)\\s*[`\"\\[]?(\\w+)[`\"\\]]?(?:\\s+(?:AS\\s+)?[`\"\\[]?(\\w+)[`\"\\]]?)?")
)

// reads is the database's plan when it reads a grown table whole, else "".
func (p *product) reads(statement string) string {
	if !reading.MatchString(statement) {
		return ""
	}
	for piece := range bounded {
		if strings.Contains(statement, piece) {
			return ""
		}
	}
	db := p.ConcurrentDB().(*dbx.DB).DB()
	found, err := db.QueryContext(p.t.Context(), "EXPLAIN QUERY PLAN "+statement, arguments(statement)...)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") { // of the other database
			return ""
		}
		return err.Error()
	}
	defer found.Close()
	called := map[string]bool{}
	for _, match := range named.FindAllStringSubmatch(statement, -1) {
		if slices.Contains(grown, match[1]) {
			called[match[1]], called[match[2]] = true, true
		}
	}
	var steps []string
	whole := false
	for found.Next() {
		var id, parent, unused int
		var step string
		if err := found.Scan(&id, &parent, &unused, &step); err != nil {
			p.t.Fatal(err)
		}
		steps = append(steps, step)
		word, rest, _ := strings.Cut(step, " ")
		table, _, _ := strings.Cut(rest, " ")
		whole = whole || word == "SCAN" && called[table]
	}
	all := strings.Join(steps, "\n")
	for words, way := range ways {
		whole = whole || strings.Contains(statement, words) && !strings.Contains(all, way)
	}
	if !whole {
		return ""
	}
	return all
}

var (
	quoted = regexp.MustCompile(`'[^']*'`)
	holder = regexp.MustCompile(`\?(\d*)`)
)

// arguments are as many as a statement has places for.
func arguments(statement string) []any {
	n := 0
	for _, place := range holder.FindAllStringSubmatch(quoted.ReplaceAllString(statement, ""), -1) {
		if place[1] == "" {
			n++
		} else if at, err := strconv.Atoi(place[1]); err == nil {
			n = max(n, at)
		}
	}
	return make([]any, n)
}
