package untrusted

import (
	"fmt"
	"strings"
	"testing"
)

// places are all the ways a schema stands inside another.
var places = []string{
	`{"type":"object","allOf":[%s]}`, `{"type":"object","anyOf":[%s]}`, `{"type":"object","oneOf":[%s]}`,
	`{"type":"object","not":%s}`,
	`{"type":"object","if":%s}`, `{"type":"object","if":true,"then":%s}`, `{"type":"object","if":false,"else":%s}`,
	`{"type":"object","properties":{"a":%s}}`, `{"type":"object","patternProperties":{"a":%s}}`,
	`{"type":"object","additionalProperties":%s}`,
	`{"type":"object","unevaluatedProperties":%s}`, `{"type":"object","propertyNames":%s}`,
	`{"type":"object","dependentSchemas":{"a":%s}}`,
	`{"type":"object","dependencies":{"a":%s}}`,
	`{"type":"object","$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":%s}}`,
	`{"type":"object","properties":{"a":{"items":%s}}}`, `{"type":"object","properties":{"a":{"items":[%s]}}}`,
	`{"type":"object","properties":{"a":{"prefixItems":[%s]}}}`,
	`{"type":"object","properties":{"a":{"additionalItems":%s}}}`,
	`{"type":"object","properties":{"a":{"contains":%s}}}`,
	`{"type":"object","properties":{"a":{"unevaluatedItems":%s}}}`,
	`{"type":"object","properties":{"a":{"contentSchema":%s}}}`,
	`{"type":"object","$defs":{"x":%s}}`, `{"type":"object","definitions":{"x":%s}}`,
}

func TestSchema_what_could_go_on_for_ever_is_refused_wherever_it_stands(t *testing.T) {
	for _, bad := range []string{
		`{"$ref":"#"}`, `{"$ref":"#/"}`, `{"$ref":"#/properties/a"}`, `{"$ref":""}x`, `{"properties":{"a":{"$ref":""}}}`,
		`{"$ref":""}`, `{"items":[{"\u0024ref":""}]}`, `{"$dynamicRef":"#"}`,
		`{"$dynamicRef":"#node"}`, `{"$recursiveRef":"#"}`,
		`{"$dynamicAnchor":"node"}`, `{"$anchor":"node"}`, `{"$id":"https://example.com/a"}`,
		`{"$ref":"https://example.com/s.json"}`,
		`{"$ref":"file:///etc/passwd"}`, `{"$ref":"//example.com/s"}`, `{"$ref":"other.json"}`,
		`{"$ref":"#/$defs/none"}`, `{"$ref":"#/%24defs/x"}`,
		`{"$ref":"#/$defs/a~1b"}`, `{"pattern":"("}`, `{"pattern":"(?=a)"}`, `{"pattern":"((a{90}){9}){9}"}`,
		`{"pattern":"(a{99}){99}"}`,
		`{"pattern":"` + strings.Repeat("a", maxPattern+1) + `"}`,
	} {
		for _, place := range places {
			if _, err := NewSchema(fmt.Appendf(nil, place, bad)); err == nil {
				t.Errorf("accepted "+place, bad)
			}
		}
		if _, err := NewSchema([]byte(bad)); err == nil && !strings.Contains(bad, "$id") { // there it is a name
			t.Errorf("accepted %s at the top", bad)
		}
	}
}

