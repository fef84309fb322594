package assistants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// desk is the domain on a seeded app, with the stand-in for Vapi behind a proxy
// that writes down what was asked.
type desk struct {
	*deskkit.Desk
	vapi  *vapi.Client
	stand *sandbox.Server

	mu  sync.Mutex
	log []request
}

type request struct {
	line string // "PATCH /assistant/…", the id cut off
	keys []string
}

func (d *desk) take() []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	log := d.log
	d.log = nil
	return log
}

func open(t *testing.T) *desk {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	d := &desk{stand: stand}
	target, err := url.Parse(stand.URL())
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		var object map[string]any
		json.Unmarshal(body.Bytes(), &object)
		var keys []string
		for key := range object {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		parts := strings.Split(r.URL.Path, "/")
		d.mu.Lock()
		d.log = append(d.log, request{r.Method + " /" + parts[1], keys})
		d.mu.Unlock()
		r.Body = http.NoBody
		r.ContentLength = 0
		if body.Len() > 0 {
			r.Body = nopCloser{&body}
			r.ContentLength = int64(body.Len())
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	d.vapi = vapi.NewClient(vapi.WithToken(stand.Key()), vapi.WithBaseURL(proxy.URL), vapi.WithMaxAttempts(1))
	d.Desk = deskkit.Open(t, func(on *deskkit.Desk) {
		Register(on, Deps{
			Tools: on.Tools, Vapi: d.vapi, WebhookSecret: func(string) (string, error) { return "hook-secret", nil },
			CheckURL: func(raw string) error {
				if !strings.HasPrefix(raw, "https://") || strings.Contains(raw, "10.0.0.1") {
					return errors.New("blocked")
				}
				return nil
			},
		})
	})
	return d
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

// settle waits until nothing about the record is on its way.
func (d *desk) settle(collection, id string) *core.Record {
	d.T.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.T.Fatal(err)
	}
	if err := d.Mirror.Wait(d.T.Context(), r); err != nil {
		d.T.Fatal(err)
	}
	return r
}

func (d *desk) fault(kind, method, path string) {
	d.T.Helper()
	testkit.Fault(d.T, d.stand.URL(), kind, method, path)
}

func (d *desk) create(collection string, body map[string]any) string {
	d.T.Helper()
	if body["organization"] == nil {
		body["organization"] = testkit.Acme
	}
	var made struct{ ID string }
	d.Do("POST", "/api/collections/"+collection+"/records", testkit.AcmeOwner, body).Want(200).JSON(&made)
	return made.ID
}

// at asks the stand-in itself, as somebody at Vapi's dashboard would.
func (d *desk) at(method, path string, body map[string]any, out any) int {
	d.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		d.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.T.Context(), method, d.stand.URL()+path, bytes.NewReader(raw))
	if err != nil {
		d.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.stand.Key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.T.Fatal(err)
	}
	defer res.Body.Close()
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			d.T.Fatal(err)
		}
	}
	return res.StatusCode
}
