package inbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// receive takes one message in and counts what became of it.
func (d *door) receive(re *core.RequestEvent, kind string) error {
	err := d.take(re, kind)
	// What strangers send is no message: it must not hide that others are refused.
	if status := vitals.StatusOf(re, err); status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		d.vitals.Messages.Note(status)
	}
	return err
}

// take looks at the head, reads and verifies the raw bytes, then answers or stores.
func (d *door) take(re *core.RequestEvent, kind string) error {
	proof, signed, err := d.Verify(re.Request)
	if err != nil {
		return d.unproven(re, err) // without having read what a stranger sends
	}
	arrival := d.expect()
	defer arrival.Done()
	body, done, err := d.bodies.Read(re.Request, signed == nil)
	crowded := errors.Is(err, intake.ErrManyValues)
	if err != nil && !crowded {
		return d.notRead(re, err)
	}
	defer done()
	if signed != nil {
		if proof, err = signed(body); err != nil {
			return d.unproven(re, err)
		}
	}
	in := Incoming{Request: re.Request, Body: body, Type: kind, Proof: proof}
	letter, err := (*Letter)(nil), error(ErrUnread)
	if !crowded {
		letter, err = d.read(re.Request.Context(), in)
	}
	switch {
	case errors.Is(err, ErrUnread) && !d.paced(proof.Organization()):
		return tooMany(re)
	case errors.Is(err, ErrUnread):
		return d.keepUnread(re, in)
	case errors.Is(err, ErrForeign):
		d.app.Logger().Warn("a message speaks of another organization than its secret does",
			"provider", d.Provider, "organization", proof.Organization())
		return d.refuse(re)
	case err != nil:
		return d.busy(re, err)
	case !d.paced(cmp.Or(letter.Organization, proof.Organization())):
		return tooMany(re)
	}
	return d.deal(re, letter, in, arrival)
}

// read is Read, and holds what it says against the proof.
func (d *door) read(ctx context.Context, in Incoming) (*Letter, error) {
	letter, err := d.Read(ctx, in)
	if err == nil && !in.Proof.Covers(letter.Organization) {
		err = ErrForeign
	}
	return letter, err
}

// deal answers a message and stores it, or stores it and says so.
func (d *door) deal(re *core.RequestEvent, letter *Letter, in Incoming, arrival *Arrival) error {
	ctx := re.Request.Context()
	if letter.Passing != nil {
		letter.Passing(ctx)
		return d.Received.send(re)
	}
	if letter.Answer == nil {
		if err := d.store(ctx, letter, in, arrival); err != nil {
			return d.busy(re, err)
		}
		return d.Received.send(re)
	}
	arrival.Done() // answered first, stored after
	size := len(in.Body)
	if letter.Acts && !d.kept.admits(size) {
		return d.busy(re, errKeptFull) // nothing was done yet
	}
	reply := letter.Answer(ctx)
	in.Request, in.Body = nil, nil // the message outlives them
	l := late{door: d, letter: letter, in: in, size: size}
	if !letter.Acts {
		d.storeLater(l)
	} else if err := d.store(ctx, letter, in, nil); err != nil {
		// Somebody is waiting for the answer, and what it did is done.
		d.keep(l, err)
	}
	return reply.send(re)
}

// store keeps a message and applies it; arrival, when not nil, ends once the message
// is queued.
func (d *door) store(ctx context.Context, letter *Letter, in Incoming, arrival *Arrival) error {
	box, err := Of(d.app)
	if err != nil {
		return err
	}
	m, apply := letter.Message(), letter.Apply
	m.Provider, m.Type, m.ReceivedAt, m.Arrival = d.Provider, rows.Clip(m.Type, 100), d.Now(), arrival
	// What belongs to nobody waits with whom the proof speaks for.
	m.Organization, m.Parked = cmp.Or(letter.Organization, in.Proof.Organization()), letter.Organization == ""
	if m.Parked {
		apply = nil
		if m.Organization == "" && !in.Proof.Unlimited() {
			m.Why = leavingProof
		}
	}
	ctx = context.WithoutCancel(ctx) // the writer must not depend on the sender's patience
	result, err := box.Store(ctx, m, apply)
	if err != nil || m.Why != "" || !m.Parked && !result.Duplicate {
		return err
	}
	e := Event{m.Provider, m.Key}
	if result.Duplicate {
		if waits, err := d.waits(ctx, e); err != nil || !waits {
			return err
		}
	}
	// What it waits for may have appeared while it, or its first copy, was on its way.
	// If that cannot be found out it is sent again.
	return d.claimOne(ctx, e)
}

