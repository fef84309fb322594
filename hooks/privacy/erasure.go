package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// An erasure is owed from the moment it is asked for: the request, its entry in the
// audit log and a promise are one change. The promise is kept by the outbox's worker,
// in steps that can be repeated, until nothing is left; a process that dies in
// between leaves it to the next.

const (
	// eraseKind is the promise to erase a caller.
	eraseKind = "privacy.erase"
	// erasePatience is how long who asks is kept waiting for the certificate; most
	// callers are erased in less.
	erasePatience = 5 * time.Second
	// What fails waits once more as long as it has been owed by then, within these
	// two: an erasure is never given up.
	eraseAgainLeast = time.Minute
	eraseAgainMost  = time.Hour
	// dropAgain is when the database's log is tried again while somebody reads an
	// older state of it.
	dropAgain = 10 * time.Second
)

var (
	// errGoesOn says that nothing failed: the worker's time was over.
	errGoesOn = errors.New("the erasure goes on")
	errHeld   = errors.New("A legal hold is on: nothing may be erased until it is lifted")
)

// erasePayload is such a promise. Who is sealed, and taken out when it is kept.
type erasePayload struct {
	Request string `json:"request"`
	Caller  string `json:"caller,omitempty"`
}

// sealedCaller is who, before sealing.
type sealedCaller struct {
	Kind      phone.Kind `json:"kind"`
	Text      string     `json:"text"`
	Spellings []string   `json:"spellings"`
}

// whoIsErased is where the caller stands.
var whoIsErased = outbox.Sealed{Field: "caller", Collection: collections.PrivacyRequests, Row: "request"}

func (d *domain) oweErasure(tx core.App, request *core.Record, s callerRows) error {
	plain, err := json.Marshal(sealedCaller{s.number.Kind, s.number.Text, s.spellings})
	if err != nil {
		return err
	}
	caller, err := d.Sealed.Seal(string(plain), sealed.Place(collections.PrivacyRequests, request.Id, eraseKind))
	if err != nil {
		return err
	}
	return d.Outbox.Add(atomic.Of(tx), outbox.Row{
		Organization: s.organization, Kind: eraseKind, Key: eraseKind + ":" + s.organization + ":" + request.Id,
		Payload: erasePayload{request.Id, caller},
	})
}

// waitFor returns when the worker has looked after a request, or after a while.
func (d *domain) waitFor(ctx context.Context, request string) {
	done, waiting := d.erasing.Load(request)
	if !waiting {
		return
	}
	defer d.erasing.Delete(request)
	if !d.Outbox.Running() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, erasePatience)
	defer cancel()
	select {
	case <-done.(chan struct{}):
	case <-ctx.Done():
	}
}

// eraseOwed keeps the promise. The rows come first; then what the database's log
// holds of them.
func (d *domain) eraseOwed(ctx context.Context, r outbox.Row) error {
	var owed erasePayload
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	row, err := database.Found(d.app.FindRecordById(collections.PrivacyRequests, owed.Request))
	if err != nil || row == nil {
		return err // gone with its organization
	}
	if row.GetString("status") != "done" {
		if err := d.eraseWhole(ctx, r, owed, row); err != nil {
			return d.eraseLater(ctx, row, err)
		}
	}
	err = database.DropLog(ctx, d.app)
	d.looked(row.Id)
	return outbox.In(dropAgain, err)
}

// looked lets who waits for a request go.
func (d *domain) looked(request string) {
	if done, waiting := d.erasing.LoadAndDelete(request); waiting {
		close(done.(chan struct{}))
	}
}

// eraseLater says on the request what is in the way; the promise stays open.
func (d *domain) eraseLater(ctx context.Context, request *core.Record, failure error) error {
	if ctx.Err() != nil {
		return outbox.In(0, errors.Join(errGoesOn, failure))
	}
	defer d.looked(request.Id)
	err := d.app.RunInTransaction(func(tx core.App) error {
		row, err := tx.FindRecordById(collections.PrivacyRequests, request.Id)
		if err != nil {
			return err
		}
		row.IgnoreUnchangedFields(true)
		row.Load(map[string]any{"status": "failed", "error": rows.Clip(failure.Error(), 500)})
		return tx.Save(row)
	})
	owed := d.Now().Sub(request.GetDateTime("created").Time())
	return outbox.In(min(max(owed, eraseAgainLeast), eraseAgainMost), errors.Join(failure, err))
}

