package phone

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Sought is what somebody typed to find a number: all of it, or a part.
type Sought struct {
	// Whole are the numbers it can be in full, each as they are stored.
	Whole []string
	// Ending are the digits numbers may end with; empty when they are too few.
	Ending string
	// Beginnings are what numbers may begin with, in E.164.
	Beginnings []string
}

const (
	// EndingLeast is how many digits tell one number's end from another's.
	EndingLeast = 4
	// beginningLeast is how many digits without a plus may be a beginning: fewer
	// are a year or a price.
	beginningLeast = 5
	seekMost       = 20
)

// Seek reads what somebody in the country (as for Read) typed to find a number. found is false
// when the text has something no number has: then it is words.
//
// Example: Seek("020 7946", "GB") finds numbers that end with 207946 or begin
// with +44207946.
func Seek(text, country string) (s Sought, found bool) {
	if country = strings.ToUpper(country); strings.HasPrefix(country, "+") {
		country = Region(country)
	}
	text = Fold(text)
	if scheme, rest := cutScheme(text); scheme != "" {
		text = rest
	}
	digits, plus, found := typedDigits(text)
	if found && (plus || cutExit(digits) != "") { // +44 (0)20: the 0 is dialled at home only
		digits, _, _ = typedDigits(strings.Replace(text, "(0)", "", 1))
	}
	least := EndingLeast
	if plus {
		least = 1
	}
	if !found || len(digits) < least || len(digits) > seekMost {
		return Sought{}, false
	}
	if n := Read(text, country); n.Kind == Telephone {
		s.Whole = append(s.Whole, n.Text)
	}
	s.Whole = with(s.Whole, "+"+digits, digits)
	if !plus && len(digits) >= EndingLeast {
		// Zeros are dialled at home, or in front of a country.
		kept := strings.TrimLeft(digits, "0")
		s.Ending = digits[len(digits)-max(len(kept), EndingLeast):]
	}
	if plus || len(digits) >= beginningLeast {
		s.Beginnings = beginnings(digits, plus, country)
	}
	return s, true
}

// typedDigits returns the digits of a number as people write one, and whether
// it begins with a plus.
func typedDigits(text string) (digits string, plus, ok bool) {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && b.Len() == 0:
			plus = true
		case strings.ContainsRune(" -./()", r):
		default:
			return "", false, false
		}
	}
	return b.String(), plus, true
}

// beginnings are the ways the digits can begin a number: as they are, after what
// is dialled to leave the country, and as people of the country write theirs.
func beginnings(digits string, plus bool, country string) (all []string) {
	if abroad := cutExit(digits); abroad != "" {
		all = with(all, "+"+abroad)
	}
	if code := phonenumbers.GetCountryCodeForRegion(country); code != 0 && !plus {
		home := strings.TrimPrefix(digits, phonenumbers.GetNddPrefixForRegion(country, true))
		all = with(all, "+"+strconv.Itoa(code)+home)
	}
	if digits[0] != '0' {
		all = with(all, "+"+digits)
	}
	return all
}

// with adds what is not there.
func with(all []string, more ...string) []string {
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}
