package inbox

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

const (
	// packAfter is how long after its last message what a call's came to stays single
	// rows: stragglers come within seconds.
	packAfter = 10 * time.Minute
	// packRead is how many subjects are looked up at once, packWrite how many are
	// packed in one transaction: a commit costs more than packing one, and messages
	// that come wait for it.
	packRead  = 500
	packWrite = 25
)

// Packing is how a source's messages are folded. The zero value folds them as they are.
type Packing struct {
	// Dictionary is what they look like: a call has few of them, so what they share is
	// most of their bytes. It never changes once rows were packed with it; a better one
	// needs a mark of its own beside packMark.
	Dictionary []byte
	// Lean is a payload without what has rows of its own: packed it would stand there
	// twice.
	Lean func(kind string, payload []byte) []byte
	// Key is the key that follows from a payload, which is left out then; "" for none.
	Key func(payload []byte) string
}

// Packed is one message inside a packed row.
type Packed struct {
	Key     string          `json:"key,omitempty"` // "" in a row: as Packing.Key says
	Type    string          `json:"type"`
	At      string          `json:"at"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (s Subject) packedKey() string { return s.ID + ":packed" }

// pack folds the stored messages of what is finished into one compressed row each:
// as rows they would be thirteen times larger (performance.md 2.2). What there is
// to do stands in the rows themselves, whatever the clock said when they came. What
// cannot be packed keeps nothing else from it.
func (d *Doors) pack(ctx context.Context, r *schedule.Run) error {
	reads, err := database.Reading(d.app)
	if err != nil {
		return err
	}
	var failed error
	now, after := r.Now(), finished{}
	for {
		page, err := nextFinished(ctx, reads, after, now.Add(-packAfter))
		if err != nil {
			return fmt.Errorf("finished subjects: %w", err)
		}
		for some := range slices.Chunk(page, packWrite) {
			if err := d.packSome(ctx, reads, some, now); err != nil && ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				failed = err
			}
			r.Add(len(some))
		}
		if len(page) < packRead {
			return failed
		}
		after = page[len(page)-1]
	}
}

// finished is a subject whose last message lies there as a row.
type finished struct {
	created string
	rowid   int64
	Subject
}

const selectFinished = `SELECT created, rowid, provider, substr(event_key, 1, instr(event_key, ':') - 1)
	FROM provider_events INDEXED BY idx_provider_events_finished
	WHERE ` + collections.EventFinished + ` AND created < ? AND (created, rowid) > (?, ?) ORDER BY created, rowid LIMIT ?`

// nextFinished are the next of them.
func nextFinished(ctx context.Context, reads *sql.DB, after finished, until time.Time) (all []finished, err error) {
	found, err := reads.QueryContext(ctx, selectFinished, rows.Stamp(until), after.created, after.rowid, packRead)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var f finished
		if err := found.Scan(&f.created, &f.rowid, &f.Provider, &f.ID); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, errors.Join(found.Err(), found.Close())
}

// packSome packs subjects in one transaction. One that cannot be read keeps the
// others from nothing. Compressing is done before: nobody waits for it.
func (d *Doors) packSome(ctx context.Context, reads *sql.DB, some []finished, now time.Time) error {
	box, err := Of(d.app)
	if err != nil {
		return err
	}
	read := func(query string, args ...any) (*sql.Rows, error) { return reads.QueryContext(ctx, query, args...) }
	ready := make([]packable, 0, len(some))
	var failed error
	for _, f := range some {
		of := d.open[f.Provider]
		if of == nil {
			continue // nobody knows how they are read
		}
		p, err := of.Packing.read(read, f.Subject)
		if err != nil {
			failed = err
			d.app.Logger().Warn("messages are not packed", "provider", f.Provider, "about", f.ID, "error", err)
			continue
		}
		ready = append(ready, p)
	}
	err = box.Do(ctx, func(tx *Tx) (func(), error) {
		for _, p := range ready {
			if err := p.replace(tx, now); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return errors.Join(failed, err)
}

const selectPackable = `SELECT event_key, type, created, payload, organization FROM provider_events
	WHERE provider = ? AND event_key > ? AND event_key < ? AND status IN ('applied', 'packed') AND type != 'deleted'
	ORDER BY created, event_key`

// packable are a subject's messages, ready to be replaced by one row.
type packable struct {
	Subject
	organization string
	text         string // "" when there is nothing to pack
	sum          [sha256.Size]byte
}

// reading is a query of somebody's connection.
type reading func(query string, args ...any) (*sql.Rows, error)

// read reads what lies there of a subject and compresses it. Messages that failed stay
// as they are; ones packed before are kept, each key once.
func (p Packing) read(read reading, about Subject) (packable, error) {
	out := packable{Subject: about}
	var all []Packed
	seen := map[string]bool{}
	add := func(one Packed) {
		if !seen[one.Key] {
			seen[one.Key] = true
			all = append(all, one)
		}
	}
	sum, err := about.eachPackable(read, func(one Packed, payload, organization string) error {
		out.organization = cmp.Or(organization, out.organization)
		if one.Type != collections.EventPacked {
			one.Payload = json.RawMessage(payload)
			if p.Lean != nil {
				one.Payload = p.Lean(one.Type, one.Payload)
			}
			add(one)
			return nil
		}
		before, err := p.Unpack(payload)
		for _, one := range before {
			add(one)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		return out, err
	}
	out.sum = sum
	out.text, err = p.Pack(all)
	return out, err
}

// eachPackable walks a subject's rows and returns what they come to, by which it is
// known whether they are still the same.
func (s Subject) eachPackable(read reading,
	do func(p Packed, payload, organization string) error) (sum [sha256.Size]byte, err error) {
	found, err := read(selectPackable, s.Provider, s.ID+":", s.ID+";")
	if err != nil {
		return sum, err
	}
	defer found.Close()
	hash := sha256.New()
	for found.Next() {
		var p Packed
		var payload, organization string
		if err := found.Scan(&p.Key, &p.Type, &p.At, &payload, &organization); err != nil {
			return sum, err
		}
		for _, column := range []string{p.Key, p.Type, p.At, payload, organization} {
			fmt.Fprintf(hash, "%d:%s", len(column), column)
		}
		if err := do(p, payload, organization); err != nil {
			return sum, err
		}
	}
	return [sha256.Size]byte(hash.Sum(nil)), errors.Join(found.Err(), found.Close())
}

// replace puts one row in the place of a subject's messages. What came, changed or
// was erased since they were read is left for the next run.
func (p packable) replace(tx *Tx, now time.Time) error {
	if p.text == "" {
		return nil
	}
	sum, err := p.eachPackable(tx.Query, func(Packed, string, string) error { return nil })
	if err != nil || sum != p.sum {
		return err
	}
	return p.Pack(tx, p.organization, p.packedKey(), p.text, now)
}

// packMark begins what was packed with the source's dictionary. Without it a row was
// packed without one.
const packMark = "1:"

// Pack writes messages as base64 of deflated JSON: the column is text.
func (p Packing) Pack(all []Packed) (string, error) {
	short := slices.Clone(all)
	for i := range short {
		if p.Key != nil && short[i].Key == p.Key(short[i].Payload) {
			short[i].Key = ""
		}
	}
	var b bytes.Buffer
	if p.Dictionary != nil {
		b.WriteString(packMark)
	}
	encoder := base64.NewEncoder(base64.RawStdEncoding, &b)
	w, err := flate.NewWriterDict(encoder, flate.BestCompression, p.Dictionary)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(w).Encode(short); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	if err := errors.Join(w.Close(), encoder.Close()); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	return b.String(), nil
}

// maxUnpacked bounds what a packed row may grow to in memory.
const maxUnpacked = 64 << 20

// Unpack reads what Pack wrote. The error says that it is no such text.
func (p Packing) Unpack(text string) ([]Packed, error) {
	var with []byte
	text, marked := strings.CutPrefix(text, packMark)
	if marked {
		with = p.Dictionary
	}
	r := flate.NewReaderDict(base64.NewDecoder(base64.RawStdEncoding, strings.NewReader(text)), with)
	defer r.Close()
	var all []Packed
	if err := json.NewDecoder(io.LimitReader(r, maxUnpacked)).Decode(&all); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	for i := range all {
		if all[i].Key == "" && p.Key != nil {
			all[i].Key = p.Key(all[i].Payload)
		}
	}
	return all, nil
}
