package intake

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/picker"
	"github.com/pocketbase/pocketbase/tools/search"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Bounds of what a client may write into a query string. PocketBase has bounds
// of its own; these hold before anything of ours parses the text.
const (
	// queryMost is a filter of the full length with every byte escaped, and room
	// for the rest.
	queryMost = 16 << 10
	// parametersMost is far above what any of our routes knows.
	parametersMost = 100
	// nameShown is what an answer shows of a parameter's name, which a client made up.
	nameShown = 40
	// valueMost bounds every parameter; cursors, tokens and codes are shorter.
	valueMost = 4 << 10
	// filterNesting is how many parentheses may be open at once.
	filterNesting = 32
	// sortMost and expandMost are names of columns, with paths.
	sortMost   = search.DefaultSortExprLimit * search.MaxSortFieldLength
	expandMost = 1 << 10
	// expandPaths is how many relations one answer may show, and expandNesting
	// how far they may lead: PocketBase passes over what is deeper.
	expandPaths   = 20
	expandNesting = 6
	// topicExpands is the same for a topic: what the row itself points at.
	topicExpands  = 5
	fieldsMost    = 200
	fieldsNesting = 10
)

// checkText refuses query strings that would cost more to read than any real
// one.
func checkText(e *core.RequestEvent) (err error) {
	raw := e.Request.URL.RawQuery
	if raw == "" {
		return e.Next()
	}
	sentence := tooLong(raw)
	if sentence == "" {
		sentence = CheckQuery(e.Request.URL.Query())
	}
	reads := e.Request.Method == http.MethodGet || e.Request.Method == http.MethodHead
	if fields := e.Request.URL.Query().Get("fields"); sentence == "" && !reads && leadsIntoValues(fields) {
		sentence = "The parameter fields of a change can name fields and what is expanded, not what is in a field."
	}
	if sentence != "" {
		return refusal.Answer(e, refusal.Saying("invalid_request", sentence))
	}
	if !refusal.IsStock(e.Request.URL.Path) {
		whole(e)
		return e.Next()
	}
	defer func() {
		if failed := recover(); failed != nil {
			if !inPicker() {
				panic(failed) // PocketBase's recovery logs it
			}
			err = refusal.Answer(e, refusal.Of("invalid_request/fields"))
		}
	}()
	return e.Next()
}

// whole passes over the parameter fields: on routes of ours PocketBase would look for
// them beside the envelope, where none of them stands, and leave the answer empty.
func whole(e *core.RequestEvent) {
	query := e.Request.URL.Query()
	if !query.Has("fields") {
		return
	}
	query.Del("fields")
	address := *e.Request.URL
	address.RawQuery = query.Encode()
	e.Request.URL = &address
}

// leadsIntoValues tells of fields that lead into what a column holds. PocketBase
// takes the items of a list for objects when its first is one, and breaks off
// when another is none: in the midst of an answer, and of what it tells streams.
func leadsIntoValues(fields string) bool {
	for path := range strings.SplitSeq(fields, ",") {
		path, _, _ = strings.Cut(strings.TrimSpace(path), ":")
		for {
			rest, found := strings.CutPrefix(path, "expand.")
			if !found {
				break
			}
			_, path, _ = strings.Cut(rest, ".")
		}
		if strings.Contains(path, ".") {
			return true
		}
	}
	return false
}

// inPicker tells whether what is being recovered from broke off in PocketBase's
// reading of the parameter fields.
func inPicker() bool {
	calls := make([]uintptr, 64)
	frames := runtime.CallersFrames(calls[:runtime.Callers(1, calls)])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "github.com/pocketbase/pocketbase/tools/picker.") {
			return true
		}
		if !more {
			return false
		}
	}
}

func tooLong(raw string) string {
	switch {
	case len(raw) > queryMost:
		return "The query string is longer than " + strconv.Itoa(queryMost>>10) + " KB."
	case strings.Count(raw, "&") >= parametersMost:
		return "The query string has more than " + strconv.Itoa(parametersMost) + " parameters."
	}
	return ""
}

// CheckQuery returns a sentence that names the first parameter which is longer,
// deeper or has more terms than may be, or "".
func CheckQuery(query url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			if reason := checkParameter(name, value); reason != "" {
				return "The parameter " + rows.Clip(strings.ToValidUTF8(name, ""), nameShown) + " " + reason + "."
			}
		}
	}
	return ""
}

// checkParameter says what is wrong with a parameter, or "".
func checkParameter(name, value string) string {
	switch name {
	case search.FilterQueryParam:
		return checkFilter(value)
	case search.SortQueryParam:
		return within(value, sortMost, search.DefaultSortExprLimit, expandNesting)
	case "expand":
		if leadsBackTwice(value) {
			return "leads back more than once in one path"
		}
		return within(value, expandMost, expandPaths, expandNesting)
	case "fields":
		return checkFields(value)
	}
	return within(value, valueMost, valueMost, valueMost)
}

