package rig

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/sandbox"
)

// StartProvider starts the sandbox outside of the server, which is told to take it
// for the real provider: it lives on when the server is killed.
func StartProvider(t T) *sandbox.Server {
	t.Helper()
	provider, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := provider.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return provider
}

// Connected is the environment of a server at an address that takes what listens at
// a URL, the provider or a Gate before it, for the real one.
func Connected(provider *sandbox.Server, url, address string) []string {
	return []string{
		"VAPI_BASE_URL=" + url, "VAPI_API_KEY=" + provider.Key(), "POCKETLINE_PUBLIC_URL=http://" + address,
		"POCKETLINE_ALLOWED_HOSTS=" + strings.TrimPrefix(provider.URL(), "http://") + "," +
			strings.TrimPrefix(url, "http://"),
	}
}

// SetUp makes the first account, as a person would, and returns it and its
// organization's id.
func SetUp(t T, d *Desk) (owner *Person, organization string) {
	t.Helper()
	owner = &Person{T: t, Base: d.Base}
	var made struct {
		Token        string
		Organization Row
	}
	owner.Ask("POST", "/api/setup", Row{
		"name": "Ada", "email": "ada@acme.test", "password": "a-long-password", "organization": "Acme",
		"timezone": "Europe/Paris",
		"language": "fr", "country": "US",
	}, http.StatusOK, &made)
	owner.Token = made.Token
	return owner, made.Organization["id"].(string)
}

// Create makes a row of the organization.
func (p *Person) Create(collection, organization string, values Row) Row {
	p.T.Helper()
	values["organization"] = organization
	var r Row
	p.Ask("POST", "/api/collections/"+collection+"/records", values, http.StatusOK, &r)
	return r
}

// OneEach wants one object at the provider for each row, the one the row names.
func OneEach(t T, owner *Person, provider *sandbox.Server) {
	t.Helper()
	for collection, place := range map[string][2]string{
		collections.Assistants: {"/assistant", "vapi_assistant_id"}, collections.Functions: {"/tool", "vapi_tool_id"},
		collections.PhoneNumbers: {"/phone-number", "vapi_phone_id"},
	} {
		named := map[string]int{}
		for _, r := range owner.Rows(collection, "", "") {
			named[r[place[1]].(string)]++
		}
		var there []Row
		(&Person{T: t, Token: "Bearer " + provider.Key()}).Ask("GET", provider.URL()+place[0]+"?limit=1000",
			nil, http.StatusOK, &there)
		have := map[string]int{}
		for _, o := range there {
			have[o["id"].(string)]++
		}
		if !maps.Equal(named, have) {
			t.Errorf("%s: the rows name %v, the provider has %v", collection, named, have)
		}
	}
}
