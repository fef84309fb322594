package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/vapi"
)

// later is past the time a report may take, after which the provider is asked for it.
const later = "3m"

// clockMoved moves the clock of the jobs back and ahead while calls go on of which
// nobody tells us, and runs every job at each hour (F9).
func clockMoved(t *trial) {
	clock := filepath.Join(t.TempDir(), "clock")
	move := func(by string) {
		t.Helper()
		next := clock + ".next"
		if err := os.WriteFile(next, []byte(by), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, clock); err != nil {
			t.Fatal(err)
		}
	}
	move("0s")
	if out, err := rig.Command(t, t.TempDir(),
		"serve --http 127.0.0.1:0 --sandbox-clock "+clock).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "it needs --sandbox") {
		t.Errorf("with real providers the clock can be moved: %v %s", err, out)
	}
	d := rig.Start(t, t.TempDir(), "", rig.Demo+" --sandbox-clock "+clock, "VAPI_WEBHOOK_HMAC_SECRET="+rig.HookSecret)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	whole, sent := wholeCall(t, d, owner)
	everything := map[string]int{}
	for kind := range sent {
		everything[kind] = 1000
	}
	ids := []string{whole}
	hours := []string{"-1h", "1h", "24h", later, "-1h", "24h", later}
	if t.short { // back, a day ahead, and home again
		hours = []string{"-1h", "24h", later}
	}
	for _, by := range hours {
		move(by)
		id := unheard(t, d, owner, everything)
		runJobs(t, operator)
		if rows := owner.Rows(collections.Calls, "vapi_call_id = '"+id+"' && reported_at != ''", ""); len(rows) != 1 {
			t.Errorf("with the clock at %s a call nobody told us of is there %d times", by, len(rows))
			continue
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		call := owner.One(collections.Calls, "vapi_call_id = '"+id+"'")
		if n := len(operator.Rows(collections.UsageEvents, "call = '"+call["id"].(string)+"'", "")); n != 1 {
			t.Errorf("a call is billed %d times", n)
		}
	}
	alike(t, operator, whole, ids)
	if failed := operator.Rows(collections.JobRuns, "status = 'failed'", ""); len(failed) > 0 {
		t.Errorf("%d runs of jobs failed: %v", len(failed), failed[0])
	}
	signedAt(t, d, owner)
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d jumps, %d calls nobody told us of, each found and billed once", len(hours), len(ids)-1)
}

// runJobs runs every job of ours now and waits for its end.
func runJobs(t *trial, operator *rig.Person) {
	t.Helper()
	var all []struct{ ID string }
	operator.Ask("GET", "/api/crons", nil, http.StatusOK, &all)
	for _, job := range all {
		if strings.HasPrefix(job.ID, "__") {
			continue
		}
		of := "job = '" + job.ID + "'"
		before := map[any]bool{}
		for _, r := range operator.Rows(collections.JobRuns, of, "") {
			before[r["id"]] = true
		}
		rig.Until(t, job.ID+" to run", func() bool {
			for _, r := range operator.Rows(collections.JobRuns, of+" && status != 'running'", "") {
				if !before[r["id"]] {
					return true
				}
			}
			if len(operator.Rows(collections.JobRuns, of+" && status = 'running'", "")) == 0 {
				operator.Ask("POST", "/api/crons/"+job.ID, nil, http.StatusNoContent, nil)
			}
			return false
		})
	}
}

// signedAt sends messages that were signed at other hours than now.
func signedAt(t *trial, d *rig.Desk, owner *rig.Person) {
	t.Helper()
	body := rig.NewStorm(d, owner).Make("00000009-0000-7000-8000-000000000001")[1]
	for by, want := range map[time.Duration]int{
		0: http.StatusOK, -vapi.SignatureWindow + 20*time.Second: http.StatusOK,
		vapi.SignatureWindow - 20*time.Second:  http.StatusOK,
		-vapi.SignatureWindow - 20*time.Second: http.StatusUnauthorized,
		vapi.SignatureWindow + 20*time.Second:  http.StatusUnauthorized,
		-time.Hour:                             http.StatusUnauthorized, time.Hour: http.StatusUnauthorized,
		24 * time.Hour: http.StatusUnauthorized,
	} {
		stamp := strconv.FormatInt(time.Now().Add(by).UnixMilli(), 10)
		mac := hmac.New(sha256.New, []byte(rig.HookSecret))
		fmt.Fprintf(mac, "%s.%s", stamp, body)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Base+"/api/webhooks/vapi",
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Timestamp", stamp)
		r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
		res, err := rig.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want {
			t.Errorf("signed %s from now: got %d, want %d", by, res.StatusCode, want)
		}
	}
}
