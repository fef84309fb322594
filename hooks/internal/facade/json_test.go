package facade

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

func TestJSON_keeps_keys_in_order_and_bytes_as_they_are(t *testing.T) {
	type row struct {
		Name string `json:"name"`
		ID   string `json:"id"`
	}
	data := map[string]any{
		"z": 1, "a": map[string]any{"y": nil, "b": []any{map[string]any{"d": true, "c": "\xff"}}}, "row": row{"n", "i"},
		"raw": json.RawMessage(`{"q":1,"p":2}`),
	}
	const want = `{"a":{"b":[{"c":"` + "\ufffd" +
		`","d":true}],"y":null},"raw":{"q":1,"p":2},"row":{"name":"n","id":"i"},"z":1}`
	for range 20 {
		e := new(core.RequestEvent)
		rec := httptest.NewRecorder()
		e.Request, e.Response = httptest.NewRequest("GET", "/", nil), rec
		if err := JSON(e, 200, data); err != nil {
			t.Fatal(err)
		}
		if got := rec.Body.String(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
