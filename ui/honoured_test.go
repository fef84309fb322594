package ui

import (
	"net/http/httptest"
	"testing"
)

func TestOpener_policy_is_sent_where_browsers_honour_it(t *testing.T) {
	for _, tt := range []struct {
		url, proto string
		want       bool
	}{
		{"http://127.0.0.1:8090/", "", true}, {"http://localhost:8090/", "", true}, {"http://[::1]:8090/", "", true},
		{"https://desk.test/", "", true}, {"http://desk.test/", "https", true}, {"http://desk.test/", "http", false},
		{"http://desk.test:8090/", "", false}, {"http://192.168.1.4:8090/", "", false},
	} {
		r := httptest.NewRequest("GET", tt.url, nil)
		if tt.proto != "" {
			r.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		if got := honoured(r); got != tt.want {
			t.Errorf("%s, proto %q: got %v", tt.url, tt.proto, got)
		}
	}
}
