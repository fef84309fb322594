package testkit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
)

// Fault gives the sandbox at an address a fault (POST /_sandbox/faults): kind is one of
// its own, path what the requests that meet it begin with.
func Fault(t testing.TB, sandbox, kind, method, path string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"match": map[string]any{"method": method, "pathPrefix": path}, "kind": kind})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(sandbox+"/_sandbox/faults", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("fault %s: %d", kind, res.StatusCode)
	}
}
