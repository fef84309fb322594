// Package network says what a network is: the part of an address one customer has,
// by which limits count, and what an organization lists.
package network

import (
	"errors"
	"net/netip"
	"strings"
)

// Of is the part of an address one customer has, as a text. What is no address is
// its own.
func Of(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if p := Prefix(a); p.Addr().Is6() {
		return p.String()
	}
	return a.Unmap().String()
}

// Prefix is the part of an address one customer has: of IPv6 a /64, of IPv4 the
// address.
func Prefix(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// Parse reads an address or a network in CIDR notation, IPv4 or IPv6.
// An IPv4 address written as IPv6 counts as what it is.
func Parse(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		if a.Zone() != "" {
			return netip.Prefix{}, errors.New("an address with a zone names no network")
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errors.New("a network across IPv4 and IPv6")
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
