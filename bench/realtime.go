package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// watchers is how many dashboards look on.
const watchers = 1000

// wave is one write on its way to everybody.
type wave struct {
	mu      sync.Mutex
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
	if w.heard == watchers {
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

// watch opens one stream and subscribes it.
func watch(s *server, token, topic string, w *wave) (net.Conn, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(request("GET", s.addr, "/api/realtime", token, nil)); err != nil {
		c.Close()
		return nil, err
	}
	r := bufio.NewReaderSize(c, 4<<10)
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	id := ""
	for id == "" {
		line, err := r.ReadString('\n')
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("connect: %w", err)
		}
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			var hello struct {
				ClientID string `json:"clientId"`
			}
			if err := json.Unmarshal([]byte(data), &hello); err != nil {
				c.Close()
				return nil, err
			}
			id = hello.ClientID
		}
	}
	c.SetReadDeadline(time.Time{})
	if err := call(s, "POST", "/api/realtime", token, map[string]any{"clientId": id, "subscriptions": []string{topic}}, nil); err != nil {
		c.Close()
		return nil, err
	}
	go func() {
		mine := 0
		name := []byte("event:" + topic)
		for {
			line, err := r.ReadSlice('\n')
			if err == bufio.ErrBufferFull {
				continue
			}
			if err != nil {
				return
			}
			if bytes.HasPrefix(line, name) {
				w.hear(&mine)
			}
		}
	}()
	return c, nil
}

// fan is what a write with an audience costs.
type fan struct{ blocked, last []float64 }

func (b *bench) fanOut(s *server, d *desk, topic string) (f fan, each int64, err error) {
	var w wave
	before := s.memory().pss
	for i := range watchers {
		c, err := watch(s, d.tokens[i%len(d.tokens)], topic, &w)
		if err != nil {
			return f, 0, fmt.Errorf("watcher %d: %w", i, err)
		}
		defer c.Close()
	}
	each = (s.memory().pss - before) / watchers
	var found struct {
		Items []struct{ ID string }
	}
	if err := call(s, "GET", "/api/collections/calls/records?perPage=1&skipTotal=1&sort=-id&filter=organization%3D%27"+d.organization+"%27", d.super, nil, &found); err != nil {
		return f, 0, err
	}
	if len(found.Items) == 0 {
		return f, 0, fmt.Errorf("no call to change")
	}
	c := &conn{addr: s.addr}
	defer c.close()
	for n := range 25 {
		body, err := json.Marshal(map[string]any{"notes": fmt.Sprintf("note %d", n)})
		if err != nil {
			return f, 0, err
		}
		time.Sleep(150 * time.Millisecond) // the wave before is over
		reached := w.begin()
		begin := time.Now()
		status, text, err := c.do(request("PATCH", s.addr, "/api/collections/calls/records/"+found.Items[0].ID, d.super, body))
		took := time.Since(begin)
		if err != nil || status != 200 {
			return f, 0, fmt.Errorf("write: %d %w: %s", status, err, tail(string(text)))
		}
		select {
		case <-reached:
		case <-time.After(20 * time.Second):
			w.mu.Lock()
			heard := w.heard
			w.mu.Unlock()
			return f, 0, fmt.Errorf("%d of %d heard of a write", heard, watchers)
		}
		if n < 3 {
			continue // connections warm up
		}
		f.blocked = append(f.blocked, millis(took))
		f.last = append(f.last, millis(w.last.Sub(begin)))
	}
	return f, each, nil
}

func (b *bench) realtime(d *desk, product, floor *server) error {
	group := fmt.Sprintf("Realtime, %d dashboards", watchers)
	fast, each, err := b.fanOut(product, d, "org/"+d.organization)
	if err != nil {
		return fmt.Errorf("product: %w", err)
	}
	b.settle(product)
	slow, eachSlow, err := b.fanOut(floor, d, "calls/*")
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	b.settle(floor)
	b.row(row{Group: group, Measure: "a write blocks (p50)", Product: ms(median(fast.blocked)), Floor: ms(median(slow.blocked)), Against: "stock record subscriptions",
		Ratio: median(fast.blocked) / median(slow.blocked), Target: atMost(1.0 / 45)})
	b.row(row{Group: group, Measure: "the last one hears (p50)", Product: ms(median(fast.last)), Floor: ms(median(slow.last)), Against: "stock record subscriptions",
		Ratio: median(fast.last) / median(slow.last), Target: atMost(1.0 / 8)})
	b.row(row{Group: group, Measure: "memory a stream", Product: kb(each), Floor: kb(eachSlow), Against: "stock record subscriptions", Ratio: float64(each) / float64(eachSlow)})
	return nil
}
