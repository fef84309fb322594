package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ioTimeout ends a request that nobody answers any more.
const ioTimeout = 60 * time.Second

// conn is one kept connection. It speaks as little HTTP as the servers need, so
// that the generator costs less than what it measures.
type conn struct {
	addr string
	c    net.Conn
	r    *bufio.Reader
	body []byte
}

func (c *conn) close() {
	if c.c != nil {
		c.c.Close()
		c.c = nil
	}
}

// do sends a request and reads its answer; the body is good until the next one.
func (c *conn) do(req []byte) (status int, body []byte, err error) {
	if c.c == nil {
		if c.c, err = net.Dial("tcp", c.addr); err != nil {
			return 0, nil, err
		}
		c.r = bufio.NewReaderSize(c.c, 16<<10)
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if err := c.c.SetDeadline(time.Now().Add(ioTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.c.Write(req); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

func (c *conn) answer() (status int, body []byte, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errors.New("not HTTP")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length, chunked, closing := -1, false, false
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
	c.body = c.body[:0]
	switch {
	case chunked:
		for {
			n, err := c.chunk()
			if err != nil {
				return 0, nil, err
			}
			if n == 0 {
				break
			}
		}
	case length > 0:
		if err := c.take(length); err != nil {
			return 0, nil, err
		}
	}
	if closing {
		c.close()
	}
	return status, c.body, nil
}

func (c *conn) take(n int) error {
	at := len(c.body)
	c.body = slices.Grow(c.body, n)[:at+n]
	_, err := io.ReadFull(c.r, c.body[at:])
	return err
}

// chunk reads one chunk into the body and returns its size.
func (c *conn) chunk() (int, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
	if err != nil {
		return 0, err
	}
	if err := c.take(int(n)); err != nil {
		return 0, err
	}
	_, err = c.r.Discard(2)
	return int(n), err
}

// request writes a request once, to be sent many times.
func request(method, addr, path, token string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, addr)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", token)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// player is one sender. next is its next request, nil when it is done; over says
// that the time is up. got is told the answer.
type player interface {
	next(over bool) []byte
	got(status int, body []byte)
}

// load is a bounded piece of work: senders that each wait for their answer.
type load struct {
	server  *server // whose processor time is counted; may be nil
	addr    string
	senders int
	length  time.Duration
	rate    int // requests a second of all senders together; 0 is as fast as they can
	player  func(sender int) player
}

// outcome is what a load saw.
type outcome struct {
	n         int // answered 200 inside the time
	first     int // senders whose first request was
	rate      float64
	latencies []time.Duration // sorted
	failed    map[string]int
	cpu       time.Duration // of the server, per request
}

func (o outcome) p(q float64) time.Duration {
	if len(o.latencies) == 0 {
		return 0
	}
	return o.latencies[min(int(q*float64(len(o.latencies))), len(o.latencies)-1)]
}

func (o outcome) problems() string {
	if len(o.failed) == 0 {
		return ""
	}
	return fmt.Sprint(o.failed)
}

func (l load) run() outcome {
	var mu sync.Mutex
	out := outcome{failed: map[string]int{}}
	var senders sync.WaitGroup
	players := make([]player, l.senders) // made before the time runs
	for i := range players {
		players[i] = l.player(i)
	}
	start := time.Now()
	end := start.Add(l.length)
	var ticket int
	turn := func() time.Time { // when the next request is due
		mu.Lock()
		defer mu.Unlock()
		ticket++
		return start.Add(time.Duration(float64(ticket) / float64(l.rate) * float64(time.Second)))
	}
	before := l.server.cpu()
	for _, p := range players {
		senders.Go(func() {
			c := &conn{addr: l.addr}
			defer c.close()
			var latencies []time.Duration
			failed := map[string]int{}
			asked, first := 0, 0
			for {
				due := time.Now()
				if l.rate > 0 && due.Before(end) {
					due = turn()
					if wait := time.Until(due); wait > 0 {
						time.Sleep(wait)
						due = time.Now() // the generator's own lateness is not the server's
					}
				}
				req := p.next(!due.Before(end))
				if req == nil {
					break
				}
				if l.rate == 0 {
					due = time.Now()
				}
				status, body, err := c.do(req)
				now := time.Now()
				if asked++; asked == 1 && err == nil && status == http.StatusOK && now.Before(end) {
					first = 1
				}
				switch {
				case err != nil:
					failed[err.Error()]++
				case status != http.StatusOK:
					failed[strconv.Itoa(status)]++
				case now.Before(end):
					latencies = append(latencies, now.Sub(due))
				}
				p.got(status, body)
				if err != nil && now.After(end.Add(5*time.Second)) {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out.latencies = append(out.latencies, latencies...)
			out.first += first
			for k, n := range failed {
				out.failed[k] += n
			}
		})
	}
	finished := make(chan struct{})
	go func() { senders.Wait(); close(finished) }()
	select {
	case <-time.After(time.Until(end)):
	case <-finished:
	}
	used := l.server.cpu() - before
	<-finished
	out.cpu = used
	slices.Sort(out.latencies)
	out.n = len(out.latencies)
	out.rate = float64(out.n) / l.length.Seconds()
	if out.n > 0 {
		out.cpu /= time.Duration(out.n)
	}
	return out
}

// turns sends several requests in turn.
type turns struct {
	reqs [][]byte
	at   int
}

func (t *turns) next(over bool) []byte {
	if over {
		return nil
	}
	t.at++
	return t.reqs[t.at%len(t.reqs)]
}
func (t *turns) got(int, []byte) {}