// leavingProof is why a message waits for nothing: what it came with speaks for those
// organizations alone that still have copies from before they had secrets.
const leavingProof = "its secret speaks for no organization that is still to come"

// expect tells the writer that a message is being read.
func (d *Doors) expect() *Arrival {
	box, err := Of(d.app)
	if err != nil {
		return nil // storing says why
	}
	return box.Expect()
}

func (d *door) paced(organization string) bool { return d.pace == nil || d.pace.Allow(organization) }

// unproven turns a message away that nobody vouches for, or that could not be checked.
func (d *door) unproven(re *core.RequestEvent, err error) error {
	if errors.Is(err, keyring.ErrUnknown) {
		return d.refuse(re)
	}
	return d.busy(re, err)
}

// refuse answers a message without proof; nothing of it is stored.
func (d *door) refuse(re *core.RequestEvent) error {
	intake.StopReading(re)
	name := "unauthorized/message"
	if d.Refusal == http.StatusForbidden {
		name = "forbidden/message"
	}
	return refusal.Answer(re, refusal.Of(name))
}

// busy tells the provider to try again.
func (d *Doors) busy(re *core.RequestEvent, err error) error {
	d.untaken(err)
	d.app.Logger().Warn("provider message not taken in", "error", err)
	re.Response.Header().Set("Retry-After", "1")
	return refusal.Answer(re, refusal.Of("unavailable/stored"))
}

// untaken keeps why a message was not taken in; health says it.
func (d *Doors) untaken(err error) {
	d.vitals.Messages.Because(err)
	d.vitals.Saw(err)
}

// tooMany tells the provider to slow down.
func tooMany(re *core.RequestEvent) error {
	re.Response.Header().Set("Retry-After", "1")
	return refusal.Answer(re, refusal.Of("too_many_requests/messages"))
}

// notRead answers for a message that was not taken in.
func (d *Doors) notRead(re *core.RequestEvent, err error) error {
	intake.StopReading(re)
	switch {
	case errors.Is(err, intake.ErrTooLarge):
		return refusal.Answer(re, refusal.Of("too_large/message"))
	case errors.Is(err, intake.ErrBusy):
		d.untaken(err)
		re.Response.Header().Set("Retry-After", intake.RetryAfter)
		return refusal.Answer(re, refusal.Of("unavailable/messages"))
	}
	return refusal.Answer(re, refusal.Of("unreadable_body/message"))
}

const (
	// unreadKept is how much is kept of a body nobody can read, to see what it is.
	unreadKept = 64 << 10
	// unreadType is what it is stored as.
	unreadType = "unread"
)

// keepUnread stores the beginning of a proven body that is not a message we can
// read, sealed, because nobody knows what is in it. The key is the hash of all of it.
func (d *door) keepUnread(re *core.RequestEvent, in Incoming) error {
	sum := sha256.Sum256(in.Body)
	key := unreadType + ":" + hex.EncodeToString(sum[:])
	head := base64.StdEncoding.EncodeToString(in.Body[:min(len(in.Body), unreadKept)])
	text, err := d.Sealed.Seal(head, sealed.Place(collections.ProviderEvents, key, "payload"))
	if err != nil {
		return d.busy(re, err)
	}
	box, err := Of(d.app)
	if err != nil {
		return d.busy(re, err)
	}
	m := Message{
		Provider: d.Provider, Key: key, Type: unreadType, Organization: in.Proof.Organization(), Parked: true,
		Payload: []byte(text), ReceivedAt: d.Now(),
	}
	if _, err := box.Store(re.Request.Context(), m, nil); err != nil {
		return d.busy(re, err)
	}
	return d.Received.send(re)
}
