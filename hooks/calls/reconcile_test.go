package calls

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// archive is a provider that lists calls and knows some of them.
type archive struct {
	list   []map[string]any
	byID   map[string]map[string]any
	broken bool
	refuse int // the status of answers about single calls it does not know; 0 is 404
	asked  []string
	asks   url.Values // of the last list
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked = append(a.asked, r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	if a.broken {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if id, one := strings.CutPrefix(r.URL.Path, "/call/"); one {
		if call, known := a.byID[id]; known {
			_ = json.NewEncoder(w).Encode(call) // the reader left, at worst
			return
		}
		http.Error(w, `{"message":"no such call"}`, cmp.Or(a.refuse, http.StatusNotFound))
		return
	}
	a.asks = r.URL.Query()
	list := a.list
	if list == nil {
		list = []map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(list)
}

// finished is a call as the provider has it.
func finished(id, number string) map[string]any {
	return map[string]any{
		"id": id, "orgId": "o", "type": "inboundPhoneCall", "status": "ended", "phoneNumberId": number,
		"assistantId": "somebody",
		"createdAt":   "2026-11-18T15:04:05.210Z", "startedAt": "2026-11-18T15:04:07.310Z",
		"endedAt":     "2026-11-18T15:04:38.310Z",
		"endedReason": "customer-ended-call", "cost": 0.05, "customer": map[string]any{"number": "+14155550142"},
	}
}

func (d *desk) reconcile() error {
	return d.Schedule.RunNow(context.Background(), "calls.reconcile")
}

func TestReconcile_finds_calls_nobody_told_us_of(t *testing.T) {
	running := finished("running-call", callskit.SampleNumber)
	running["status"] = "in-progress"
	d := newDesk(t, &archive{list: []map[string]any{finished("missed-call", callskit.SampleNumber),
		finished("others-call", "another-number"), running}})
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT vapi_call_id, organization, status, duration_seconds, cost_micros FROM calls
		WHERE vapi_call_id LIKE '%-call'`); got != "missed-call | "+testkit.Acme+" | completed | 31 | 50000\n" {
		t.Errorf("got %q", got)
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events WHERE reference = 'call:missed-call'`); got != "1\n" {
		t.Errorf("metered %s times", got)
	}
}

// since is from when the last list was asked for.
func (a *archive) since(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, a.asks.Get("createdAtGt"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestReconcile_looks_from_when_the_provider_last_answered_whatever_our_clock_said(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, -time.Hour} {
		a := &archive{}
		d := newDesk(t, a)
		now, began := time.Duration(0), time.Now()
		d.Schedule.SetClock(func() time.Time { return time.Now().Add(now) })
		for _, now = range []time.Duration{0, ahead, ahead, 0, 30 * time.Hour} { // the last: nothing ran for a day
			if err := d.reconcile(); err != nil {
				t.Fatal(err)
			}
			if a.since(t).After(began.Add(-overlap + time.Second)) {
				t.Errorf("%v ahead, at %v: looks from %v, calls since %v are left out", ahead, now, a.since(t), began)
			}
		}
	}
}

func TestReconcile_looks_again_at_calls_that_went_on(t *testing.T) {
	going := finished("running-call", callskit.SampleNumber)
	created := time.Now().Add(-2 * time.Hour).UTC().Truncate(time.Second)
	going["status"], going["createdAt"] = "in-progress", created.Format(time.RFC3339)
	a := &archive{list: []map[string]any{going}}
	d := newDesk(t, a)
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if !a.since(t).Before(created) {
		t.Errorf("looks from %v: nobody told us of the call of %v, and it is not found when it ends", a.since(t), created)
	}
}

// At the end the provider knows neither what a call cost nor what was said in it.
func TestReconcile_leaves_a_call_that_just_ended_to_its_report(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	ended := finished("ended-call", callskit.SampleNumber)
	ended["createdAt"] = now.Add(-10 * time.Minute).Format(time.RFC3339)
	ended["startedAt"] = ended["createdAt"]
	ended["endedAt"] = now.Add(-5 * time.Second).Format(time.RFC3339)
	delete(ended, "cost")
	a := &archive{list: []map[string]any{ended}}
	d := newDesk(t, a)
	d.Schedule.SetClock(func() time.Time { return now })
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = 'ended-call'`); got != "0\n" {
		t.Errorf("%s rows of a call whose report is on its way", got)
	}
	// The report never came: the next run finds the call as it is by then.
	ended["cost"] = 0.05
	now = now.Add(10 * time.Minute)
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if !a.since(t).Before(now.Add(-20*time.Minute + time.Second)) {
		t.Errorf("looks from %v", a.since(t))
	}
	if got := d.Rows(`SELECT status, cost_micros FROM calls
		WHERE vapi_call_id = 'ended-call'`); got != "completed | 50000\n" {
		t.Errorf("got %q", got)
	}
}

func TestReconcile_hurries_what_waits_for_the_provider(t *testing.T) {
	a := &archive{}
	d := newDesk(t, a)
	if err := d.Outbox.Add(atomic.Of(d.TestApp),
		outbox.Row{Kind: vapicopy.EraseKind, Key: vapicopy.EraseKind + ":waits"}); err != nil {
		t.Fatal(err)
	}
	d.Rows(`UPDATE outbox SET next_at = ?, attempts = 5, status = 'pending' RETURNING 1`,
		inDate(time.Now().Add(6*time.Hour)))
	due := func() string {
		if _, err := d.Outbox.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d.Rows(`SELECT attempts FROM outbox WHERE kind = ?`, vapicopy.EraseKind)
	}
	if got := due(); got != "5\n" {
		t.Fatalf("before the provider answered: %q tries", got)
	}
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if got := due(); got != "6\n" {
		t.Errorf("the provider answers and what waits is left to its time: %q tries", got)
	}
}

func TestReconcile_closes_a_call_the_provider_no_longer_has(t *testing.T) {
	d := newDesk(t, &archive{})
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl")[:3])
	d.await(callskit.SampleCall)
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT status, outcome, ended_reason, ended_at < '2026-11-19', reported_at != '', control_url
		FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall); got != "failed | failed_vapi | "+reasonLost+" | 1 | 1 | \n" {
		t.Errorf("got %q", got)
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events WHERE reference = ?`, "call:"+callskit.SampleCall); got != "1\n" {
		t.Errorf("metered %s times", got)
	}
}

func TestReconcile_waits_for_calls_that_go_on_and_asks_for_old_ones(t *testing.T) {
	now := time.Now()
	going := finished("v-zgoing000000000", callskit.SampleNumber)
	going["status"] = "in-progress"
	a := &archive{byID: map[string]map[string]any{"v-zgoing000000000": going}}
	d := newDesk(t, a)
	d.PutCall(testkit.Acme, "zgoing000000000",
		map[string]any{"vapi_call_id": "v-zgoing000000000", "status": "in_progress",
			"started_at": inDate(now.Add(-time.Hour))}, "", "")
	d.PutCall(testkit.Acme, "zyoung000000000",
		map[string]any{"status": "in_progress", "started_at": inDate(now.Add(-time.Minute))}, "", "")
	d.PutCall(testkit.Acme, "zjustended00000",
		map[string]any{"started_at": inDate(now.Add(-time.Hour)), "ended_at": inDate(now.Add(-time.Minute))}, "", "")
	d.PutCall(testkit.Acme, "zancient0000000",
		map[string]any{"status": "in_progress", "started_at": inDate(now.AddDate(0, 0, -20))}, "", "")
	for _, status := range collections.LiveStatuses {
		silent := map[string]any{"status": status, "vapi_call_id": "v-zsilent" + status,
			"started_at": inDate(now.AddDate(0, 0, -40)), "answered_at": inDate(now.AddDate(0, 0, -40))}
		d.PutCall(testkit.Acme, ("zsilent" + status + "00000000")[:15], silent, "", "")
		silent["vapi_call_id"] = ""
		d.PutCall(testkit.Acme, ("zunheard" + status + "00000000")[:15], silent, "", "")
	}
	// One that the provider says goes on, however old, does.
	long := finished("v-zlong000000000", callskit.SampleNumber)
	long["status"] = "in-progress"
	a.byID["v-zlong000000000"] = long
	d.PutCall(testkit.Acme, "zlong0000000000",
		map[string]any{"vapi_call_id": "v-zlong000000000", "status": "in_progress",
			"started_at": inDate(now.AddDate(0, 0, -40))}, "", "")
	d.PutCall(testkit.Acme, "zbyhand00000000",
		map[string]any{"vapi_call_id": "", "started_at": inDate(now.Add(-time.Hour)),
			"ended_at": inDate(now.Add(-time.Hour))}, "", "")
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, path := range a.asked {
		if id, one := strings.CutPrefix(path, "/call/"); one {
			asked = append(asked, id)
		}
	}
	slices.Sort(asked)
	if got := fmt.Sprint(asked); got != "[live-acme live-bolt live-void v-zancient0000000 v-zgoing000000000 v-zlong000000000 v-zsilentforwarding v-zsilentin_progress v-zsilentqueued v-zsilentringing]" {
		t.Errorf("asked for %v", got)
	}
	if got := d.Rows(`SELECT DISTINCT status, duration_seconds, ended_reason FROM calls
		WHERE id LIKE 'zsilent%' OR id LIKE 'zancient%'`); got != "failed | 0 | "+reasonLost+"\n" {
		t.Errorf("silent calls: %q", got)
	}
	if got := d.Rows(`SELECT DISTINCT status, duration_seconds, ended_reason FROM calls
		WHERE id LIKE 'zunheard%'`); got != "failed | 0 | "+reasonUnheard+"\n" {
		t.Errorf("calls somebody wrote down: %q", got)
	}
	if got := d.Rows(`SELECT id FROM calls WHERE id LIKE 'z%' AND status = 'in_progress'
		ORDER BY id`); got != "zgoing000000000\nzlong0000000000\nzyoung000000000\n" {
		t.Errorf("these go on: %q", got)
	}
}

func TestReconcile_comes_back_to_what_it_could_not_see(t *testing.T) {
	a := &archive{broken: true}
	d := newDesk(t, a)
	if err := d.reconcile(); err == nil {
		t.Error("a provider that is away is no failure")
	}
	a.broken, a.list = false, []map[string]any{finished("missed-call", callskit.SampleNumber)}
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id = 'missed-call'`); got != "1\n" {
		t.Errorf("got %s", got)
	}
}

// A key of another account knows none of our calls: its reports come all the same.
func TestReconcile_a_report_wins_over_the_word_that_a_call_is_lost(t *testing.T) {
	all := callskit.Lines(t, "call-inbound.jsonl")
	for _, over := range []bool{false, true} {
		direct, d := newDesk(t, nil), newDesk(t, &archive{})
		direct.SendAll(all)
		d.SendAll(all[:3])
		d.await(callskit.SampleCall)
		if over { // its end was told, its report was not
			d.Execute(`UPDATE calls SET status = 'completed', ended_at = '2026-11-18 15:05:00.000Z',
				ended_reason = 'customer-ended-call' WHERE vapi_call_id = '` + callskit.SampleCall + `'`)
		}
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
		d.SendAll(all)
		d.SendAll(all) // again: the report there is stays
		const facts = `SELECT status, outcome, ended_reason, ended_at, duration_seconds, cost_micros, resolution_status,
			summary,
			(SELECT count(*) FROM call_reports WHERE call = calls.id), (SELECT count(*) FROM messages WHERE call = calls.id)
			FROM calls WHERE vapi_call_id = ?`
		want, got := direct.Rows(facts, callskit.SampleCall), d.Rows(facts, callskit.SampleCall)
		if got != want {
			t.Errorf("ended before: %v: got %q, want %q", over, got, want)
		}
		const used = `SELECT quantity, cost_micros FROM usage_events WHERE reference = ?`
		if got, want := d.Rows(used, "call:"+callskit.SampleCall), direct.Rows(used,
			"call:"+callskit.SampleCall); got != want {
			t.Errorf("ended before: %v: metered %q, want %q", over, got, want)
		}
	}
}

func TestReconcile_takes_a_refusal_for_no_proof(t *testing.T) {
	now := time.Now()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity} {
		d := newDesk(t, &archive{refuse: status})
		d.PutCall(testkit.Acme, "zrunning0000000",
			map[string]any{"vapi_call_id": "v-running", "status": "in_progress",
				"started_at": inDate(now.Add(-time.Hour))}, "", "")
		d.PutCall(testkit.Acme, "zsilent00000000",
			map[string]any{"vapi_call_id": "v-silent", "status": "in_progress",
				"started_at": inDate(now.AddDate(0, 0, -2))}, "", "")
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
		if got := d.Rows(`SELECT vapi_call_id, status FROM calls WHERE id LIKE 'z%'
			ORDER BY id`); got != "v-running | in_progress\nv-silent | failed\n" {
			t.Errorf("%d: got %q", status, got)
		}
	}
}

func TestReconcile_one_bad_row_keeps_no_other_open(t *testing.T) {
	d := newDesk(t, &archive{})
	old := inDate(time.Now().AddDate(0, 0, -40))
	for _, id := range []string{"zua000000000000", "zub000000000000"} {
		d.PutCall(testkit.Acme, id, map[string]any{"vapi_call_id": "", "status": "in_progress", "started_at": old}, "", "")
	}
	d.Execute(`UPDATE calls SET priority = 'no such priority' WHERE id = 'zua000000000000'`)
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT id, status FROM calls WHERE id LIKE 'zu%'
		ORDER BY id`); got != "zua000000000000 | in_progress\nzub000000000000 | failed\n" {
		t.Errorf("got %s", got)
	}
	// Nor do many, which fill a run.
	d.Execute(`UPDATE calls SET status = 'in_progress', started_at = '` + old + `' WHERE id = 'zub000000000000'`)
	d.Execute(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO calls SELECT %s FROM calls c, n WHERE c.id = 'zua000000000000'`, reconcileBatch,
		d.columnsWith("calls", "c", map[string]string{"id": "printf('zuaa%011d', i)"})))
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT status FROM calls WHERE id = 'zub000000000000'`); got != "failed\n" {
		t.Errorf("behind %d bad rows: got %s", reconcileBatch+1, got)
	}
}

// columnsWith lists a table's columns, some with values of their own.
func (d *desk) columnsWith(table, alias string, own map[string]string) string {
	d.T.Helper()
	var list []string
	for _, name := range strings.Fields(d.Rows(`SELECT name FROM pragma_table_info('` + table + `')`)) {
		value := own[name]
		if value == "" {
			value = alias + "." + name
		}
		list = append(list, value)
	}
	return strings.Join(list, ", ")
}

// Without a key the provider would refuse every question: nothing is asked, the
// job does not fail, and what needs no provider is done.
func TestReconcile_without_a_key_asks_nobody(t *testing.T) {
	asked := 0
	d := newDesk(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusUnauthorized)
	}))
	long := time.Now().Add(-2 * unheardLimit).UTC().Format("2006-01-02 15:04:05.000Z")
	d.PutCall(testkit.Acme, "zopen0000000000",
		map[string]any{"status": "in_progress", "started_at": long, "vapi_call_id": "asked-after"}, "", "")
	d.PutCall(testkit.Acme, "zwritten0000000",
		map[string]any{"status": "in_progress", "started_at": long, "vapi_call_id": ""}, "", "")
	d.engine.Vapi = vapi.NewClient(vapi.WithBaseURL(d.Provider), vapi.WithToken(""))
	if err := d.reconcile(); err != nil || asked > 0 {
		t.Errorf("got %v after %d questions", err, asked)
	}
	if r, err := d.FindRecordById("calls", "zwritten0000000"); err != nil || r.GetString("ended_at") == "" {
		t.Errorf("a call no provider knows stays open: %v, %v", r, err)
	}
}

func TestReconcile_looks_for_late_reports_by_an_index(t *testing.T) {
	d := newDesk(t, nil)
	plan := d.Rows("EXPLAIN QUERY PLAN "+selectUnreported, "a", "b", 1)
	if !strings.Contains(plan, "SEARCH c USING INDEX idx_calls_organization_started_at") ||
		strings.Contains(plan, "SCAN c") {
		t.Errorf("got\n%s", plan)
	}
}
