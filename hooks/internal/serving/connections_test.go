package serving

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// far is a connection that says it comes from elsewhere.
type far struct {
	net.Conn
	address string
	closed  bool
}

func (f *far) RemoteAddr() net.Addr {
	at, err := net.ResolveTCPAddr("tcp", f.address)
	if err != nil {
		panic(err)
	}
	return at
}

func (f *far) Close() error {
	f.closed = true
	return nil
}

func TestConnections_are_bounded_by_address_and_in_all(t *testing.T) {
	for _, one := range []struct {
		name      string
		all, each int
		proxy     bool
		from      []string // in turn
		open      int
	}{
		{"one address", 100, 3, false, []string{"203.0.113.9:1"}, 3},
		{"two", 100, 3, false, []string{"203.0.113.9:1", "203.0.113.10:1"}, 6},
		{"a network of IPv6", 100, 3, false, []string{"[2001:db8::1]:1", "[2001:db8::2:3]:1"}, 3},
		{"two of them", 100, 3, false, []string{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1"}, 6},
		{"one address in two spellings", 100, 3, false, []string{"203.0.113.9:1", "[::ffff:203.0.113.9]:1"}, 3},
		{"this machine", 12, 3, false, []string{"127.0.0.1:1", "[::1]:1"}, 12},
		{"behind a proxy", 12, 3, true, []string{"203.0.113.9:1"}, 12},
		{"many addresses", 5, 3, false, []string{"203.0.113.9:1", "203.0.113.10:1", "203.0.113.11:1"}, 5},
	} {
		c := newConnections(one.all, one.each, one.proxy)
		var all []*far
		open := 0
		for i := range 20 {
			conn := &far{address: one.from[i%len(one.from)]}
			all = append(all, conn)
			c.watch(conn, http.StateNew)
			if !conn.closed {
				open++
			}
		}
		if open != one.open {
			t.Errorf("%s: %d are open, want %d", one.name, open, one.open)
		}
		for _, conn := range all {
			c.watch(conn, http.StateActive)
			c.watch(conn, http.StateClosed)
		}
		if len(c.counted) != 0 || len(c.open) != 0 {
			t.Errorf("%s: %d connections and %d addresses are counted after all ended", one.name, len(c.counted), len(c.open))
		}
	}
}

func TestConnections_that_are_quiet_make_room(t *testing.T) {
	at := time.Unix(1_000, 0)
	c := newConnections(3, 0, false)
	c.now = func() time.Time { return at }
	come := func() *far {
		conn := &far{address: "203.0.113.9:1"}
		c.watch(conn, http.StateNew)
		at = at.Add(time.Millisecond)
		return conn
	}
	busy, first, second := come(), come(), come()
	for _, conn := range []*far{busy, first, second} {
		c.watch(conn, http.StateActive)
	}
	if !come().closed {
		t.Error("room was made where all are at work")
	}
	c.watch(second, http.StateIdle)
	at = at.Add(time.Millisecond)
	c.watch(first, http.StateIdle)
	silent := come()
	if silent.closed || !second.closed || first.closed {
		t.Errorf("dropped are %v, %v, %v; want the one that was idle longest", busy.closed, first.closed, second.closed)
	}
	if come().closed || !first.closed {
		t.Error("the other idle one did not make room")
	}
	if !come().closed {
		t.Error("a connection was dropped before it could say a word")
	}
	at = at.Add(2 * silentFor)
	if come().closed || !silent.closed || busy.closed {
		t.Error("the one that never said a word did not make room")
	}
	if len(c.counted) != 3 || c.open[peer(busy)] != 3 {
		t.Errorf("%d are counted, %d of the address", len(c.counted), c.open[peer(busy)])
	}
}

func TestConnections_fit_what_files_may_be_open(t *testing.T) {
	for _, one := range []struct{ all, files, want int }{
		{2000, 0, 2000}, {2000, 65536, 2000}, {2000, 1024, 904}, {2000, 256, 136}, {2000, 64, leastConnections},
		{0, 256, 136},
	} {
		if got := fitting(one.all, one.files); got != one.want {
			t.Errorf("%d connections, %d files: got %d, want %d", one.all, one.files, got, one.want)
		}
	}
}

func TestConnections_one_too_many_is_closed_at_once(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush() // at work, and it can be seen
		<-over
	}))
	server.Config.ConnState = newConnections(1, 0, false).watch
	server.Start()
	defer server.Close()
	defer close(over)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	first := dial()
	io.WriteString(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := dial().Read(make([]byte, 1)); err == nil || !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the second got %v, want its end", err)
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}
