package vapi

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// ErrForeignAddress says that an address which came with a message or an answer
// does not lead to Vapi. It is neither dialled nor shown to anybody.
var ErrForeignAddress = errors.New("vapi: the address does not lead to Vapi")

// maxAddress bounds an address; Vapi's have about a hundred characters.
const maxAddress = 2_000

// CheckControl tells whether commands to a call may be sent to an address that
// Vapi gave: https under vapi.ai, or a host [WithControlHosts] names.
//
// This and CheckListen are the only door for addresses out of messages. The ones
// of recordings are not read at all: [Calls.Recording] asks the API.
func (c *Client) CheckControl(raw string) error { return c.checkAddress(raw, "https", "http") }

// CheckListen tells the same of an address where the sound of a call is heard:
// wss under vapi.ai, or a host [WithControlHosts] names.
func (c *Client) CheckListen(raw string) error { return c.checkAddress(raw, "wss", "ws") }

// checkAddress takes the secure scheme at Vapi's own hosts, and either scheme at
// hosts that the configuration names: a stand-in has no certificate.
func (c *Client) checkAddress(raw, secure, plain string) error {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxAddress || !plainAddress(u) || u.Scheme != secure && u.Scheme != plain {
		return ErrForeignAddress
	}
	host := strings.ToLower(u.Hostname())
	vapis := host == "vapi.ai" || strings.HasSuffix(host, ".vapi.ai")
	if vapis && u.Scheme == secure && (u.Port() == "" || u.Port() == "443") {
		return nil
	}
	if slices.Contains(c.controlHosts, host) || slices.Contains(c.controlHosts, hostPort(u)) {
		return nil
	}
	return ErrForeignAddress
}

// plainAddress tells whether an address names a host and nothing that could hide another.
func plainAddress(u *url.URL) bool {
	return u.User == nil && u.Opaque == "" && u.Fragment == "" && u.Hostname() != ""
}
