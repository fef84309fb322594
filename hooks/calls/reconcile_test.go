package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// archive is a provider that lists calls and knows some of them.
type archive struct {
	list   []map[string]any
	byID   map[string]map[string]any
	broken bool
	asked  []string
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
		http.Error(w, `{"message":"no such call"}`, http.StatusNotFound)
		return
	}
	list := a.list
	if list == nil {
		list = []map[string]any{}
	}
	_ = json.NewEncoder(w).Encode(list)
}

// finished is a call as the provider has it.
func finished(id, number string) map[string]any {
	return map[string]any{
		"id": id, "orgId": "o", "type": "inboundPhoneCall", "status": "ended", "phoneNumberId": number, "assistantId": "somebody",
		"createdAt": "2026-11-18T15:04:05.210Z", "startedAt": "2026-11-18T15:04:07.310Z", "endedAt": "2026-11-18T15:04:38.310Z",
		"endedReason": "customer-ended-call", "cost": 0.05, "customer": map[string]any{"number": "+14155550142"},
	}
}

func (d *desk) reconcile() error {
	return d.schedule.RunNow(context.Background(), "calls.reconcile")
}

func TestReconcile_finds_calls_nobody_told_us_of(t *testing.T) {
	running := finished("running-call", sampleNumber)
	running["status"] = "in-progress"
	d := newDesk(t, &archive{list: []map[string]any{finished("missed-call", sampleNumber), finished("others-call", "another-number"), running}})
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.rows(`SELECT vapi_call_id, organization, status, duration_seconds, cost_micros FROM calls WHERE vapi_call_id LIKE '%-call'`); got != "missed-call | "+testkit.Acme+" | completed | 31 | 50000\n" {
		t.Errorf("got %q", got)
	}
	if got := d.rows(`SELECT count(*) FROM usage_events WHERE reference = 'call:missed-call'`); got != "1\n" {
		t.Errorf("metered %s times", got)
	}
}

func TestReconcile_closes_a_call_the_provider_no_longer_has(t *testing.T) {
	d := newDesk(t, &archive{})
	d.sendAll(lines(t, "call-inbound.jsonl")[:3])
	d.await(sampleCall)
	for range 2 {
		if err := d.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.rows(`SELECT ended_reason, ended_at != '', reported_at != '', control_url FROM calls WHERE vapi_call_id = ?`, sampleCall); got != "call-deleted | 1 | 1 | \n" {
		t.Errorf("got %q", got)
	}
	if got := d.rows(`SELECT count(*) FROM usage_events WHERE reference = ?`, "call:"+sampleCall); got != "1\n" {
		t.Errorf("metered %s times", got)
	}
}

func TestReconcile_waits_for_calls_that_go_on_and_asks_for_old_ones(t *testing.T) {
	now := time.Now()
	going := finished("v-zgoing000000000", sampleNumber)
	going["status"] = "in-progress"
	a := &archive{byID: map[string]map[string]any{"v-zgoing000000000": going}}
	d := newDesk(t, a)
	d.put(testkit.Acme, "zgoing000000000", map[string]any{"vapi_call_id": "v-zgoing000000000", "status": "in_progress", "started_at": inDate(now.Add(-time.Hour))}, "", "")
	d.put(testkit.Acme, "zyoung000000000", map[string]any{"status": "in_progress", "started_at": inDate(now.Add(-time.Minute))}, "", "")
	d.put(testkit.Acme, "zjustended00000", map[string]any{"started_at": inDate(now.Add(-time.Hour)), "ended_at": inDate(now.Add(-time.Minute))}, "", "")
	d.put(testkit.Acme, "zancient0000000", map[string]any{"status": "in_progress", "started_at": inDate(now.AddDate(0, 0, -20))}, "", "")
	d.put(testkit.Acme, "zbyhand00000000", map[string]any{"vapi_call_id": "", "started_at": inDate(now.Add(-time.Hour)), "ended_at": inDate(now.Add(-time.Hour))}, "", "")
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, path := range a.asked {
		if id, one := strings.CutPrefix(path, "/call/"); one {
			asked = append(asked, id)
		}
	}
	if fmt.Sprint(asked) != "[v-zgoing000000000]" {
		t.Errorf("asked for %v", asked)
	}
	if got := d.rows(`SELECT count(*) FROM calls WHERE id LIKE 'z%' AND reported_at != ''`); got != "0\n" {
		t.Errorf("%s calls were closed", got)
	}
}

func TestReconcile_comes_back_to_what_it_could_not_see(t *testing.T) {
	a := &archive{broken: true}
	d := newDesk(t, a)
	if err := d.reconcile(); err == nil {
		t.Error("a provider that is away is no failure")
	}
	a.broken, a.list = false, []map[string]any{finished("missed-call", sampleNumber)}
	if err := d.reconcile(); err != nil {
		t.Fatal(err)
	}
	if got := d.rows(`SELECT count(*) FROM calls WHERE vapi_call_id = 'missed-call'`); got != "1\n" {
		t.Errorf("got %s", got)
	}
}
