package phone

import "strings"

const (
	// maskMark stands for digits that are not shown.
	maskMark = "••••"
	// maskShown is how many of the last digits are: enough to tell two callers of a day
	// apart, too few to find anybody by.
	maskShown = 2
)

// Mask is a number as people see it from whom it is kept: its last two digits. Why a
// number is hidden stays as it is, an address shows nothing of itself.
//
// Example: Mask("+14155552671") == "••••71"
func Mask(text string) string {
	if text == "" || IsHidden(text) || IsMasked(text) {
		return text
	}
	if digits := digitsOf(text); len(digits) > 2*maskShown && !strings.Contains(text, "@") {
		return maskMark + digits[len(digits)-maskShown:]
	}
	return maskMark
}

// IsMasked tells whether a text is what Mask made of a number: it is none.
func IsMasked(text string) bool { return strings.Contains(text, "•") }
