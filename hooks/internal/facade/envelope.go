package facade

import (
	"github.com/pocketbase/pocketbase/core"
)

// Answer is what a route has to say before it is put into its envelope.
type Answer struct {
	List       bool
	Rows       []map[string]any // of a list
	Pagination Pagination       // of a list
	Row        map[string]any   // nil after a delete
	More       map[string]any   // beside the row
	Message    string
}

// Envelope gives an answer its documented form.
type Envelope func(e *core.RequestEvent, a Answer) any

// EnvelopeData is {data, message}: data is the row, null after a delete.
func EnvelopeData(_ *core.RequestEvent, a Answer) any {
	out := map[string]any{"data": nil}
	switch {
	case a.List:
		out["data"] = a.Rows
		out["pagination"] = a.Pagination
	case a.Row != nil:
		out["data"] = a.Row
	}
	if a.Message != "" {
		out["message"] = a.Message
	}
	return out
}

// EnvelopeNamed is {data: {<one>: row, …more}, message}, for lists {data:
// {<many>: rows, pagination}}, and {data: null, message} after a delete.
func EnvelopeNamed(one, many string) Envelope {
	return func(_ *core.RequestEvent, a Answer) any {
		out := map[string]any{"data": nil}
		if a.List || a.Row != nil {
			out["data"] = named(one, many, a)
		}
		if a.Message != "" {
			out["message"] = a.Message
		}
		return out
	}
}

func named(one, many string, a Answer) map[string]any {
	if a.List {
		return map[string]any{many: a.Rows, "pagination": a.Pagination}
	}
	out := map[string]any{one: a.Row}
	for k, v := range a.More {
		out[k] = v
	}
	return out
}

// ShapeHeader asks the functions for bare values when it is "array", like the
// query parameter shape=array.
const ShapeHeader = "X-Response-Shape"

// Functions is the envelope of the old French system's functions: {success,
// data} and, for lists, pagination. With shape=array (or the header) it is the bare array
// or row that system's reference shows (requirements G-38).
func Functions(e *core.RequestEvent, a Answer) any {
	bare := e.Request.URL.Query().Get("shape") == "array" || e.Request.Header.Get(ShapeHeader) == "array"
	if a.List {
		if bare {
			return a.Rows
		}
		p := a.Pagination
		return map[string]any{"success": true, "data": a.Rows, "pagination": map[string]any{
			"page": p.Page, "limit": p.Limit, "total": p.Total, "totalPages": p.TotalPages, "has_more": p.Page < p.TotalPages,
		}}
	}
	if bare && a.Row != nil {
		return a.Row
	}
	out := map[string]any{"success": true, "data": nil}
	if a.Row != nil {
		out["data"] = a.Row
	}
	if a.Message != "" {
		out["message"] = a.Message
	}
	for k, v := range a.More {
		out[k] = v
	}
	return out
}
