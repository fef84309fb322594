package calls

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/providers/vapi"
)

// fetchKind is the promise to copy a recording home.
const fetchKind = "recordings.fetch"

var errTooLarge = fmt.Errorf("the recording is larger than %d MB", collections.RecordingMax>>20)

type fetchPayload struct {
	Recording string `json:"recording"`
}

// fetchRecording keeps the promise: it copies the sound from the provider, whose
// own copy expires, and computes what the player draws.
func (e *engine) fetchRecording(ctx context.Context, row outbox.Row) error {
	var p fetchPayload
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	record, err := database.Found(e.app.FindRecordById(collections.Recordings, p.Recording))
	if err != nil || record == nil {
		return err // the call was deleted
	}
	if record.GetString("status") == collections.RecordingReady {
		return nil
	}
	call, err := database.Found(e.app.FindRecordById(collections.Calls, record.GetString("call")))
	if err != nil || call == nil {
		return err // deleted between the two reads
	}
	err = e.copyHome(ctx, call.GetString("vapi_call_id"), record)
	if err == nil {
		return nil
	}
	// What could not be kept must not be saved with the failure.
	record, unread := database.Found(e.app.FindRecordById(collections.Recordings, p.Recording))
	if unread != nil || record == nil {
		return unread // deleted while it was copied
	}
	return e.failRecording(record, row.Attempt, err)
}

// failRecording notes why a recording is not here, and gives it up when trying
// again cannot help.
func (e *engine) failRecording(record *core.Record, attempt int, err error) error {
	record.Set("status", collections.RecordingFailed)
	// Right after a call the provider may still be making what it says it does
	// not have.
	if vapi.IsNotFound(err) && attempt > 3 || errors.Is(err, errTooLarge) {
		record.Set("status", collections.RecordingGone)
		err = outbox.Dead(err)
	}
	record.Set("error", clip(err.Error(), 500))
	record.Set("attempts", attempt)
	record.IgnoreUnchangedFields(true)
	return errors.Join(err, e.app.Save(record))
}

func (e *engine) copyHome(ctx context.Context, vapiID string, record *core.Record) error {
	sound, err := e.Vapi.Calls.Recording(ctx, vapiID, record.GetString("kind"))
	if err != nil {
		return fmt.Errorf("fetch recording: %w", err)
	}
	defer sound.Body.Close()
	file, err := os.CreateTemp("", "pocketline-recording-*")
	if err != nil {
		return fmt.Errorf("fetch recording: %w", err)
	}
	defer os.Remove(file.Name())
	size, err := io.Copy(file, io.LimitReader(sound.Body, collections.RecordingMax+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("fetch recording: %w", err)
	}
	if size > collections.RecordingMax {
		return errTooLarge
	}
	kept, err := filesystem.NewFileFromPath(file.Name())
	if err != nil {
		return fmt.Errorf("keep recording: %w", err)
	}
	kept.OriginalName, kept.Name = "recording"+suffix(sound.ContentType), record.Id+suffix(sound.ContentType)
	if peaks, duration, err := peaksOf(file.Name()); err == nil {
		record.Set("peaks", peaks)
		record.Set("duration_ms", duration)
	} else if !errors.Is(err, errNotWAV) {
		e.app.Logger().Warn("recording without peaks", "error", err)
	}
	record.Set("file", kept)
	record.Set("status", collections.RecordingReady)
	record.Set("mime_type", sound.ContentType)
	record.Set("size_bytes", size)
	record.Set("error", "")
	record.IgnoreUnchangedFields(true)
	if err := e.app.SaveWithContext(ctx, record); err != nil {
		return fmt.Errorf("keep recording: %w", err)
	}
	// The call may have been deleted while its sound came: the file is here, and
	// nothing names it any more.
	if _, err := e.app.FindRecordById(collections.Recordings, record.Id); errors.Is(err, sql.ErrNoRows) {
		return e.dropSound(record)
	}
	e.Hub.Changed(record.GetString("organization"), collections.Calls, record.GetString("call"))
	return nil
}

func (e *engine) dropSound(record *core.Record) error {
	files, err := e.app.NewFilesystem()
	if err != nil {
		return fmt.Errorf("drop recording: %w", err)
	}
	defer files.Close()
	if failed := files.DeletePrefix(record.BaseFilesPath()); len(failed) > 0 {
		return fmt.Errorf("drop recording: %w", errors.Join(failed...))
	}
	return nil
}

func suffix(contentType string) string {
	if strings.Contains(contentType, "mpeg") || strings.Contains(contentType, "mp3") {
		return ".mp3"
	}
	return ".wav"
}

// fetchMissing owes again what was given up while the provider was away: rows
// that are neither here nor gone and have no open promise.
func (e *engine) fetchMissing(ctx context.Context, r *schedule.Run) error {
	tx := atomicOf(e.app)
	rows, err := tx.Query(`SELECT r.id, r.organization FROM recordings r WHERE r.status IN ('pending', 'failed')
		AND r.created > ? AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = ? || r.id AND o.status IN ('pending', 'running')) LIMIT 200`,
		types.NowDateTime().AddDate(0, 0, -30).String(), fetchKind+":")
	if err != nil {
		return err
	}
	defer rows.Close()
	var owed [][2]string
	for rows.Next() {
		var one [2]string
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			return err
		}
		owed = append(owed, one)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, one := range owed {
		if _, err := tx.Exec(`DELETE FROM outbox WHERE key = ? AND status IN ('done', 'dead')`, fetchKind+":"+one[0]); err != nil {
			return err
		}
		err := e.Outbox.Add(tx, outbox.Row{Organization: one[1], Kind: fetchKind, Key: fetchKind + ":" + one[0], Payload: fetchPayload{one[0]}})
		if err != nil {
			return err
		}
		r.Add(1)
	}
	e.Outbox.Nudge()
	return ctx.Err()
}

// serveRecording is GET /api/calls/{id}/recording: the sound, with range
// requests, to members who may view calls.
func (e *engine) serveRecording(re *core.RequestEvent) error {
	call, _, err := e.callOf(re)
	if err != nil {
		return err
	}
	record, err := e.app.FindFirstRecordByFilter(collections.Recordings, "call = {:call} && status = 'ready'", map[string]any{"call": call.Id})
	if err != nil {
		return re.NotFoundError("There is no recording of this call.", err)
	}
	files, err := e.app.NewFilesystem()
	if err != nil {
		return re.InternalServerError("The recording could not be opened.", err)
	}
	defer files.Close()
	header := re.Response.Header()
	header.Set("Cache-Control", "private, no-store")
	name := "call-" + call.Id + suffix(record.GetString("mime_type"))
	if err := files.Serve(re.Response, re.Request, record.BaseFilesPath()+"/"+record.GetString("file"), name); err != nil {
		return re.InternalServerError("The recording could not be read.", err)
	}
	return nil
}

// download sends a body as a file of the given name.
func download(re *core.RequestEvent, name, contentType string) {
	header := re.Response.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Cache-Control", "private, no-store")
	re.Response.WriteHeader(http.StatusOK)
}
