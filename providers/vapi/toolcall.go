package vapi

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrArguments says that a model wrote arguments that are not a JSON object.
var ErrArguments = errors.New("vapi: the arguments are not a JSON object")

// ToolCall is one call of a tool by the model.
type ToolCall struct {
	// ID ties the result to the call, and is what makes a repeat a repeat. It
	// is empty for the older function-call.
	ID   string
	Name string
	// Arguments is a JSON object, {} when the model gave none.
	Arguments json.RawMessage
	// Err is ErrArguments when what the model wrote could not be read; answer
	// such a call with an error and the others as usual.
	Err error
}

// MarshalJSON writes the documented shape, with the arguments as text.
func (t ToolCall) MarshalJSON() ([]byte, error) {
	type function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	return json.Marshal(struct {
		ID       string   `json:"id,omitempty"`
		Type     string   `json:"type"`
		Function function `json:"function"`
	}{t.ID, "function", function{t.Name, string(t.Arguments)}})
}

// UnmarshalJSON reads all shapes that are about.
func (t *ToolCall) UnmarshalJSON(b []byte) error {
	var w wireToolCall
	if err := lenient(json.Unmarshal(b, &w)); err != nil {
		return err
	}
	*t = w.call()
	return nil
}

// wireToolCall covers the three shapes: function with arguments as JSON text
// (the API document), name with an arguments object, name with a parameters
// object (both in the guides).
type wireToolCall struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Function struct {
		Name       string          `json:"name"`
		Arguments  json.RawMessage `json:"arguments"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
	Arguments  json.RawMessage `json:"arguments"`
	Parameters json.RawMessage `json:"parameters"`
}

func (w *wireToolCall) call() ToolCall {
	t := ToolCall{ID: w.ID, Name: first(w.Function.Name, w.Name), Arguments: json.RawMessage("{}")}
	for _, raw := range []json.RawMessage{w.Function.Arguments, w.Function.Parameters, w.Arguments, w.Parameters} {
		if raw = present(raw); raw != nil {
			t.Arguments, t.Err = arguments(raw)
			break
		}
	}
	return t
}

// arguments accepts an object, or text that holds one.
func arguments(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if raw[0] == '"' {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return raw, ErrArguments
		}
		raw = bytes.TrimSpace([]byte(text))
		if len(raw) == 0 || string(raw) == "null" {
			return json.RawMessage("{}"), nil
		}
	}
	if raw[0] != '{' || !json.Valid(raw) {
		return raw, ErrArguments
	}
	return compacted(raw), nil
}

func compacted(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

func (w *wireMessage) setTools(m *Message) {
	lists := w.ToolCallList
	if len(lists) == 0 {
		lists = w.ToolCalls
	}
	if len(lists) == 0 {
		for i := range w.ToolWithToolCallList {
			lists = append(lists, w.ToolWithToolCallList[i].ToolCall)
		}
	}
	if len(lists) == 0 && w.FunctionCall != nil {
		lists = []wireToolCall{*w.FunctionCall}
	}
	for i := range lists {
		m.ToolCalls = append(m.ToolCalls, lists[i].call())
	}
}
