package facade

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/pocketbase/pocketbase/core"
)

// JSON answers a request. Keys that come from maps stand in the order of the alphabet:
// PocketBase writes them in another order each time.
func JSON(e *core.RequestEvent, status int, data any) error {
	return e.JSON(status, ordered{data})
}

// ordered is written with its keys in order.
type ordered struct{ data any }

// MarshalJSONTo writes it.
func (o ordered) MarshalJSONTo(to *jsontext.Encoder) error {
	return json.MarshalEncode(to, o.data, json.Deterministic(true))
}
