// Package providers is how Pocketline speaks to others: the configuration, one
// table of environment variables, and the clients made from it. Each client has
// its own package below; none of them knows PocketBase.
package providers

import (
	"net/http"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Clients are what the domains get to speak with.
type Clients struct {
	// Vapi is always set; whether it has a key is VapiReady.
	Vapi      *vapi.Client
	VapiReady bool
	// Guarded is the only way to an address that a customer chose: functions,
	// webhooks. It refuses private addresses at the moment of dialling.
	Guarded *http.Client
	// Pictures is Guarded for files of up to 4 MB.
	Pictures *http.Client

	guard httpjson.GuardOptions
}

// New makes the clients. It opens no connection and checks no key: a wrong one
// shows with the first request, as the provider's own words.
func New(c Config, version string) *Clients {
	guard := httpjson.GuardOptions{AllowHTTP: c.AllowHTTP, AllowHosts: c.AllowedHosts}
	pictures := guard
	pictures.MaxBody = 4 << 20
	return &Clients{
		Vapi: vapi.NewClient(
			vapi.WithToken(c.VapiAPIKey),
			vapi.WithBaseURL(c.VapiBaseURL),
			vapi.WithControlHosts(c.ControlHosts...),
			vapi.WithUserAgent("pocketline/"+version),
		),
		VapiReady: c.VapiAPIKey != "",
		Guarded:   httpjson.Guarded(guard),
		Pictures:  httpjson.Guarded(pictures),
		guard:     guard,
	}
}

// CheckURL tells, when a form is saved, whether an address a customer typed can
// ever be called through Guarded. It resolves nothing.
func (c *Clients) CheckURL(raw string) error { return httpjson.CheckURL(raw, c.guard) }
