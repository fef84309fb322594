package lists

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// rowFields are the values of a row of the list, in the order SQLite writes
// them.
var rowFields = []struct {
	name, column string
	flag         bool // 0 or 1 in the database, false or true in the answer
	time         bool // "2026-09-30 12:05:06.007Z" in the database, with a T in the answer
}{
	{name: "id", column: "c.id"},
	{name: "started_at", column: "c.started_at", time: true},
	{name: "duration_seconds", column: "c.duration_seconds"},
	{name: "cost_micros", column: "c.cost_micros"},
	{name: "caller_number", column: "c.caller_number"},
	{name: "recipient_number", column: "c.recipient_number"},
	{name: "vapi_call_id", column: "c.vapi_call_id"},
	{name: "status", column: "c.status"},
	{name: "outcome", column: "c.outcome"},
	{name: "call_type", column: "c.call_type"},
	{name: "channel", column: "c.channel"},
	{name: "contact", column: "c.contact"},
	{name: "contact_name", column: "coalesce(n.name, '')"},
	{name: "assistant", column: "c.assistant"},
	{name: "phone_number", column: "c.phone_number"},
	{name: "answered_at", column: "c.answered_at", time: true},
	{name: "ended_at", column: "c.ended_at", time: true},
	{name: "ended_reason", column: "c.ended_reason"},
	{name: "summary", column: "c.summary"},
	{name: "resolution_status", column: "c.resolution_status"},
	{name: "sentiment", column: "c.sentiment"},
	{name: "priority", column: "c.priority"},
	{name: "transferred_to", column: "c.transferred_to"},
	{name: "placing", column: "c.placing"},
	{name: "is_test", column: "c.is_test", flag: true},
	{name: "has_recording", column: "c.has_recording", flag: true},
	{name: "answered", column: "c.answered", flag: true},
	{name: "missed", column: "c.missed", flag: true},
}

// Where the values stand that cursors are made of, and those that say who is at the
// other end.
var (
	rowID        = rowAt("id")
	rowStartedAt = rowAt("started_at")
	rowDuration  = rowAt("duration_seconds")
	rowCost      = rowAt("cost_micros")
	rowCaller    = rowAt("caller_number")
	rowRecipient = rowAt("recipient_number")
	rowDirection = rowAt("call_type")
)

// rowAt is where a field of rowFields stands; another name ends the program as it starts.
func rowAt(name string) int {
	for i, f := range rowFields {
		if f.name == name {
			return i
		}
	}
	panic("lists: a row has no " + name)
}

// rowTheirs is where the number of the other end stands: the organization's own is the
// other one.
func rowTheirs(values []string) int {
	if values[rowDirection] == `"`+collections.Outbound+`"` {
		return rowRecipient
	}
	return rowCaller
}

// columns reads a row as one value, a JSON array. Fetching it is a third of
// the work of fetching each column by itself, and SQLite has written the texts
// as JSON already. c is calls, n its contact (withContact).
var columns = func() string {
	all := make([]string, len(rowFields))
	for i, f := range rowFields {
		all[i] = f.column
	}
	return "json_array(" + strings.Join(all, ", ") + ")"
}()

// withContact joins the contact a row names. Rows of other organizations are
// never a call's contact; the condition makes sure of it here as well.
const withContact = ` LEFT JOIN contacts n ON n.id = c.contact AND n.organization = c.organization`

// rowKeys are the names as they stand before their values.
var rowKeys = func() []string {
	all := make([]string, len(rowFields))
	for i, f := range rowFields {
		all[i] = `,"` + f.name + `":`
	}
	all[0] = "{" + all[0][1:]
	return all
}()

// row is a row of the list: the array SQLite wrote, and where the search
// matched.
type row struct {
	raw     string
	snippet string
	at      int64 // its place in the search index
	begun   bool  // a word only begins with what was typed
	masked  bool  // the caller's number is kept from who asks
}

var errRow = errors.New("a row of the list is not what was asked for")

