package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// overlapped asks for the same jobs many times at once, in the server and by command
// beside it, and kills the server in the middle (F26).
func overlapped(t *trial) {
	clock := filepath.Join(t.TempDir(), "clock") // an hour ahead there is something to pack
	if err := os.WriteFile(clock, []byte("0s"), 0o600); err != nil {
		t.Fatal(err)
	}
	line := rig.Demo + " --sandbox-clock " + clock
	d := rig.Start(t, t.TempDir(), "", line, rig.Secret)
	owner, operator := d.Owner(t), d.Operator(t)
	unlimited(operator)
	s := rig.NewStorm(d, owner)
	end := s.Blow(t, 26, senders)
	enough := t.rounds(3000, 300)
	rig.Until(t, "messages", func() bool { return s.Count() > enough })
	end()
	applied(t, operator)
	calls := s.Calls()
	t.keeps(d.Dir, s.Acked())
	if err := os.WriteFile(clock, []byte("1h"), 0o600); err != nil {
		t.Fatal(err)
	}
	jobs := []string{"inbox.pack", "calls.reconcile", "inbox.retry", "calls.index"}
	ask := func() {
		var all sync.WaitGroup
		for _, job := range jobs {
			for range 5 {
				all.Go(func() { _, _, _, _ = operator.Send("POST", "/api/crons/"+job, nil) }) // the server may be dead
			}
			all.Go(func() { _, _ = rig.Command(t, d.Dir, "jobs run "+job).CombinedOutput() }) // refused or done
		}
		all.Wait()
	}
	for range t.rounds(5, 1) {
		asking := make(chan struct{})
		go func() {
			defer close(asking)
			ask()
		}()
		rig.Until(t, "a job to be under way", func() bool {
			select {
			case <-asking:
				return true
			default:
			}
			status, _, body, err := operator.Send("GET",
				"/api/collections/job_runs/records?perPage=1&filter=status%3D'running'", nil)
			return err == nil && status == http.StatusOK && bytes.Contains(body, []byte(`"status":"running"`))
		})
		d.Kill()
		<-asking
		d = rig.Start(t, d.Dir, d.Address(), line, rig.Secret)
	}
	ask()
	rig.Until(t, "the jobs to end", func() bool {
		return len(operator.Rows(collections.JobRuns, "status = 'running'", "")) == 0
	})
	operator.Ask("POST", "/api/crons/inbox.pack", nil, http.StatusNoContent, nil)
	rig.Until(t, "every call to be packed", func() bool {
		return len(operator.Rows(collections.ProviderEvents, "type = 'packed'", "")) >= len(calls)
	})
	same(t, operator, calls)
	packed := map[any]int{}
	for _, e := range operator.Rows(collections.ProviderEvents, "type = 'packed'", "") {
		packed[e["event_key"]]++
	}
	for _, id := range calls {
		if packed[id+":packed"] != 1 {
			t.Errorf("call %s is packed %d times", id, packed[id+":packed"])
		}
		call := operator.One(collections.Calls, "vapi_call_id = '"+id+"'")
		if n := len(operator.Rows(collections.UsageEvents, "call = '"+call["id"].(string)+"'", "")); n != 1 {
			t.Errorf("call %s is billed %d times", id, n)
		}
	}
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d calls, each packed and billed once", len(calls))
}
