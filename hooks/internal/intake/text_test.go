package intake_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// costly are texts that cost far more to read than any real one.
var costly = map[string]url.Values{
	"parentheses":          {"filter": {strings.Repeat("(", 40_000) + "id='x'" + strings.Repeat(")", 40_000)}},
	"parentheses that fit": {"filter": {strings.Repeat("(", 1_500) + "id='x'" + strings.Repeat(")", 1_500)}},
	"open ones":            {"filter": {strings.Repeat("(", 33)}},
	"ones behind a value": {"filter": {"id=')))))))))))))))' && " + strings.Repeat("(", 33) + "id='x'" +
		strings.Repeat(")", 33)}},
	"ones behind comments": {"filter": {"// '\n" + strings.Repeat("(", 250) + "id='x'" +
		strings.Repeat(")", 250) + "\n// '"}},
	"many terms":               {"filter": {strings.Repeat("id=1||", 300) + "id=1"}},
	"a long value":             {"filter": {"id='" + strings.Repeat("x", 3_500) + "'"}},
	"the second of two":        {"filter": {"id='x'", strings.Repeat("(", 1_500)}},
	"a long sort":              {"sort": {strings.Repeat("a", 3_000)}},
	"many sorts":               {"sort": {strings.Repeat("id,", 20)}},
	"a deep sort":              {"sort": {strings.Repeat("a.", 20)}},
	"many expands":             {"expand": {strings.Repeat("a,", 50)}},
	"a deep expand":            {"expand": {strings.Repeat("a.", 12)}},
	"an expand back twice":     {"expand": {"contact,organization.calls_via_organization.organization.calls_via_organization"}},
	"the old spelling":         {"expand": {"calls(organization).organization.calls(organization)"}},
	"a long expand":            {"expand": {strings.Repeat("a", 2_000)}},
	"many fields":              {"fields": {strings.Repeat("a,", 500)}},
	"deep fields":              {"fields": {strings.Repeat("a.", 50)}},
	"nested modifiers":         {"fields": {"a" + strings.Repeat(":excerpt(", 50)}},
	"a huge excerpt":           {"fields": {"summary:excerpt(99999999999999999999,true)"}},
	"an excerpt of nothing":    {"fields": {"id,summary:excerpt(0)"}},
	"an excerpt of words":      {"fields": {"summary:excerpt(many)"}},
	"an excerpt without size":  {"fields": {"summary:excerpt"}},
	"an excerpt with too much": {"fields": {"summary:excerpt(1,true,2)"}},
	"an unknown modifier":      {"fields": {"summary:upper"}},
	"an empty modifier":        {"fields": {"summary:"}},
	"a quote left open":        {"fields": {"'id"}},
	"a parenthesis left open":  {"fields": {"summary:excerpt(1"}},
	"a parameter nobody knows": {"x": {strings.Repeat("a", 5_000)}},
	"a documented one":         {"search": {strings.Repeat("a", 5_000)}},
	"many parameters":          {"a": strings.Split(strings.Repeat("1,", 200), ",")},
	"a long query": {"a": {strings.Repeat("a", 4_000)}, "b": {strings.Repeat("a", 4_000)},
		"c": {strings.Repeat("a", 4_000)}, "d": {strings.Repeat("a", 4_000)}, "e": {strings.Repeat("a", 4_000)}},
}

func TestText_is_refused_before_anybody_reads_it(t *testing.T) {
	reached := ""
	_, mux := desk(t, intake.Limits{}, func(se *core.ServeEvent) {
		se.Router.Bind(&hook.Handler[*core.RequestEvent]{Priority: -1025,
			Func: func(e *core.RequestEvent) error { // before the caller is known
				reached = e.Request.URL.Path
				return e.Next()
			}})
	})
	for name, query := range costly {
		for _, path := range []string{
			"/api/collections/calls/records", "/api/collections/calls/records/" + testkit.AcmeCall,
			"/api/collections/nothing/records", "/functions/v1/calls", "/api/agents", "/api/realtime",
		} {
			for _, person := range []string{testkit.Guest, testkit.AcmeOwner, testkit.Superuser} {
				reached = ""
				r := httptest.NewRequest("GET", path+"?"+query.Encode(), nil)
				for k, v := range testkit.As(t, person) {
					r.Header.Set(k, v)
				}
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, r)
				if w.Code != http.StatusBadRequest || reached != "" {
					t.Errorf("%s on %s as %q: got %d %s, reached %q", name, path, person, w.Code, w.Body, reached)
				}
			}
		}
	}
}

func TestText_of_real_requests_passes(t *testing.T) {
	groups := "(organization='" + testkit.Acme + "')"
	for _, query := range []url.Values{
		{"filter": {groups + strings.Repeat("||(status='x')", 150)}},
		{"filter": {strings.Repeat("(", 30) + "id='x'" + strings.Repeat(")", 30)}},
		{"filter": {`summary ~ ":( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :( :("`}},
		{"sort": {"-created,id"}, "expand": {"contact,assistant,phone_number,assistant.functions"},
			"fields": {"id,expand.contact.name,summary:excerpt(200,true)"}},
		{"search": {strings.Repeat("é", 200)}, "page": {"1"}, "perPage": {"200"}},
	} {
		if sentence := intake.CheckQuery(query); sentence != "" {
			t.Errorf("%v: %s", query, sentence)
		}
	}
}

func TestTopic_options_are_bounded_like_a_query(t *testing.T) {
	topic := func(options string) string { return "calls/*?options=" + url.QueryEscape(options) }
	for _, bad := range []string{
		topic(`{"query":{"filter":"` + strings.Repeat("(", 300) + `"}}`),
		topic(`{"query":{"filter":"` + strings.Repeat("id=1||", 250) + `id=1"}}`),
		topic(`{"query":{"expand":"` + strings.Repeat("a,", 50) + `"}}`),
		topic(`{"query":{"fields":"` + strings.Repeat("a,", 500) + `"}}`),
		topic(`{"query":{"expand":"organization.calls_via_organization.messages_via_call"}}`),
		topic(`{"query":{"expand":"contact.organization"}}`),
		topic(`{"query":{"expand":"contact, messages_via_call"}}`),
		topic(`{"query":{"expand":"messages(call)"}}`),
		topic(`{"query":{"expand":"a,b,c,d,e,f"}}`),
		topic(`{"query":{"fields":"id,metadata.a"}}`),
		topic(`{"query":{"fields":"expand.organization.closures.a:excerpt(3)"}}`),
	} {
		if intake.CheckTopic(bad) == "" {
			t.Errorf("%.60s passes", bad)
		}
	}
	for _, good := range []string{"calls/*", "org/x", "@oauth2",
		topic(`{"query":{"filter":"status='completed'","expand":"contact"},"headers":{"x":"y"}}`),
		topic(`{"query":{"fields":"id,expand.contact.name"}}`), topic("no json"), "a%zz?options=1"} {
		if sentence := intake.CheckTopic(good); sentence != "" {
			t.Errorf("%s: %s", good, sentence)
		}
	}
}
