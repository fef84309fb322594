package callskit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Exchange is a provider that takes calls and commands.
type Exchange struct {
	sync.Mutex
	T      testing.TB
	Status int               // of the next answers; 0 is success
	Placed []json.RawMessage // POST /call
	Orders []string          // what came to the control address
	First  func(id string)   // runs before POST /call is answered
	Erased []string
}

func (x *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		x.T.Error(err)
	}
	x.Lock()
	status, first := x.Status, x.First
	x.Unlock()
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":"Concurrency limit reached.","statusCode":%d}`, status)
		return
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/call":
		if r.Header.Get("Authorization") != "Bearer key" {
			x.T.Errorf("placing a call with %q", r.Header.Get("Authorization"))
		}
		x.Lock()
		x.Placed = append(x.Placed, body)
		id := fmt.Sprintf("placed-%d", len(x.Placed))
		x.Unlock()
		if first != nil {
			first(id)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"type":"outboundPhoneCall","status":"queued","createdAt":"2026-11-18T15:04:07.310Z",
			"monitor":{"controlUrl":"http://%s/control","listenUrl":"wss://x.vapi.ai/listen"}}`, id, r.Host)
	case r.Method == http.MethodPost && r.URL.Path == "/control":
		if r.Header.Get("Authorization") != "" {
			x.T.Error("the account's key goes to a control address")
		}
		x.Lock()
		x.Orders = append(x.Orders, string(body))
		x.Unlock()
	case r.Method == http.MethodDelete:
		x.Lock()
		x.Erased = append(x.Erased, strings.TrimPrefix(r.URL.Path, "/call/"))
		x.Unlock()
		fmt.Fprint(w, `{"id":"x"}`)
	default:
		http.NotFound(w, r)
	}
}

// Ordered is what came to the control address so far.
func (x *Exchange) Ordered() []string {
	x.Lock()
	defer x.Unlock()
	return append([]string{}, x.Orders...)
}

// Control lets the live call of Acme be controlled by the desk's provider.
func (d *Desk) Control() {
	d.T.Helper()
	url := d.Seal(d.Provider+"/control", collections.Calls, testkit.AcmeLiveCall, "control_url")
	d.Set(collections.Calls, testkit.AcmeLiveCall, map[string]any{"control_url": url})
}

// Order is what places a call, with changes.
func Order(more map[string]any) map[string]any {
	body := map[string]any{"assistant": testkit.AcmeAssistant, "phone_number": testkit.AcmeNumber,
		"customer_number": "+1 (415) 555-2671", "customer_name": "Cleo"}
	for k, v := range more {
		body[k] = v
	}
	return body
}
