package phone

import (
	"net/url"
	"strings"
)

// reasons are the words that stand in a number's place, without spaces.
var reasons = map[string]string{
	"anonymous": Anonymous, "anonym": Anonymous, "anonyme": Anonymous, "anonimo": Anonymous, "masque": Anonymous,
	"masqué":     Anonymous,
	"restricted": Restricted, "restreint": Restricted,
	"unknown": Unknown, "unbekannt": Unknown, "inconnu": Unknown, "desconocido": Unknown, "undefined": Unknown,
	"null": Unknown,
	"none": Unknown, "nil": Unknown, "na": Unknown, "invalid": Unknown, "nonumber": Unknown,
	"unavailable": Unavailable, "notavailable": Unavailable, "unavail": Unavailable, "outofarea": Unavailable,
	"indisponible": Unavailable,
	"private":      Private, "prive": Private, "privé": Private, "privado": Private, "privat": Private,
	"nocaller":   Private,
	"nocallerid": Private, "noid": Private,
	"blocked": Blocked, "withheld": Private, "hidden": Private, "unterdrückt": Private,
}

// fillers stand around such a word and say nothing: Unknown Caller, Caller ID
// blocked, Private Number.
var fillers = []string{"callerid", "caller", "number", "name", "user", "numero", "numéro", "nummer"}

// reasonOf is why a text is no number; empty when it does not say that there is
// none.
func reasonOf(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= '0' && r <= '9':
			return ""
		case r >= 'a' && r <= 'z' || r > '~':
			b.WriteRune(r)
		}
	}
	word := b.String()
	for {
		if reason := reasons[word]; reason != "" {
			return reason
		}
		shorter := word
		for _, filler := range fillers {
			shorter = strings.TrimPrefix(strings.TrimSuffix(shorter, filler), filler)
		}
		if shorter == word || shorter == "" {
			return ""
		}
		word = shorter
	}
}

// keys are the reasons as carriers dial them: ANONYMOUS is +266696687.
var keys = func() map[string]string {
	all := map[string]string{
		"8566":     Unknown, // UNKNOWN, cut short by some carriers
		"94844353": Private, // WITHHELD
	}
	for _, reason := range Reasons {
		digits := []byte(reason)
		for i, c := range digits {
			digits[i] = "22233344455566677778889999"[c-'a']
		}
		all[string(digits)] = reason
	}
	return all
}()

// keyed is the reason a number spells on the keys. Carriers put what begins
// every number before it.
func keyed(digits string) string {
	if strings.Trim(digits, "0") == "" || len(digits) > 9 && strings.Trim(digits[1:], "0") == "" {
		return Unknown // nothing but zeros, a country's code before them or not
	}
	for _, before := range []string{"", "1", "00", "011", "001", "0111"} {
		if rest, found := strings.CutPrefix(digits, before); found && keys[rest] != "" {
			return keys[rest]
		}
	}
	return ""
}

// readAddress reads user@host of a SIP address. The user is a telephone number
// when it says so or can be one that rings.
func readAddress(rest, country string) Number {
	rest, _, _ = strings.Cut(rest, "?")
	user, host, found := strings.Cut(rest, "@")
	if !found { // sip:host, or a number with the wrong scheme
		user, host = rest, ""
	}
	user, _, _ = strings.Cut(user, ":") // a password
	if plain, err := url.PathUnescape(user); err == nil {
		user = Fold(plain)
	}
	host, parameters, _ := strings.Cut(strings.ToLower(host), ";")
	host = strings.TrimSuffix(strings.TrimSpace(host), ":5060")
	name, _ := cutParameters(user)
	reason := reasonOf(name)
	if reason == "" && (host == "anonymous.invalid" || strings.HasSuffix(host, ".anonymous.invalid")) {
		reason = Anonymous
	}
	if reason != "" {
		return Number{Hidden, reason}
	}
	if n := readNumber(user, country); n.Kind == Hidden || !found && n.Kind != Other {
		return n
	} else if n.Kind == Telephone && (strings.HasPrefix(name, "+") || strings.Contains(parameters, "user=phone") ||
		rings(n.Text)) {
		return n
	}
	user = strings.ToLower(user)
	if host == "" {
		return Number{Address, "sip:" + user}
	}
	return Number{Address, "sip:" + user + "@" + host}
}
