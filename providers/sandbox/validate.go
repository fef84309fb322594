package sandbox

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// schema lists the properties an object may have; anything else is refused.
type schema map[string]rule

// rule says what one property must be. Null counts as absent, as in Vapi's own
// validation. The rules of each resource are the tables in rules_*.go, taken
// from Vapi's public OpenAPI document of August 2026.
type rule struct {
	kind         string // text, number, flag, object, list, any, schema
	must         bool
	values       []string // allowed values of a text
	least, most  *float64
	short, long  int // characters of a text; 0 is no limit
	pattern      func() *regexp.Regexp
	shown        string                   // values to name when pattern fails
	properties   schema                   // of an object; nil accepts any property
	named        string                   // an object whose schema is looked up by name, for schemas that contain each other
	by           string                   // an object whose schema depends on this property
	variants     func() map[string]schema // by value of that property
	item         *rule                    // of a list
	alternatives []rule                   // any one of them suffices
	date         bool
}

func text() rule                  { return rule{kind: "text"} }
func upTo(n int) rule             { return rule{kind: "text", long: n} }
func sized(short, long int) rule  { return rule{kind: "text", short: short, long: long} }
func oneOf(values ...string) rule { return rule{kind: "text", values: values} }
func matching(p string) rule      { return rule{kind: "text", pattern: regex(p)} }
func yesno() rule                 { return rule{kind: "flag"} }
func number() rule                { return rule{kind: "number"} }
func atLeast(n float64) rule      { return rule{kind: "number", least: &n} }
func between(a, b float64) rule   { return rule{kind: "number", least: &a, most: &b} }
func anything() rule              { return rule{kind: "any"} }
func anyObject() rule             { return rule{kind: "object"} }
func record(p schema) rule        { return rule{kind: "object", properties: p} }
func named(name string) rule      { return rule{kind: "object", named: name} }
func listOf(item rule) rule       { return rule{kind: "list", item: &item} }
func jsonSchema() rule            { return rule{kind: "schema"} }
func date() rule                  { return rule{kind: "text", date: true} }
func either(rules ...rule) rule   { return rule{kind: "either", alternatives: rules} }
func required(r rule) rule        { r.must = true; return r }

// regex compiles when it is asked for first: the tables are made in every
// process, the sandbox runs in few.
func regex(p string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(p) })
}

// chosen is an object whose other properties depend on one of them, as a
// voice's do on its provider.
func chosen(by string, variants map[string]schema) rule {
	return looked(by, func() map[string]schema { return variants })
}

// looked is the same where the variants are made when they are asked for first.
func looked(by string, variants func() map[string]schema) rule {
	return rule{kind: "object", by: by, variants: variants}
}

// join is a schema with the properties of several.
func join(parts ...schema) schema {
	all := schema{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// optional is the schema with nothing required, as PATCH bodies have.
func optional(s schema) schema {
	loose := schema{}
	for name, r := range s {
		r.must = false
		loose[name] = r
	}
	return loose
}

// validate answers Vapi's messages for everything wrong with body, or nil.
func validate(s schema, body object) error {
	if found := checkObject(s, body, ""); len(found) > 0 {
		return invalid(found...)
	}
	return nil
}

// checkObject names wrong values first and unknown properties last, each part
// sorted, so that an answer is the same every time.
func checkObject(s schema, body object, at string) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		r, v := s[name], body[name]
		if v == nil {
			if r.must {
				found = append(found, at+name+" "+missing(r))
			}
			continue
		}
		found = append(found, check(r, v, at+name)...)
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if _, known := s[name]; !known {
			found = append(found, at+"property "+name+" should not exist")
		}
	}
	return found
}

func missing(r rule) string {
	switch {
	case r.kind == "either":
		return missing(r.alternatives[len(r.alternatives)-1])
	case len(r.values) > 0:
		return "must be one of the following values: " + strings.Join(r.values, ", ")
	case r.kind == "list":
		return "must be an array"
	case r.kind == "object", r.kind == "schema":
		return "must be an object"
	case r.kind == "number":
		return "must be a number conforming to the specified constraints"
	case r.kind == "flag":
		return "must be a boolean value"
	case r.kind == "text":
		return "must be a string"
	}
	return "should not be empty"
}

