package facade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNames_are_read_as_routes_write_them(t *testing.T) {
	const body = `{"name", "description"?: "x, y", "userId"? (the caller's own, "or" not), "voice"?: "a"|"b"|… or {"provider", "id" or "voiceId"},
 "model": {"provider"}, "metadata"?: {…}, "hours"?: {"mon": "9-5", …}, "members"?: [{"id"}]} or {"model": {"name"}, "code"}, at most 5 MB`
	for given, want := range map[string][]string{
		`{"name": 1, "description": 2, "userId": 3, "code": 4}`:         nil,
		`{"nam": 1, "zip": {"a": 1}}`:                                   {"nam", "zip"},
		`{"x, y": 1, "a": 1}`:                                           {"a", "x, y"},
		`{"voice": "a"}`:                                                nil,
		`{"voice": {"provider": 1, "id": 1, "voiceId": 1, "speed": 1}}`: {"voice.speed"},
		`{"model": {"provider": 1, "name": 1, "top": 1}}`:               {"model.top"},
		`{"metadata": {"whatever": {"one": "likes"}}}`:                  nil,
		`{"hours": {"mon": 1, "tue": 1}}`:                               nil,
		`{"members": [{"id": 1}, {"id": 1, "role": 1}]}`:                {"members.role"},
		`["name"]`: nil,
		`7`:        nil,
	} {
		var value any
		if err := json.Unmarshal([]byte(given), &value); err != nil {
			t.Fatal(err)
		}
		if got := namesOf(body).unknown(value, ""); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
	for _, odd := range []string{"", "{", `{"`, `{"a": {`, `{("`, "}", `{"a" or`} {
		namesOf(odd) // ends
	}
}

func TestWarnings_name_few_fields_of_many(t *testing.T) {
	if got := Warnings("a", "b"); len(got) != 2 || got[0] != "a is not known here and was ignored" {
		t.Errorf("got %q", got)
	}
	var many []string
	for n := range 100_000 {
		many = append(many, fmt.Sprint(n, strings.Repeat("é", 1_000)))
	}
	got := Warnings(many...)
	if size := len(strings.Join(got, "")); len(got) != 21 || size > 4_000 ||
		!strings.HasPrefix(got[20], "99980 more fields") {
		t.Errorf("%d sentences of %d bytes, the last %q", len(got), size, got[len(got)-1])
	}
}
