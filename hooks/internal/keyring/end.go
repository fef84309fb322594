package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Overlap is how long an earlier secret stays good at least: a call keeps the
// settings it began with, the longest has twelve hours, and what failed to
// arrive comes again later.
const Overlap = 24 * time.Hour

// Behind counts the copies of an organization that may not carry what they
// should (mirror.Mirror.Behind).
type Behind func(ctx context.Context, organization string) (int, error)

// State is where an organization's secret stands.
type State struct {
	// ChangedAt is when the secret was made; zero when there is none yet.
	ChangedAt time.Time
	// Earlier says that secrets from before are still good.
	Earlier bool
	// Installation says that the installation's derived secret is.
	Installation bool
}

// State tells where an organization's secret stands.
func (k *Keyring) State(provider, organization string) (State, error) {
	account, err := find(k.app, holder{provider, organization})
	if err != nil {
		return State{}, fmt.Errorf("keyring: %w", err)
	}
	return State{
		ChangedAt: account.GetDateTime(changedAt).Time(), Earlier: account.GetString(before) != "",
		Installation: account.GetBool(installation),
	}, nil
}

// Schedule adds the job secrets.end: earlier secrets end once no copy carries
// them any more.
func (k *Keyring) Schedule(s *schedule.Scheduler, behind Behind) {
	s.Add(schedule.Job{ID: "secrets.end", Spec: "41 * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		var waiting []*core.Record
		err := k.app.RecordQuery(collections.ProviderAccounts).
			AndWhere(dbx.NewExp("organization != '' AND (webhook_secret_before != '' OR installation_secret)")).All(&waiting)
		if err != nil {
			return err
		}
		var failures error
		for _, account := range waiting {
			if err := ctx.Err(); err != nil {
				return err
			}
			ended, err := k.end(ctx, account, behind)
			if err != nil {
				failures = errors.Join(failures, fmt.Errorf("organization %s: %w", account.GetString("organization"), err))
			}
			if ended {
				r.Add(1)
			}
		}
		return errors.Join(failures, k.dropDerived())
	}})
}

// end lets the earlier secrets of one account go when nothing needs them. What
// was asked of the copies holds for the secret the account had then: one that was
// made meanwhile has no copy yet, and the next run looks again.
func (k *Keyring) end(ctx context.Context, account *core.Record, behind Behind) (bool, error) {
	organization := account.GetString("organization")
	if account.GetDateTime(changedAt).IsZero() { // from before organizations had secrets
		_, err := k.Secret(account.GetString("provider"), organization)
		return false, err
	}
	if k.now().Sub(account.GetDateTime(changedAt).Time()) < Overlap {
		return false, nil
	}
	if n, err := behind(ctx, organization); err != nil || n > 0 {
		return false, err
	}
	ended := false
	err := k.app.RunInTransaction(func(tx core.App) error {
		now, err := tx.FindRecordById(account.Collection(), account.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // its organization is gone
		}
		if err != nil || now.GetString(current) != account.GetString(current) {
			return err
		}
		now.IgnoreUnchangedFields(true)
		now.Set(before, "")
		now.Set(installation, false)
		ended = true
		return tx.Save(now)
	})
	return ended && err == nil, err
}

// dropDerived forgets what was derived from replaced master keys once no
// organization has copies with it.
func (k *Keyring) dropDerived() error { return k.app.RunInTransaction(dropDerived) }

func dropDerived(tx core.App) error {
	var all []*core.Record
	err := tx.RecordQuery(collections.ProviderAccounts).AndWhere(dbx.NewExp(`organization = '' AND webhook_secret_before != ''
		AND NOT EXISTS (SELECT 1 FROM provider_accounts a WHERE a.provider = provider_accounts.provider AND a.installation_secret)`)).All(&all)
	if err != nil {
		return err
	}
	for _, account := range all {
		account.IgnoreUnchangedFields(true)
		account.Set(before, "")
		if err := tx.Save(account); err != nil {
			return err
		}
	}
	return nil
}

// KeepDerived keeps a secret that was derived from a master key that goes, when
// there are organizations with copies from before they had secrets: those still
// present it.
func (k *Keyring) KeepDerived(tx core.App, provider, secret string) error {
	leaving, err := tx.CountRecords(collections.ProviderAccounts, dbx.HashExp{"provider": provider, installation: true})
	if err != nil || leaving == 0 {
		return err
	}
	account, err := find(tx, holder{provider: provider})
	if err != nil {
		return err
	}
	if account.Id == "" {
		account.Id = core.GenerateDefaultRandomId()
	}
	text, err := k.box.Open(account.GetString(before), sealed.Place(account.Collection().Name, account.Id, before))
	if err != nil {
		return err
	}
	kept := strings.Fields(text)
	if !slices.Contains(kept, secret) {
		kept = slices.Insert(kept, 0, secret)
	}
	if err := k.keepBefore(account, kept); err != nil {
		return err
	}
	return tx.Save(account)
}
