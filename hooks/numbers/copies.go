package numbers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// errReleased is shown at the row: making the copy again would get other digits
// than those people ring.
var errReleased = errors.New("Vapi no longer has this number. Delete it here and add a new one")

// copyOf is what a number's copy shall be.
func (d *domain) copyOf(n *core.Record, mark mirror.Mark) (any, error) {
	server, err := vapicopy.Server(n, d.PublicURL, d.WebhookSecret)
	if err != nil {
		return nil, err
	}
	maps.Copy(server.Headers, vapicopy.Headers(mark)) // numbers have no metadata at Vapi
	token := ""
	if n.GetString("provider") == "twilio" {
		if token, err = d.Sealed.Open(n.GetString("twilio_auth_token"),
			sealed.Place(collections.PhoneNumbers, n.Id, "twilio_auth_token")); err != nil {
			return nil, fmt.Errorf("Twilio token: %w", err)
		}
	}
	if number := n.GetString("fallback_number"); number != "" {
		if _, problem := d.policy(d.app, n).Check(number); problem != "" { // the row is older than the policy
			n = n.Clone()
			n.Set("fallback_number", "")
		}
	}
	return toNumber(n, token, server), nil
}

func (d *domain) create(ctx context.Context, n *core.Record, keys map[string]any) (string, error) {
	made, err := d.Vapi.PhoneNumbers.Create(ctx, &vapi.PhoneNumberDTO{Extra: keys})
	if err != nil {
		return "", err
	}
	apply(n, made)
	return made.ID, nil
}

func (d *domain) update(ctx context.Context, n *core.Record, c mirror.Change) error {
	if c.First {
		// Whatever somebody assigned over there would keep Vapi from asking us.
		c.Keys["assistantId"], c.Keys["squadId"] = nil, nil
	}
	changed, err := d.Vapi.PhoneNumbers.Update(ctx, c.ID, &vapi.PhoneNumberDTO{Extra: c.Keys})
	if vapi.IsNotFound(err) && n.GetString("provider") == "vapi" && !c.First {
		return mirror.Refuse(errReleased)
	}
	if err != nil {
		return err
	}
	apply(n, changed)
	return nil
}

// list is every number of the account. One of Vapi's is among the five an account has
// for nothing, an imported one is paid to its carrier.
func (d *domain) list() func(context.Context, time.Time) iter.Seq2[mirror.Object, error] {
	return vapicopy.List(d.Vapi.PhoneNumbers.All, func(one *vapi.PhoneNumber) mirror.Object {
		o := mirror.Object{
			ID: one.ID, Name: cmp.Or(one.Number, one.Name), Created: one.CreatedAt.Time,
			Mark: vapicopy.MarkOf(one.Raw), Price: "carrier",
		}
		if one.Provider == "vapi" {
			o.Price = "free_number"
		}
		return o
	})
}

// activate is the job numbers.activate: it asks after numbers that Vapi was
// still preparing when it answered.
func (d *domain) activate(ctx context.Context, r *schedule.Run) error {
	waiting, err := d.app.FindRecordsByFilter(collections.PhoneNumbers,
		"status = {:pending} && vapi_phone_id != '' && sync_status = {:synced}",
		"created", 0, 0, dbx.Params{"pending": collections.NumberPending, "synced": collections.SyncSynced})
	if err != nil {
		return err
	}
	var failures error
	for _, n := range waiting {
		answer, err := d.Vapi.PhoneNumbers.Get(ctx, n.GetString(phoneID))
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("number %s: %w", n.Id, err))
			continue
		}
		apply(n, answer)
		if n.GetString("status") == collections.NumberPending &&
			n.GetString("phone_number") == n.Original().GetString("phone_number") {
			continue
		}
		n.IgnoreUnchangedFields(true)
		if err := d.app.SaveNoValidate(n); err != nil {
			failures = errors.Join(failures, err)
			continue
		}
		r.Add(1)
	}
	return failures
}
