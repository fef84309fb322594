package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// metricsToken opens the figures for Prometheus.
const metricsToken = "token-of-the-faults"

// figure reads one of the server's own.
func figure(t *trial, d *rig.Desk, name string) float64 {
	t.Helper()
	status, _, body, err := (&rig.Person{T: t, Base: d.Base}).Send("GET", "/api/metrics", nil, "Authorization",
		"Bearer "+metricsToken)
	if err != nil || status != http.StatusOK {
		t.Fatalf("metrics: %d %v", status, err)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("there is no figure %s", name)
	return 0
}

// resident is the memory the process holds, in bytes; peak the most it held.
func resident(t *trial, d *rig.Desk) (now, peak int64) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.PID()))
	if err != nil {
		t.Skip("this system does not say how much memory a process holds:", err)
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel writes numbers
		switch fields[0] {
		case "VmRSS:":
			now = kb << 10
		case "VmHWM:":
			peak = kb << 10
		}
	}
	return now, peak
}

// unlimited takes the limits by address away: all comes from this one.
func unlimited(operator *rig.Person) {
	operator.T.Helper()
	operator.Ask("PATCH", "/api/settings", rig.Row{"rateLimits": rig.Row{"enabled": false}}, http.StatusOK, nil)
}

// percentile of some times.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// hugeBodies sends bodies of 10 MB, with their length and in chunks (F13).
func hugeBodies(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret,
		"GOGC=100") // ours collects half as often: three times what is held
	owner := d.Owner(t)
	rig.Synced(owner)
	unlimited(d.Operator(t))
	before, _ := resident(t, d)
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", d.PID()), []byte("5"),
		0); err != nil { // the peak begins anew
		t.Logf("the peak is of the whole run: %v", err)
	}
	const size, at = 10 << 20, 4
	each := t.rounds(250, 5)
	var mu sync.Mutex
	answers := map[string]int{}
	var senders sync.WaitGroup
	block := bytes.Repeat([]byte(" "), 64<<10)
	send := func(path, header string, chunked bool) string {
		c, err := net.Dial("tcp", d.Address())
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		head := "POST " + path + " HTTP/1.1\r\nHost: " + d.Address() + "\r\nContent-Type: application/json\r\n" +
			header + "\r\n"
		if chunked {
			head += "Transfer-Encoding: chunked\r\n\r\n"
		} else {
			head += "Content-Length: " + strconv.Itoa(size) + "\r\n\r\n"
		}
		go func() { // until the server has heard enough
			_, err := io.WriteString(c, head)
			for sent := 0; err == nil && sent < size; sent += len(block) {
				if chunked {
					_, err = fmt.Fprintf(c, "%x\r\n%s\r\n", len(block), block)
				} else {
					_, err = c.Write(block)
				}
			}
		}()
		if err := c.SetReadDeadline(time.Now().Add(rig.Patience)); err != nil {
			return err.Error()
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		return strconv.Itoa(res.StatusCode)
	}
	hook, member := "X-Vapi-Secret: "+rig.HookSecret, "Authorization: "+owner.Token
	for n := range at {
		senders.Go(func() {
			for range each {
				path, header := "/api/webhooks/vapi", hook
				if n >= at/2 {
					path, header = "/api/collections/contacts/records", member
				}
				answer := send(path, header, n%2 == 1)
				mu.Lock()
				answers[answer]++
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	_, peak := resident(t, d)
	if answers["413"] != at*each {
		t.Errorf("%d bodies of 10 MB were answered %v, want 413", at*each, answers)
	}
	if grown := peak - before; grown > 64<<20 {
		t.Errorf("the server grew by %d MB", grown>>20)
	}
	if h, status := d.Health(); status != http.StatusOK {
		t.Errorf("afterwards: %d %+v", status, h)
	}
	d.Stop()
	t.note("%d bodies, half of them chunked, all 413; the server grew by %d MB", at*each, max(peak-before, 0)>>20)
}

// deaf opens dashboards that never read, and programs that follow rows and never
// read, and changes rows (F15).
func deaf(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret, "POCKETLINE_METRICS_TOKEN="+metricsToken)
	owner, operator := d.Owner(t), d.Operator(t)
	unlimited(operator)
	organization := rig.Practice(owner)["id"].(string)
	contact := owner.Create(collections.Contacts, organization, rig.Row{
		"name": "Heavy", "phone_number": "+442079460999",
	})
	writes := func(n int) []time.Duration {
		var took []time.Duration
		for i := range n {
			began := time.Now()
			owner.Ask("PATCH", "/api/collections/contacts/records/"+contact["id"].(string), rig.Row{
				"notes": fmt.Sprintf("%d %s", i, strings.Repeat("n", 4_000)),
			}, http.StatusOK, nil)
			took = append(took, time.Since(began))
		}
		return took
	}
	writes(20) // warm
	alone := percentile(writes(200), 0.99)
	heap := figure(t, d, "go_memstats_heap_inuse_bytes")
	operator.Ask("PATCH", "/api/collections/organizations/records/"+organization, rig.Row{"plan": "enterprise"},
		http.StatusOK, nil)
	const streams, people, programs = 200, 20, 10
	_, tokens := settle(operator, organization, people)
	open := func(n int, topic string) {
		for i := range n {
			c, err := rig.Listen(d.Address(), tokens[i%people], []string{topic}, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
		}
	}
	open(streams, "org/"+organization)
	watched := percentile(writes(200), 0.99)
	if limit := max(2*alone, 250*time.Millisecond); watched > limit {
		t.Errorf("a write takes %s (p99) with the deaf, %s alone", watched, alone)
	}
	open(programs, "contacts/*")
	threads := figure(t, d, "go_goroutines")
	writes(t.rounds(1000, 50)) // 4 MB for each: more than the system keeps for them
	back := rig.UntilWithin(t, 15*time.Second, "memory to come back", func() bool {
		writes(1) // and the collector gets to run
		return figure(t, d, "go_memstats_heap_inuse_bytes") < heap+32<<20 &&
			(t.short || figure(t, d, "go_goroutines") < threads)
	})
	t.wellAfter(back)
	d.Stop()
	t.note("%d deaf dashboards: a write takes %.0f ms (p99), alone %.0f ms; %d deaf programs are cut off", streams,
		float64(watched.Microseconds())/1000, float64(alone.Microseconds())/1000, programs)
}

// settle makes an organization with people in it and returns it and their tokens;
// organization "" makes a new one.
func settle(operator *rig.Person, organization string, people int) (id string, tokens []string) {
	operator.T.Helper()
	if id = organization; id == "" {
		var made rig.Row
		operator.Ask("POST", "/api/collections/organizations/records", rig.Row{
			"name": "House", "status": collections.OrganizationActive, "plan": "pro", "balance_state": collections.BalanceOK,
			"country": "US", "timezone": "Europe/Paris", "language": "en", "currency": "USD",
		}, http.StatusOK, &made)
		id = made["id"].(string)
	}
	for n := range people {
		address := fmt.Sprintf("person%d@%s.test", n, id)
		var user rig.Row
		operator.Ask("POST", "/api/collections/users/records", rig.Row{
			"email": address, "password": "a-long-password", "passwordConfirm": "a-long-password", "verified": true,
			"name": fmt.Sprint("Person ", n), "is_active": true, "language": "en", "last_organization": id,
		}, http.StatusOK, &user)
		operator.Ask("POST", "/api/collections/memberships/records", rig.Row{
			"organization": id, "user": user["id"], "role": collections.Owner, "status": collections.MembershipActive,
			"full_name": fmt.Sprint("Person ", n), "email": address, "is_default": true, "can_view_calls": true,
		}, http.StatusOK, nil)
		var signed struct{ Token string }
		operator.Ask("POST", "/api/collections/users/impersonate/"+user["id"].(string), rig.Row{"duration": 3600},
			http.StatusOK, &signed)
		tokens = append(tokens, signed.Token)
	}
	return id, tokens
}

// crowd lets a thousand dashboards of fifty organizations listen while messages come
// in (F16). Nobody hears of another organization.
func crowd(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret, "POCKETLINE_ORGANIZATIONS_PER_PERSON=1000")
	owner, operator := d.Owner(t), d.Operator(t)
	unlimited(operator)
	s := rig.NewStorm(d, owner)
	home := rig.Practice(owner)["id"].(string)
	organizations, tokens := []string{home}, []string{owner.Token}
	streams, houses := t.rounds(1000, 50), t.rounds(50, 5)
	for range houses - 1 {
		id, people := settle(operator, "", 1)
		organizations, tokens = append(organizations, id), append(tokens, people[0])
	}
	var heard, foreign atomic.Int64
	for n := range streams {
		house := n % houses
		own, topics := []byte("event:org/"+organizations[house]), []string{"org/" + organizations[house]}
		if n < houses { // one of each also follows rows, whose rules are asked at each change
			topics = append(topics, "contacts/*", "calls/*")
		}
		c, err := rig.Listen(d.Address(), tokens[house], topics, func(line []byte) {
			switch {
			case bytes.HasPrefix(line, own):
				heard.Add(1)
			case bytes.HasPrefix(line, []byte("event:org/")):
				foreign.Add(1)
			}
			for other, id := range organizations {
				if other != house && bytes.Contains(line, []byte(id)) {
					foreign.Add(1)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	for n := range houses { // and nobody gets into the next house
		c, err := rig.Listen(d.Address(), tokens[n], []string{"org/" + organizations[(n+1)%houses]}, func([]byte) {})
		if err == nil {
			t.Cleanup(func() { c.Close() })
			t.Errorf("somebody follows another organization")
		} else if refused := (*rig.Refused)(nil); !errors.As(err, &refused) || refused.Status >= 500 {
			t.Errorf("following another organization: %v", err)
		}
	}
	var took []time.Duration
	calls := t.rounds(60, 2)
	for n := range calls {
		for _, body := range s.Make(fmt.Sprintf("00000016-0000-7000-8000-%012x", n)) {
			began := time.Now()
			if status := s.Post(t.Context(), body); status != http.StatusOK {
				t.Errorf("a message is answered %d", status)
			}
			took = append(took, time.Since(began))
		}
		house := n % houses
		operator.Create(collections.Contacts, organizations[house], rig.Row{
			"name": "Somebody", "phone_number": fmt.Sprintf("+4420794%05d", n),
		})
	}
	p99 := percentile(took, 0.99)
	if limit := 250 * time.Millisecond; p99 > limit && !t.short {
		t.Errorf("a message is acknowledged after %s (p99), want %s", p99, limit)
	}
	rig.Until(t, "the house's dashboards to hear", func() bool { return heard.Load() > 0 })
	if n := foreign.Load(); n > 0 {
		t.Errorf("%d lines were of another organization", n)
	}
	d.Stop()
	t.note("%d streams of %d organizations; a message is acknowledged in %.0f ms (p99); %d changes told, none to another organization",
		streams, houses, float64(p99.Microseconds())/1000, heard.Load())
}

// slow opens sockets that send a header or a body byte by byte (F17).
func slow(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	owner := d.Owner(t)
	s := rig.NewStorm(d, owner)
	unlimited(d.Operator(t))
	sockets := t.rounds(2000, 100)
	var open atomic.Int64
	var all []net.Conn
	began := time.Now()
	for n := range sockets {
		c, err := net.Dial("tcp", d.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		head := "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
		switch n % 4 { // half of them come to the body, of a sign-in or of a message with a made-up signature
		case 1:
			head = "POST /api/collections/users/auth-with-password HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
				"Content-Length: 10000\r\n\r\n{"
		case 3:
			head = "POST /api/webhooks/vapi HTTP/1.1\r\nHost: x\r\nX-Timestamp: " +
				strconv.FormatInt(time.Now().UnixMilli(), 10) +
				"\r\nX-Signature: " + strings.Repeat("ab", 32) + "\r\nContent-Length: 100000\r\n\r\n{"
		}
		if _, err := io.WriteString(c, head); err != nil {
			continue // closed already
		}
		open.Add(1)
		all = append(all, c)
		go func() {
			defer open.Add(-1)
			_, _ = io.Copy(io.Discard, c) // until the server closes it
		}()
	}
	drip := make(chan struct{})
	defer close(drip)
	go func() {
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			for _, c := range all {
				_, _ = c.Write([]byte("a")) // a closed one does not take it
			}
			select {
			case <-every.C:
			case <-drip:
				return
			}
		}
	}()
	var took []time.Duration
	for _, body := range s.Make("00000017-0000-7000-8000-000000000001") {
		at := time.Now()
		if err := s.Deliver(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	for range 20 {
		at := time.Now()
		owner.Ask("GET", "/api/collections/calls/records?perPage=20", nil, http.StatusOK, nil)
		took = append(took, time.Since(at))
	}
	if p99 := percentile(took, 0.99); p99 > 2*time.Second {
		t.Errorf("others are answered in %s (p99)", p99)
	}
	limit := 25 * time.Second // the body's 15 s begin when the header is there, and the machine is busy
	rig.UntilWithin(t, limit-min(time.Since(began), limit-time.Second), "the sockets to be freed",
		func() bool { return open.Load() == 0 })
	freed := time.Since(began)
	t.keeps(d.Dir, s.Acked())
	d.Stop()
	t.note("%d sockets, freed after %.0f s; others are answered in %.0f ms (p99)", sockets, freed.Seconds(),
		float64(percentile(took, 0.99).Microseconds())/1000)
}

// fewFiles lets the server open 256 files, of which idle connections take what they
// can get (F29): messages come in all the same.
func fewFiles(t *trial) {
	built, err := rig.Binary()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "pocketline")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nulimit -n 256 && exec "+built+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := rig.StartAs(t, script, t.TempDir(), "", rig.Demo, rig.Secret)
	owner := d.Owner(t)
	s := rig.NewStorm(d, owner)
	unlimited(d.Operator(t))
	idle, dropped := 400, atomic.Int64{}
	for range idle {
		c, err := net.Dial("tcp", d.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		r := bufio.NewReader(c)
		if _, err := io.WriteString(c, "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			continue
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			continue // refused: there are only newcomers
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, r)
			dropped.Add(1)
		}()
	}
	refused := 0
	for n := range t.rounds(10, 2) {
		for _, body := range s.Make(fmt.Sprintf("00000029-0000-7000-8000-%012x", n)) {
			if status := s.Post(t.Context(), body); status != http.StatusOK {
				refused++
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d messages were refused beside idle connections", refused)
	}
	end := s.Blow(t, 29, senders)
	rig.Until(t, "messages in a storm", func() bool { return s.Count() > 300 })
	end()
	applied(t, d.Operator(t))
	t.keeps(d.Dir, s.Acked())
	same(t, d.Operator(t), s.Calls())
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d idle connections, %d of them dropped, no message refused", idle, dropped.Load())
}
