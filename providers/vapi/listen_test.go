package vapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestListen_goes_nowhere_but_to_vapi(t *testing.T) {
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer other.Close()
	away := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer away.Close()
	c := NewClient(WithToken("t"), WithControlHosts(strings.TrimPrefix(away.URL, "http://")))
	if _, err := c.Calls.Listen(t.Context(), "ws"+strings.TrimPrefix(other.URL, "http")); !errors.Is(err, ErrForeignAddress) {
		t.Errorf("another host: %v", err)
	}
	_, err := c.Calls.Listen(t.Context(), "ws"+strings.TrimPrefix(away.URL, "http")+"/secret")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != http.StatusFound || strings.Contains(err.Error(), "secret") {
		t.Errorf("a redirect: %v", err)
	}
	if hits.Load() != 0 {
		t.Error("the other host was asked")
	}
}

func TestListen_says_that_a_call_is_over_or_out_of_reach(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(gone.URL, "http://")
	c := NewClient(WithControlHosts(host))
	if _, err := c.Calls.Listen(t.Context(), "ws://"+host+"/secret"); !errors.Is(err, ErrCallOver) {
		t.Errorf("got %v", err)
	}
	gone.Close()
	_, err := c.Calls.Listen(t.Context(), "ws://"+host+"/secret")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 0 || strings.Contains(err.Error(), host) {
		t.Errorf("nobody there: %v", err)
	}
}