func check(r rule, v any, at string) []string {
	switch r.kind {
	case "text":
		return checkText(r, v, at)
	case "number":
		return checkNumber(r, v, at)
	case "flag":
		if _, ok := v.(bool); !ok {
			return []string{at + " " + missing(r)}
		}
	case "list":
		items, ok := v.([]any)
		if !ok {
			return []string{at + " " + missing(r)}
		}
		var found []string
		for i, item := range items {
			found = append(found, check(*r.item, item, at+"."+strconv.Itoa(i))...)
		}
		return found
	case "object":
		return checkNested(r, v, at)
	case "schema":
		return checkSchema(v, at)
	case "either":
		// The message of the last alternative is shown: the richest one is listed last.
		var found []string
		for _, alternative := range r.alternatives {
			if found = check(alternative, v, at); found == nil {
				return nil
			}
		}
		return found
	}
	return nil
}

func checkNested(r rule, v any, at string) []string {
	body, ok := v.(object)
	if !ok {
		return []string{at + " must be an object"}
	}
	switch {
	case r.by != "":
		choice, _ := body[r.by].(string)
		variants := r.variants()
		variant, known := variants[choice]
		if !known {
			return []string{at + "." + r.by + " must be one of the following values: " +
				strings.Join(slices.Sorted(maps.Keys(variants)), ", ")}
		}
		return checkObject(variant, body, at+".")
	case r.named != "":
		return checkObject(schemas[r.named], body, at+".")
	case r.properties != nil:
		return checkObject(r.properties, body, at+".")
	}
	return nil
}

// schemaTypes are the types a JSON schema may name at Vapi.
var schemaTypes = oneOf("string", "number", "integer", "boolean", "array", "object")

// checkSchema checks the keywords of a JSON schema that Vapi documents one by one;
// its guide promises the others as well, so they pass.
func checkSchema(v any, at string) []string {
	s, ok := v.(object)
	if !ok {
		return []string{at + " must be an object"}
	}
	found := check(schemaTypes, s["type"], at+".type")
	for _, name := range []string{"description", "title", "pattern", "format"} {
		if s[name] != nil {
			found = append(found, check(text(), s[name], at+"."+name)...)
		}
	}
	if s["required"] != nil {
		found = append(found, check(listOf(text()), s["required"], at+".required")...)
	}
	if s["enum"] != nil {
		found = append(found, check(listOf(anything()), s["enum"], at+".enum")...)
	}
	if s["items"] != nil {
		found = append(found, checkSchema(s["items"], at+".items")...)
	}
	if s["properties"] == nil {
		return found
	}
	properties, ok := s["properties"].(object)
	if !ok {
		return append(found, at+".properties must be an object")
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		found = append(found, checkSchema(properties[name], at+".properties."+name)...)
	}
	return found
}

func checkText(r rule, v any, at string) []string {
	s, ok := v.(string)
	if !ok {
		return []string{at + " " + missing(r)}
	}
	var found []string
	if len(r.values) > 0 && !slices.Contains(r.values, s) {
		found = append(found, at+" "+missing(r))
	}
	if n := utf8.RuneCountInString(s); n < r.short {
		found = append(found, fmt.Sprintf("%s must be longer than or equal to %d characters", at, r.short))
	} else if r.long > 0 && n > r.long {
		found = append(found, fmt.Sprintf("%s must be shorter than or equal to %d characters", at, r.long))
	}
	if r.pattern != nil && !r.pattern().MatchString(s) && r.shown != "" {
		found = append(found, at+" must be one of the following values: "+r.shown)
	} else if r.pattern != nil && !r.pattern().MatchString(s) {
		found = append(found, fmt.Sprintf("%s must match /%s/ regular expression", at, r.pattern()))
	}
	if r.date {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			found = append(found, at+" must be a valid ISO 8601 date string")
		}
	}
	return found
}

func checkNumber(r rule, v any, at string) []string {
	n, ok := v.(float64)
	if !ok {
		return []string{at + " " + missing(r)}
	}
	switch {
	case r.least != nil && n < *r.least:
		return []string{fmt.Sprintf("%s must not be less than %v", at, *r.least)}
	case r.most != nil && n > *r.most:
		return []string{fmt.Sprintf("%s must not be greater than %v", at, *r.most)}
	}
	return nil
}
