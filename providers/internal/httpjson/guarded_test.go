package httpjson

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// target counts whoever reaches it.
func target(t *testing.T) (port string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hits.Add(1) })
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp6", "[::1]:"+port); err == nil {
		six := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
		six.Start()
		t.Cleanup(six.Close)
	}
	return port, hits
}

func portNumber(t *testing.T, port string) uint16 {
	t.Helper()
	ap, err := netip.ParseAddrPort("127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	return ap.Port()
}

// nameServer answers every question for an A record with the given address,
// the way nip.io-like names and rebinding attacks do. answers are used in turn.
func nameServer(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	var asked atomic.Int32
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12
			for end < n && q[end] != 0 {
				end += int(q[end]) + 1
			}
			if end+5 > n {
				continue
			}
			qtype := binary.BigEndian.Uint16(q[end+1:])
			question := q[12 : end+5]
			count := uint16(0)
			var record []byte
			if qtype == 1 {
				ip := netip.MustParseAddr(answers[min(int(asked.Add(1)), len(answers))-1]).As4()
				count = 1
				record = append([]byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4}, ip[:]...)
			}
			reply := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, byte(count >> 8), byte(count), 0, 0, 0, 0}, question...)
			pc.WriteTo(append(reply, record...), from)
		}
	}()
	addr := pc.LocalAddr().String()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", addr)
	}}
}

var hostile = []string{
	"127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7F.1",
	"0177.0.0.1", "0177.0x0.0.01", "127.0.0.1.", "00000177.0.0.1", "127.000.000.001", "4294967295", "0", "0.0.0.0", "0x0",
	"localhost", "LOCALHOST", "localhost.", "foo.localhost", "localhost.localdomain",
	"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
	"[::127.0.0.1]",
	"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]", "[fe80::1%25eth0]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]",
	"１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "%31%32%37.0.0.1", "127.0.0.1%00.example.com", "127.0.0.1\t",
	"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254",
	"168.63.129.16", "192.0.0.192",
	"198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]", "[100::1]",
	"[fec0::1]", "[3fff::1]",
}

