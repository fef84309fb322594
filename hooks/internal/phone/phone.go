// Package phone reads what stands where a telephone number belongs, and gives
// everything that means the same number the same text.
//
// Carriers, people and files write one number in many ways: +14155552671,
// 14155552671, (415) 555-2671, 0014155552671, tel:+1-415-555-2671,
// sip:+14155552671@host, with full-width or Arabic digits, with marks nobody
// sees. Compared as they came they would be many callers; an erasure of one
// would leave the others. And who keeps the number back is no caller at all
// that could be told from the next: words (Anonymous), addresses
// (sip:anonymous@anonymous.invalid) and words on a telephone's keys
// (+266696687) say so.
//
// What Read returns is stored and compared; what came stands beside it.
package phone

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"github.com/pocketline/pocketline/collections/words"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Kind is what a text turned out to be.
type Kind int

const (
	// None: nothing was said.
	None Kind = iota
	// Hidden: the number was kept back. Two of them may be two people.
	Hidden
	// Telephone: a number in E.164, +14155552671.
	Telephone
	// Address: a SIP address that is no telephone number, sip:ann@example.com.
	Address
	// Other: an extension, a short code, a word.
	Other
)

// Number is what a text says.
type Number struct {
	Kind Kind
	// Text is the one spelling: E.164, an address, or why there is no number
	// (one of the reasons below).
	Text string
}

// Why a number is hidden, as calls store it in its place.
const (
	Anonymous   = "anonymous"
	Restricted  = "restricted"
	Unknown     = "unknown"
	Unavailable = "unavailable"
	Private     = "private"
	Blocked     = "blocked"
)

// Someone tells whether the number leads to one caller, who can be a contact.
func (n Number) Someone() bool { return n.Kind != None && n.Kind != Hidden }

// maxText bounds what is looked at: no number is longer, whatever stands around it.
const maxText = 300

// IsHidden tells whether a text that was read is a reason and no number.
func IsHidden(text string) bool { return slices.Contains(Reasons, text) }

// Reasons are all that may stand in a hidden number's place.
var Reasons = []string{Anonymous, Restricted, Unknown, Unavailable, Private, Blocked}

// Read tells what a text means for somebody at home: a country of two letters,
// as organizations have it, or, where none is known, a number of theirs in
// E.164. Both may be missing: numbers that say their own country need neither.
//
// Example: Read("(415) 555-2671", "US").Text == "+14155552671"
func Read(text, home string) Number {
	if plainNANP(text) {
		return Number{Telephone, text}
	}
	return memory.read(spelling{rows.Clip(text, maxText), home})
}

// Region is the country a number in E.164 belongs to; empty when none does.
func Region(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	return phonenumbers.GetRegionCodeForNumber(n)
}

// Country tells whether two letters are a country's that has telephone numbers.
func Country(letters string) bool { return phonenumbers.GetCountryCodeForRegion(letters) != 0 }

