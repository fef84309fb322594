package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

var (
	keysBefore = sealed.Keys{Key: bytes.Repeat([]byte{7}, sealed.KeySize)}
	keysNow    = sealed.Keys{Key: bytes.Repeat([]byte{8}, sealed.KeySize)}
	keysBoth   = sealed.Keys{Key: keysNow.Key, Before: keysBefore.Key}
)

func boxOf(t *testing.T, k sealed.Keys) *sealed.Box {
	t.Helper()
	box, err := k.Box()
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// vault is a database with a secret of every kind, many of one.
type vault struct {
	core.App
	t      *testing.T
	places map[string]string // place → SQL that reads it
}

func newVault(t *testing.T) *vault {
	v := &vault{App: quiet(t), t: t, places: map[string]string{}}
	box := boxOf(t, keysBefore)
	seal := func(place string) string {
		text, err := box.Seal("secret of "+place, place)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if !f.GetHidden() || !slices.Contains(collections.Secrets, f.GetName()) {
				continue
			}
			ids := v.column("SELECT id FROM " + c.Name)
			if len(ids) == 0 {
				t.Fatalf("no row of %s", c.Name)
			}
			for _, id := range ids {
				place := sealed.Place(c.Name, id, f.GetName())
				where := fmt.Sprintf(" FROM %s WHERE id = '%s'", c.Name, id)
				v.exec(fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE id = '%s'", c.Name, f.GetName(), seal(place), id))
				v.places[place] = "SELECT " + f.GetName() + where
			}
		}
	}
	for n := range 250 { // more than two batches
		key := fmt.Sprintf("unread:%d", n)
		place := sealed.Place(collections.ProviderEvents, key, "payload")
		v.exec(fmt.Sprintf(`INSERT INTO provider_events (id, provider, event_key, type, status, payload)
			VALUES ('unread%09d', 'vapi', '%s', 'unread', 'parked', '%s')`, n, key, seal(place)))
		v.places[place] = "SELECT payload FROM provider_events WHERE event_key = '" + key + "'"
	}
	place := sealed.Place(collections.Invitations, "invitation00000", "mail.invite")
	v.exec(`INSERT INTO outbox (id, kind, key, payload, status)
		VALUES ('owed00000000000', 'mail.invite', 'k', '{"invitation":"invitation00000","token":"` + seal(place) + `"}', 'pending')`)
	erased := sealed.Place(collections.PrivacyRequests, "request00000000", "privacy.erase")
	v.exec(`INSERT INTO outbox (id, kind, key, payload, status) VALUES ('owed00000000002', 'privacy.erase', 'e',
		'{"request":"request00000000","caller":"` + seal(erased) + `"}', 'pending')`)
	v.places[erased] = "SELECT json_extract(payload, '$.caller') FROM outbox WHERE key = 'e'"
	v.exec(`INSERT INTO outbox (id, kind, key, payload, status) VALUES ('owed00000000001', 'other', 'o', '', 'pending')`)
	v.places[place] = "SELECT json_extract(payload, '$.token') FROM outbox WHERE key = 'k'"
	place = sealed.Place("_params", sealed.ErasedCallers, "value")
	v.exec("INSERT INTO _params (id, value) VALUES ('" + sealed.ErasedCallers + "', '" + seal(place) + "')")
	v.places[place] = "SELECT value FROM _params WHERE id = '" + sealed.ErasedCallers + "'"
	return v
}

// held are the values inside others, as the product's mechanisms name them.
func (v *vault) held() []sealed.Values {
	o := outbox.New(v)
	nothing := func(context.Context, outbox.Row) error { return nil }
	o.Handle("mail.invite", outbox.Kind{}.Seals(
		outbox.Sealed{Field: "token", Collection: collections.Invitations, Row: "invitation"}), nothing)
	o.Handle("privacy.erase", outbox.Kind{}.Seals(
		outbox.Sealed{Field: "caller", Collection: collections.PrivacyRequests, Row: "request"}), nothing)
	o.Handle("other", outbox.Kind{}, nothing)
	return append(o.Sealed(), inbox.Sealed())
}

func (v *vault) exec(query string) {
	v.t.Helper()
	if _, err := v.NonconcurrentDB().NewQuery(query).Execute(); err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
}

func (v *vault) column(query string) (all []string) {
	v.t.Helper()
	if err := v.DB().NewQuery(query).Column(&all); err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
	return all
}

// opens fails for every secret that does not open with these keys.
func (v *vault) opens(what string, k sealed.Keys) {
	v.t.Helper()
	box := boxOf(v.t, k)
	for place, query := range v.places {
		for _, text := range v.column(query) {
			if plain, err := box.Open(text, place); err != nil || plain != "secret of "+place {
				v.t.Errorf("%s: %s is %q, %v", what, place, plain, err)
			}
		}
	}
}

var aSeal = regexp.MustCompile(`k1:[A-Za-z0-9_-]{38,}`)

// seals are all that stand anywhere in the database, known to the code or not.
func (v *vault) seals() (all []string) {
	v.t.Helper()
	for _, table := range v.column("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'") {
		for _, c := range v.column("SELECT name FROM pragma_table_info('" + table + "')") {
			for _, text := range v.column(fmt.Sprintf("SELECT [%s] FROM [%s] WHERE instr(CAST([%s] AS TEXT), 'k1:')",
				c, table, c)) {
				all = append(all, aSeal.FindAllString(text, -1)...)
			}
		}
	}
	return all
}

func TestReseal_stopped_anywhere_leaves_every_secret_readable_and_goes_on(t *testing.T) {
	v := newVault(t)
	first := v.seals()
	if len(first) != len(v.places) {
		t.Fatalf("%d seals are in the database, the test knows of %d", len(first), len(v.places))
	}
	stopped := errors.New("stopped")
	stops := 0
	for {
		err := sealed.Reseal(v, keysBoth, v.held(), func(string, int) error { return stopped })
		v.opens("in the middle", keysBoth)
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, stopped) || stops > len(v.places) {
			t.Fatalf("stop %d: %v", stops, err)
		}
	}
	if stops < 5 {
		t.Errorf("stopped %d times, want once in each batch", stops)
	}
	v.opens("with the new key alone", keysNow)
	for _, text := range v.seals() {
		if slices.Contains(first, text) {
			t.Errorf("an old seal is left: %s", text)
		}
	}
	done := v.seals()
	if err := sealed.Reseal(v, keysBoth, v.held(),
		func(kind string, n int) error { return fmt.Errorf("%d of %s", n, kind) }); err != nil {
		t.Errorf("the second time something was left to do: %v", err)
	}
	if again := v.seals(); !slices.Equal(again, done) {
		t.Error("what was done is done again")
	}
}

