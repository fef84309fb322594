package main

import (
	"sync"
	"time"
)

// ringing sends assistant-requests, each of a call of its own.
type ringing struct {
	addr, path string
	sign       *signer
	bodies     [][]byte
	at         int
}

func (r *ringing) next(over bool) []byte {
	if over {
		return nil
	}
	r.at++
	return r.sign.request(r.addr, r.path, r.bodies[r.at%len(r.bodies)])
}
func (r *ringing) got(int, []byte) {}

func (b *bench) ring(s *server, path string, d *desk, senders, rate int, length time.Duration) outcome {
	now := time.Now()
	// Written ahead; at full speed a sender comes round to calls it knows.
	return load{server: s, addr: s.addr, senders: senders, length: length, rate: rate, player: func(i int) player {
		r := &ringing{addr: s.addr, path: path, sign: newSigner()}
		for n := range 500 {
			r.bodies = append(r.bodies, newRequest(newCallID("a55e0000"), d.places[(i+n)%len(d.places)], now))
		}
		return r
	}}.run()
}

func (b *bench) answers(d *desk, product, floor *server) error {
	const group = "Who answers (assistant-request)"
	var ratio, fast, slow, cpuFast, cpuSlow, p99 []float64
	for range b.rounds {
		f := b.ring(product, productHook, d, saturating, 0, b.length)
		s := b.ring(floor, "/hook/request", d, saturating, 0, b.length)
		if x := f.problems(); x != "" {
			b.say("assistant-request: %s", x)
		}
		ratio = append(ratio, f.rate/s.rate)
		fast, slow = append(fast, f.rate), append(slow, s.rate)
		cpuFast, cpuSlow = append(cpuFast, micros(f.cpu)), append(cpuSlow, micros(s.cpu))
		p99 = append(p99, millis(f.p(0.99)))
		b.settle(product)
	}
	b.row(row{Group: group, Measure: "answers/s at 64 senders", Product: perSecond(median(fast)),
		Floor: perSecond(median(slow)), Against: "two record look-ups",
		Ratio: median(ratio), Target: atLeast(6)})
	b.row(row{Group: group, Measure: "processor time an answer", Product: us(median(cpuFast)), Floor: us(median(cpuSlow)),
		Against: "two record look-ups",
		Ratio:   median(cpuFast) / median(cpuSlow)})
	b.row(row{Group: group, Measure: "p99 at saturation", Product: ms(median(p99))})
	idle := b.ring(product, productHook, d, 4, 50, b.length)
	idleSlow := b.ring(floor, "/hook/request", d, 4, 50, b.length)
	b.row(row{Group: group, Measure: "p50 / p99 idle, 50/s",
		Product: ms(millis(idle.p(0.5))) + " / " + ms(millis(idle.p(0.99))),
		Floor:   ms(millis(idleSlow.p(0.5))) + " / " + ms(millis(idleSlow.p(0.99))), Against: "two record look-ups"})
	storm := func(s *server, hook, request string) (outcome, played) {
		var background sync.WaitGroup
		var p played
		background.Go(func() {
			p = b.play(s, hook, d, b.length+time.Second, 1000, int(b.length.Seconds()+1)*100+100)
		})
		time.Sleep(500 * time.Millisecond)
		o := b.ring(s, request, d, 4, 50, b.length)
		background.Wait()
		return o, p
	}
	var p50s, p99s, reached []float64
	for range b.rounds {
		o, p := storm(product, productHook, productHook)
		p50s, p99s = append(p50s, millis(o.p(0.5))), append(p99s, millis(o.p(0.99)))
		reached = append(reached, p.rate)
	}
	o, p := storm(floor, floorHook, "/hook/request")
	b.row(row{Group: group, Measure: "p99 while 1,000 messages/s arrive",
		Product: ms(median(p99s)) + " (p50 " + ms(median(p50s)) + ", " + perSecond(median(reached)) + ")",
		Floor:   ms(millis(o.p(0.99))) + " (" + perSecond(p.rate) + ")", Against: "look-ups beside Save()",
		Target: must("≤ 5 ms"), Passed: median(p99s) <= 5})
	return nil
}

// settle waits until the server has nothing left to do.
func (b *bench) settle(s *server) {
	last := s.cpu()
	for range 100 {
		time.Sleep(200 * time.Millisecond)
		now := s.cpu()
		if now-last <= 20*time.Millisecond {
			return
		}
		last = now
	}
}