// plainNANP recognizes what most messages carry, +1 and ten digits, without the
// library: it takes 2.6 MB and 8 ms the first time it is asked anything.
func plainNANP(text string) bool {
	if len(text) != 12 || text[:2] != "+1" || text[2] < '2' || text[5] < '2' {
		return false
	}
	for _, c := range []byte(text[2:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// read is Read without its memory.
func read(text, country string) Number {
	if country = strings.ToUpper(country); strings.HasPrefix(country, "+") {
		country = Region(country)
	}
	s := Fold(text)
	if open := strings.LastIndexByte(s, '<'); open >= 0 { // "Ann" <sip:…>
		s, _, _ = strings.Cut(s[open+1:], ">")
		s = strings.TrimSpace(s)
	}
	scheme, rest := cutScheme(s)
	switch {
	case s == "":
		return Number{}
	case scheme == "sip" || scheme == "sips" || scheme == "" && strings.Contains(s, "@"):
		return readAddress(rest, country)
	case scheme != "":
		s = rest
	}
	return readNumber(s, country)
}

// schemes may stand before a number.
var schemes = []string{"sip", "sips", "tel", "callto", "sms", "whatsapp"}

func cutScheme(s string) (scheme, rest string) {
	before, after, found := strings.Cut(s, ":")
	before = strings.ToLower(strings.TrimSpace(before))
	for _, known := range schemes {
		if found && before == known {
			return known, strings.TrimSpace(strings.TrimPrefix(after, "//"))
		}
	}
	return "", s
}

// readNumber reads what is not an address of another kind.
func readNumber(s, country string) Number {
	s, context := cutParameters(s)
	if reason := reasonOf(s); reason != "" {
		return Number{Hidden, reason}
	}
	digits := digitsOf(s)
	if !dialled(s) || digits == "" || len(digits) > 20 {
		if s = strings.ToLower(s); s == "" {
			return Number{}
		}
		return Number{Other, s}
	}
	number, valid := e164(s, digits, context, country)
	if !valid {
		// Only now: 737-874-2833, RESTRICTED on the keys, rings in Texas.
		if reason := keyed(digits); reason != "" {
			return Number{Hidden, reason}
		}
	}
	switch {
	case number != "":
		return Number{Telephone, number}
	case strings.HasPrefix(s, "+"):
		return Number{Other, "+" + digits}
	}
	return Number{Other, digits}
}

// cutParameters takes the parameters of a tel: URI off; its context, when that
// is a number's beginning, belongs before a local number.
func cutParameters(s string) (number, context string) {
	number, parameters, _ := strings.Cut(s, ";")
	for _, p := range strings.Split(parameters, ";") {
		if value, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "phone-context="); found &&
			strings.HasPrefix(value, "+") {
			context = "+" + digitsOf(value)
		}
	}
	return strings.TrimSpace(number), context
}

// dialled tells whether a text is a number as people write one: it begins with a
// digit, a plus or a bracket. Letters may follow (1-800-FLOWERS, an extension).
func dialled(s string) bool {
	return s != "" && (s[0] >= '0' && s[0] <= '9' || strings.IndexByte("+(.-*#", s[0]) >= 0)
}

// e164 finds the number. valid tells that it can be one that rings; without it
// the number has a right length at least, and nothing better was found.
func e164(s, digits, context, country string) (number string, valid bool) {
	var tries []try
	abroad := cutExit(digits)
	if strings.HasPrefix(s, "+") {
		if abroad != "" {
			tries = append(tries, try{"+" + abroad, ""})
		}
		tries = append(tries, try{"+" + strings.TrimLeft(s, "+ "), ""}, try{"+" + digits, ""})
	} else {
		if context != "" {
			tries = append(tries, try{context + digits, ""})
		}
		if country != "" {
			tries = append(tries, try{s, country}, try{digits, country})
		}
		if abroad != "" {
			tries = append(tries, try{"+" + abroad, ""})
		}
		if digits[0] != '0' {
			tries = append(tries, try{"+" + digits, ""})
		}
	}
	for _, t := range tries {
		n, err := phonenumbers.Parse(t.text, t.country)
		if err != nil {
			continue
		}
		if phonenumbers.IsValidNumber(n) {
			return phonenumbers.Format(n, phonenumbers.E164), true
		}
		// A 0 that is left of a number dialled without its country is another country's:
		// it stays as it came rather than become a number there is not.
		if t.country != "" && strings.HasPrefix(phonenumbers.GetNationalSignificantNumber(n), "0") {
			continue
		}
		// An extension of four digits has a possible length in some countries.
		if number == "" && len(digits) >= 8 && phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE {
			number = phonenumbers.Format(n, phonenumbers.E164)
		}
	}
	return number, false
}

type try struct{ text, country string }

// cutExit takes off what is dialled to leave a country: 00 in most, 011 in North
// America; empty when the digits do not begin so.
func cutExit(digits string) (rest string) {
	for _, exit := range []string{"00", "011"} {
		if rest, found := strings.CutPrefix(digits, exit); found && rest != "" && rest[0] != '0' {
			return rest
		}
	}
	return ""
}

// digitsOf is a folded text's digits, those of an extension left out.
func digitsOf(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			b.WriteByte(c)
		case c == 'x' || c == 'X' || c == 'e' || c == 'E':
			return b.String()
		}
	}
	return b.String()
}

// Fold makes what looks alike alike: full-width and other forms become plain
// ones, digits of any script 0 to 9, and what nobody sees disappears (direction
// marks, joiners, controls).
func Fold(text string) string {
	if printable(text) {
		return strings.TrimSpace(text)
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(strings.ToValidUTF8(text, "")) {
		switch {
		case r < unicode.MaxASCII && unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.Is(unicode.Nd, r):
			b.WriteByte(words.Digit(r))
		case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Variation_Selector):
		case unicode.IsSpace(r) || unicode.IsControl(r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Pd, r) || r == '\u2212':
			b.WriteByte('-')
		case r == '\u2795':
			b.WriteByte('+')
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

func printable(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
