package untrusted

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Bounds of a schema that a customer wrote. The product of both sides is the
// work one tool call may cause: less than a second.
const (
	maxSchema = 16 << 10 // bytes, as the column has it
	// maxSchemaValues bounds names and values as they are written: enumerations,
	// examples and lists of required names too.
	maxSchemaValues = 4_000
	// maxLevels and maxParts bound the schemas inside one another, references
	// followed: a cycle runs out of levels, a doubling chain out of parts.
	maxLevels = 16
	maxParts  = 500
	// maxPattern bounds one expression's text, maxInstructions what all of them
	// compile to: "(a{99}){9}" is short and large.
	maxPattern      = 500
	maxInstructions = 3_000
	maxArguments    = 16 << 10 // bytes
)

// Schema is a JSON schema of a function's arguments that can be used safely.
type Schema struct{ resolved *jsonschema.Resolved }

// NewSchema reads a customer's schema. It refuses whatever could make holding
// values against it endless or expensive: references to anything but
// "#/$defs/name" (or definitions), cycles, depth, size, large expressions.
// Nothing is ever fetched. The error is a sentence for whoever wrote it.
func NewSchema(raw []byte) (s *Schema, err error) {
	defer func() { // a library's panic must not end the process
		if caught := recover(); caught != nil {
			s, err = nil, fmt.Errorf("This is not a usable JSON schema: %v", caught)
		}
	}()
	var scan Scanner
	scan.Write(raw) //nolint:errcheck // never fails
	switch {
	case scan.Err != nil:
		return nil, scan.Err
	case len(raw) > maxSchema || scan.Values > maxSchemaValues:
		return nil, errors.New("This schema is too large.")
	}
	var plain any
	if json.Unmarshal(raw, &plain) == nil && emptyRef(plain) {
		return nil, errOwnRef // the library takes it for no reference at all, others for the schema itself
	}
	root := new(jsonschema.Schema)
	if err := json.Unmarshal(raw, root); err != nil {
		return nil, fmt.Errorf("This is not a JSON schema: %w", err)
	}
	w := walk{root: root}
	if err := w.definitions(); err != nil {
		return nil, err
	}
	if err := w.visit(root, 0); err != nil {
		return nil, err
	}
	resolved, err := root.Resolve(nil) // without a loader: another document is an error
	if err != nil {
		return nil, fmt.Errorf("This is not a usable JSON schema: %w", err)
	}
	if err := resolved.Validate(map[string]any{}); err != nil &&
		strings.HasPrefix(err.Error(), "cannot validate version") {
		return nil, fmt.Errorf("This is not a usable JSON schema: %w", err)
	}
	return &Schema{resolved}, nil
}

// Check holds arguments against the schema. The error says what does not fit.
func (s *Schema) Check(arguments []byte) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("schema: %v", caught)
		}
	}()
	if len(arguments) > maxArguments {
		return fmt.Errorf("more than %d bytes", maxArguments)
	}
	if err := JSON(arguments); err != nil && !errors.Is(err, ErrNUL) {
		return err
	}
	var value any
	if err := json.Unmarshal(arguments, &value); err != nil {
		return err
	}
	return s.resolved.Validate(value)
}

// walk visits a schema as validation does, following references.
type walk struct {
	root                *jsonschema.Schema
	parts, instructions int
}

