package main

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

const saturating = 64 // senders that each wait for their answer

// path says where a server takes messages in.
var (
	productHook = "/api/webhooks/vapi"
	floorHook   = "/hook/save"
)

// played is what one side's senders did.
type played struct {
	outcome
	run          string
	acked, calls int
	lost         int
	ids          []string
}

// play sends whole calls for a while.
func (b *bench) play(s *server, path string, d *desk, length time.Duration, rate, stockSize int) played {
	p := played{run: fmt.Sprintf("%06x%02x", b.began.Unix()&0xffffff, b.runs)} // a kept database has other runs' calls
	b.runs++
	st := newStock(p.run, d.places, stockSize)
	var callers []*caller
	for range saturating {
		callers = append(callers, newCaller(s.addr, path, st))
	}
	p.outcome = load{server: s, addr: s.addr, senders: saturating, length: length, rate: rate,
		player: func(i int) player { return callers[i] }}.run()
	for _, c := range callers {
		p.acked += c.acked
		p.calls += c.calls
		p.lost += c.lost
	}
	p.ids = st.ids[:st.used]
	return p
}

// bareRun sends the same bytes to the handler that only verifies.
func (b *bench) bareRun(s *server, d *desk, length time.Duration) outcome {
	st := newStock("ba4e0000", d.places, 4_000)
	return load{server: s, addr: b.bareAddr, senders: saturating, length: length, player: func(int) player {
		return &endless{caller: newCaller(b.bareAddr, "/bare", st)}
	}}.run()
}

// endless plays the stock's calls over and over.
type endless struct{ caller *caller }

func (e *endless) next(over bool) []byte {
	if over {
		return nil
	}
	c := e.caller
	if c.at == len(c.call) {
		c.stock.mu.Lock()
		c.stock.used = c.stock.used % len(c.stock.calls)
		c.stock.mu.Unlock()
		c.call, _ = c.stock.take()
		c.at = 0
	}
	return c.sign.request(c.addr, c.path, c.call[c.at])
}

func (e *endless) got(int, []byte) { e.caller.at++ }

// exact checks through the REST API that every call is there once and has
// ended, and every acknowledged message once.
func exact(s *server, d *desk, p played, product bool) error {
	count := func(collection, filter string) (int, error) {
		var answer struct{ TotalItems int }
		err := call(s, "GET", "/api/collections/"+collection+"/records?perPage=1&fields=id&filter="+url.QueryEscape(filter),
			d.super, nil, &answer)
		return answer.TotalItems, err
	}
	inRun := func(column string) string {
		return fmt.Sprintf("%s > '%s-' && %s < '%s.'", column, p.run, column, p.run)
	}
	for _, check := range []struct {
		what, collection, filter string
		want                     int
	}{
		{"calls", "calls", inRun("vapi_call_id"), len(p.ids)},
		{"ended calls", "calls", inRun("vapi_call_id") + " && status = 'completed' && reported_at != ''", p.calls},
		{"messages", "provider_events", inRun("event_key"), p.acked},
	} {
		got, err := count(check.collection, check.filter)
		if err != nil {
			return err
		}
		if got != check.want {
			return fmt.Errorf("%s: %d %s stored, want %d", s.name, got, check.what, check.want)
		}
	}
	if p.calls != len(p.ids) || p.lost > 0 {
		return fmt.Errorf("%s: %d of %d calls played to the end, %d messages lost", s.name, p.calls, len(p.ids), p.lost)
	}
	// One by one: no id twice, none missing, each with its lines.
	seen := map[string]bool{}
	after := ""
	for {
		var page struct {
			Items []struct {
				ID         string `json:"id"`
				VapiCallID string `json:"vapi_call_id"`
			}
		}
		filter := inRun("vapi_call_id")
		if after != "" {
			filter += " && vapi_call_id > '" + after + "'"
		}
		if err := call(s, "GET",
			"/api/collections/calls/records?perPage=1000&skipTotal=1&fields=id,vapi_call_id&sort=vapi_call_id&filter="+
				url.QueryEscape(filter), d.super, nil, &page); err != nil {
			return err
		}
		for _, c := range page.Items {
			if seen[c.VapiCallID] {
				return fmt.Errorf("%s: call %s twice", s.name, c.VapiCallID)
			}
			seen[c.VapiCallID] = true
			after = c.VapiCallID
		}
		if len(page.Items) == 0 {
			break
		}
		n, err := count("messages", "call = '"+page.Items[0].ID+"'")
		if err != nil || n != linesPerCall {
			return fmt.Errorf("%s: call %s has %d lines, want %d: %w", s.name, page.Items[0].VapiCallID, n, linesPerCall, err)
		}
	}
	for _, id := range p.ids {
		if !seen[id] {
			return fmt.Errorf("%s: call %s is missing", s.name, id)
		}
	}
	return nil
}

