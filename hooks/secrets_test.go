package hooks_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// presented is what the provider was told to present, by the copy's id.
type presented struct {
	mu      sync.Mutex
	secrets map[string]string
}

func (p *presented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := path.Base(r.URL.Path)
	var body struct {
		Server struct {
			Headers map[string]string `json:"headers"`
		} `json:"server"`
	}
	if raw, err := io.ReadAll(r.Body); err == nil && json.Unmarshal(raw, &body) == nil &&
		body.Server.Headers["X-Vapi-Secret"] != "" {
		p.mu.Lock()
		p.secrets[id] = body.Server.Headers["X-Vapi-Secret"]
		p.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"id":"`+id+`"}`)
}

func (p *presented) of(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.secrets[id]
}

func TestRotation_of_a_webhook_secret_reaches_every_copy_and_loses_no_message(t *testing.T) {
	vapi := &presented{secrets: map[string]string{}}
	provider := httptest.NewServer(vapi)
	t.Cleanup(provider.Close)
	p := &product{t: t}
	p.start(provider.URL, "POCKETLINE_PUBLIC_URL=https://desk.example.com")
	api := testkit.API(t, p.TestApp)
	ring := func(number, id, secret string) int {
		body := `{"message":{"type":"hang","call":{"id":"` + id + `","phoneNumberId":"` + number + `"}}}`
		req := httptest.NewRequest("POST", "/api/webhooks/vapi", bytes.NewReader([]byte(body)))
		req.Header.Set("X-Vapi-Secret", secret)
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, req)
		return rec.Code
	}
	const secretPath = "/api/organizations/" + testkit.Acme + "/webhook-secret"
	var state struct {
		ChangedAt     string `json:"changed_at"`
		EarlierValid  bool   `json:"earlier_valid"`
		CopiesPending int    `json:"copies_pending"`
	}
	rotate := func(body any, earlier bool) {
		t.Helper()
		api.Do("POST", secretPath+"/rotate", testkit.AcmeOwner, body).Want(200).JSON(&state)
		if state.ChangedAt == "" || state.EarlierValid != earlier {
			t.Errorf("after rotating: %+v", state)
		}
		p.until("every copy has been told", func() bool {
			answer := api.Do("GET", secretPath, testkit.AcmeAdmin, nil).Want(200).JSON(&state)
			if s := vapi.of("number-acme"); s != "" && strings.Contains(string(answer.Body), s) {
				t.Errorf("the answer holds the secret: %s", answer.Body)
			}
			return state.CopiesPending == 0
		})
	}
	rotate(nil, false)
	first := vapi.of("number-acme")
	for _, id := range []string{"assistant-acme", "tool-acme", "number-acme"} {
		if vapi.of(id) == "" || vapi.of(id) != first {
			t.Errorf("%s was told %q, want %q", id, vapi.of(id), first)
		}
	}
	if got := vapi.of("number-bolt"); got != "" {
		t.Errorf("another organization's copy was told %q", got)
	}
	rotate(map[string]bool{"at_once": false}, true)
	second := vapi.of("number-acme")
	if second == first || ring("number-acme", "r1", first) != 200 || ring("number-acme", "r2", second) != 200 {
		t.Error("a message was refused while both secrets are good")
	}
	rotate(map[string]bool{"at_once": true}, false)
	third := vapi.of("number-acme")
	if ring("number-acme", "r3", second) != 401 || ring("number-acme", "r4", third) != 200 ||
		ring("number-bolt", "r5", third) != 401 {
		t.Error("a secret that ended is good, the new one is not, or it reaches another organization")
	}
	p.until("no promise is under way", func() bool {
		return p.count("SELECT count(*) FROM outbox WHERE status = 'running'") == 0
	})
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403, testkit.AcmeDeveloper: 403,
		testkit.AcmeViewer: 403, testkit.Sam: 403,
	} {
		api.Do("POST", secretPath+"/rotate", who, nil).Want(want).Nothing()
		api.Do("GET", secretPath, who, nil).Want(want).Nothing()
	}
	api.Do("POST", secretPath+"/rotate", testkit.AcmeOwner, `{"at_once":"yes"}`).Want(400).Nothing()
	if ring("number-acme", "r6", third) != 200 {
		t.Error("a refused rotation changed the secret")
	}
	if n := p.count("SELECT count(*) FROM audit_logs WHERE action = 'webhook_secret.rotate' AND organization = '" +
		testkit.Acme + "'"); n != 3 {
		t.Errorf("%d rotations are written down, want 3", n)
	}
	for _, s := range []string{first, second, third} {
		if found := p.places(s); len(found) > 0 {
			t.Errorf("a secret stands in %v", found)
		}
	}
}
