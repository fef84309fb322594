package calls

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

const (
	// packAfter is how long after its report a call's messages stay single rows:
	// stragglers come within seconds.
	packAfter = 10 * time.Minute
	packBatch = 500
)

// packed is one message inside a packed row.
type packed struct {
	Key     string          `json:"key"`
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
		p.Payload = json.RawMessage(payload)
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

// squeeze writes messages as base64 of deflated JSON: the column is text.
func squeeze(all []packed) (string, error) {
	var b bytes.Buffer
	encoder := base64.NewEncoder(base64.RawStdEncoding, &b)
	w, err := flate.NewWriter(encoder, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(w).Encode(all); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	if err := errors.Join(w.Close(), encoder.Close()); err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}
	return b.String(), nil
}

// maxUnpacked bounds what a packed row may grow to in memory.
const maxUnpacked = 64 << 20

func unpack(text string) ([]packed, error) {
	r := flate.NewReader(base64.NewDecoder(base64.RawStdEncoding, bytes.NewReader([]byte(text))))
	defer r.Close()
	var all []packed
	if err := json.NewDecoder(io.LimitReader(r, maxUnpacked)).Decode(&all); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return all, nil
}
