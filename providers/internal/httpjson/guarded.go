package httpjson

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// ErrBlocked says that an address is not one this server may call: private,
// local, an odd port, not https, or a user name in the URL. The text does not
// say which address was found.
var ErrBlocked = errors.New("this address may not be called")

// ErrRedirect says that the answer was a redirect that is not followed.
var ErrRedirect = errors.New("the address answers with a redirect that is not followed")

const (
	guardConnect = 5 * time.Second
	guardTotal   = 15 * time.Second
	guardHeader  = 64 << 10
	guardBody    = 1 << 20
	// guardRedirects is the most hops ever followed, and only when asked for.
	guardRedirects = 3
)

var guardPorts = []uint16{80, 443, 8443}

// wireServers are cloud control endpoints on public addresses, so no list of
// special-purpose networks has them.
var wireServers = []netip.Prefix{
	netip.MustParsePrefix("168.63.129.16/32"), // Azure
}

// GuardOptions shape [Guarded]. The zero value is right for webhooks and tools.
type GuardOptions struct {
	// AllowHTTP permits plain http; an operator's decision, never a customer's.
	AllowHTTP bool
	// AllowHosts are exact "host:port" values the operator exempts from every
	// address, port and scheme check, for a service inside the own network.
	// A redirect does not profit from it.
	AllowHosts []string
	// Ports that may be dialled; default 80, 443 and 8443.
	Ports []uint16
	// MaxRedirects is 0 for webhooks and tools; at most 3, each hop checked.
	MaxRedirects int
	// MaxBody bounds the answer in bytes; default 1 MB. Reading further fails
	// with ErrTooLarge.
	MaxBody int64
	// Timeout covers everything, reading included; default 15 s.
	Timeout time.Duration
	// Resolver replaces the system's, in tests.
	Resolver *net.Resolver
}

// Guarded returns the client for addresses that customers choose: webhooks,
// tools, knowledge pages, MCP servers. The decision falls on the resolved
// address at the moment of dialling, so a name that changes its mind between
// check and use gains nothing. It ignores proxy variables, keeps no connection
// open and follows no redirect unless told to.
//
// Put errors through [Reason] before anybody sees them.
func Guarded(o GuardOptions) *http.Client {
	o = o.withDefaults()
	return &http.Client{
		Timeout:       o.Timeout,
		Transport:     &guardedTransport{o: o, guarded: o.transport(o.control), exempt: o.transport(nil)},
		CheckRedirect: o.checkRedirect,
	}
}

// GuardedDial returns a dial function with the same address rules, for mail
// servers and other protocols. o.Ports should be set.
func GuardedDial(o GuardOptions) func(ctx context.Context, network, address string) (net.Conn, error) {
	o = o.withDefaults()
	guarded := &net.Dialer{Timeout: guardConnect, Resolver: o.Resolver, Control: o.control}
	exempt := &net.Dialer{Timeout: guardConnect, Resolver: o.Resolver}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, ErrBlocked
		}
		if o.exempted(address) {
			return exempt.DialContext(ctx, network, address)
		}
		if !plainHost(host) {
			return nil, ErrBlocked
		}
		return guarded.DialContext(ctx, network, address)
	}
}

// CheckURL tells early, when a form is saved, whether an address can ever pass.
// It resolves nothing; the real decision is made by [Guarded] when dialling.
func CheckURL(raw string, o GuardOptions) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("%w: it is not a URL", ErrBlocked)
	}
	return o.withDefaults().check(u)
}

func (o GuardOptions) withDefaults() GuardOptions {
	if len(o.Ports) == 0 {
		o.Ports = guardPorts
	}
	if o.MaxBody <= 0 {
		o.MaxBody = guardBody
	}
	if o.Timeout <= 0 {
		o.Timeout = guardTotal
	}
	o.MaxRedirects = max(0, min(o.MaxRedirects, guardRedirects))
	allowed := make([]string, len(o.AllowHosts))
	for i, h := range o.AllowHosts {
		allowed[i] = strings.ToLower(strings.TrimSpace(h))
	}
	o.AllowHosts = allowed
	return o
}

func (o GuardOptions) transport(control func(string, string, syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: guardConnect, Resolver: o.Resolver, Control: control}
	return &http.Transport{
		Proxy:                  nil, // a proxy would dial for us, past the check
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		TLSHandshakeTimeout:    guardConnect,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: guardHeader,
	}
}

// control runs for each address the dialer is about to connect to.
func (o GuardOptions) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return ErrBlocked
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil || ap.Addr().Zone() != "" {
		return ErrBlocked
	}
	ip := ap.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return ErrBlocked
	}
	for _, p := range wireServers {
		if p.Contains(ip) {
			return ErrBlocked
		}
	}
	if ssrf.New(ssrf.WithPorts(o.Ports...)).SafeAddrPort(netip.AddrPortFrom(ip, ap.Port())) != nil {
		return ErrBlocked
	}
	return nil
}

type guardedTransport struct {
	o               GuardOptions
	guarded, exempt *http.Transport
}

// RoundTrip checks the URL again for every hop and bounds the body.
func (t *guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.o.check(r.URL); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	via := t.guarded
	if t.o.exempted(hostPort(r.URL)) {
		via = t.exempt
	}
	res, err := via.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: t.o.MaxBody}
	return res, nil
}

func (o GuardOptions) checkRedirect(r *http.Request, via []*http.Request) error {
	if o.MaxRedirects == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > o.MaxRedirects {
		return ErrRedirect
	}
	// An exempt service may redirect within itself. Nobody else may send us to
	// it: the exemption was given to a configured address, not to an answer.
	if target := hostPort(r.URL); o.exempted(target) && target != hostPort(via[0].URL) {
		return ErrBlocked
	}
	if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme == "http" && !o.AllowHTTP {
		return ErrBlocked
	}
	return o.check(r.URL)
}

// check is what can be said about a URL without resolving it.
func (o GuardOptions) check(u *url.URL) error {
	if u.User != nil {
		return fmt.Errorf("%w: it must not contain a user name", ErrBlocked)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.Hostname() == "" {
		return fmt.Errorf("%w: it must be an https address", ErrBlocked)
	}
	if o.exempted(hostPort(u)) {
		return nil
	}
	if u.Scheme == "http" && !o.AllowHTTP {
		return fmt.Errorf("%w: it must be an https address", ErrBlocked)
	}
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil || !slices.Contains(o.Ports, uint16(port)) {
		return fmt.Errorf("%w: only the ports %v may be used", ErrBlocked, o.Ports)
	}
	if !plainHost(u.Hostname()) {
		return fmt.Errorf("%w: the host name is not valid", ErrBlocked)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return o.control("tcp4", netip.AddrPortFrom(ip, uint16(port)).String(), nil)
	}
	return nil
}

func (o GuardOptions) exempted(hostport string) bool {
	return slices.Contains(o.AllowHosts, strings.ToLower(hostport))
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

func hostPort(u *url.URL) string {
	return net.JoinHostPort(strings.ToLower(u.Hostname()), portOf(u))
}

// plainHost refuses spellings that only some resolvers read as an address
// (2130706433, 0x7f.1, 0177.0.0.1), zones, and names of this very machine.
func plainHost(host string) bool {
	if strings.ContainsAny(host, "%\\/@ \t\r\n\x00") || host == "" {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return false
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" || strings.HasPrefix(last, "0x") {
		return false
	}
	return strings.IndexFunc(last, func(r rune) bool { return r < '0' || r > '9' }) >= 0
}
