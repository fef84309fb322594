package sealed

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// What stands in the place of something that was cut out.
const (
	Redacted       = "[redacted]"
	RedactedNumber = "[number]"
)

// secretWord matches names of things that are secret, in any spelling: apiKey,
// X-Vapi-Secret, twilio_auth_token, presignedUrl, controlUrl.
const secretWord = `(?:token|secret|signature|passw(?:or)?d|passphrase|api[_-]?key|private[_-]?key|authorization|credential|cookie|csrf|otp|presigned|control[_-]?url|listen[_-]?url)`

var (
	secretName = regexp.MustCompile(`(?i)` + secretWord)
	numberName = regexp.MustCompile(`(?i)^(?:phone|number|caller|callee|customer|recipient|from|to|e164|msisdn)(?:[_-]?(?:phone|number|sip[_-]?uri))*$|(?:(?:phone|caller|recipient|fallback)[_-]?number|sip[_-]?uri)$`)

	// Each finds one way a secret is written down; $1 is what may stay.
	secretTexts = []finder{
		find(`(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}`, signs("bearer", "basic")),
		find(`()\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`, signs("eyj")),
		find(`()\bk\d:[A-Za-z0-9_-]{20,}`, signs("0:", "1:", "2:", "3:", "4:", "5:", "6:", "7:", "8:", "9:")),
		find(`()\b(?:sk|pk|rk|whsec|xox[a-z])[-_][A-Za-z0-9+/=_-]{12,}`,
			signs("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "whsec", "xox")),
		// name=value in addresses and messages; PocketBase's filter holds what a person typed.
		find(`(?i)((?:^|[?&;,\s"'(])(?:[\w.-]*`+secretWord+`[\w.-]*)=)[^&\s"')]+`, secretSigns),
		find(`(?i)([?&]filter=)[^&\s"]+`, signs("filter=")),
		// "name": "value" and name: value.
		find(`(?i)(\\?"[\w.-]*`+secretWord+`[\w.-]*\\?"\s*:\s*\\?")(?:[^"\\]|\\[^"])+`, secretSigns),
		find(`(?i)((?:^|[\s,;{(])[\w.-]*`+secretWord+`[\w.-]*:\s*)[^\s"',;)}\[]+`, secretSigns),
		find(`(?i)(\bsips?:)[^@\s"']+@`, signs("@")),
		find(`(?i)(://)[^/@\s"']+:[^/@\s"']+@`, signs("@")),
	}
	numberText = find(`(?i)(?:\+|%2B)[1-9](?:[ ().-]{0,2}[0-9]){6,14}`, signs("+", "%2b"))

	// secretSigns are what every spelling of secretWord has in it.
	secretSigns = signs("token", "secret", "signature", "passw", "passphrase", "key", "authorization",
		"credential", "cookie", "csrf", "otp", "presigned", "url")
)

// finder is an expression and the signs one of which each of its matches has in
// it, in small letters. Looking for the signs takes a hundredth of the time,
// and most texts have none: the expression is compiled with the first that has.
type finder struct {
	re    func() *regexp.Regexp
	signs []string
}

func find(expression string, signs []string) finder {
	return finder{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) }), signs}
}

func signs(all ...string) []string { return all }

// cut replaces what the expression finds, but for the statuses and counts that
// stand where a secret could.
func (f finder) cut(text string) string {
	re := f.re()
	return re.ReplaceAllStringFunc(text, func(match string) string {
		kept := re.FindStringSubmatch(match)
		if kept == nil || len(kept) < 2 {
			return Redacted // what is before a match can decide about it, and is not seen here
		}
		name, value := kept[1], strings.TrimRight(match[len(kept[1]):], ".,;")
		if statusText.MatchString(value) || countText.MatchString(name) && digits(value) == len(value) {
			return match
		}
		return name + Redacted
	})
}

var (
	// statusText is an HTTP status, countText the name of a number of tokens.
	statusText = regexp.MustCompile(`^\(?[1-5][0-9]{2}\)?$`)
	countText  = regexp.MustCompile(`(?i)tokens(?:=|:\s*)$`)
)

