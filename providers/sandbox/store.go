package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// object is a JSON object as it travels. Stored objects are never changed in
// place: a change stores a new object, so readers need no lock.
type object = map[string]any

// orgID is the one organization of the sandbox.
const orgID = "5f0c1d7e-2b84-4a6d-9c31-7d20b4e6a901"

// tableNames are the kinds of objects the sandbox remembers.
var tableNames = []string{"assistant", "squad", "tool", "phone-number", "call", "chat", "session", "file",
	"knowledge-base", "structured-output"}

// table keeps objects in the order they were made.
type table struct {
	rows  map[string]object
	order []string
}

// get returns the stored object or nil. It takes the lock itself.
func (s *Server) get(kind, id string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[kind].rows[id]
}

// put stores a new object or replaces one.
func (s *Server) put(kind string, row object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, id := s.tables[kind], row["id"].(string)
	if _, known := t.rows[id]; !known {
		t.order = append(t.order, id)
	}
	t.rows[id] = row
}

// merge replaces top-level fields of a stored object and answers the new one;
// nil when the object is gone. A field set to nil in change is stored as null.
func (s *Server) merge(kind, id string, change object) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.tables[kind].rows[id]
	if old == nil {
		return nil
	}
	row := with(old, change)
	s.tables[kind].rows[id] = row
	return row
}

func (s *Server) remove(kind, id string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[kind]
	row := t.rows[id]
	if row != nil {
		delete(t.rows, id)
		t.order = slices.DeleteFunc(t.order, func(other string) bool { return other == id })
	}
	return row
}

// all answers the objects of a kind, newest first.
func (s *Server) all(kind string) []object {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[kind]
	rows := make([]object, 0, len(t.order))
	for _, id := range slices.Backward(t.order) {
		rows = append(rows, t.rows[id])
	}
	return rows
}

// tick is the present time, later than every tick before it by at least a
// millisecond, so that paging by createdAt never skips a row.
func (s *Server) tick() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now().UTC().Truncate(time.Millisecond)
	if !now.After(s.lastTick) {
		now = s.lastTick.Add(time.Millisecond)
	}
	s.lastTick = now
	return now
}

// stamped adds what every Vapi object carries.
func (s *Server) stamped(body object, id string) object {
	now := stamp(s.tick())
	return with(body, object{"id": id, "orgId": orgID, "createdAt": now, "updatedAt": now})
}

// with is a copy of base with the fields of each change on top.
func with(base object, changes ...object) object {
	row := make(object, len(base)+4)
	for k, v := range base {
		row[k] = v
	}
	for _, change := range changes {
		for k, v := range change {
			row[k] = v
		}
	}
	return row
}

// without is a copy of base that lacks the named fields.
func without(base object, names ...string) object {
	row := with(base)
	for _, name := range names {
		delete(row, name)
	}
	return row
}

// stamp writes a time as Vapi does: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newID is a random UUID (version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return formatUUID(b, 4)
}

// newCallID is a UUID that sorts by time (version 7), as Vapi's call ids do.
func newCallID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return formatUUID(b, 7)
}

func formatUUID(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Readers of loose JSON: the zero value when the field is absent or of another kind.

func str(o object, path ...string) string  { v, _ := dig(o, path...).(string); return v }
func obj(o object, path ...string) object  { v, _ := dig(o, path...).(object); return v }
func list(o object, path ...string) []any  { v, _ := dig(o, path...).([]any); return v }
func num(o object, path ...string) float64 { v, _ := dig(o, path...).(float64); return v }

// isFalse tells an explicit false from an absent field.
func isFalse(o object, path ...string) bool { v, ok := dig(o, path...).(bool); return ok && !v }
func isTrue(o object, path ...string) bool  { v, ok := dig(o, path...).(bool); return ok && v }

func dig(o object, path ...string) any {
	var v any = o
	for _, name := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// plain turns any value into the JSON values a decoder would give.
func plain(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: not JSON: " + err.Error()) // our own literals only
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic("sandbox: not JSON: " + err.Error())
	}
	return out
}
