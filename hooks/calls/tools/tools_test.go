package tools

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/calls/fold"
)

func TestResultText_is_one_line_of_at_most_eight_kilobytes(t *testing.T) {
	for _, one := range []struct{ answer, want string }{
		{"plain", "plain"},
		{`"quoted"`, "quoted"},
		{`{"result":"inner"}`, "inner"},
		{`{"result":{"a": 1}}`, `{"a":1}`},
		{`{"a": [1, 2]}`, `{"a":[1,2]}`},
		{`{"result":null}`, ``},
		{"[1, 2]", "[1,2]"},
		{" two\n lines\r\n", "two lines"},
		{"\"two\\nlines\"", "two lines"},
		{"", ""},
		{"bad \xff text", "bad text"},
		{`{"result":`, `{"result":`},
	} {
		if got := resultText([]byte(one.answer)); got != one.want {
			t.Errorf("%q: got %q, want %q", one.answer, got, one.want)
		}
	}
	if got := resultText([]byte(strings.Repeat("é", fold.ResultMax))); len(got) != fold.ResultMax ||
		!strings.HasSuffix(got, "é") {
		t.Errorf("got %d bytes ending in %q", len(got), got[len(got)-2:])
	}
}

func TestRecentAnswers_keep_the_latest(t *testing.T) {
	r := newRecentAnswers()
	for i := range maxRecent + 1 {
		r.put(fmt.Sprint(i), Outcome{Result: fmt.Sprint(i)})
		r.put(fmt.Sprint(i), Outcome{Result: fmt.Sprint(i)})
	}
	if _, ok := r.get("0"); ok {
		t.Error("the oldest is still there")
	}
	if o, ok := r.get("1"); !ok || o.Result != "1" || len(r.byKey) != maxRecent {
		t.Errorf("got %v of %d", o, len(r.byKey))
	}
}
