// Package address decides which mail addresses are the same: the one spelling under
// which each is kept, in accounts and invitations, and looked for.
package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Tidy returns the one spelling under which a mail address is kept and looked
// for: small letters, nothing invisible, the domain as mail servers write it
// (xn--…). What is no address comes back tidied all the same; whoever stores it
// is told so by the field.
//
// NB! The steps addresses_alike.go and every_address_alike.go hold the same for rows
// stored before this was so.
func Tidy(text string) string {
	text = strings.TrimFunc(composed(text),
		func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) })
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return strings.Map(small, text)
	}
	local, domain := strings.Map(small, strings.Map(seen, text[:at])), strings.Map(small, text[at+1:])
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain
}

// composed gives letters with marks their one form. Unicode calls the Kelvin
// sign a K, in whose place it would open somebody else's account.
func composed(text string) string {
	parts := strings.Split(text, kelvin)
	for n, part := range parts {
		parts[n] = norm.NFC.String(part)
	}
	return strings.Join(parts, kelvin)
}

const kelvin = "\u212a"

// small keeps letters that only look like an ASCII one when they are small (the
// Kelvin sign, the Turkish İ): they make another address, never the same.
func small(r rune) rune {
	if l := unicode.ToLower(r); l < utf8.RuneSelf == (r < utf8.RuneSelf) {
		return l
	}
	return r
}

// seen drops what nobody sees and is carried along when an address is copied.
func seen(r rune) rune {
	if invisible(r) {
		return -1
	}
	return r
}

func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