func TestReseal_names_what_opens_with_neither_key_and_does_the_rest(t *testing.T) {
	v := newVault(t)
	broken := sealed.Place(collections.Functions, testkit.AcmeFunction, "headers")
	v.exec("UPDATE functions SET headers = '" + testkit.SealedValue + "' WHERE id = '" + testkit.AcmeFunction + "'")
	delete(v.places, broken)
	quietly := func(string, int) error { return nil }
	err := sealed.Reseal(v, keysBoth, v.held(), quietly)
	if err == nil || !strings.Contains(err.Error(), broken) || !strings.Contains(err.Error(), "1 stored secrets") ||
		strings.Contains(err.Error(), testkit.SealedValue) {
		t.Errorf("got %v, want %s named and its value not", err, broken)
	}
	v.opens("the rest", keysNow)
	if got := v.column("SELECT headers FROM functions WHERE id = '" + testkit.AcmeFunction +
		"'"); got[0] != testkit.SealedValue {
		t.Errorf("what does not open became %q", got[0])
	}
	v.exec("UPDATE functions SET headers = '' WHERE id = '" + testkit.AcmeFunction + "'")
	if err := sealed.Reseal(v, keysBoth, v.held(), quietly); err != nil {
		t.Error(err)
	}
	wrong := sealed.Keys{Key: bytes.Repeat([]byte{9}, sealed.KeySize), Before: bytes.Repeat([]byte{10}, sealed.KeySize)}
	if err := sealed.Reseal(v, wrong, v.held(), quietly); err == nil || !strings.Contains(err.Error(), "open with neither key") {
		t.Errorf("two wrong keys: %v", err)
	}
	v.opens("after two wrong keys", keysNow)
}

// What people write may look like a seal: it is none, and stops nothing.
func TestSecrets_are_never_what_people_wrote(t *testing.T) {
	v := newVault(t)
	looks := "k1:" + strings.Repeat("A", 60)
	v.exec("UPDATE memberships SET notes = '" + looks + "'")
	v.exec("UPDATE contacts SET notes = '" + looks + "'")
	if err := sealed.Check(v, boxOf(t, keysBefore)); err != nil {
		t.Errorf("the start is refused: %v", err)
	}
	if err := sealed.Reseal(v, keysBoth, v.held(), func(string, int) error { return nil }); err != nil {
		t.Error(err)
	}
	for _, table := range []string{"memberships", "contacts"} {
		if got := v.column("SELECT DISTINCT notes FROM " + table); len(got) != 1 || got[0] != looks {
			t.Errorf("the notes of %s are now %q", table, got)
		}
	}
}
