package calls

import (
	"bytes"
	"compress/flate"
	"context"
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
	packBatch = 500
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
// as rows they would be thirteen times larger (performance.md 2.2).
func (e *engine) pack(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	now := time.Now()
	since := r.Watermark()
	until := now.Add(-packAfter)
	rows, err := e.reads.QueryContext(ctx, `SELECT DISTINCT substr(event_key, 1, instr(event_key, ':') - 1) FROM provider_events
		WHERE provider = 'vapi' AND status = 'applied' AND type = 'end-of-call-report' AND created >= ? AND created < ? LIMIT ?`,
		inbox.Date(since.Add(-time.Minute)), inbox.Date(until), packBatch)
	if err != nil {
		return fmt.Errorf("finished calls: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := box.Do(ctx, func(tx *inbox.Tx) (func(), error) { return nil, packCall(tx, id, now) }); err != nil {
			return err
		}
		r.Add(1)
	}
	if len(ids) < packBatch {
		r.SetWatermark(until)
	}
	return nil
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

// packCall replaces a call's messages by one row. Messages that failed stay as
// they are; ones packed before are kept, each key once.
func packCall(tx *inbox.Tx, vapiID string, now time.Time) error {
	low, high := vapiID+":", vapiID+";"
	rows, err := tx.Query(selectPackable, low, high)
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []packed
	seen := map[string]bool{}
	organization := ""
	add := func(p packed) {
		if !seen[p.Key] {
			seen[p.Key] = true
			all = append(all, p)
		}
	}
	for rows.Next() {
		var p packed
		var payload, org string
		if err := rows.Scan(&p.Key, &p.Type, &p.At, &payload, &p.Answer, &org); err != nil {
			return err
		}
		if org != "" {
			organization = org
		}
		if p.Type == collections.EventPacked {
			before, err := unpack(payload)
			if err != nil {
				return err
			}
			for _, one := range before {
				add(one)
			}
			continue
		}
		p.Payload = lean(p.Type, payload)
		add(p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(all) == 0 {
		return err
	}
	text, err := squeeze(all)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(deletePacked, low, high); err != nil {
		return err
	}
	_, err = tx.Exec(insertPacked, collections.NewID(now), organization, packKey(vapiID), text, inbox.Date(now), inbox.Date(now))
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
