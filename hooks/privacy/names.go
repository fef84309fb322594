package privacy

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// customers are where a message says whose it is, the surest first.
var customers = [][]string{
	{"customer"}, {"call", "customer"}, {"session", "customer"}, {"contact"},
}

// numberFields hold a number, or what stands in its place.
var numberFields = []string{
	"number", "sipUri", "caller", "caller_number", "recipient_number", "caller_number_raw", "recipient_number_raw",
	"phone_number", "from", "to",
}

// names tells whether a message or a promise, as JSON, is about the caller. One
// that says whose it is is believed, whatever numbers it holds besides: those are
// another caller's words. In any other, each text is read as a number would be;
// that digits of another number or of an instant hold the caller's means nothing.
func (s callerRows) names(payload, home string) bool {
	var whole any
	if json.Unmarshal([]byte(payload), &whole) != nil {
		return false // sealed, packed, or broken: nothing that could be read
	}
	for _, root := range []any{at(whole, "message"), whole} {
		for _, path := range customers {
			customer := at(root, path...)
			for _, field := range []string{"number", "sipUri"} {
				if text, _ := at(customer, field).(string); text != "" {
					return s.is(text, home)
				}
			}
		}
	}
	return s.within("", whole, home)
}

// at is what stands at a path of a JSON object, nil when nothing does.
func at(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// within looks for the caller in a value and all below it. Our own numbers stand
// under phoneNumber: they are everybody's.
func (s callerRows) within(field string, value any, home string) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, below := range value {
			if name != "phoneNumber" && s.within(name, below, home) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(below any) bool { return s.within(field, below, home) })
	case string:
		// Words and extensions mean something only where a number stands.
		if s.number.Kind == phone.Telephone || slices.Contains(numberFields, field) {
			return s.is(value, home) || s.number.Kind == phone.Telephone && holds(value, s.number.Text)
		}
	}
	return false
}

// is tells whether a text is the caller's number in some spelling.
func (s callerRows) is(text, home string) bool {
	return slices.Contains(s.spellings, text) || phone.Read(text, home) == s.number
}

// holds tells whether a text holds a number in E.164 whole, no digit after it.
func holds(text, number string) bool {
	for {
		_, after, found := strings.Cut(text, number)
		if !found {
			return false
		}
		if after == "" || after[0] < '0' || after[0] > '9' {
			return true
		}
		text = after
	}
}
