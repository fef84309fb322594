package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// heard is how many of an organization's newest conversations have a recording.
const heard = 8

// selectHeard are those conversations: somebody spoke, and it was long enough to be
// listened to.
const selectHeard = `SELECT id FROM calls WHERE organization = {:organization} AND answered AND duration_seconds > 15
	ORDER BY started_at DESC LIMIT {:heard}`

// recordings makes the newest conversations calls the provider knows, whose sound is
// fetched from there as any call's is.
func (m *maker) recordings() error {
	var ids []string
	err := m.tx.DB().NewQuery(selectHeard).Bind(dbx.Params{"organization": m.organization, "heard": heard}).Column(&ids)
	if err != nil {
		return fmt.Errorf("demo recordings: %w", err)
	}
	for _, id := range ids {
		if _, err := m.tx.DB().NewQuery(`UPDATE calls SET vapi_call_id = 'demo-' || id, has_recording = 1 WHERE id = {:id}`).
			Bind(dbx.Params{"id": id}).Execute(); err != nil {
			return fmt.Errorf("demo recordings: %w", err)
		}
		m.save(collections.Recordings, map[string]any{"call": id, "kind": "stereo", "status": collections.RecordingPending})
	}
	return m.err
}

// said is a stretch of speech in milliseconds from the beginning.
type said struct {
	Caller bool  `json:"caller"`
	From   int64 `json:"fromMs"`
	To     int64 `json:"toMs"`
}

// Tell lets the sandbox know the conversations that have a recording, so that it can
// be asked for their sound. It runs after the transaction of Fill.
func Tell(ctx context.Context, app core.App, sandboxURL string) error {
	var lines []struct {
		Call     string `db:"vapi_call_id"`
		Role     string `db:"role"`
		Offset   int64  `db:"offset_ms"`
		Duration int64  `db:"duration_ms"`
	}
	err := app.DB().NewQuery(`SELECT c.vapi_call_id, m.role, m.offset_ms, m.duration_ms FROM recordings r JOIN calls c ON c.id = r.call
		JOIN messages m ON m.call = c.id WHERE r.status = 'pending' ORDER BY m.call, m.position`).WithContext(ctx).All(&lines)
	if err != nil {
		return fmt.Errorf("tell the sandbox of past calls: %w", err)
	}
	calls := map[string][]said{}
	for _, l := range lines {
		calls[l.Call] = append(calls[l.Call], said{l.Role == collections.RoleUser, l.Offset, l.Offset + l.Duration})
	}
	body, err := json.Marshal(map[string]any{"calls": calls})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sandboxURL+"/_sandbox/past", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("tell the sandbox of past calls: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("tell the sandbox of past calls: it answers %s", answer.Status)
	}
	return nil
}
