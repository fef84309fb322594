package sandbox

import "strings"

// argumentsFor makes the arguments of a function from its JSON schema: the
// script's facts by name, else by what a property's name sounds like, else a
// value of the right type for what is required.
func (c *liveCall) argumentsFor(parameters, facts object) object {
	properties := obj(parameters, "properties")
	if len(properties) == 0 {
		return with(facts)
	}
	facts = with(c.argumentsOf(commonFacts), facts)
	needed := map[string]bool{}
	for _, v := range list(parameters, "required") {
		if name, ok := v.(string); ok {
			needed[name] = true
		}
	}
	arguments := object{}
	for name, v := range properties {
		property, _ := v.(object)
		if value, ok := c.valueFor(name, property, facts); ok || needed[name] {
			arguments[name] = value
		}
	}
	return arguments
}

// commonFacts are what any script can tell a function.
var commonFacts = object{
	"name": "{{name}}", "phone": "{{phone}}", "date": "{{tomorrow}}", "time": "{{time}}",
	"slotId":  "{{tomorrow}}T{{time}}",
	"service": "{{service}}", "query": "{{question}}",
}

// soundsLike pairs parts of property names with the script's facts, the first
// match winning.
var soundsLike = []struct{ part, fact string }{
	{"phone", "phone"}, {"telephone", "phone"}, {"number", "phone"}, {"slot", "slotId"}, {"date", "date"},
	{"day", "date"}, {"jour", "date"},
	{"time", "time"}, {"hour", "time"}, {"heure", "time"}, {"name", "name"}, {"nom", "name"}, {"service", "service"},
	{"reason", "service"},
	{"motif", "service"}, {"query", "query"}, {"question", "query"}, {"text", "query"},
}

// valueFor answers a value and whether the script knows it; what it does not
// know it makes up from the type.
func (c *liveCall) valueFor(name string, property, facts object) (any, bool) {
	if choices := list(property, "enum"); len(choices) > 0 {
		for _, choice := range choices {
			if choice == facts[name] {
				return choice, true
			}
		}
		return choices[0], false
	}
	kind := str(property, "type")
	if value, known := facts[name]; known && (kind == "" || kind == "string") {
		return value, true
	}
	if kind == "" || kind == "string" {
		lower := strings.ToLower(name)
		for _, pair := range soundsLike {
			if value, known := facts[pair.fact]; known && strings.Contains(lower, pair.part) {
				return value, true
			}
		}
		return orElse(c.question, c.line(c.script.Service)), false
	}
	return sample(property), false
}

// sample is a value that a JSON schema accepts.
func sample(s object) any {
	if choices := list(s, "enum"); len(choices) > 0 {
		return choices[0]
	}
	switch str(s, "type") {
	case "boolean":
		return true
	case "integer", "number":
		if least := num(s, "minimum"); least > 1 {
			return least
		}
		return 1
	case "array":
		return []any{}
	case "object":
		filled := object{}
		for name, v := range obj(s, "properties") {
			property, _ := v.(object)
			filled[name] = sample(property)
		}
		return filled
	case "null":
		return nil
	}
	return ""
}
