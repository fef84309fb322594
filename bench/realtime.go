package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pocketline/pocketline/faults/rig"
)

// watchers is how many dashboards look on.
const watchers = 1000

// wave is one write on its way to everybody.
type wave struct {
	mu      sync.Mutex
	streams int // how many have to hear it
	number  int
	heard   int
	last    time.Time
	reached chan struct{}
}

// hear notes that a stream got a message; mine is the last wave it noted.
func (w *wave) hear(mine *int) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if *mine == w.number || w.reached == nil {
		return
	}
	*mine = w.number
	w.heard++
	w.last = now
	if w.heard == w.streams {
		close(w.reached)
		w.reached = nil
	}
}

func (w *wave) begin() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	w.heard = 0
	w.reached = make(chan struct{})
	return w.reached
}

// watch opens one stream that waits for waves on a topic.
func watch(s *server, token, topic string, w *wave) (net.Conn, error) {
	mine := 0
	name := []byte("event:" + topic)
	return rig.Listen(s.addr, token, []string{topic}, func(line []byte) {
		if bytes.HasPrefix(line, name) {
			w.hear(&mine)
		}
	})
}

// fan is what a write with an audience costs.
type fan struct {
	blocked, last []float64 // ms
	each          int64     // bytes of memory a stream
	cpu           float64   // µs of the server a stream that was told
}

// audience is who looks on: streams of the people with these tokens, in turn.
type audience struct {
	topic   string
	streams int
	tokens  []string
	writes  int
	pause   time.Duration // between two writes, so that the wave before is over
}

// warm is how many writes do not count: connections warm up.
const warm = 3

func (b *bench) fanOut(s *server, super, organization string, a audience) (f fan, err error) {
	w := wave{streams: a.streams}
	before := s.memory().pss
	for i := range a.streams {
		c, err := watch(s, a.tokens[i%len(a.tokens)], a.topic, &w)
		if err != nil {
			return f, fmt.Errorf("watcher %d: %w", i, err)
		}
		defer c.Close()
	}
	f.each = (s.memory().pss - before) / int64(a.streams)
	id, err := newestCall(s, super, organization)
	if err != nil {
		return f, err
	}
	c := &conn{addr: s.addr}
	defer c.close()
	var used time.Duration
	for n := range a.writes + warm {
		body, err := json.Marshal(map[string]any{"notes": fmt.Sprintf("note %d of %d", n, time.Now().UnixNano())})
		if err != nil {
			return f, err
		}
		time.Sleep(a.pause)
		if n == warm {
			used = s.cpu()
		}
		reached := w.begin()
		begin := time.Now()
		status, text, err := c.do(request("PATCH", s.addr, "/api/collections/calls/records/"+id, super, body))
		took := time.Since(begin)
		if err != nil || status != 200 {
			return f, fmt.Errorf("write: %d %w: %s", status, err, tail(string(text)))
		}
		select {
		case <-reached:
		case <-time.After(20 * time.Second):
			w.mu.Lock()
			heard := w.heard
			w.mu.Unlock()
			return f, fmt.Errorf("%d of %d heard of a write", heard, a.streams)
		}
		if n < warm {
			continue
		}
		f.blocked = append(f.blocked, millis(took))
		f.last = append(f.last, millis(w.last.Sub(begin)))
	}
	f.cpu = micros(s.cpu()-used) / float64(a.writes*a.streams)
	return f, nil
}

// newestCall is the id of an organization's last call.
func newestCall(s *server, super, organization string) (string, error) {
	var found struct {
		Items []struct{ ID string }
	}
	if err := call(s, "GET", "/api/collections/calls/records?perPage=1&skipTotal=1&sort=-id&filter=organization%3D%27"+
		organization+"%27", super, nil, &found); err != nil {
		return "", err
	}
	if len(found.Items) == 0 {
		return "", fmt.Errorf("no call to change")
	}
	return found.Items[0].ID, nil
}

func (b *bench) realtime(d *desk, product, floor *server) error {
	group := fmt.Sprintf("Realtime, %d dashboards", watchers)
	everybody := audience{streams: watchers, tokens: d.tokens, writes: 22, pause: 150 * time.Millisecond}
	ours, stock := everybody, everybody
	ours.topic, stock.topic = "org/"+d.organization, "calls/*"
	fast, err := b.fanOut(product, d.super, d.organization, ours)
	if err != nil {
		return fmt.Errorf("product: %w", err)
	}
	b.settle(product)
	slow, err := b.fanOut(floor, d.super, d.organization, stock)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	b.settle(floor)
	b.row(row{Group: group, Measure: "a write blocks (p50)", Product: ms(median(fast.blocked)),
		Floor: ms(median(slow.blocked)), Against: "stock record subscriptions",
		Ratio: median(fast.blocked) / median(slow.blocked), Target: atMost(1.0 / 45)})
	b.row(row{Group: group, Measure: "the last one hears (p50)", Product: ms(median(fast.last)),
		Floor: ms(median(slow.last)), Against: "stock record subscriptions",
		Ratio: median(fast.last) / median(slow.last), Target: atMost(1.0 / 8)})
	b.row(row{Group: group, Measure: "memory a stream", Product: kb(fast.each), Floor: kb(slow.each),
		Against: "stock record subscriptions", Ratio: float64(fast.each) / float64(slow.each)})
	return nil
}