func TestGuarded_no_spelling_of_a_local_address_gets_through(t *testing.T) {
	port, hits := target(t)
	client := Guarded(GuardOptions{AllowHTTP: true, Ports: []uint16{portNumber(t, port)}, Timeout: 3 * time.Second,
		Resolver: nameServer(t, "127.0.0.1")})
	for _, host := range hostile {
		for _, raw := range []string{"http://" + host + ":" + port + "/", "http://example.com@" + host + ":" + port + "/",
			"http://example.com%2f@" + host + ":" + port} {
			if res, err := client.Get(raw); err == nil {
				res.Body.Close()
				t.Errorf("%s was answered", raw)
			}
		}
		// The dialer has to refuse by itself, whatever the URL check thinks.
		if conn, err := GuardedDial(GuardOptions{Ports: []uint16{portNumber(t, port)},
			Resolver: nameServer(t, "127.0.0.1")})(t.Context(), "tcp",
			net.JoinHostPort(strings.Trim(host, "[]"), port)); err == nil {
			conn.Close()
			t.Errorf("%s was dialled", host)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestGuarded_decides_on_the_resolved_address(t *testing.T) {
	port, hits := target(t)
	for _, answers := range [][]string{{"127.0.0.1"}, {"10.1.2.3"}, {"169.254.169.254"}, {"0.0.0.0"}, {"100.64.0.9"}} {
		client := Guarded(GuardOptions{AllowHTTP: true, Ports: []uint16{portNumber(t, port)},
			Resolver: nameServer(t, answers...)})
		for _, host := range []string{"127-0-0-1.rebind.example", "innocent.example", "a.127.0.0.1.nip.example"} {
			_, err := client.Get("http://" + host + ":" + port + "/secret-path?token=secret")
			if !errors.Is(err, ErrBlocked) {
				t.Errorf("%s at %s: got %v", host, answers, err)
			}
			if reason := Reason(err); reason != ErrBlocked.Error() {
				t.Errorf("the reason reveals %q", reason)
			}
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestGuarded_control_refuses_all_special_networks(t *testing.T) {
	o := GuardOptions{}.withDefaults()
	for _, ip := range []string{
		"0.1.2.3", "10.255.0.1", "100.127.255.255", "127.0.0.53", "169.254.0.1", "172.31.255.255", "192.0.0.8",
		"192.0.2.1", "192.88.99.1",
		"192.168.255.255", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.251", "239.1.1.1", "255.255.255.255",
		"::", "::1", "::7f00:1",
		"::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::1", "2001:db8::1",
		"2002:a00:1::", "fc00::1", "fdaa::3",
		"fe80::1", "fec0::1", "ff02::1", "5f00::1",
	} {
		if err := o.control("tcp4", netip.AddrPortFrom(netip.MustParseAddr(ip), 443).String(),
			nil); !errors.Is(err, ErrBlocked) {
			t.Errorf("%s is allowed", ip)
		}
	}
	for _, c := range []struct {
		network, address string
		ok               bool
	}{
		{"tcp4", "93.184.216.34:443", true}, {"tcp4", "93.184.216.34:80", true}, {"tcp4", "93.184.216.34:8443", true},
		{"tcp6", "[2606:4700::1111]:443", true},
		{"tcp6", "[::ffff:93.184.216.34]:443", true}, {"tcp4", "93.184.216.34:22", false},
		{"tcp4", "93.184.216.34:6379", false}, {"udp4", "93.184.216.34:443", false},
		{"unix", "/run/x", false}, {"tcp6", "[2606:4700::1%eth0]:443", false}, {"tcp4", "nonsense", false},
	} {
		if err := o.control(c.network, c.address, nil); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.network, c.address, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for raw, ok := range map[string]bool{
		"https://example.com/hook": true, "https://example.com:8443/": true, "https://example.com:443": true,
		"https://93.184.216.34/":         true,
		"https://xn--bcher-kva.example/": true, "https://bücher.example/": true,
		"http://example.com/": false, "https://example.com:22/": false, "https://user:pw@example.com/": false,
		"https://user@example.com": false,
		"ftp://example.com":        false, "file:///etc/passwd": false, "gopher://example.com": false, "https:///x": false,
		"https:example.com": false,
		"":                  false, "//example.com": false, "javascript:alert(1)": false, "https://10.0.0.1/": false,
		"https://localhost": false,
		"https://1.2.3":     false, "https://0x5db8d822/": false, "https://[::1]": false, "https://example.com:99999": false,
		"https://example.com:0": false, "://": false,
	} {
		if err := CheckURL(raw, GuardOptions{}); (err == nil) != ok {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if err := CheckURL("http://example.com:80/", GuardOptions{AllowHTTP: true}); err != nil {
		t.Error(err)
	}
}

func TestGuarded_exempts_only_the_exact_host_and_port(t *testing.T) {
	port, hits := target(t)
	client := Guarded(GuardOptions{AllowHosts: []string{" LocalHost:" + port}})
	res, err := client.Get("http://localhost:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, raw := range []string{"http://127.0.0.1:" + port, "http://localhost.:" + port, "http://[::1]:" + port,
		"http://x@localhost:" + port, "http://localhost:1", "http://localhost"} {
		if res, err := client.Get(raw); err == nil {
			res.Body.Close()
			t.Errorf("%s was answered", raw)
		}
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

// hops redirects /n to /n-1 and answers at /0; /to?u= redirects anywhere.
func hops(t *testing.T) (base, hostport string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if r.URL.Path == "/to" {
			http.Redirect(w, r, r.URL.Query().Get("u"), http.StatusFound)
			return
		}
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err != nil || n <= 0 {
			io.WriteString(w, "end")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, strings.TrimPrefix(srv.URL, "http://")
}

func TestGuarded_follows_at_most_three_redirects_and_only_when_asked(t *testing.T) {
	base, hostport := hops(t)
	for _, c := range []struct {
		max, hops, status int
		err               error
	}{
		{0, 0, 200, nil}, {0, 1, 302, nil}, {3, 3, 200, nil}, {3, 4, 0, ErrRedirect}, {99, 4, 0, ErrRedirect},
		{1, 2, 0, ErrRedirect},
	} {
		client := Guarded(GuardOptions{AllowHosts: []string{hostport}, MaxRedirects: c.max})
		res, err := client.Get(fmt.Sprintf("%s/%d", base, c.hops))
		if !errors.Is(err, c.err) {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if c.err == nil {
			res.Body.Close()
			if res.StatusCode != c.status {
				t.Errorf("%+v: got %d", c, res.StatusCode)
			}
		}
	}
}

func TestGuarded_checks_each_redirect(t *testing.T) {
	base, hostport := hops(t)
	port, hits := target(t)
	client := Guarded(GuardOptions{AllowHTTP: true, AllowHosts: []string{hostport}, MaxRedirects: 3,
		Ports: []uint16{80, portNumber(t, port)}, Resolver: nameServer(t, "127.0.0.1")})
	for _, to := range []string{"http://127.0.0.1:" + port, "http://localhost:" + port, "http://2130706433:" + port,
		"http://[::1]:" + port, "http://rebind.example:" + port,
		"http://u:p@127.0.0.1:" + port, "file:///etc/passwd", "ftp://example.com",
		"http://169.254.169.254/latest/meta-data/"} {
		if res, err := client.Get(base + "/to?u=" + url.QueryEscape(to)); err == nil {
			res.Body.Close()
			t.Errorf("%s was followed", to)
		}
	}
	// A stranger's answer cannot send us to the exempted service either.
	other := Guarded(GuardOptions{AllowHosts: []string{hostport, "127.0.0.1:" + port}, MaxRedirects: 3})
	if res, err := other.Get(base + "/to?u=" + url.QueryEscape("http://127.0.0.1:"+port)); !errors.Is(err, ErrBlocked) {
		if err == nil {
			res.Body.Close()
		}
		t.Errorf("got %v", err)
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

func TestGuarded_bounds_body_and_header_and_ignores_the_proxy(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" || !r.Close {
			t.Errorf("asks for compression %q, keep-alive %v", r.Header.Get("Accept-Encoding"), !r.Close)
		}
		if r.URL.Path == "/header" {
			w.Header().Set("X-Big", strings.Repeat("x", 80<<10))
		}
		io.WriteString(w, strings.Repeat("x", 2000))
	}))
	defer srv.Close()
	client := Guarded(GuardOptions{AllowHosts: []string{strings.TrimPrefix(srv.URL, "http://")}, MaxBody: 1000})
	res, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	res.Body.Close()
	if !errors.Is(err, ErrTooLarge) || len(data) != 1000 {
		t.Errorf("read %d, %v", len(data), err)
	}
	if res, err := client.Get(srv.URL + "/header"); err == nil {
		res.Body.Close()
		t.Error("80 KB of header were taken")
	}
	if proxied.Load() != 0 {
		t.Error("the proxy was used")
	}
	if c := Guarded(GuardOptions{}); c.Timeout != 15*time.Second || c.Transport.(*guardedTransport).o.MaxBody != 1<<20 {
		t.Errorf("defaults: %v", c.Timeout)
	}
}
