// Package sound keeps the recordings of calls: it copies them home from the provider,
// whose own copies expire, draws what the player shows, and serves them.
package sound

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/providers/vapi"
)

// fetchKind is the promise to copy a recording home.
const fetchKind = "recordings.fetch"

// Deps are what recordings need.
type Deps struct {
	Vapi     *vapi.Client
	Hub      *live.Hub
	Outbox   *outbox.Outbox
	Schedule *schedule.Scheduler
	Facade   *facade.Facade
}

// Sound copies and serves recordings.
type Sound struct {
	Deps
	app core.App
}

// Register binds the route, the promise and the job.
func Register(app core.App, d Deps) *Sound {
	s := &Sound{Deps: d, app: app}
	d.Facade.Handle(facade.Route{
		Method: "GET", Path: "/api/calls/{id}/recording", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "The recording, with range requests.", Answer: "audio/wav or audio/mpeg",
		Errors: "403 the person may not view calls · 404 there is none (yet)",
	}, s.serve)
	d.Outbox.Handle(fetchKind, outbox.Kind{Provider: collections.ProviderVapi}, s.fetch)
	d.Schedule.Add(schedule.Job{ID: "recordings.fetch", Spec: "5-59/10 * * * *", Run: s.fetchMissing})
	return s
}

var errTooLarge = fmt.Errorf("the recording is larger than %d MB", collections.RecordingMax>>20)

type fetchPayload struct {
	Recording string `json:"recording"`
}

// fetch keeps the promise: it copies the sound from the provider, whose
// own copy expires, and computes what the player draws.
func (s *Sound) fetch(ctx context.Context, row outbox.Row) error {
	var p fetchPayload
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	record, err := database.Found(s.app.FindRecordById(collections.Recordings, p.Recording))
	if err != nil || record == nil {
		return err // the call was deleted
	}
	if record.GetString("status") == collections.RecordingReady {
		return nil
	}
	call, err := database.Found(s.app.FindRecordById(collections.Calls, record.GetString("call")))
	if err != nil || call == nil {
		return err // deleted between the two reads
	}
	err = s.copyHome(ctx, table.SourceOf(call).ID, record)
	if err == nil {
		return nil
	}
	// What could not be kept must not be saved with the failure.
	record, unread := database.Found(s.app.FindRecordById(collections.Recordings, p.Recording))
	if unread != nil || record == nil {
		return unread // deleted while it was copied
	}
	return s.fail(record, row.Attempt, err)
}

// fail notes why a recording is not here, and gives it up when trying
// again cannot help.
func (s *Sound) fail(record *core.Record, attempt int, err error) error {
	record.Set("status", collections.RecordingFailed)
	// Right after a call the provider may still be making what it says it does
	// not have.
	if vapi.IsNotFound(err) && attempt > 3 || errors.Is(err, errTooLarge) {
		record.Set("status", collections.RecordingGone)
		err = outbox.Dead(err)
	}
	record.Set("error", rows.Clip(err.Error(), 500))
	record.Set("attempts", attempt)
	record.IgnoreUnchangedFields(true)
	return errors.Join(err, s.app.Save(record))
}

func (s *Sound) copyHome(ctx context.Context, vapiID string, record *core.Record) error {
	sound, err := s.Vapi.Calls.Recording(ctx, vapiID, record.GetString("kind"))
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
		s.app.Logger().Warn("recording without peaks", "error", err)
	}
	record.Set("file", kept)
	record.Set("status", collections.RecordingReady)
	record.Set("mime_type", sound.ContentType)
	record.Set("size_bytes", size)
	record.Set("error", "")
	record.IgnoreUnchangedFields(true)
	if err := s.app.SaveWithContext(ctx, record); err != nil {
		return fmt.Errorf("keep recording: %w", err)
	}
	// The call may have been deleted while its sound came: the file is here, and
	// nothing names it any more.
	if _, err := s.app.FindRecordById(collections.Recordings, record.Id); errors.Is(err, sql.ErrNoRows) {
		return s.drop(record)
	}
	s.Hub.Changed(record.GetString("organization"), collections.Calls, record.GetString("call"))
	return nil
}

func (s *Sound) drop(record *core.Record) error {
	files, err := s.app.NewFilesystem()
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
func (s *Sound) fetchMissing(ctx context.Context, r *schedule.Run) error {
	var missing []struct{ ID, Organization string }
	err := s.app.DB().NewQuery(`SELECT id, organization FROM recordings WHERE status IN ('pending', 'failed') AND created > {:since}`).
		Bind(dbx.Params{"since": rows.Stamp(r.Now().AddDate(0, 0, -30))}).WithContext(ctx).All(&missing)
	if err != nil {
		return err
	}
	for _, one := range missing {
		if err := ctx.Err(); err != nil {
			return err
		}
		owed, err := s.Outbox.Renew(atomic.Of(s.app), promiseFetch(one.Organization, one.ID))
		if err != nil {
			return err
		}
		if owed {
			r.Add(1)
		}
	}
	return nil
}

// Owe owes the copy of a recording: a row people see as pending and a
// promise the outbox keeps.
func (s *Sound) Owe(tx *inbox.Tx, c fold.Call, now time.Time) error {
	stamp := rows.Stamp(now)
	row := table.Recording{ID: collections.NewID(now), Kind: "stereo", Status: collections.RecordingPending,
		Next: fold.At(now)}
	result, err := tx.Exec(table.Recordings.Insert, table.Values(stamp, table.Owns(&c), row.Columns())...)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return s.Outbox.Add(tx, promiseFetch(c.Organization, row.ID))
}

// promiseFetch is the promise to copy a recording home.
func promiseFetch(organization, recording string) outbox.Row {
	return outbox.Row{Organization: organization, Kind: fetchKind, Key: fetchKind + ":" + recording,
		Payload: fetchPayload{recording}}
}

// serve is GET /api/calls/{id}/recording: the sound, with range
// requests, to members who may view calls.
func (s *Sound) serve(re *core.RequestEvent) error {
	call, _, err := lists.CallToView(s.app, re)
	if err != nil {
		return err
	}
	record, err := s.app.FindFirstRecordByFilter(collections.Recordings, "call = {:call} && status = 'ready'",
		map[string]any{"call": call.Id})
	if err != nil {
		return refusal.Of("not_found/recording").For(err)
	}
	files, err := s.app.NewFilesystem()
	if err != nil {
		return refusal.Of("internal/recording_opened").For(err)
	}
	defer files.Close()
	header := re.Response.Header()
	header.Set("Cache-Control", "private, no-store")
	name := "call-" + call.Id + suffix(record.GetString("mime_type"))
	if err := files.Serve(re.Response, re.Request, record.BaseFilesPath()+"/"+record.GetString("file"),
		name); errors.Is(err, filesystem.ErrNotFound) {
		s.app.Logger().Error("a recording's file is missing in the storage", "recording", record.Id)
		return refusal.Of("not_found/file").For(err)
	} else if err != nil {
		return refusal.Of("internal/recording").For(err)
	}
	return nil
}
