package hooks

import (
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

func TestLoadKeys_are_the_same_after_a_restart_and_different_for_each_purpose(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadKeys(providers.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKeys(providers.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Made == "" || again.Made != "" {
		t.Errorf("got made %q and %q, want only the first start to make a key", first.Made, again.Made)
	}
	if first.Settings != again.Settings || first.Webhook != again.Webhook || string(first.Master) != string(again.Master) {
		t.Error("a restart changed the keys")
	}
	if len(first.Settings) != 32 || len(first.Webhook) != 32 || first.Settings == first.Webhook {
		t.Errorf("got %d and %d characters, want two different keys of 32", len(first.Settings), len(first.Webhook))
	}
	other, err := LoadKeys(providers.Config{Key: strings.Repeat("ab", 32)}, t.TempDir())
	if err != nil || other.Webhook == first.Webhook || other.Made != "" {
		t.Errorf("got %v and %v, want another master key to give other keys", other, err)
	}
}

func TestHMAC_is_off_without_a_secret_and_asks_for_the_time_when_it_is_signed(t *testing.T) {
	if got := hmacOf(providers.HMAC{Header: "x-signature", Format: "{body}"}); len(got.Secrets) != 0 {
		t.Errorf("got %v, want no secret", got.Secrets)
	}
	for format, without := range map[string]bool{"{timestamp}.{body}": false, "{body}": true} {
		got := hmacOf(providers.HMAC{Secret: "s", Format: format})
		if len(got.Secrets) != 1 || got.NoTimestamp != without || got.PayloadFormat != format {
			t.Errorf("%s: got %+v, want NoTimestamp %v", format, got, without)
		}
	}
}

func TestAccess_follows_the_membership(t *testing.T) {
	app := testkit.New(t, func(app core.App) { tenant.Register(app, tenant.AnswerLimits{}) })
	for _, c := range []struct {
		email, organization string
		follow, hear        bool
	}{
		{testkit.AcmeOwner, testkit.Acme, true, true},
		{testkit.AcmeOwner, testkit.Bolt, false, false},
		{testkit.AcmeTrainee, testkit.Acme, true, false},
		{testkit.AcmeSuspended, testkit.Acme, false, false},
		{testkit.Nobody, testkit.Acme, false, false},
		{testkit.Sam, testkit.Bolt, true, true},
		{testkit.Superuser, testkit.Void, true, true},
	} {
		collection := collections.Users
		if c.email == testkit.Superuser {
			collection = "_superusers"
		}
		user, err := app.FindAuthRecordByEmail(collection, c.email)
		if err != nil {
			t.Fatal(err)
		}
		a := access{app}
		if follow, hear := a.MayFollow(user, c.organization), a.MayHear(user, c.organization); follow != c.follow ||
			hear != c.hear {
			t.Errorf("%s at %s: got follow %v and hear %v, want %v and %v", c.email, c.organization, follow,
				hear, c.follow, c.hear)
		}
	}
}

func TestSandbox_copies_are_owed_again_at_the_start_and_nothing_else_changes(t *testing.T) {
	app := testkit.New(t)
	set := func(id, status, hash string) {
		_, err := app.NonconcurrentDB().NewQuery("UPDATE assistants SET sync_status = '" + status + "', sync_hash = '" +
			hash + "' WHERE id = '" + id + "'").Execute()
		if err != nil {
			t.Fatal(err)
		}
	}
	set(testkit.AcmeAssistant, collections.SyncSynced, "sent")
	set(testkit.BoltAssistant, collections.SyncDeleting, "sent")
	bindSandbox(app, schedule.New(app))
	testkit.Mux(t, app)
	for id, want := range map[string][2]string{
		testkit.AcmeAssistant: {collections.SyncPending, ""},
		testkit.BoltAssistant: {collections.SyncDeleting, "sent"},
	} {
		r, err := app.FindRecordById(collections.Assistants, id)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{r.GetString("sync_status"), r.GetString("sync_hash")}; got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
		if r.GetString("vapi_assistant_id") == "" && id == testkit.AcmeAssistant {
			t.Error("the provider's id was forgotten; with it the copy is changed instead of made twice")
		}
	}
}
