package calls

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// newExchange is a desk whose live call of Acme can be controlled.
func newExchange(t *testing.T) (*desk, *callskit.Exchange) {
	t.Helper()
	x := &callskit.Exchange{T: t}
	d := newDesk(t, x)
	d.Control()
	return d, x
}

func TestEnd_and_say_are_for_those_who_work_calls(t *testing.T) {
	for _, one := range []struct {
		path  string
		body  any
		order string
	}{
		{"/api/calls/" + testkit.AcmeLiveCall + "/end", nil, `{"type":"end-call"}`},
		{"/api/calls/" + testkit.AcmeLiveCall + "/say", map[string]any{"content": " We are closing. "},
			`{"type":"say","content":"We are closing."}`},
		{"/functions/v1/calls/" + testkit.AcmeLiveCall + "/end", nil, `{"type":"end-call"}`},
		{"/api/calls/" + testkit.AcmeLiveCall + "/transfer",
			map[string]any{"phone_number": "+1 (415) 555-2671", "content": " One moment. "},
			`{"type":"transfer","content":"One moment.","destination":{"type":"number","number":"+14155552671"}}`},
	} {
		d, x := newExchange(t)
		for _, who := range testkit.Everyone {
			want := 200
			switch who {
			case testkit.Guest:
				want = 401
			case testkit.BoltOwner:
				want = 404
			case testkit.Nobody, testkit.AcmeSuspended:
				want = 404
				if strings.HasPrefix(one.path, "/functions") {
					want = 403 // they have no active organization
				}
			case testkit.AcmeTrainee, testkit.AcmeViewer, testkit.AcmeDeveloper:
				want = 403
			}
			before := len(x.Ordered())
			d.Want(want, "POST", one.path, who, one.body)
			orders := x.Ordered()
			if done := len(orders) > before; done != (want == 200) || done && orders[before] != one.order {
				t.Errorf("%s as %q: the provider got %q", one.path, who, orders[before:])
			}
		}
		noted := d.Rows(`SELECT type, json_extract(data, '$.by') FROM call_events WHERE call = ? ORDER BY rowid`,
			testkit.AcmeLiveCall)
		if noted != "control | Ari Agent\ncontrol | Mia Manager\ncontrol | Abe Admin\ncontrol | Ada Owner\n" {
			t.Errorf("%s: the timeline has %q", one.path, noted)
		}
	}
}

func TestEnd_and_say_tell_what_went_wrong(t *testing.T) {
	d, x := newExchange(t)
	say := "/api/calls/" + testkit.AcmeLiveCall + "/say"
	for name, body := range map[string]any{
		"nothing": map[string]any{}, "blanks": map[string]any{"content": "  "},
		"too much": map[string]any{"content": strings.Repeat("é", 1001)},
		"not JSON": "{", "a number": `{"content":7}`,
	} {
		if rec := d.Want(400, "POST", say, testkit.AcmeAgent, body); callskit.Object(t, rec)["error"] == nil {
			t.Errorf("%s: got %s", name, rec.Body)
		}
	}
	d.Want(200, "POST", say, testkit.AcmeAgent, map[string]any{"content": strings.Repeat("é", 1000)})
	d.Want(409, "POST", "/api/calls/"+testkit.AcmeCall+"/end", testkit.AcmeAgent, nil) // over
	d.Want(409, "POST", "/functions/v1/calls/"+testkit.AcmeCall+"/end", testkit.AcmeAgent, nil)
	d.Want(404, "POST", "/api/calls/nothing00000000/end", testkit.AcmeAgent, nil)
	for status, want := range map[int]int{500: 502, 404: 409, 410: 409, 403: 502} {
		x.Lock()
		x.Status = status
		x.Unlock()
		rec := d.Want(want, "POST", "/api/calls/"+testkit.AcmeLiveCall+"/end", testkit.AcmeAgent, nil)
		if strings.Contains(rec.Body.String(), "/control") {
			t.Errorf("%d: the answer shows the control address: %s", status, rec.Body)
		}
	}
	d.Set(collections.Calls, testkit.AcmeLiveCall, map[string]any{"control_url": ""})
	d.Want(409, "POST", "/api/calls/"+testkit.AcmeLiveCall+"/end", testkit.AcmeAgent, nil)
	if got := len(x.Ordered()); got != 1 {
		t.Errorf("the provider got %d orders, want the one that was right", got)
	}
}

// Whoever leaves the page at once has done it nevertheless, and it can be seen who did.
func TestDeeds_are_noted_although_who_did_them_left(t *testing.T) {
	for path, body := range map[string]string{"end": "", "say": `{"content":"Hello"}`, "transfer": `{"phone_number":"+14155552671"}`} {
		came, left := make(chan struct{}), make(chan struct{})
		d := newDesk(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(came)
			<-left
			_, _ = io.WriteString(w, "{}")
		}))
		d.Control()
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost,
			d.serve().URL+"/api/calls/"+testkit.AcmeLiveCall+"/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range testkit.As(t, testkit.AcmeAgent) {
			req.Header.Set(k, v)
		}
		req.Header.Set("Content-Type", "application/json")
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if res, err := http.DefaultClient.Do(req); err == nil {
				t.Errorf("%s: got %d, want to have left", path, res.StatusCode)
				_ = res.Body.Close()
			}
		}()
		<-came
		leave()
		<-gone
		close(left)
		callskit.Until(t, path+" is noted", func() bool {
			return d.Rows(`SELECT name, json_extract(data, '$.by') FROM call_events WHERE call = ? AND type = 'control'`,
				testkit.AcmeLiveCall) == path+" | Ari Agent\n"
		})
	}
}

func TestTransfer_reaches_nobody_who_may_not_be_called(t *testing.T) {
	d, x := newExchange(t)
	path := "/api/calls/" + testkit.AcmeLiveCall + "/transfer"
	for name, body := range map[string]any{
		"nothing": map[string]any{}, "no number": map[string]any{"phone_number": "Ada"},
		"an emergency": map[string]any{"phone_number": "911"}, "not JSON": "{",
		"too many words": map[string]any{"phone_number": "+14155552671", "content": strings.Repeat("é", 1001)},
	} {
		if rec := d.Want(400, "POST", path, testkit.AcmeAgent, body); callskit.Object(t, rec)["error"] == nil {
			t.Errorf("%s: got %s", name, rec.Body)
		}
	}
	good := map[string]any{"phone_number": "+14155552671"}
	d.Want(409, "POST", "/api/calls/"+testkit.AcmeCall+"/transfer", testkit.AcmeAgent, good) // over
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceEmpty})
	d.Want(402, "POST", path, testkit.AcmeAgent, good)
	if got := x.Ordered(); len(got) != 0 {
		t.Errorf("the provider got %q", got)
	}
}

func TestDelete_erases_the_copy_at_the_provider(t *testing.T) {
	d, x := newExchange(t)
	d.Want(204, "DELETE", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAdmin, nil)
	callskit.Until(t, "the provider was told", func() bool {
		x.Lock()
		defer x.Unlock()
		return len(x.Erased) == 1 && x.Erased[0] == "call-acme"
	})
	for _, part := range []string{"messages", "call_events", "call_reports", "recordings"} {
		if got := d.Rows(`SELECT count(*) FROM `+part+` WHERE call = ?`, testkit.AcmeCall); got != "0\n" {
			t.Errorf("%s has %s rows of the deleted call", part, got)
		}
	}
	if got := d.Found("sourdough"); len(got) != 0 {
		t.Errorf("search still finds %v", got)
	}
}
