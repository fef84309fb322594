package tools

import (
	"context"
	"net/http"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// nobody fails when an organization's server is called.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("%s was called", r.URL)
	return nil, http.ErrHandlerTimeout
}

func TestRun_does_nothing_twice_when_it_cannot_read_what_was_done(t *testing.T) {
	app := testkit.New(t)
	testkit.Exec(t, app, `UPDATE calls SET vapi_call_id = 'c1' WHERE id = ?`, testkit.AcmeCall)
	testkit.Exec(t, app, `UPDATE functions SET headers = '', parameters = NULL`)
	testkit.Exec(t, app, `INSERT INTO call_events (id, organization, call, type, name, key, position, data, created,
		updated)
		VALUES ('donebefore00000', ?, ?, 'tool_call', 'book_table', ?, 1, 'no JSON', '', '')`,
		testkit.Acme, testkit.AcmeCall, fold.ToolKey("t1"))
	r := New(app, Deps{Functions: &http.Client{Transport: nobody{t}}})
	by, use := Caller{Organization: testkit.Acme, Call: fold.Source{Provider: collections.ProviderVapi, ID: "c1"}},
		fold.Tool{ID: "t1", Name: "book_table", Arguments: []byte("{}")}
	for range 2 {
		if got := r.Run(context.Background(), by, []fold.Tool{use}); got[0].Error == "" || got[0].Result != "" {
			t.Errorf("got %+v", got[0])
		}
	}
}
