package facade_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// brought is a value that a column takes, as JSON, and one that it does not.
func brought(field core.Field) (good, bad string) {
	if many, ok := field.(core.MultiValuer); ok && many.IsMultiple() {
		good = `[]`
		if selected, ok := field.(*core.SelectField); ok {
			good = `["` + selected.Values[0] + `"]`
		}
		return good, `"one"`
	}
	switch field := field.(type) {
	case *core.JSONField:
		return `["any", {"thing": 1}]`, ""
	case *core.BoolField:
		return `true`, `"true"`
	case *core.NumberField:
		if field.Min != nil {
			return fmt.Sprint(*field.Min), fmt.Sprint(*field.Min - 1)
		}
		return `1`, `"1"`
	case *core.SelectField:
		return `"` + field.Values[0] + `"`, `"no such word"`
	case *core.TextField:
		return `"` + strings.Repeat("a", max(field.Min, 1)) + `"`, `["text"]`
	}
	return `"text"`, `1`
}

// Every column that a body may bring is read with the type and the limits it has.
func TestColumns_take_what_the_columns_of_all_collections_take(t *testing.T) {
	read := 0
	for _, c := range collections.All() {
		for _, column := range c.Fields {
			if column.GetSystem() {
				continue // made by the house
			}
			switch column.Type() {
			case core.FieldTypeFile, core.FieldTypePassword, core.FieldTypeAutodate, core.FieldTypeGeoPoint:
				continue
			}
			fields := facade.Columns(c.Name, column.GetName())
			ask := func(value string, whole bool) error {
				body := map[string]any{}
				if err := json.Unmarshal([]byte(`{"`+column.GetName()+`": `+value+`}`), &body); err != nil {
					t.Fatal(err)
				}
				_, err := facade.Read(fields, body, whole)
				return err
			}
			good, bad := brought(column)
			read++
			if err := ask(good, true); err != nil {
				t.Errorf("%s.%s refuses %s: %v", c.Name, column.GetName(), good, err)
			}
			if bad != "" && ask(bad, true) == nil {
				t.Errorf("%s.%s takes %s", c.Name, column.GetName(), bad)
			}
			if required := requiredOf(t, column); (ask("null", true) != nil) != required {
				t.Errorf("%s.%s is required: %t; without it: %v", c.Name, column.GetName(), required, ask("null", true))
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d columns were read", read)
	}
}

// requiredOf is what the stored definition says.
func requiredOf(t *testing.T, column core.Field) bool {
	var said struct{ Required bool }
	raw, err := json.Marshal(column)
	if err == nil {
		err = json.Unmarshal(raw, &said)
	}
	if err != nil {
		t.Fatal(err)
	}
	return said.Required
}

func TestRead_numbers_and_words_have_limits_on_either_side(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		field facade.Field
		value any
		says  string
	}{
		{facade.Field{Kind: facade.Number}, -3.0, ""},
		{facade.Field{Kind: facade.Number, Min: 2, Max: inf}, 2.0, ""},
		{facade.Field{Kind: facade.Number, Min: 2, Max: inf}, 1.0, "Must be at least 2"},
		{facade.Field{Kind: facade.Number, Min: -inf, Max: 5}, -1e9, ""},
		{facade.Field{Kind: facade.Number, Min: -inf, Max: 5}, 6.0, "Must be at most 5"},
		{facade.Field{Kind: facade.Number, Min: 2, Max: 5}, 6.0, "Must be from 2 to 5"},
		{facade.Field{Kind: facade.List, OneOf: []string{"a", "b"}}, []any{"b", "a"}, ""},
		{facade.Field{Kind: facade.List, OneOf: []string{"a", "b"}}, []any{"a", "c"}, "Must be one of a, b"},
		{facade.Field{Kind: facade.List, OneOf: []string{"a", "b"}}, []any{1.0}, "Must be one of a, b"},
	} {
		tt.field.Name, tt.field.Column = "n", "n"
		_, err := facade.Read([]facade.Field{tt.field}, map[string]any{"n": tt.value}, true)
		said := ""
		if refused := refusal.From(err); refused != nil {
			said = refused.Details.(map[string]string)["n"]
		}
		if said != tt.says {
			t.Errorf("%+v: %v: got %q, want %q", tt.field, tt.value, said, tt.says)
		}
	}
}
