package numbers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/providers/vapi"
)

// webhookPath is where Vapi's messages arrive.
const webhookPath = "/api/webhooks/vapi"

// errNoAddress is shown at the row, so it is a sentence.
var errNoAddress = errors.New("Vapi cannot reach this server: its public address is not known (POCKETLINE_PUBLIC_URL)")

// errReleased is shown at the row: making the copy again would get other digits
// than those people ring.
var errReleased = errors.New("Vapi no longer has this number. Delete it here and add a new one")

// copyOf is what a number's copy shall be.
func (d *domain) copyOf(n *core.Record) (*vapi.PhoneNumberDTO, error) {
	if d.PublicURL == "" {
		return nil, errNoAddress
	}
	secret, err := d.WebhookSecret(n.GetString("organization"))
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	server := vapi.NewServer(strings.TrimRight(d.PublicURL, "/")+webhookPath, secret)
	mark, err := d.Mirror.Mark(n)
	if err != nil {
		return nil, err
	}
	maps.Copy(server.Headers, mark.Headers()) // numbers have no metadata at Vapi
	token := ""
	if n.GetString("provider") == "twilio" {
		if token, err = d.Sealed.Open(n.GetString("twilio_auth_token"), sealed.Place(collections.PhoneNumbers, n.Id, "twilio_auth_token")); err != nil {
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

func (d *domain) push(ctx context.Context, n *core.Record) (string, error) {
	ctx = vapi.For(ctx, n.GetString("organization"))
	dto, err := d.copyOf(n)
	if err != nil {
		return "", err
	}
	fresh := n.GetString("sync_hash") == ""
	patch, hash, err := mirror.Diff(n, dto, clearable...)
	if err != nil {
		return "", err
	}
	for _, key := range once {
		delete(patch, key)
	}
	id := n.GetString(phoneID)
	switch {
	case id == "":
		made, err := d.Vapi.PhoneNumbers.Create(ctx, dto)
		if err != nil {
			return "", err
		}
		id = made.ID
		apply(n, made)
	case len(patch) > 0:
		if fresh {
			// Whatever somebody assigned over there would keep Vapi from asking us.
			patch["assistantId"], patch["squadId"] = nil, nil
		}
		changed, err := d.Vapi.PhoneNumbers.Update(ctx, id, &vapi.PhoneNumberDTO{Extra: patch})
		if vapi.IsNotFound(err) && n.GetString("provider") == "vapi" && !fresh {
			return "", errReleased
		}
		if err != nil {
			return "", err
		}
		apply(n, changed)
	}
	n.Set("sync_hash", hash)
	return id, nil
}

func (d *domain) find(ctx context.Context, n *core.Record) (string, error) {
	var o *vapi.ListOptions
	if created := n.GetDateTime("created"); !created.IsZero() {
		o = &vapi.ListOptions{CreatedAtGt: created.Time().Add(-mirror.ClockSkew)}
	}
	for one, err := range d.Vapi.PhoneNumbers.All(ctx, o) {
		if err != nil {
			return "", err
		}
		// By our mark alone: the digits could be another organization's.
		if mirror.Marked(one.Raw, n.Id) {
			return one.ID, nil
		}
	}
	return "", nil
}

// list is every number of the account, for the sweep.
func (d *domain) list(ctx context.Context) (all []mirror.Object, err error) {
	for one, err := range d.Vapi.PhoneNumbers.All(ctx, nil) {
		if err != nil {
			return nil, err
		}
		name := one.Number
		if name == "" {
			name = one.Name
		}
		all = append(all, mirror.Object{ID: one.ID, Name: name, Created: one.CreatedAt.Time, Raw: one.Raw})
	}
	return all, nil
}

// price says what a number costs: one of Vapi's is among the five an account has
// for nothing, an imported one is paid to its carrier.
func price(o mirror.Object) string {
	var number struct {
		Provider string `json:"provider"`
	}
	if json.Unmarshal(o.Raw, &number) == nil && number.Provider == "vapi" {
		return "free_number"
	}
	return "carrier"
}

func (d *domain) hash(n *core.Record) (string, error) {
	dto, err := d.copyOf(n)
	if err != nil {
		return "", err
	}
	_, hash, err := mirror.Diff(n, dto)
	return hash, err
}

// judge says what an error of Vapi means for the next try.
func judge(err error) mirror.Judgement {
	if errors.Is(err, errReleased) {
		return mirror.Judgement{Verdict: mirror.Refused}
	}
	var e *vapi.Error
	if !errors.As(err, &e) {
		return mirror.Judgement{}
	}
	return mirror.JudgeStatus(e.Status, e.Unclear, e.RetryAfter)
}

// undone tells that nothing happened at Vapi: an error of our own came before
// the request, or Vapi turned it away.
func undone(err error) bool {
	var e *vapi.Error
	return !errors.As(err, &e) || !e.Unclear && e.Status != http.StatusRequestTimeout
}

// activate is the job numbers.activate: it asks after numbers that Vapi was
// still preparing when it answered.
func (d *domain) activate(ctx context.Context, r *schedule.Run) error {
	waiting, err := d.app.FindRecordsByFilter(collections.PhoneNumbers, "status = {:pending} && vapi_phone_id != '' && sync_status = {:synced}",
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
		if n.GetString("status") == collections.NumberPending && n.GetString("phone_number") == n.Original().GetString("phone_number") {
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
