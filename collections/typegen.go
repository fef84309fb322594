package collections

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// Generated returns the content of each generated file by its path from the
// repository's root.
func Generated() (map[string][]byte, error) {
	var types bytes.Buffer
	if err := Typegen(&types); err != nil {
		return nil, err
	}
	return map[string][]byte{
		typesFile: types.Bytes(), rulesFile: goldenRules(), accessFile: accessPage(), grantsFile: permissions(),
	}, nil
}

// Typegen writes the dashboard's types: one interface a collection, one union
// a select field, and `limits`, which forms take lengths, required fields and
// choices from. Hidden fields are left out, as no client ever sees them.
func Typegen(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("// Generated from collections/ by `go run . schema write`. Do not edit.\n\n")
	for _, c := range All() {
		for _, f := range visible(c) {
			if s, ok := f.(*core.SelectField); ok {
				fmt.Fprintf(&b, "export type %s =%s\n", unionName(c, s), union(s.Values))
			}
		}
	}
	for _, c := range All() {
		fmt.Fprintf(&b, "\nexport interface %sRecord {\n  collectionId: string\n  collectionName: '%s'\n",
			pascal(c.Name), c.Name)
		for _, f := range visible(c) {
			fmt.Fprintf(&b, "  %s: %s\n", f.GetName(), tsType(c, f))
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** The record of each collection, by the collection's name. */\nexport interface Records {\n")
	for _, c := range All() {
		fmt.Fprintf(&b, "  %s: %sRecord\n", c.Name, pascal(c.Name))
	}
	b.WriteString("}\n\n/** What the server accepts in each field: characters of texts, size of numbers, bytes of JSON and files. */\nexport const limits = {\n")
	for _, c := range All() {
		fmt.Fprintf(&b, "  %s: {\n", c.Name)
		for _, f := range visible(c) {
			if limit := tsLimit(f); limit != "" {
				fmt.Fprintf(&b, "    %s: { %s },\n", f.GetName(), limit)
			}
		}
		b.WriteString("  },\n")
	}
	b.WriteString("} as const\n\n/** The trades an organization can be of; it may have another one, in its own words. */\nexport const trades = [\n")
	for _, trade := range Trades {
		fmt.Fprintf(&b, "  '%s',\n", trade)
	}
	b.WriteString("] as const\n")
	_, err := w.Write(b.Bytes())
	return err
}

// visible are the fields a client can see.
func visible(c *core.Collection) []core.Field {
	var fields []core.Field
	for _, f := range c.Fields {
		if !f.GetHidden() {
			fields = append(fields, f)
		}
	}
	return fields
}

func tsType(c *core.Collection, f core.Field) string {
	switch f := f.(type) {
	case *core.NumberField:
		return "number"
	case *core.BoolField:
		return "boolean"
	case *core.JSONField:
		return "unknown" // shapes stand in lib/json-shapes.ts
	case *core.SelectField:
		if f.IsMultiple() {
			return unionName(c, f) + "[]"
		}
		if !f.Required {
			return unionName(c, f) + " | ''"
		}
		return unionName(c, f)
	case *core.RelationField:
		if f.IsMultiple() {
			return "string[]"
		}
	case *core.FileField:
		if f.IsMultiple() {
			return "string[]"
		}
	}
	return "string" // texts, addresses, dates, single relations and files
}

func tsLimit(f core.Field) string {
	var parts []string
	add := func(name string, value int64) {
		if value != 0 {
			parts = append(parts, name+": "+strconv.FormatInt(value, 10))
		}
	}
	bound := func(name string, value *float64) {
		if value != nil {
			parts = append(parts, name+": "+strconv.FormatFloat(*value, 'f', -1, 64))
		}
	}
	required := false
	switch f := f.(type) {
	case *core.TextField:
		if f.PrimaryKey {
			return ""
		}
		required = f.Required
		add("min", int64(f.Min))
		add("max", int64(f.Max))
	case *core.NumberField:
		required = f.Required
		bound("min", f.Min)
		bound("max", f.Max)
	case *core.EmailField:
		required = f.Required
	case *core.URLField:
		required = f.Required
	case *core.DateField:
		required = f.Required
	case *core.JSONField:
		required = f.Required
		add("max", f.MaxSize)
	case *core.FileField:
		required = f.Required
		add("max", f.MaxSize)
	case *core.SelectField:
		required = f.Required
		parts = append(parts, "values: ["+quoted(f.Values, ", ")+"]")
	case *core.RelationField:
		required = f.Required
		if f.IsMultiple() {
			add("max", int64(f.MaxSelect))
		}
	}
	if required {
		parts = append([]string{"required: true"}, parts...)
	}
	return strings.Join(parts, ", ")
}

func unionName(c *core.Collection, f *core.SelectField) string {
	return pascal(c.Name) + pascal(f.Name)
}

func union(values []string) string {
	line := " " + quoted(values, " | ")
	if len(line) < 100 {
		return line
	}
	return "\n  | " + quoted(values, "\n  | ")
}

func quoted(values []string, between string) string {
	q := make([]string, len(values))
	for i, v := range values {
		q[i] = "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
	}
	return strings.Join(q, between)
}

// pascal turns phone_numbers into PhoneNumbers.
func pascal(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
