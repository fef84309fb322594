package network_test

import (
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/network"
)

func TestOf_is_what_one_customer_has(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "::ffff:203.0.113.9": "203.0.113.9",
		"0000:0000:0000:0000:0000:ffff:cb00:7109": "203.0.113.9",
		"2001:db8:1:2:3::4":                       "2001:db8:1:2::/64", "2001:db8:1:2::5": "2001:db8:1:2::/64",
		"2001:0db8:0001:0002:0000:0000:0000:0001": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"not an address": "not an address", "?": "?", "": "",
	} {
		if got := network.Of(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

func TestParse_reads_both_families_and_nothing_else(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", " 192.0.2.7/24 ": "192.0.2.0/24", "2001:db8::1": "2001:db8::1/128",
		"2001:db8::1/32":   "2001:db8::/32",
		"::ffff:192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.0/120": "192.0.2.0/24", "0.0.0.0/0": "0.0.0.0/0",
		"": "", "host": "", "192.0.2.7/33": "", "192.0.2.256": "", "fe80::1%eth0": "", "::ffff:0:0/90": "",
		"192.0.2.7-9": "", "010.0.0.1": "",
	} {
		p, err := network.Parse(text)
		if got := p.String(); (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q: got %s (%v), want %q", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"192.0.2.0/24", "2001:db8::/32", "::ffff:192.0.2.0/120", "fe80::1%eth0", "/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := network.Parse(text)
		if err != nil {
			return
		}
		again, err := network.Parse(p.String())
		if err != nil || again != p || p.Addr().Is4In6() {
			t.Errorf("%q became %s, which reads as %s (%v)", text, p, again, err)
		}
	})
}
