package serving

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// forwarding are headers that only a proxy or a content network sets, beside all
// that begin with one of forwardingPrefixes. A request that has one came from
// somewhere else than its connection says.
var (
	forwarding = []string{"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Client-Ip",
		"Cdn-Loop", "X-Proxyuser-Ip"}
	forwardingPrefixes = []string{"X-Forwarded", "X-Original-", "X-Envoy-", "X-Cluster-Client-", "X-Azure-",
		"X-Amzn-Trace-", "X-Cloud-Trace-", "Cf-", "Fly-", "Fastly-"}
)

// Local tells whether the visitor sits at this machine or in its private
// network. Where that cannot be told the answer is no: behind a proxy nobody told
// us to trust, without the header of the proxy we were told to trust, and under a
// name that leads here from elsewhere (a page of the internet can have a browser
// ask this machine, but only under a name of its own).
func Local(e *core.RequestEvent) bool {
	settings := e.App.Settings()
	if trusted := settings.TrustedProxy.Headers; len(trusted) > 0 {
		// What stands between is known, and visitors use the public name.
		if e.Request.Header.Get(trusted[0]) == "" || !ownHost(e.Request.Host) &&
			!isHostOf(e.Request.Host, settings.Meta.AppURL) {
			return false
		}
	} else if proxied(e.Request) || !ownHost(e.Request.Host) {
		return false
	}
	ip, err := netip.ParseAddr(e.RealIP())
	return err == nil && near(ip)
}

func near(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate()
}

// proxied tells whether something stands between the visitor and us. A proxy that
// adds no header at all still speaks HTTP/1.0 unless it was told otherwise, which
// no browser does.
func proxied(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header {
		for _, known := range forwarding {
			if strings.EqualFold(name, known) {
				return true
			}
		}
		for _, prefix := range forwardingPrefixes {
			if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
				return true
			}
		}
	}
	return false
}

// isHostOf tells whether a request's Host is the one of our own address.
func isHostOf(host, address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// ownHost tells whether a request's Host is this machine or an address of a
// private network: names can be made to lead anywhere.
func ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && near(ip)
}
