// Package vapicopy is what all copies at Vapi share: where their messages go, how a
// copy of ours is told from others, and what a refusal means for the next try.
package vapicopy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Where Vapi's messages arrive: the address copies are given, and the one of the old
// French system, which copies of before still have.
const (
	WebhookPath    = "/api/webhooks/vapi"
	OldWebhookPath = "/functions/v1/webhooks/receive"
)

// ErrNoAddress is shown at the row, so it is a sentence.
var ErrNoAddress = errors.New("Vapi cannot reach this server: its public address is not known (POCKETLINE_PUBLIC_URL)")

// Server is where Vapi sends the messages of a row's copy: to publicURL, with the
// secret of the row's organization.
func Server(r *core.Record, publicURL string, secretOf func(organization string) (string, error)) (*vapi.Server,
	error) {
	if publicURL == "" {
		return nil, ErrNoAddress
	}
	secret, err := secretOf(r.GetString("organization"))
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	return vapi.NewServer(strings.TrimRight(publicURL, "/")+WebhookPath, secret), nil
}

// Provider is Vapi, for copies there.
var Provider = mirror.Provider{Called: "the phone provider", Judge: Judge, For: vapi.For}

// Judge says what an error of Vapi means for the next try. Any other is one of our
// own, which came before the request.
func Judge(err error) mirror.Judgement {
	var e *vapi.Error
	if !errors.As(err, &e) {
		return mirror.Judgement{Undone: true}
	}
	return mirror.JudgeStatus(e.Status, e.Unclear, e.RetryAfter)
}

// List is the list of a kind of copies: all walks the objects at Vapi, of says what
// there is to know of one.
func List[T any](
	all func(context.Context, *vapi.ListOptions) iter.Seq2[*T, error], of func(*T) mirror.Object,
) func(context.Context, time.Time) iter.Seq2[mirror.Object, error] {
	return func(ctx context.Context, since time.Time) iter.Seq2[mirror.Object, error] {
		var options *vapi.ListOptions
		if !since.IsZero() {
			options = &vapi.ListOptions{CreatedAtGt: since}
		}
		return func(yield func(mirror.Object, error) bool) {
			for one, err := range all(ctx, options) {
				if err != nil {
					yield(mirror.Object{}, err)
					return
				}
				if !yield(of(one), nil) {
					return
				}
			}
		}
	}
}