// eraseWhole removes what is left of a caller and writes the certificate. What was
// counted before a stop counts on.
func (d *domain) eraseWhole(ctx context.Context, r outbox.Row, owed erasePayload, row *core.Record) error {
	s, err := d.callerOf(owed, row)
	if err != nil {
		return err
	}
	if held, err := underHold(d.app, s.organization); err != nil {
		return err
	} else if held {
		return errHeld
	}
	if s, err = subjectByNumber(d.app, s); err != nil {
		return err
	}
	numbers, known := counts{}, map[string]any{}
	if raw := rows.JSON(row, "certificate"); raw != nil {
		if err := json.Unmarshal(raw, &known); err != nil {
			return err
		}
	}
	for name, n := range known {
		if n, ok := n.(float64); ok {
			numbers[name] = int(n)
		}
	}
	certificate := func(numbers counts) (string, error) {
		all := map[string]any{
			"installation": d.Installation.Version, "subject": row.GetString("subject_hint"),
			"kept": "usage and money without the caller; a keyed hash of the number; backups until they age out",
		}
		for name, n := range numbers {
			all[name] = n
		}
		raw, err := json.Marshal(all)
		return string(raw), err
	}
	note := func(tx core.App, numbers counts) error {
		raw, err := certificate(numbers)
		if err == nil {
			_, err = atomic.Of(tx).Exec("UPDATE privacy_requests SET certificate = ? WHERE id = ?", raw, row.Id)
		}
		return err
	}
	err = d.eraseRows(ctx, d.app, s, numbers, note)
	// Also of what failed: the next try counts on.
	if err != nil {
		return errors.Join(err, d.app.RunInTransaction(func(tx core.App) error { return note(tx, maps.Clone(numbers)) }))
	}
	raw, err := certificate(numbers)
	if err != nil {
		return err
	}
	return d.app.RunInTransaction(func(tx core.App) error {
		fresh, err := tx.FindRecordById(collections.PrivacyRequests, row.Id)
		if err != nil {
			return err
		}
		fresh.IgnoreUnchangedFields(true)
		fresh.Load(map[string]any{"status": "done", "finished_at": d.Now(), "certificate": raw, "error": ""})
		if err := tx.Save(fresh); err != nil {
			return err
		}
		return database.Wipe(tx, func() error { return d.Outbox.Strip(atomic.Of(tx), r.ID, "caller") })
	})
}

// callerOf opens whom a request is about.
func (d *domain) callerOf(owed erasePayload, row *core.Record) (s callerRows, err error) {
	plain, err := d.Sealed.Open(owed.Caller, sealed.Place(collections.PrivacyRequests, row.Id, eraseKind))
	if err != nil {
		return s, fmt.Errorf("who is to be erased cannot be read: %w", err)
	}
	var who sealedCaller
	if err := json.Unmarshal([]byte(plain), &who); err != nil {
		return s, err
	}
	return callerRows{
		organization: row.GetString("organization"), number: phone.Number{Kind: who.Kind, Text: who.Text},
		spellings: who.Spellings, until: row.GetDateTime("created"),
	}, nil
}

// endBroken closes requests whose process is gone: exports, whose archive ended
// with it, and erasures begun before erasures were owed. Nothing goes on with them.
func endBroken(app core.App, now time.Time) error {
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE privacy_requests
		SET status = 'failed', finished_at = {:now}, error = {:error} WHERE status = 'running'`).
		Bind(dbx.Params{"now": rows.Stamp(now), "error": "The server stopped before it was done: ask again"}).Execute()
	if err != nil {
		return fmt.Errorf("end what was broken off: %w", err)
	}
	return nil
}