func (b *bench) ingest(d *desk, product, floor *server) error {
	const group = "Messages in (durable, exactly once)"
	var rates, cpus, p50s, p99s [3][]float64 // product, floor, bare
	var ratio, bareRatio, tail, cpuRatio []float64
	note := func(i int, o outcome) {
		rates[i] = append(rates[i], o.rate)
		cpus[i] = append(cpus[i], micros(o.cpu))
		p50s[i] = append(p50s[i], millis(o.p(0.5)))
		p99s[i] = append(p99s[i], millis(o.p(0.99)))
		if x := o.problems(); x != "" {
			b.say("ingest: side %d: %s", i, x)
		}
	}
	exactly := "yes"
	for range b.rounds {
		fast := b.play(product, productHook, d, b.length, 0, int(b.length.Seconds()*1500)+100)
		slow := b.play(floor, floorHook, d, b.length, 0, int(b.length.Seconds()*400)+100)
		bare := b.bareRun(floor, d, b.length)
		for i, o := range []outcome{fast.outcome, slow.outcome, bare} {
			note(i, o)
		}
		ratio = append(ratio, fast.rate/slow.rate)
		bareRatio = append(bareRatio, fast.rate/bare.rate)
		tail = append(tail, millis(slow.p(0.99))/millis(fast.p(0.99)))
		cpuRatio = append(cpuRatio, micros(slow.cpu)/micros(fast.cpu))
		if err := exact(product, d, fast, true); err != nil {
			exactly = "NO: " + err.Error()
		}
		if err := exact(floor, d, slow, false); err != nil {
			b.say("the floor's own: %v", err)
		}
	}
	at := sizeName(d.calls)
	b.row(row{Group: group, Measure: "messages/s at 64 senders, " + at, Product: perSecond(median(rates[0])),
		Floor:   perSecond(median(rates[1])),
		Against: "find and Save()", Ratio: median(ratio), Target: atLeast(7)})
	b.row(row{Group: group, Measure: "same, against a handler that only verifies", Product: perSecond(median(rates[0])),
		Floor:   perSecond(median(rates[2])),
		Against: "bare net/http", Ratio: median(bareRatio), Target: atLeast(0.23)})
	b.row(row{Group: group, Measure: "p99 at saturation", Product: ms(median(p99s[0])), Floor: ms(median(p99s[1])),
		Against: "find and Save()",
		Ratio:   1 / median(tail), Target: atMost(0.1)})
	b.row(row{Group: group, Measure: "p50 at saturation", Product: ms(median(p50s[0])), Floor: ms(median(p50s[1])),
		Against: "find and Save()"})
	b.row(row{Group: group, Measure: "processor time a message", Product: us(median(cpus[0])), Floor: us(median(cpus[1])),
		Against: "find and Save()", Ratio: 1 / median(cpuRatio)})
	b.row(row{Group: group, Measure: "processor time, bare net/http", Floor: us(median(cpus[2])),
		Against: "bare net/http"})
	b.row(row{Group: group, Measure: fmt.Sprintf("exactly once, %d %% sent twice", duplicates), Product: exactly,
		Target: must("yes"), Passed: exactly == "yes"})
	for _, rate := range []int{200, 1000} {
		fast := b.play(product, productHook, d, b.length, rate, int(b.length.Seconds()*float64(rate)/messagesPerCall)+100)
		slow := b.play(floor, floorHook, d, b.length, rate, int(b.length.Seconds()*float64(rate)/messagesPerCall)+100)
		b.row(row{Group: group, Measure: fmt.Sprintf("p50 / p99 at %d messages/s", rate),
			Product: ms(millis(fast.p(0.5))) + " / " + ms(millis(fast.p(0.99))),
			Floor:   ms(millis(slow.p(0.5))) + " / " + ms(millis(slow.p(0.99))), Against: "find and Save()"})
	}
	return nil
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
