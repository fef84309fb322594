package hooks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

// product is everything put together on the fixtures, with a provider that
// only remembers what it was asked. Settings are NAME=value.
type product struct {
	*tests.TestApp
	t    testing.TB
	desk *hooks.Desk
	hear func(statement string) // when set, each statement of the databases is heard

	mu    sync.Mutex
	asked []string
}

func newProduct(t testing.TB, settings ...string) *product {
	t.Helper()
	p := &product{t: t}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	}))
	t.Cleanup(provider.Close)
	p.start(provider.URL, settings...)
	return p
}

// start puts the product together on the fixtures, with a stand-in for Vapi at the
// URL; settings are variables of the environment beside it, NAME=value.
func (p *product) start(vapi string, settings ...string) {
	p.t.Helper()
	p.TestApp = testkit.NewHeard(p.t, p.hear, func(app core.App) {
		env := map[string]string{"VAPI_API_KEY": "key", "VAPI_BASE_URL": vapi}
		for _, setting := range settings {
			name, value, _ := strings.Cut(setting, "=")
			env[name] = value
		}
		cfg, err := providers.Load(func(name string) string { return env[name] }, os.ReadFile)
		if err != nil {
			p.t.Fatal(err)
		}
		if p.desk, err = hooks.Register(app, hooks.Deps{
			Config: cfg, Clients: providers.New(cfg, "test"), Keys: hooks.NoKeys(), Version: "test", Log: io.Discard,
		}); err != nil {
			p.t.Fatal(err)
		}
	})
	p.clearSealed()
}

// clearSealed empties the fixtures' secrets: they were sealed with no key of
// ours, and the start refuses them.
func (p *product) clearSealed() {
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if text, ok := f.(*core.TextField); ok && text.Hidden && !text.System {
				p.exec(fmt.Sprintf("UPDATE [%s] SET [%s] = '' WHERE [%s] = '%s'", c.Name, text.Name, text.Name,
					testkit.SealedValue))
			}
		}
	}
}

// until waits for a condition that work in the background brings about.
func (p *product) until(what string, met func() bool) {
	p.t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("still not: %s", what)
		}
	}
}

func (p *product) count(query string) (n int) {
	p.t.Helper()
	if err := p.DB().NewQuery(query).Row(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (p *product) wasAsked(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.asked, what)
}

// exec changes the database behind everybody's back.
func (p *product) exec(query string) {
	p.t.Helper()
	if _, err := p.NonconcurrentDB().NewQuery(query).Execute(); err != nil {
		p.t.Fatal(err)
	}
}

// places looks for a text in every column of every table.
func (p *product) places(text string) (found []string) {
	p.t.Helper()
	var tables []string
	if err := p.DB().NewQuery("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").
		Column(&tables); err != nil {
		p.t.Fatal(err)
	}
	for _, table := range tables {
		var columns []string
		if err := p.DB().NewQuery("SELECT name FROM pragma_table_info('" + table + "')").Column(&columns); err != nil {
			p.t.Fatal(err)
		}
		for _, c := range columns {
			if n := p.count(fmt.Sprintf("SELECT count(*) FROM [%s] WHERE instr(CAST([%s] AS TEXT), '%s') > 0",
				table, c, text)); n > 0 {
				found = append(found, table+"."+c)
			}
		}
	}
	return found
}