func TestSchema_cycles_depth_and_size_are_refused(t *testing.T) {
	double := `{"type":"object","$ref":"#/$defs/a0","$defs":{`
	for i := range 14 {
		double += fmt.Sprintf(`"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	double += `"a14":{}}}`
	for name, raw := range map[string]string{
		"a to b to a":  `{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		"unused cycle": `{"type":"object","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}`,
		"itself":       `{"type":"object","definitions":{"a":{"properties":{"b":{"$ref":"#/definitions/a"}}}}}`,
		"draft 7":      `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","definitions":{"a":{"$ref":"#/definitions/a"}}}`,
		"doubling":     double,
		"deep":         strings.Repeat(`{"not":`, 20) + `{}` + strings.Repeat(`}`, 20),
		"very deep":    strings.Repeat(`{"not":`, 5_000) + `{}` + strings.Repeat(`}`, 5_000),
		"wide":         `{"type":"object","anyOf":[` + strings.Repeat(`{},`, maxParts) + `{}]}`,
		"a long enum": `{"type":"object","properties":{"a":{"enum":[` + strings.Repeat(`1,`,
			maxSchemaValues) + `1]}}}`,
		"large": `{"type":"object","description":"` + strings.Repeat("x", maxSchema) + `"}`,
		"all expressions": `{"type":"object","properties":{` +
			strings.TrimSuffix(strings.Repeat(`"a":{"pattern":"x{500}"},`, 1)+manyPatterns(20), ",") + `}}`,
		"another draft": `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object"}`,
		"a null":        `{"type":"object","properties":{"a":null}}`,
		"NUL":           `{"type":"object","description":"a\u0000"}`,
	} {
		if _, err := NewSchema([]byte(raw)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func manyPatterns(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf(`"p%d":{"pattern":"x{500}"},`, i)
	}
	return text
}

func TestSchema_what_people_write_works(t *testing.T) {
	for raw, fits := range map[string][2]string{ // fits, does not
		`{}`: {`{"a":1}`, ``},
		`{"type":"object","properties":{"$ref":{"type":"string"},"$id":{"type":"integer"}}}`:                                                   {`{"$ref":"#"}`, `{"$ref":1}`},
		`{"type":"object","properties":{"x":{"$ref":"#/$defs/Point.v1"}},"$defs":{"Point.v1":{"type":"object","required":["lat"]}}}`:           {`{"x":{"lat":1}}`, `{"x":{}}`},
		`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"day":{"type":"string","format":"date"}}}`:         {`{"day":"2026-01-01"}`, `{"day":1}`},
		`{"$id":"https://example.com/book","type":"object","properties":{"day":{"type":"string","pattern":"^\\d{4}-\\d{2}-\\d{2}$"}}}`:         {`{"day":"2026-01-01"}`, `{"day":"soon"}`},
		`{"type":"object","properties":{"who":{"anyOf":[{"type":"string"},{"type":"null"}]},"n":{"enum":[1,2]}},"additionalProperties":false}`: {`{"who":null,"n":2}`, `{"x":1}`},
	} {
		s, err := NewSchema([]byte(raw))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if err := s.Check([]byte(fits[0])); err != nil {
			t.Errorf("%s: %s does not fit: %v", raw, fits[0], err)
		}
		if fits[1] != "" && s.Check([]byte(fits[1])) == nil {
			t.Errorf("%s: %s fits", raw, fits[1])
		}
		for _, large := range []string{`{"a":"` + strings.Repeat("x", maxArguments) + `"}`,
			`{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, `{`} {
			if s.Check([]byte(large)) == nil {
				t.Errorf("%s: %.20s… is accepted", raw, large)
			}
		}
	}
}

func TestScanner_names_the_field(t *testing.T) {
	for raw, want := range map[string]string{
		`{"name":"a\u0000"}`:                        "name",
		"{\"name\":\"a\x00\"}":                      "name",
		`{"a":1,"metadata":{"x":["\u0000"]},"b":2}`: "metadata",
		`{"a":"\"","b":"\\u0000"}`:                  "-",
		`{"a":"\\\u0000"}`:                          "a",
		`{"a\u0000":1}`:                             "",
		`["\u0000"]`:                                "",
		`{"a":"\u0001\u1000\u0100\u0010"}`:          "-",
		`{"a":1,"deep":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`: "deep",
		`{"a":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`:      "-",
		`{"a":"` + strings.Repeat("[", 1000) + `"}`:                                            "-",
	} {
		for _, size := range []int{1, 3, len(raw)} { // pieces of any size
			var s Scanner
			for rest := raw; rest != ""; {
				n := min(size, len(rest))
				s.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got := s.Field; s.Err == nil && want != "-" || s.Err != nil && got != want {
				t.Errorf("%.60q in pieces of %d: got %q, %v, want %q", raw, size, got, s.Err, want)
			}
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, place := range places {
		f.Add(fmt.Appendf(nil, place, `{"$ref":"#/$defs/x"}`), []byte(`{"a":[{"b":1}]}`))
	}
	f.Fuzz(func(t *testing.T, raw, arguments []byte) {
		if s, err := NewSchema(raw); err == nil {
			_ = s.Check(arguments) // must end
		}
	})
}

func TestCleanLine_keeps_what_is_seen(t *testing.T) {
	for raw, want := range map[string]string{
		"Ann Lee": "Ann Lee", " Ann\r\nLee\t": "Ann  Lee", "\u202eAnn\u202c": "Ann", "Z\x00oe": "Zoe",
		"\u2068+1 202\u2069": "+1 202",
		"👨\u200d👩":           "👨\u200d👩", "a\u200d": "a", "caf\xe9": "caf", "\x1b[31mred": "[31mred",
		"🏴\U000e0067\U000e007f": "🏴\U000e0067\U000e007f",
	} {
		if got := CleanLine(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
		if err := Line(want); err != nil {
			t.Errorf("%q: %v", want, err)
		}
	}
	if got := CleanText("a\r\nb\rc\td\x1b\u0085\u202e"); got != "a\nb\nc\td" {
		t.Errorf("got %q", got)
	}
}
