package calls

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// packAfter is how long after its report a call's messages stay single rows:
	// stragglers come within seconds.
	packAfter = 10 * time.Minute
	// packRead is how many calls are looked up at once, packWrite how many are
	// packed in one transaction: a commit costs more than packing a call, and
	// messages that come wait for it.
	packRead  = 500
	packWrite = 25
)

// packed is one message inside a packed row.
type packed struct {
	Key     string          `json:"key,omitempty"` // "" in a row: as keyOf says
	Type    string          `json:"type"`
	At      string          `json:"at"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Answer  string          `json:"answer,omitempty"`
}

func packKey(vapiID string) string { return vapiID + ":packed" }

// pack folds the stored messages of finished calls into one compressed row each:
// as rows they would be thirteen times larger (performance.md 2.2). What there is
// to do stands in the rows themselves, whatever the clock said when they came. A
// call that cannot be packed keeps no other from it.
func (e *engine) pack(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	var failed error
	now, after := r.Now(), finishedCall{}
	for {
		page, err := e.finished(ctx, after, now.Add(-packAfter))
		if err != nil {
			return fmt.Errorf("finished calls: %w", err)
		}
		for some := range slices.Chunk(page, packWrite) {
			if err := e.packSome(ctx, box, some, now); err != nil && ctx.Err() != nil {
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

// finishedCall is a call whose report lies there as a row.
type finishedCall struct {
	created string
	rowid   int64
	id      string // the provider's
}

// finished are the next finished calls.
func (e *engine) finished(ctx context.Context, after finishedCall, until time.Time) ([]finishedCall, error) {
	rows, err := e.reads.QueryContext(ctx, `SELECT created, rowid, substr(event_key, 1, instr(event_key, ':') - 1)
		FROM provider_events INDEXED BY idx_provider_events_finished
		WHERE provider = 'vapi' AND status = 'applied' AND type = 'end-of-call-report' AND created < ?
		AND (created, rowid) > (?, ?) ORDER BY created, rowid LIMIT ?`, inbox.Date(until), after.created, after.rowid, packRead)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []finishedCall
	for rows.Next() {
		var c finishedCall
		if err := rows.Scan(&c.created, &c.rowid, &c.id); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// packSome packs calls in one transaction. One that cannot be read keeps the
// others from nothing. Compressing is done before: nobody waits for it.
func (e *engine) packSome(ctx context.Context, box *inbox.Inbox, some []finishedCall, now time.Time) error {
	read := func(query string, args ...any) (*sql.Rows, error) { return e.reads.QueryContext(ctx, query, args...) }
	ready := make([]packable, 0, len(some))
	var failed error
	for _, c := range some {
		p, err := readPackable(read, c.id)
		if err != nil {
			failed = err
			e.app.Logger().Warn("messages of a call are not packed", "call", c.id, "error", err)
			continue
		}
		ready = append(ready, p)
	}
	err := box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		for _, p := range ready {
			if err := p.replace(tx, now); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return errors.Join(failed, err)
}

const (
	selectPackable = `SELECT event_key, type, created, payload, answer, organization FROM provider_events
		WHERE provider = 'vapi' AND event_key > ? AND event_key < ? AND status IN ('applied', 'packed') AND type != 'deleted' ORDER BY created, event_key`
	deletePacked = `DELETE FROM provider_events WHERE provider = 'vapi' AND event_key > ? AND event_key < ? AND status IN ('applied', 'packed') AND type != 'deleted'`
	insertPacked = `INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, answer, error, attempts, next_at, created, updated)
		VALUES (?, ?, 'vapi', ?, 'packed', 'packed', ?, '', '', 0, '', ?, ?)`
)

// kept are the parts of an applied message that have rows of their own: the
// conversation in messages and call_events, the rest of the report in
// call_reports. Packed they would stand there twice.
var kept = map[string][]string{
	vapi.TypeEndOfCallReport: {"artifact", "analysis", "costs", "costBreakdown", "summary", "transcript", "messages"},
	vapi.TypeTranscript:      {"transcript"},
}

// lean is a message's payload without what has rows of its own.
func lean(kind, payload string) json.RawMessage {
	names, known := kept[kind]
	var body struct {
		Message map[string]json.RawMessage `json:"message"`
	}
	if !known || json.Unmarshal([]byte(payload), &body) != nil || body.Message == nil {
		return json.RawMessage(payload)
	}
	for _, name := range names {
		delete(body.Message, name)
	}
	out, err := json.Marshal(body)
	if err != nil {
		return json.RawMessage(payload)
	}
	return out
}

// packable are a call's messages, ready to be replaced by one row.
type packable struct {
	vapiID, organization string
	text                 string // "" when there is nothing to pack
	sum                  [sha256.Size]byte
}

// readPackable reads what lies there of a call and compresses it. Messages that
// failed stay as they are; ones packed before are kept, each key once.
func readPackable(read func(query string, args ...any) (*sql.Rows, error), vapiID string) (packable, error) {
	out := packable{vapiID: vapiID}
	var all []packed
	seen := map[string]bool{}
	add := func(p packed) {
		if !seen[p.Key] {
			seen[p.Key] = true
			all = append(all, p)
		}
	}
	sum, err := eachPackable(read, vapiID, func(p packed, payload, organization string) error {
		out.organization = cmp.Or(organization, out.organization)
		if p.Type != collections.EventPacked {
			p.Payload = lean(p.Type, payload)
			add(p)
			return nil
		}
		before, err := unpack(payload)
		for _, one := range before {
			add(one)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		return out, err
	}
	out.sum = sum
	out.text, err = squeeze(all)
	return out, err
}

// eachPackable walks a call's rows and returns what they come to, by which it is
// known whether they are still the same.
func eachPackable(read func(query string, args ...any) (*sql.Rows, error), vapiID string,
	do func(p packed, payload, organization string) error) (sum [sha256.Size]byte, err error) {
	rows, err := read(selectPackable, vapiID+":", vapiID+";")
	if err != nil {
		return sum, err
	}
	defer rows.Close()
	hash := sha256.New()
	for rows.Next() {
		var p packed
		var payload, organization string
		if err := rows.Scan(&p.Key, &p.Type, &p.At, &payload, &p.Answer, &organization); err != nil {
			return sum, err
		}
		for _, column := range []string{p.Key, p.Type, p.At, payload, p.Answer, organization} {
			fmt.Fprintf(hash, "%d:%s", len(column), column)
		}
		if err := do(p, payload, organization); err != nil {
			return sum, err
		}
	}
	return [sha256.Size]byte(hash.Sum(nil)), errors.Join(rows.Err(), rows.Close())
}

// replace puts one row in the place of a call's messages. What came, changed or
// was erased since they were read is left for the next run.
func (p packable) replace(tx *inbox.Tx, now time.Time) error {
	if p.text == "" {
		return nil
	}
	sum, err := eachPackable(tx.Query, p.vapiID, func(packed, string, string) error { return nil })
	if err != nil || sum != p.sum {
		return err
	}
	if _, err := tx.Exec(deletePacked, p.vapiID+":", p.vapiID+";"); err != nil {
		return err
	}
	_, err = tx.Exec(insertPacked, collections.NewID(now), p.organization, packKey(p.vapiID), p.text, inbox.Date(now), inbox.Date(now))
	return err
}

// dictionary is what messages look like: a call has few of them, so what they
// share is most of their bytes. The file never changes once rows were packed with
// it; a better one is a new file with a new mark.
//
//go:embed pack_dictionary_1.txt
var dictionary []byte

// packMark begins what was packed with the dictionary. Without it a row was
// packed before there was one.
const packMark = "1:"

// squeeze writes messages as base64 of deflated JSON: the column is text. A key
// that follows from its message is left out.
func squeeze(all []packed) (string, error) {
	short := slices.Clone(all)
	for i := range short {
		if short[i].Key == keyOf(short[i].Payload) {
			short[i].Key = ""
		}
	}
	var b bytes.Buffer
	b.WriteString(packMark)
	encoder := base64.NewEncoder(base64.RawStdEncoding, &b)
	w, err := flate.NewWriterDict(encoder, flate.BestCompression, dictionary)
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

// keyOf is the key a stored message has by itself; "" when it cannot be read.
func keyOf(payload []byte) string {
	m, err := vapi.ParseMessage(payload)
	if err != nil {
		return ""
	}
	return m.EventKey()
}

// maxUnpacked bounds what a packed row may grow to in memory.
const maxUnpacked = 64 << 20

func unpack(text string) ([]packed, error) {
	var with []byte
	text, marked := strings.CutPrefix(text, packMark)
	if marked {
		with = dictionary
	}
	r := flate.NewReaderDict(base64.NewDecoder(base64.RawStdEncoding, strings.NewReader(text)), with)
	defer r.Close()
	var all []packed
	if err := json.NewDecoder(io.LimitReader(r, maxUnpacked)).Decode(&all); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	for i := range all {
		if all[i].Key == "" {
			all[i].Key = keyOf(all[i].Payload)
		}
	}
	return all, nil
}
