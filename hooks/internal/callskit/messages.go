package callskit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Send is the provider telling the desk something.
func (d *Desk) Send(body []byte) *httptest.ResponseRecorder {
	d.T.Helper()
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/webhooks/vapi",
		bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(vapi.SecretHeader, Secret)
	rec := httptest.NewRecorder()
	d.Mux.ServeHTTP(rec, req)
	return rec
}

// SendAll sends messages that are all taken.
func (d *Desk) SendAll(messages [][]byte) {
	d.T.Helper()
	for _, m := range messages {
		if rec := d.Send(m); rec.Code != http.StatusOK {
			d.T.Fatalf("message answered %d: %s", rec.Code, rec.Body)
		}
	}
}

// Sample is a message of hooks/calls/testdata, which is where a room of calls finds it.
func Sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if errors.Is(err, fs.ErrNotExist) {
		b, err = os.ReadFile(filepath.Join("..", "testdata", name))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Lines are the messages of a sample that has one a line.
func Lines(t testing.TB, name string) [][]byte {
	t.Helper()
	return bytes.Split(bytes.TrimSpace(Sample(t, name)), []byte("\n"))
}

// Rows reads a query as text, a row a line.
func (d *Desk) Rows(query string, args ...any) string {
	d.T.Helper()
	return testkit.Rows(d.T, d.TestApp, query, args...)
}

// CallID reads the provider's id of a message's call.
func CallID(t testing.TB, message []byte) string {
	t.Helper()
	m, err := vapi.ParseMessage(message)
	if err != nil {
		t.Fatal(err)
	}
	return m.CallID()
}

// IDOf is our id of a provider's call.
func (d *Desk) IDOf(vapiID string) string {
	return strings.TrimSpace(d.Rows(`SELECT id FROM calls WHERE vapi_call_id = ?`, vapiID))
}

// SameJSON tells whether two bodies say the same, in whatever order.
func SameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	var out [2]bytes.Buffer
	for i, in := range [][]byte{a, b} {
		var v any
		if err := json.Unmarshal(in, &v); err != nil {
			t.Fatalf("%v in %s", err, in)
		}
		if err := json.NewEncoder(&out[i]).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return out[0].String() == out[1].String()
}