// checkFields reads a list of fields as PocketBase will when it has the answer:
// it takes what it cannot read for a failure of the server's.
func checkFields(value string) string {
	if reason := within(value, valueMost, fieldsMost, fieldsNesting); reason != "" ||
		!strings.ContainsAny(value, ":'\"`()") {
		return reason // names alone are always readable
	}
	if _, err := picker.Pick(map[string]any{}, value); err != nil {
		return "cannot be read: use names and paths like id,expand.contact.name,summary:excerpt(200,true)"
	}
	return ""
}

// leadsBackTwice tells of an expand with a path through two relations that point
// back (calls_via_organization.organization.calls_via_organization): each leads to
// up to a thousand rows, and together to a million.
func leadsBackTwice(expand string) bool {
	for path := range strings.SplitSeq(expand, ",") {
		if strings.Count(path, "_via_")+strings.Count(path, "(") > 1 { // PocketBase takes calls(organization) for the same
			return true
		}
	}
	return false
}

// within bounds a list of paths: a.b,c.d.e has two terms and nests three deep.
func within(value string, length, terms, nesting int) string {
	if len(value) > length {
		return "is longer than " + strconv.Itoa(length) + " bytes"
	}
	if strings.Count(value, ",") >= terms {
		return "has more than " + strconv.Itoa(terms) + " terms"
	}
	for path := range strings.SplitSeq(value, ",") {
		if strings.Count(path, ".") >= nesting || strings.Count(path, "(") > nesting {
			return "is nested deeper than " + strconv.Itoa(nesting) + " levels"
		}
	}
	return ""
}

// checkFilter bounds a filter without reading its grammar: the parser reads
// what is inside parentheses once for each that is around it.
func checkFilter(filter string) string {
	switch {
	case len(filter) > search.MaxFilterLength:
		return "is longer than " + strconv.Itoa(search.MaxFilterLength) + " bytes"
	}
	bare, deepest := outside(filter)
	switch {
	case strings.Count(bare, "&&")+strings.Count(bare, "||") >= search.DefaultFilterExprLimit:
		return "has more than " + strconv.Itoa(search.DefaultFilterExprLimit) + " terms"
	// Each group holds a term, so that no filter that works has more of them.
	case strings.Count(bare, "(") > search.DefaultFilterExprLimit || deepest > filterNesting:
		return "is nested deeper than " + strconv.Itoa(filterNesting) + " levels"
	}
	return ""
}

// outside is a filter without its quoted values, and how many parentheses outside them
// are open at once. From a comment on everything is in bare: what is a value there is
// for the parser to say.
func outside(filter string) (bare string, deepest int) {
	var b strings.Builder
	depth, quote, comment := 0, byte(0), ""
	for i := 0; i < len(filter); i++ {
		c := filter[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
			continue
		case c == '\'' || c == '"':
			quote = c
			continue
		case c == '/' && comment == "":
			comment = filter[i:]
		case c == '(':
			depth++
			deepest = max(deepest, depth)
		case c == ')':
			depth--
		}
		if comment == "" {
			b.WriteByte(c)
		}
	}
	return b.String() + comment, deepest
}

// CheckTopic does for a realtime topic what CheckQuery does for an address: its
// options carry a query as JSON, which is read again at each message.
func CheckTopic(topic string) string {
	u, err := url.Parse(topic)
	if err != nil || u.RawQuery == "" {
		return "" // PocketBase reads no options then either
	}
	if sentence := tooLong(u.RawQuery); sentence != "" {
		return sentence
	}
	raw := u.Query().Get("options")
	var options struct {
		Query map[string]any `json:"query"`
	}
	if raw == "" || json.Unmarshal([]byte(raw), &options) != nil {
		return ""
	}
	query := url.Values{}
	for name, value := range options.Query {
		if text, ok := value.(string); ok {
			query.Set(name, text)
		}
	}
	if sentence := CheckQuery(query); sentence != "" {
		return sentence
	}
	if leadsIntoValues(query.Get("fields")) {
		return "The fields of a topic can name fields and what is expanded, not what is in a field."
	}
	// Read anew at each message, for each stream: rows that point back are up to a
	// thousand, and each step multiplies.
	expand := query.Get("expand")
	if strings.ContainsAny(expand, ".(") || strings.Contains(expand, "_via_") ||
		strings.Count(expand, ",") >= topicExpands {
		return "A topic can expand " + strconv.Itoa(topicExpands) + " relations of the row itself."
	}
	return ""
}
