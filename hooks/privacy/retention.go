package privacy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
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

// purge removes, organization by organization, what is older than its settings
// allow. A legal hold keeps everything. What it did stands in job_runs and, per
// organization, in the audit log.
func (d *domain) purge(ctx context.Context, r *schedule.Run) error {
	found, err := d.app.FindAllRecords(collections.Organizations)
	if err != nil {
		return err
	}
	for _, organization := range found {
		settings, err := identity.SettingsRow(d.app, organization.Id)
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
				Organization: organization.Id, Actor: audit.Actor{Type: audit.ActorSystem, Name: "retention.purge"},
				Action: "retention.purge", Details: done,
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
		rows.Stamp(d.Now().Add(-sessionsKept)), rows.Stamp(d.Now().Add(-sessionsKept)))
	if r.Add(n); err != nil {
		return err
	}
	// Of no known organization: messages that wait for an owner who may come late,
	// and what the installation itself owed.
	n, err = inbox.Sweep(ctx, d.app, "", d.Now().Add(-ownerlessKept))
	if r.Add(n); err != nil {
		return err
	}
	n, err = d.Outbox.Sweep(ctx, "", d.Now().Add(-ownerlessKept))
	r.Add(n)
	return err
}

// sweep removes what an organization has had since before an instant, and counts it.
type sweep func(ctx context.Context, organization string, before time.Time) (int, error)

// sweeps are how rows of the collections go that declare how long they are Kept.
func (d *domain) sweeps() map[string]sweep {
	return map[string]sweep{
		collections.Recordings: func(ctx context.Context, organization string, before time.Time) (int, error) {
			return d.purgeRecordings(ctx, organization, rows.Stamp(before))
		},
		collections.CallReports: d.ofOldCalls(`UPDATE call_reports SET transcript = '', analysis = NULL, updated = ? WHERE id IN
			(SELECT id FROM call_reports WHERE call `+ofOldCalls+` AND transcript != '' LIMIT ?)`, rows.Stamp(d.Now())),
		collections.Messages: d.ofOldCalls(`DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE call ` +
			ofOldCalls + ` LIMIT ?)`),
		collections.CallEvents: d.ofOldCalls(`DELETE FROM call_events WHERE id IN (SELECT id FROM call_events WHERE call ` +
			ofOldCalls + ` LIMIT ?)`),
		collections.ProviderEvents: func(ctx context.Context, organization string, before time.Time) (int, error) {
			return inbox.Sweep(ctx, d.app, organization, before)
		},
		collections.Outbox: d.Outbox.Sweep,
		collections.AuditLogs: func(ctx context.Context, organization string, before time.Time) (int, error) {
			return audit.Trim(ctx, d.app, organization, rows.Stamp(before))
		},
	}
}

// ofOldCalls are calls of one organization before an instant, as the index has them.
const ofOldCalls = `IN (SELECT id FROM calls WHERE organization = ? AND started_at < ?)`

func (d *domain) ofOldCalls(query string, args ...any) sweep {
	return func(ctx context.Context, organization string, before time.Time) (int, error) {
		return atomic.Repeat(ctx, d.app, query, append(args, organization, rows.Stamp(before))...)
	}
}

// sweptAs are the words of the audit log for what goes of a collection's rows, where
// that is not the rows.
var sweptAs = map[string]string{collections.CallReports: "transcripts"}

// purgeOrganization does the work of one organization and says how much of
// what it removed, also when it had to stop.
func (d *domain) purgeOrganization(ctx context.Context, organization string, settings *core.Record) (map[string]int,
	error) {
	done, sweeps := map[string]int{}, d.sweeps()
	for _, c := range collections.All() {
		traits, _ := collections.TraitsOf(c.Name)
		if traits.Kept == "" {
			continue
		}
		days := daysKept(c.Name, settings.GetInt(traits.Kept), settings)
		if days <= 0 {
			continue // for ever
		}
		n, err := sweeps[c.Name](ctx, organization, d.Now().AddDate(0, 0, -days))
		if name := cmp.Or(sweptAs[c.Name], c.Name); n > 0 {
			done[name] = n
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return done, nil
}

// daysKept are the days rows of a collection stay; 0 is for ever.
func daysKept(collection string, days int, settings *core.Record) int {
	switch collection {
	case collections.Messages:
		// No single line outlives the transcript it is part of.
		reports, _ := collections.TraitsOf(collections.CallReports)
		if t := settings.GetInt(reports.Kept); t > 0 && (days == 0 || t < days) {
			return t
		}
	case collections.AuditLogs:
		return atLeast(days, collections.AuditLeast+1)
	}
	return days
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
		var found []*core.Record
		err := d.app.RecordQuery(collections.Recordings).
			InnerJoin(collections.Calls, dbx.NewExp("calls.id = recordings.call")).
			AndWhere(dbx.HashExp{"calls.organization": organization}).
			AndWhere(dbx.NewExp("calls.started_at < {:before} AND recordings.status != 'gone'", dbx.Params{"before": before})).
			Limit(purgeBatch).All(&found)
		if err != nil || len(found) == 0 {
			return total, err
		}
		for _, r := range found {
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
		r.Load(map[string]any{"file": nil, "status": collections.RecordingGone, "peaks": nil, "size_bytes": 0,
			"error": "", "next_at": ""})
		if err := tx.Save(r); err != nil {
			return err
		}
		if _, err := atomic.Of(tx).Exec(`UPDATE calls SET has_recording = FALSE, updated = ? WHERE id = ?`,
			rows.Stamp(d.Now()), call.Id); err != nil {
			return err
		}
		_, id := collections.SourceOfCall(call)
		if id == "" {
			return nil
		}
		// The same promise a deleted call makes (hooks/calls): made once.
		return d.Outbox.Add(atomic.Of(tx), vapicopy.Erase(call.GetString("organization"), id))
	})
}
