package facade

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// Kind is the JSON type of a documented field.
type Kind int

// JSON types of documented fields.
const (
	Text Kind = iota
	Number
	Integer
	Boolean
	Object
	List
	Any
)

var kindNames = map[Kind]string{
	Text: "a text", Number: "a number", Integer: "a whole number", Boolean: "true or false", Object: "an object",
	List: "a list", Any: "anything",
}

// Field is one field of a documented body.
type Field struct {
	Name string // as documented; "model.provider" is a field of an object
	// Also are other names clients use. The first one that is sent counts.
	Also   []string
	Column string // of the collection; "" is not stored as it is
	// Covers are more columns whose errors are told as this field's, unless a field before it that was sent sets them.
	Covers   []string
	Kind     Kind
	Required bool // on create
	// Null tells that a change may send null, which leaves the column without a value.
	// Objects, lists and whatever one likes take it anyway.
	Null bool
	// OneOf are the accepted words, of a list those of its items; Words maps accepted words to stored ones.
	OneOf []string
	Words map[string]string
	// Fold changes a text before it is looked at.
	Fold func(string) string
	// Check says what else is wrong with a text, "" when nothing is.
	Check func(string) (reason string)
	// MinLength and MaxLength bound texts, in characters; 0 means no bound.
	MinLength, MaxLength int
	// Min and Max bound numbers when Max is above Min; one of them may be infinite.
	Min, Max float64
}

// Read checks a body against its documented fields and returns the columns it
// sets. Fields that are absent set nothing; unknown ones are passed over, as both old
// systems did. whole is a new row's: it asks for the required ones, and null is none
// there. In a change null takes a value away, and is refused where a field always has one.
func Read(fields []Field, body map[string]any, whole bool) (map[string]any, error) {
	columns, reasons := map[string]any{}, map[string]string{}
	for _, f := range fields {
		name, value := f.sent(body)
		if value == nil {
			name, null := f.null(body)
			switch {
			case whole && f.Required:
				reasons[f.Name] = "Required"
			case whole || !null:
			case !f.mayBeNull() || name != f.Name && !slices.Contains(f.Also, name):
				reasons[name] = f.notNull(name)
			case f.Column != "":
				columns[f.Column] = nil
			}
			continue
		}
		value, reason := f.check(value)
		if reason != "" {
			reasons[name] = reason
			continue
		}
		if f.Column != "" {
			columns[f.Column] = value
		}
	}
	if len(reasons) > 0 {
		return nil, refusal.Invalid(reasons)
	}
	return columns, nil
}

// sent is the value of a field and the name it came under.
func (f Field) sent(body map[string]any) (string, any) {
	for _, name := range append([]string{f.Name}, f.Also...) {
		if value, found := lookup(body, name); found && value != nil {
			return name, value
		}
	}
	return f.Name, nil
}

// null tells whether a field, or the object it is in, was sent as null, and under what name.
func (f Field) null(body map[string]any) (name string, found bool) {
	for _, name := range append([]string{f.Name}, f.Also...) {
		if value, found := lookup(body, name); found && value == nil {
			return name, true
		}
		if head, _, nested := strings.Cut(name, "."); nested {
			if value, found := body[head]; found && value == nil {
				return head, true
			}
		}
	}
	return f.Name, false
}

// mayBeNull tells whether a change may leave the field without a value.
func (f Field) mayBeNull() bool { return f.Null || f.Kind == Object || f.Kind == List || f.Kind == Any }

// notNull says what stands where null was sent.
func (f Field) notNull(name string) string {
	if strings.HasPrefix(f.Name, name+".") {
		return "Must be " + kindNames[Object]
	}
	return "Must be " + kindNames[f.Kind]
}

func lookup(body map[string]any, name string) (any, bool) {
	head, rest, nested := strings.Cut(name, ".")
	value, found := body[head]
	if !nested || !found {
		return value, found
	}
	object, ok := value.(map[string]any)
	if !ok {
		// A text where an object belongs: checked as the object's own field.
		return nil, false
	}
	return lookup(object, rest)
}

func (f Field) check(value any) (any, string) {
	if !f.Kind.holds(value) {
		return nil, "Must be " + kindNames[f.Kind]
	}
	if n, is := value.(float64); is && f.Max > f.Min && (n < f.Min || n > f.Max) {
		return nil, f.bounds()
	}
	if list, is := value.([]any); is && f.Kind == List && len(f.OneOf) > 0 {
		for _, one := range list {
			if word, is := one.(string); !is || !slices.Contains(f.OneOf, word) {
				return nil, f.words()
			}
		}
	}
	if text, is := value.(string); is {
		return f.checkText(text)
	}
	return value, ""
}

// bounds says what a number must be.
func (f Field) bounds() string {
	switch {
	case math.IsInf(f.Max, 1):
		return fmt.Sprintf("Must be at least %v", f.Min)
	case math.IsInf(f.Min, -1):
		return fmt.Sprintf("Must be at most %v", f.Max)
	}
	return fmt.Sprintf("Must be from %v to %v", f.Min, f.Max)
}

// words says what a text must be.
func (f Field) words() string { return "Must be one of " + strings.Join(f.OneOf, ", ") }

// holds tells whether a decoded JSON value is of the kind.
func (k Kind) holds(value any) (ok bool) {
	switch k {
	case Text:
		_, ok = value.(string)
	case Number:
		_, ok = value.(float64)
	case Integer:
		n, is := value.(float64)
		ok = is && n == math.Trunc(n) && math.Abs(n) <= 1<<53
	case Boolean:
		_, ok = value.(bool)
	case Object:
		_, ok = value.(map[string]any)
	case List:
		_, ok = value.([]any)
	case Any:
		ok = true
	}
	return ok
}

func (f Field) checkText(text string) (any, string) {
	if f.Fold != nil {
		text = f.Fold(text)
	}
	length := len([]rune(text))
	switch {
	case f.Required && strings.TrimSpace(text) == "":
		return nil, "Required"
	case length < f.MinLength && text != "":
		return nil, fmt.Sprintf("Must have at least %d characters", f.MinLength)
	case f.MaxLength > 0 && length > f.MaxLength:
		return nil, fmt.Sprintf("Must have at most %d characters", f.MaxLength)
	}
	if f.Check != nil {
		if reason := f.Check(text); reason != "" {
			return nil, reason
		}
	}
	if stored, ok := f.Words[text]; ok {
		return stored, ""
	}
	if len(f.OneOf) > 0 && text != "" && !slices.Contains(f.OneOf, text) {
		return nil, f.words()
	}
	return text, ""
}