// cutNumbers replaces telephone numbers. What stands behind one with nothing but
// spaces or an opening bracket between, a status or a date, is none of its
// digits.
func cutNumbers(text string) string {
	return numberText.re().ReplaceAllStringFunc(text, func(match string) string {
		return RedactedNumber + match[numberEnd(match):]
	})
}

const (
	// wholeNumber is how many digits in one piece are a number by themselves.
	wholeNumber = 10
	// americanNumber is how many every number has that begins with 1.
	americanNumber = 11
)

// numberEnd is where the telephone number ends that a match begins with.
func numberEnd(match string) int {
	from := 1
	if match[0] == '%' {
		from = len("%2B")
	}
	count, open, pieces := 0, -1, 0
	for i := from; i < len(match); i++ {
		switch c := match[i]; {
		case c >= '0' && c <= '9':
			count++
			if match[from] == '1' && count == americanNumber {
				return i + 1
			}
		case c == '(':
			open = i
			fallthrough
		default:
			if pieces == 0 && count >= wholeNumber {
				return i
			}
			pieces++
			if c == ')' {
				open = -1
			}
		}
	}
	if open > 0 { // a bracket that no digit of it closes
		return len(strings.TrimRight(match[:open], " .-"))
	}
	return len(match)
}

// in tells whether the expression could match. lower is the text in small
// letters, "" when the text is not plain ASCII: other letters can fold to ours.
func (f finder) in(lower string) bool {
	if lower == "" {
		return true
	}
	for _, sign := range f.signs {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}

// Redact cuts secrets, tokens and phone numbers out of a text that people will
// read: a log line, an error, a provider's words. Ids, times and amounts stay.
func Redact(text string) string {
	if !suspicious(text) {
		return text
	}
	lower := lowerASCII(text)
	for _, f := range secretTexts {
		if f.in(lower) {
			text = f.cut(text)
		}
	}
	if !numberText.in(lower) {
		return text
	}
	return cutNumbers(text)
}

// lowerASCII is a plain text in small letters, "" when it is not plain.
func lowerASCII(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return ""
		}
	}
	return strings.ToLower(text)
}

// suspicious tells whether any of the expressions could match: each needs one
// of these signs, which most values of a request's log line do not have.
func suspicious(text string) bool {
	return strings.ContainsAny(text, ":=@+% -_\t\n\v\f\r") || strings.Contains(text, "eyJ")
}

// names remembers which names are secret or a number's; code has a few hundred.
var names struct {
	sync.Map
	count atomic.Int32
}

const maxNames = 1000

type kindOfName struct{ secret, number bool }

func kindOf(name string) kindOfName {
	if known, ok := names.Load(name); ok {
		return known.(kindOfName)
	}
	k := kindOfName{secretName.MatchString(name), numberName.MatchString(name)}
	if names.count.Load() < maxNames {
		if _, known := names.LoadOrStore(strings.Clone(name), k); !known {
			names.count.Add(1)
		}
	}
	return k
}

// RedactJSON is Redact for a JSON document, by the names of its fields as well
// as by what their texts look like. What is not JSON is treated as text.
func RedactJSON(data []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil || decoder.More() {
		return []byte(Redact(string(data)))
	}
	out, err := json.Marshal(redactValue("", doc))
	if err != nil {
		return []byte(`"` + Redacted + `"`)
	}
	return out
}

func redactValue(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		// Headers are secret as a whole: their names are chosen by whoever set them.
		if strings.EqualFold(name, "headers") || secretName.MatchString(name) {
			return Redacted
		}
		for k, one := range v {
			v[k] = redactValue(k, one)
		}
		return v
	case []any:
		for i := range v {
			v[i] = redactValue(name, v[i])
		}
		return v
	case string:
		return redactNamed(name, v)
	case nil, bool:
		return v
	default: // a number
		if secretName.MatchString(name) && !strings.HasSuffix(strings.ToLower(name), "tokens") {
			return Redacted
		}
		return v
	}
}

// redactNamed redacts a text that has a name.
func redactNamed(name, value string) string {
	kind := kindOf(name)
	switch {
	case value == "":
		return ""
	case kind.secret:
		return Redacted
	case kind.number && digits(value) >= 6:
		return RedactedNumber
	}
	return Redact(value)
}

func digits(text string) (n int) {
	for _, r := range text {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}
