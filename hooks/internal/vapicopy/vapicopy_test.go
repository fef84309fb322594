package vapicopy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

func TestServer_is_ours_with_the_organizations_secret(t *testing.T) {
	r := core.NewRecord(core.NewBaseCollection("copies"))
	secretOf := func(organization string) (string, error) { return "secret", nil }
	if _, err := Server(r, "", secretOf); !errors.Is(err, ErrNoAddress) {
		t.Errorf("without an address: got %v", err)
	}
	server, err := Server(r, "https://desk.example.com/", secretOf)
	if err != nil || server.URL != "https://desk.example.com"+WebhookPath ||
		server.Headers[vapi.SecretHeader] != "secret" {
		t.Errorf("got %+v, %v", server, err)
	}
	broken := errors.New("sealed")
	if _, err := Server(r, "https://desk.example.com", func(string) (string, error) { return "", broken }); !errors.Is(err,
		broken) {
		t.Errorf("a secret that cannot be read: got %v", err)
	}
}

func TestJudge_tells_what_surely_did_not_happen(t *testing.T) {
	for want, errs := range map[bool][]error{
		true: {errors.New("ours"), &vapi.Error{Status: 400}, fmt.Errorf("push: %w", &vapi.Error{Status: 503})},
		false: {&vapi.Error{Status: 408}, &vapi.Error{Unclear: true},
			fmt.Errorf("push: %w", &vapi.Error{Status: 502, Unclear: true})},
	} {
		for _, err := range errs {
			if Judge(err).Undone != want {
				t.Errorf("%v: want %t", err, want)
			}
		}
	}
	if got := Judge(errors.New("ours")); got != (mirror.Judgement{Undone: true}) {
		t.Errorf("an error of ours: got %+v", got)
	}
}

func TestList_asks_since_a_moment_and_stops_at_an_error_or_when_told(t *testing.T) {
	away, since := errors.New("away"), time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	asked, given := (*vapi.ListOptions)(nil), 0
	list := List(func(_ context.Context, o *vapi.ListOptions) iter.Seq2[*vapi.Tool, error] {
		asked = o
		return func(yield func(*vapi.Tool, error) bool) {
			for _, id := range []string{"a", "b"} {
				given++
				if !yield(&vapi.Tool{ID: id}, nil) {
					return
				}
			}
			yield(nil, away)
		}
	}, func(one *vapi.Tool) mirror.Object { return mirror.Object{ID: one.ID} })
	var ids []string
	var last error
	for o, err := range list(t.Context(), since) {
		if last = err; err == nil {
			ids = append(ids, o.ID)
		}
	}
	if !slices.Equal(ids, []string{"a", "b"}) || !errors.Is(last, away) || asked == nil ||
		!asked.CreatedAtGt.Equal(since) {
		t.Errorf("got %v, %v, asked for %+v", ids, last, asked)
	}
	given = 0
	for range list(t.Context(), time.Time{}) {
		break
	}
	if asked != nil || given != 1 {
		t.Errorf("asked for %+v and was given %d", asked, given)
	}
}
