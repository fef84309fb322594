package vapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxName is the longest name Vapi takes for assistants, calls, numbers,
// customers, sessions and structured outputs, in characters.
const MaxName = 40

// Name cuts a name to what Vapi takes. Ours keeps its full length.
func Name(s string) string { return cut(s, MaxName) }

func cut(s string, limit int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:limit]))
}

// Micros turns an amount in US dollars, as Vapi sends it, into whole
// millionths of a dollar. Amounts out of range become 0.
func Micros(usd float64) int64 {
	m := math.Round(usd * 1e6)
	if math.IsNaN(m) || math.Abs(m) > 1<<53 {
		return 0
	}
	return int64(m)
}

// Time is an instant in an answer of Vapi: ISO 8601 text or milliseconds since
// 1970. What cannot be read becomes the zero time instead of spoiling the rest
// of the answer.
type Time struct{ time.Time }

// UnmarshalJSON reads text or a number.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	if len(b) == 0 || b[0] == 'n' {
		return nil
	}
	if b[0] == '"' {
		if at, err := time.Parse(time.RFC3339Nano, string(bytes.Trim(b, `"`))); err == nil {
			t.Time = at.UTC()
		}
		return nil
	}
	var ms float64
	if json.Unmarshal(b, &ms) == nil {
		t.Time = fromMillis(ms)
	}
	return nil
}

// MarshalJSON writes ISO 8601 in UTC, null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(iso) + `"`), nil
}

const iso = "2006-01-02T15:04:05.999Z07:00"

// fromMillis accepts what a date can be; everything else is the zero time.
func fromMillis(ms float64) time.Time {
	if !(ms > 0 && ms < 4e13) {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// Nullable is a field that is absent, null, or a value. A PATCH leaves an
// absent field alone and clears one that is null.
type Nullable[T any] struct {
	value T
	set   bool
	null  bool
}

// Value sends v.
func Value[T any](v T) Nullable[T] { return Nullable[T]{value: v, set: true} }

// Null sends an explicit null, which clears the field.
// Example: a number no longer answered by an assistant:
//
//	client.PhoneNumbers.Update(ctx, id, &vapi.PhoneNumberDTO{AssistantID: vapi.Null[string]()})
func Null[T any]() Nullable[T] { return Nullable[T]{set: true, null: true} }

// OrNull sends v, or null when v is empty.
func OrNull(v string) Nullable[string] {
	if v == "" {
		return Null[string]()
	}
	return Value(v)
}

// Get returns the value; ok is false when it is absent or null.
func (n Nullable[T]) Get() (v T, ok bool) { return n.value, n.set && !n.null }

// IsZero reports absence; encoding/json then leaves the field out.
func (n Nullable[T]) IsZero() bool { return !n.set }

// MarshalJSON writes the value or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	if !n.set || n.null {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// UnmarshalJSON reads the value or null.
func (n *Nullable[T]) UnmarshalJSON(b []byte) error {
	*n = Nullable[T]{set: true}
	if string(b) == "null" {
		n.null = true
		return nil
	}
	return json.Unmarshal(b, &n.value)
}

// Ptr gives a pointer to v, for optional fields whose zero value means
// something.
func Ptr[T any](v T) *T { return &v }

// withExtra encodes own and adds the keys of extra that own does not have.
// Ours always win: advanced settings a user typed cannot replace the server,
// the metadata or anything else we set.
func withExtra(own any, extra map[string]any) ([]byte, error) {
	data, err := json.Marshal(own)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	for k, v := range extra {
		if _, ours := doc[k]; ours {
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		doc[k] = raw
	}
	return json.Marshal(doc)
}

// keepRaw decodes b into v and returns a copy of b.
func keepRaw(b []byte, v any) (json.RawMessage, error) {
	if err := lenient(json.Unmarshal(b, v)); err != nil {
		return nil, err
	}
	var named struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(b, &named) == nil && oddID(named.ID) {
		return nil, errOddID
	}
	return bytes.Clone(b), nil
}

var errOddID = errors.New("vapi: the answer names an id that cannot stand in an address")

// oddID tells whether an id would lead elsewhere in the addresses it is put into. It
// is stored and sent back: a good one is a word.
func oddID(id string) bool {
	return len(id) > 200 || strings.Trim(id, ".") == "" && id != "" ||
		strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`/\?#%&=`, r) })
}