// definitions visits each definition by itself: one that is never referred to
// is compiled too.
func (w *walk) definitions() error {
	for _, all := range []map[string]*jsonschema.Schema{w.root.Defs, w.root.Definitions} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if err := w.visit(all[name], 1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) visit(s *jsonschema.Schema, level int) error {
	if s == nil {
		return nil // the library says where
	}
	if w.parts++; level > maxLevels || w.parts > maxParts {
		return errors.New("This schema nests too deeply, refers to itself or has too many parts.")
	}
	if word := unsupported(s, level); word != "" {
		return fmt.Errorf("A schema here cannot use %s.", word)
	}
	if err := w.expressions(s); err != nil {
		return err
	}
	if s.Ref != "" {
		target, err := w.target(s.Ref)
		if err != nil {
			return err
		}
		if err := w.visit(target, level+1); err != nil {
			return err
		}
	}
	for _, part := range parts(s) {
		if err := w.visit(part, level+1); err != nil {
			return err
		}
	}
	return nil
}

// unsupported is a keyword of s that would change where references lead, or
// lead somewhere only known during validation; "" when there is none.
func unsupported(s *jsonschema.Schema, level int) string {
	for _, word := range []string{"$recursiveRef", "$recursiveAnchor"} {
		if _, used := s.Extra[word]; used {
			return word
		}
	}
	switch {
	case s.DynamicRef != "":
		return "$dynamicRef"
	case s.DynamicAnchor != "":
		return "$dynamicAnchor"
	case s.Anchor != "":
		return "$anchor"
	case s.ID != "" && level > 0:
		return "$id" // at the top it only names the schema
	case s.Vocabulary != nil:
		return "$vocabulary"
	case level > 0 && (s.Defs != nil || s.Definitions != nil):
		return "$defs below the top"
	}
	return ""
}

// plainRef is the one kind of reference: to a definition at the top.
var plainRef = regexp.MustCompile(`^#/(\$defs|definitions)/([A-Za-z0-9_.-]+)$`)

var errOwnRef = errors.New("A schema here can refer only to its own definitions: #/$defs/name.")

// emptyRef tells whether a reference is empty anywhere in a schema.
func emptyRef(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, emptyRef)
	case map[string]any:
		if ref, is := value["$ref"]; is && ref == "" {
			return true
		}
		for _, inner := range value {
			if emptyRef(inner) {
				return true
			}
		}
	}
	return false
}

func (w *walk) target(ref string) (*jsonschema.Schema, error) {
	m := plainRef.FindStringSubmatch(ref)
	if m == nil {
		return nil, errOwnRef
	}
	all := w.root.Defs
	if m[1] == "definitions" {
		all = w.root.Definitions
	}
	target := all[m[2]]
	if target == nil {
		return nil, fmt.Errorf("This schema has no definition %s.", m[2])
	}
	return target, nil
}

// parts are the schemas inside a schema that validation can reach.
func parts(s *jsonschema.Schema) []*jsonschema.Schema {
	all := []*jsonschema.Schema{
		s.Items, s.AdditionalItems, s.Contains, s.UnevaluatedItems, s.AdditionalProperties, s.PropertyNames,
		s.UnevaluatedProperties,
		s.Not, s.If, s.Then, s.Else, s.ContentSchema,
	}
	for _, list := range [][]*jsonschema.Schema{s.PrefixItems, s.ItemsArray, s.AllOf, s.AnyOf, s.OneOf} {
		all = append(all, list...)
	}
	for _, named := range []map[string]*jsonschema.Schema{s.Properties, s.PatternProperties, s.DependentSchemas,
		s.DependencySchemas} {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			all = append(all, named[name])
		}
	}
	return all
}

// expressions bounds the regular expressions of one schema. They are RE2: their
// time is bounded by their size and the text's.
func (w *walk) expressions(s *jsonschema.Schema) error {
	all := slices.Sorted(maps.Keys(s.PatternProperties))
	if s.Pattern != "" {
		all = append(all, s.Pattern)
	}
	for _, pattern := range all {
		if len(pattern) > maxPattern {
			return errors.New("A pattern of this schema is too long.")
		}
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			return fmt.Errorf("A pattern of this schema cannot be used: %w", err)
		}
		if w.instructions += instructions(tree); w.instructions > maxInstructions {
			return errors.New("The patterns of this schema are too large.")
		}
	}
	return nil
}

// instructions is about how many an expression compiles to. The parser bounds
// its depth.
func instructions(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)/16 // a class is one, of many ranges
	if tree.Op == syntax.OpLiteral {
		n = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		n += instructions(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Max, tree.Min+1)
	}
	return min(n, maxInstructions+1)
}
