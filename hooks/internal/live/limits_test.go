package live

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestConnect_an_address_has_few_streams_of_guests(t *testing.T) {
	h := newHouse(t, 3)
	refused := func() *http.Response {
		t.Helper()
		res, err := h.server.Client().Get(h.server.URL + "/api/realtime")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	first := h.connect()
	h.connect()
	h.connect()
	if res := refused(); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" ||
		res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("one too many: got %d %v", res.StatusCode, res.Header)
	}
	// Somebody signs in on one: it is no guest's any more.
	if got := first.subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme); got != http.StatusNoContent {
		t.Fatalf("got %d", got)
	}
	h.connect()
	if res := refused(); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one too many again: got %d", res.StatusCode)
	}
}

func TestSubscribe_topics_are_bounded_before_anything_is_looked_up(t *testing.T) {
	h := newHouse(t)
	many := func(n int, topic string) []string {
		topics := make([]string, n)
		for i := range topics {
			topics[i] = topic + strconv.Itoa(i)
		}
		return topics
	}
	options := func(json string) string { return "calls/*?options=" + url.QueryEscape(json) }
	for _, one := range []struct {
		name, who string
		topics    []string
		want      int
	}{
		{"many of a guest", testkit.Guest, slices.Repeat([]string{"@oauth2"}, 11), 400},
		{"few of a guest", testkit.Guest, slices.Repeat([]string{"@oauth2"}, 10), 204},
		{"many of a member", testkit.AcmeViewer, many(201, "calls/"), 400},
		{"enough of a member", testkit.AcmeViewer, many(200, "calls/"), 204},
		{"many with options", testkit.AcmeViewer, many(21, options(`{"query":{"filter":"id!=''"}}`)+"&"), 400},
		{"deep parentheses", testkit.AcmeViewer,
			[]string{options(`{"query":{"filter":"` + strings.Repeat("(", 300) + `"}}`)}, 400},
		{"of a guest", testkit.Guest, []string{options(`{"query":{"filter":"` + strings.Repeat("(", 300) + `"}}`)}, 400},
		{"many terms", testkit.AcmeViewer,
			[]string{options(`{"query":{"filter":"` + strings.Repeat("id=1||", 300) + `id=1"}}`)}, 400},
		{"much expanded", testkit.AcmeViewer,
			[]string{options(`{"query":{"expand":"organization.calls_via_organization.messages_via_call"}}`)}, 400},
		{"something expanded", testkit.AcmeViewer, []string{options(`{"query":{"expand":"contact,organization"}}`)}, 204},
	} {
		s := h.connect()
		if got := s.subscribe(one.who, one.topics...); got != one.want {
			t.Errorf("%s: got %d, want %d", one.name, got, one.want)
		}
	}
}
