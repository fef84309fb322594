package keyring

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const derived = "derived-from-the-master-key"

func open(t *testing.T) (*Keyring, core.App) {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	app := testkit.New(t)
	return New(app, box,
		map[string]Installation{"vapi": {Given: []string{"", "given-by-the-operator"}, Derived: []string{derived}}}), app
}

func secretOf(t *testing.T, k *Keyring, organization string) string {
	t.Helper()
	secret, err := k.Secret("vapi", organization)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// speaks fails unless a secret speaks for exactly these organizations.
func speaks(t *testing.T, k *Keyring, what, secret string, organizations ...string) {
	t.Helper()
	p, err := k.Held("vapi", secret)
	if err != nil && (len(organizations) > 0 || !errors.Is(err, ErrUnknown)) {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, o := range []string{testkit.Acme, testkit.Bolt, testkit.Void} {
		if got, want := p.Covers(o), slices.Contains(organizations, o); got != want {
			t.Errorf("%s: speaks for %s: %v, want %v", what, o, got, want)
		}
	}
}

func rotate(t *testing.T, k *Keyring, organization string, atOnce bool) string {
	t.Helper()
	err := k.app.RunInTransaction(func(tx core.App) error {
		_, err := k.Rotate(tx, "vapi", organization, atOnce)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secretOf(t, k, organization)
}

func TestSecret_is_made_once_and_speaks_for_its_organization_alone(t *testing.T) {
	k, app := open(t)
	acme, bolt := secretOf(t, k, testkit.Acme), secretOf(t, k, testkit.Bolt)
	if acme == bolt || len(acme) < 40 || secretOf(t, k, testkit.Acme) != acme {
		t.Fatalf("got %q and %q, want two long ones that stay", acme, bolt)
	}
	other := New(app, k.box, nil)
	if secretOf(t, other, testkit.Acme) != acme {
		t.Error("the next start has another secret")
	}
	speaks(t, k, "Acme's", acme, testkit.Acme)
	speaks(t, k, "Bolt's", bolt, testkit.Bolt)
	speaks(t, k, "the operator's", "given-by-the-operator", testkit.Acme, testkit.Bolt, testkit.Void)
	for _, nobodys := range []string{"", "x", acme[:len(acme)-1], acme + "x", testkit.SealedValue} {
		speaks(t, k, "nobody's", nobodys)
	}
	if _, err := k.Held("twilio", acme); !errors.Is(err, ErrUnknown) {
		t.Errorf("at another provider's door: %v", err)
	}
	if p, _ := k.Held("vapi", acme); !p.Covers("") || p.Unlimited() || p.Organization() != testkit.Acme {
		t.Errorf("got %+v", p)
	}
	if _, err := k.Secret("vapi", ""); err == nil {
		t.Error("nobody's organization got a secret")
	}
	var n int
	err := app.DB().NewQuery("SELECT count(*) FROM provider_accounts WHERE webhook_secret LIKE '%" + acme +
		"%' OR webhook_secret NOT LIKE 'k%:%' AND webhook_secret != ''").Row(&n)
	if err != nil || n != 0 {
		t.Errorf("%d accounts hold a secret in clear (%v)", n, err)
	}
}

func TestRotate_keeps_the_earlier_ones_unless_they_are_known_to_others(t *testing.T) {
	k, _ := open(t)
	all := []string{secretOf(t, k, testkit.Acme)}
	for range keptBefore + 1 {
		all = append(all, rotate(t, k, testkit.Acme, false))
	}
	speaks(t, k, "the oldest", all[0])
	for _, s := range all[1:] {
		speaks(t, k, "a newer one", s, testkit.Acme)
	}
	if state, err := k.State("vapi", testkit.Acme); err != nil || !state.Earlier || state.ChangedAt.IsZero() {
		t.Errorf("got %+v, %v", state, err)
	}
	newest := rotate(t, k, testkit.Acme, true)
	for _, s := range all {
		speaks(t, k, "one that ended at once", s)
	}
	speaks(t, k, "the new one", newest, testkit.Acme)
}

func TestRotate_that_is_undone_changes_nothing(t *testing.T) {
	k, _ := open(t)
	secret := secretOf(t, k, testkit.Acme)
	undone := errors.New("undone")
	err := k.app.RunInTransaction(func(tx core.App) error {
		if _, err := k.Rotate(tx, "vapi", testkit.Acme, true); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) || secretOf(t, k, testkit.Acme) != secret {
		t.Errorf("got %v and another secret", err)
	}
	speaks(t, k, "the one that stayed", secret, testkit.Acme)
}

func TestEarlier_secrets_end_when_no_copy_needs_them(t *testing.T) {
	k, app := open(t)
	behind := 0
	jobs := schedule.New(app)
	k.Schedule(jobs, func(context.Context, string) (int, error) { return behind, nil })
	run := func() {
		t.Helper()
		if err := jobs.RunNow(t.Context(), "secrets.end"); err != nil {
			t.Fatal(err)
		}
	}
	before := secretOf(t, k, testkit.Acme)
	now := rotate(t, k, testkit.Acme, false)
	run()
	speaks(t, k, "within a day", before, testkit.Acme)
	k.now = func() time.Time { return time.Now().Add(Overlap + time.Hour) }
	behind = 1
	run()
	speaks(t, k, "a copy still has it", before, testkit.Acme)
	behind = 0
	run()
	speaks(t, k, "nothing needs it", before)
	speaks(t, k, "the new one", now, testkit.Acme)
}

func TestEarlier_secrets_stay_when_a_new_one_is_made_while_the_copies_are_asked(t *testing.T) {
	k, app := open(t)
	secretOf(t, k, testkit.Acme)
	carried := rotate(t, k, testkit.Acme, false)
	k.now = func() time.Time { return time.Now().Add(Overlap + time.Hour) }
	jobs := schedule.New(app)
	k.Schedule(jobs, func(_ context.Context, organization string) (int, error) {
		if organization == testkit.Acme {
			rotate(t, k, testkit.Acme, false)
		}
		return 0, nil
	})
	if err := jobs.RunNow(t.Context(), "secrets.end"); err != nil {
		t.Fatal(err)
	}
	speaks(t, k, "what every copy carries", carried, testkit.Acme)
}

// Yesterday's data directory: every copy presents what was derived from the
// master key.
func TestUpgrade_keeps_the_derived_secret_until_every_copy_was_told(t *testing.T) {
	k, app := open(t)
	exec := func(query string) {
		t.Helper()
		if _, err := app.NonconcurrentDB().NewQuery(query).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	exec("DELETE FROM provider_accounts WHERE organization = '" + testkit.Bolt + "'")
	exec("UPDATE phone_numbers SET sync_status = 'failed' WHERE id = '" + testkit.BoltNumber + "'")
	k.forget()
	speaks(t, k, "a new installation's", derived)

	for _, step := range core.AppMigrations.Items() {
		if strings.HasSuffix(step.File, "_copies_learn_their_secret.go") {
			if err := app.RunInTransaction(step.Up); err != nil {
				t.Fatal(err)
			}
		}
	}
	k.forget()
	speaks(t, k, "after the update", derived, testkit.Acme, testkit.Bolt, testkit.Void)
	for table, want := range map[string]int{"assistants": 3, "functions": 3, "phone_numbers": 2} {
		var n int
		if err := app.DB().NewQuery("SELECT count(*) FROM " + table + " WHERE sync_status = 'pending'").Row(&n); err != nil ||
			n != want {
			t.Errorf("%s: %d copies wait to be told, want %d (%v)", table, n, want, err)
		}
	}

	waiting := map[string]int{testkit.Bolt: 1}
	jobs := schedule.New(app)
	k.Schedule(jobs, func(_ context.Context, organization string) (int, error) { return waiting[organization], nil })
	for range 2 { // the first run makes the secrets
		if err := jobs.RunNow(t.Context(), "secrets.end"); err != nil {
			t.Fatal(err)
		}
	}
	speaks(t, k, "on the first day", derived, testkit.Acme, testkit.Bolt, testkit.Void)
	k.now = func() time.Time { return time.Now().Add(Overlap + time.Hour) }
	if err := jobs.RunNow(t.Context(), "secrets.end"); err != nil {
		t.Fatal(err)
	}
	speaks(t, k, "a day later", derived, testkit.Bolt)
	speaks(t, k, "its own", secretOf(t, k, testkit.Bolt), testkit.Bolt)
}

func TestDerived_secret_outlives_its_master_key_while_copies_have_it(t *testing.T) {
	k, app := open(t)
	leave := func(yes bool) {
		t.Helper()
		account, err := find(app, holder{"vapi", testkit.Acme})
		if err != nil {
			t.Fatal(err)
		}
		account.Set(installation, yes)
		if err := app.Save(account); err != nil {
			t.Fatal(err)
		}
	}
	leave(true)
	for _, old := range []string{"first", "second", "second"} {
		if err := k.KeepDerived(app, "vapi", old); err != nil {
			t.Fatal(err)
		}
	}
	speaks(t, k, "the first", "first", testkit.Acme)
	speaks(t, k, "the second", "second", testkit.Acme)
	leave(false)
	if err := k.dropDerived(); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"first", "second"} {
		if _, err := k.Held("vapi", old); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s is still held: %v", old, err)
		}
	}
	if _, err := app.FindFirstRecordByFilter(collections.ProviderAccounts, "organization = ''"); err != nil {
		t.Error(err)
	}
}
