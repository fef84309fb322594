package orgs

import (
	"context"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

const (
	// purgeBatch is how many recordings are looked up at once.
	purgeBatch = 500
	// sessionsKept is how long a session that is over can still be seen.
	sessionsKept = 30 * 24 * time.Hour
	// ownerlessKept is how long messages of no known organization stay: what an
	// organization keeps that says nothing else.
	ownerlessKept = 90 * 24 * time.Hour
)

func (d *domain) retention() {
	d.Schedule.Add(schedule.Job{ID: "retention.purge", Spec: "17 2 * * *", Run: d.purge})
}

// purge removes, organization by organization, what is older than its settings
// allow. A legal hold keeps everything. What it did stands in job_runs and, per
// organization, in the audit log.
func (d *domain) purge(ctx context.Context, r *schedule.Run) error {
	rows, err := d.app.FindAllRecords(collections.Organizations)
	if err != nil {
		return err
	}
	for _, organization := range rows {
		settings, err := securityRow(d.app, organization.Id)
		if err != nil {
			return err
		}
		if settings.GetBool("legal_hold") {
			continue
		}
		done, err := d.purgeOrganization(ctx, organization.Id, settings)
		total := 0
		for _, n := range done {
			total += n
		}
		r.Add(total)
		if total > 0 {
			if noted := audit.Add(d.app, audit.Entry{
				Organization: organization.Id, Actor: audit.Actor{Type: audit.ActorSystem, Name: "retention.purge"}, Action: "retention.purge", Details: done,
			}); noted != nil {
				return noted
			}
		}
		if err != nil {
			return fmt.Errorf("organization %s: %w", organization.Id, err)
		}
	}
	n, err := atomic.Repeat(ctx, d.app, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE
		(ended_at != '' AND ended_at < ?) OR (expires_at != '' AND expires_at < ?) LIMIT ?)`,
		stamp(d.now().Add(-sessionsKept)), stamp(d.now().Add(-sessionsKept)))
	if r.Add(n); err != nil {
		return err
	}
	// Of no known organization: messages that wait for an owner who may come late,
	// and what the installation itself owed.
	n, err = inbox.Sweep(ctx, d.app, "", d.now().Add(-ownerlessKept))
	if r.Add(n); err != nil {
		return err
	}
	n, err = d.Outbox.Sweep(ctx, "", d.now().Add(-ownerlessKept))
	r.Add(n)
	return err
}

// purgeOrganization does the work of one organization and says how much of
// what it removed, also when it had to stop.
func (d *domain) purgeOrganization(ctx context.Context, organization string, settings *core.Record) (map[string]int, error) {
	done := map[string]int{}
	before := func(days int) string { return stamp(d.now().AddDate(0, 0, -days)) }
	days := func(name string) int { return settings.GetInt("keep_" + name + "_days") }
	// No single line outlives the transcript it is part of.
	lines := days("messages")
	if t := days("transcripts"); t > 0 && (lines == 0 || t < lines) {
		lines = t
	}
	var err error
	if n := days("recordings"); n > 0 {
		if done["recordings"], err = d.purgeRecordings(ctx, organization, before(n)); err != nil {
			return done, err
		}
	}
	// Calls of one organization before an instant, as the index has them.
	const old = `IN (SELECT id FROM calls WHERE organization = ? AND started_at < ?)`
	for _, step := range []struct {
		name, query string
		days        int
		args        []any
	}{
		{"transcripts", `UPDATE call_reports SET transcript = '', analysis = NULL, updated = ? WHERE id IN (SELECT id FROM call_reports WHERE call ` + old + ` AND transcript != '' LIMIT ?)`,
			days("transcripts"), []any{stamp(d.now())}},
		{"messages", `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE call ` + old + ` LIMIT ?)`, lines, nil},
		{"call_events", `DELETE FROM call_events WHERE id IN (SELECT id FROM call_events WHERE call ` + old + ` LIMIT ?)`, days("events"), nil},
	} {
		if step.days <= 0 {
			continue
		}
		if done[step.name], err = atomic.Repeat(ctx, d.app, step.query, append(step.args, organization, before(step.days))...); err != nil {
			return done, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if n := days("events"); n > 0 {
		before := d.now().AddDate(0, 0, -n)
		if done["provider_events"], err = inbox.Sweep(ctx, d.app, organization, before); err != nil {
			return done, fmt.Errorf("provider_events: %w", err)
		}
		if done["outbox"], err = d.Outbox.Sweep(ctx, organization, before); err != nil {
			return done, fmt.Errorf("outbox: %w", err)
		}
	}
	if n := atLeast(days("audit"), auditLeast+1); n > 0 {
		if done["audit_logs"], err = audit.Trim(ctx, d.app, organization, before(n)); err != nil {
			return done, fmt.Errorf("audit_logs: %w", err)
		}
	}
	for name, n := range done {
		if n == 0 {
			delete(done, name)
		}
	}
	return done, nil
}

// atLeast leaves 0, which is for ever.
func atLeast(n, least int) int {
	if n == 0 {
		return 0
	}
	return max(n, least)
}

// purgeRecordings removes sound files and says so on their rows, and owes the
// deletion of the provider's copy.
func (d *domain) purgeRecordings(ctx context.Context, organization, before string) (total int, err error) {
	for {
		var rows []*core.Record
		err := d.app.RecordQuery(collections.Recordings).
			InnerJoin(collections.Calls, dbx.NewExp("calls.id = recordings.call")).
			AndWhere(dbx.HashExp{"calls.organization": organization}).
			AndWhere(dbx.NewExp("calls.started_at < {:before} AND recordings.status != 'gone'", dbx.Params{"before": before})).
			Limit(purgeBatch).All(&rows)
		if err != nil || len(rows) == 0 {
			return total, err
		}
		for _, r := range rows {
			if err := ctx.Err(); err != nil {
				return total, err
			}
			if err := d.dropRecording(r); err != nil {
				return total, fmt.Errorf("recording %s: %w", r.Id, err)
			}
			total++
		}
	}
}

func (d *domain) dropRecording(r *core.Record) error {
	return d.app.RunInTransaction(func(tx core.App) error {
		call, err := tx.FindRecordById(collections.Calls, r.GetString("call"))
		if err != nil {
			return err
		}
		r.IgnoreUnchangedFields(true)
		r.Load(map[string]any{"file": nil, "status": collections.RecordingGone, "peaks": nil, "size_bytes": 0, "error": "", "next_at": ""})
		if err := tx.Save(r); err != nil {
			return err
		}
		if _, err := atomic.Of(tx).Exec(`UPDATE calls SET has_recording = FALSE, updated = ? WHERE id = ?`, stamp(d.now()), call.Id); err != nil {
			return err
		}
		id := call.GetString("vapi_call_id")
		if id == "" {
			return nil
		}
		// The same promise a deleted call makes (hooks/calls): made once.
		return d.Outbox.Add(atomic.Of(tx), outbox.Row{
			Organization: call.GetString("organization"), Kind: outbox.EraseCall, Key: outbox.EraseCall + ":" + id,
			Payload: map[string]string{"vapi_call_id": id},
		})
	})
}