// values splits the array into its values, each still JSON.
func (r row) values(into []string) ([]string, error) {
	s := r.raw
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, errRow
	}
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		end := 0
		if s[0] == '"' {
			if end = closing(s); end < 0 {
				return nil, errRow
			}
		} else if end = strings.IndexByte(s, ','); end < 0 {
			end = len(s)
		}
		into = append(into, s[:end])
		if s = s[end:]; s != "" {
			if s[0] != ',' {
				return nil, errRow
			}
			s = s[1:]
		}
	}
	if len(into) != len(rowFields) {
		return nil, errRow
	}
	return into, nil
}

// closing is the length of the JSON text s begins with, -1 when it has no end.
func closing(s string) int {
	for from := 1; ; {
		n := strings.IndexByte(s[from:], '"')
		if n < 0 {
			return -1
		}
		end, slashes := from+n, 0
		for s[end-1-slashes] == '\\' {
			slashes++
		}
		if from = end + 1; slashes%2 == 0 {
			return from
		}
	}
}

// value reads one of a row's values as text.
func (r row) value(n int) (string, error) {
	values, err := r.values(make([]string, 0, len(rowFields)))
	if err != nil {
		return "", err
	}
	if v := values[n]; v[0] != '"' {
		return v, nil
	}
	var text string
	err = json.Unmarshal([]byte(values[n]), &text)
	return text, err
}

// dayEnds is where the day of a time in quotes ends.
const dayEnds = len(`"2026-09-30`)

// append writes the row as an object.
func (r row) append(to []byte) ([]byte, error) {
	var space [32]string
	values, err := r.values(space[:0])
	if err != nil {
		return to, err
	}
	for i, v := range values {
		to = append(to, rowKeys[i]...)
		switch f := rowFields[i]; {
		case r.masked && i == rowTheirs(values):
			var number string
			if err := json.Unmarshal([]byte(v), &number); err != nil {
				return to, err
			}
			to = appendText(to, phone.Mask(number))
		case f.flag:
			to = strconv.AppendBool(to, v != "0")
		case f.time && len(v) > dayEnds && v[dayEnds] == ' ':
			to = append(append(append(to, v[:dayEnds]...), 'T'), v[dayEnds+1:]...)
		default:
			to = append(to, v...)
		}
	}
	if r.snippet != "" {
		to = append(to, `,"snippet":`...)
		to = appendText(to, r.snippet)
	}
	return append(to, '}'), nil
}

// item reads the row into a struct.
func (r row) item() (i item, err error) {
	object, err := r.append(nil)
	if err == nil {
		err = json.Unmarshal(object, &i)
	}
	if err != nil {
		return i, fmt.Errorf("read a call of the list: %w", err)
	}
	return i, nil
}

// page is one page of calls; next is empty on the last.
type page struct {
	rows   []row
	next   string
	masked bool // callers' numbers are kept from who asks
}

// json writes the page as it is answered: {"items": […], "next": ""}.
func (p page) json() ([]byte, error) {
	size := 32 + len(p.next)
	for _, r := range p.rows {
		size += len(r.raw) + len(r.snippet) + 512 // the names
	}
	out, err := append(make([]byte, 0, size), `{"items":[`...), error(nil)
	for i, r := range p.rows {
		if i > 0 {
			out = append(out, ',')
		}
		r.masked = p.masked
		if out, err = r.append(out); err != nil {
			return nil, err
		}
	}
	out = append(out, `],"next":`...)
	out = append(appendText(out, p.next), '}')
	if !utf8.Valid(out) { // SQLite hands on the bytes it was given
		out = []byte(strings.ToValidUTF8(string(out), "\ufffd"))
	}
	return out, nil
}

// appendText writes a text as JSON.
func appendText(to []byte, text string) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			to = append(to, '\\', c)
		case '\n':
			to = append(to, '\\', 'n')
		case '\r':
			to = append(to, '\\', 'r')
		case '\t':
			to = append(to, '\\', 't')
		default:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	to = append(to, text[from:]...)
	return append(to, '"')
}
