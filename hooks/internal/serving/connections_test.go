package serving

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
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

func TestConnections_one_too_many_is_closed_at_once(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = newConnections(1, 0, false).watch
	server.Start()
	defer server.Close()
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
