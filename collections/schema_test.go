package collections_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/pb_migrations"
)

// migrated is a bootstrapped app on an empty directory after all steps.
func migrated(t *testing.T) core.App {
	t.Helper()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.ClearBootstrap() })
	if err := app.RunAllMigrations(); err != nil {
		t.Fatal(err)
	}
	return app
}

func stored(t *testing.T, app core.App) []*core.Collection {
	t.Helper()
	list, err := app.FindAllCollections()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// save stores a new row.
func save(t *testing.T, app core.App, collection string, values map[string]any) *core.Record {
	t.Helper()
	c, err := app.FindCollectionByNameOrId(collection)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	for name, value := range values {
		r.Set(name, value)
	}
	if err := app.Save(r); err != nil {
		t.Fatalf("save %s: %v", collection, err)
	}
	return r
}

func TestSteps_produce_exactly_what_is_defined(t *testing.T) {
	step, err := collections.Pending(migrated(t))
	if err != nil {
		t.Fatal(err)
	}
	if !step.Empty() {
		raw, _ := json.MarshalIndent(step, "", "\t")
		t.Fatalf("the steps and collections.All() differ; run: go run . schema write <name>\nmissing step:\n%.4000s", raw)
	}
}

func TestSteps_close_the_users_PocketBase_opens(t *testing.T) {
	users, err := migrated(t).FindCollectionByNameOrId(collections.Users)
	if err != nil {
		t.Fatal(err)
	}
	if users.Id != "_pb_users_auth_" {
		t.Errorf("users have the id %s", users.Id)
	}
	if users.CreateRule != nil || users.DeleteRule != nil {
		t.Errorf("anybody can sign up or delete: %v, %v", users.CreateRule, users.DeleteRule)
	}
	if f := users.Fields.GetByName("avatar").(*core.FileField); !f.Protected ||
		slices.Contains(f.MimeTypes, "image/svg+xml") {
		t.Errorf("the avatar is still PocketBase's: %+v", f)
	}
	if f := users.Fields.GetByName("password").(*core.PasswordField); f.Min != collections.PasswordMin {
		t.Errorf("passwords of %d characters pass", f.Min)
	}
}

func TestExport_is_the_same_each_time_and_leaves_out_what_an_installation_sets(t *testing.T) {
	list := collections.All()
	users := list[slices.IndexFunc(list, func(c *core.Collection) bool { return c.Name == collections.Users })]
	users.OAuth2.Providers = []core.OAuth2ProviderConfig{{Name: "google", ClientId: "here", ClientSecret: "there"}}
	users.OAuth2.Enabled = true
	slices.Reverse(list)
	one, err := collections.Export(list)
	if err != nil {
		t.Fatal(err)
	}
	other, err := collections.Export(collections.All())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, other) {
		t.Error("the export depends on order or on the installation")
	}
	if users.AuthToken.Secret == "" || bytes.Contains(one, []byte(users.AuthToken.Secret)) {
		t.Error("the export holds a token secret")
	}
}

// changed is All() with one collection edited.
func changed(name string, edit func(c *core.Collection)) []*core.Collection {
	list := collections.All()
	for _, c := range list {
		if c.Name == name {
			edit(c)
		}
	}
	return list
}

func TestStep_renames_drops_and_adds_without_losing_rows(t *testing.T) {
	app := migrated(t)
	organization := save(t, app, collections.Organizations, map[string]any{"name": "Acme"})
	contact := save(t, app, collections.Contacts, map[string]any{
		"organization": organization.Id, "phone_number": "+12025550100", "name": "Cara", "notes": "likes rye",
		"email": "cara@acme.test",
	})
	defined := changed(collections.Contacts, func(c *core.Collection) {
		c.Fields.GetByName("notes").SetName("remarks") // keeps its id
		c.Fields.RemoveByName("email")
		c.Fields.Add(&core.TextField{Name: "nickname", Max: 50})
		c.DeleteRule = nil
	})
	defined = slices.DeleteFunc(defined, func(c *core.Collection) bool { return c.Name == collections.JobRuns })

	step, err := collections.Diff(stored(t, app), defined)
	if err != nil {
		t.Fatal(err)
	}
	if len(step.Collections) != 1 || step.Collections[0]["name"] != collections.Contacts {
		t.Errorf("the step changes %d collections, want contacts only", len(step.Collections))
	}
	if !slices.Equal(step.DropFields[collections.Contacts], []string{"email"}) ||
		!slices.Equal(step.DropCollections, []string{collections.JobRuns}) {
		t.Errorf("the step drops %v and %v", step.DropFields, step.DropCollections)
	}
	raw, err := json.Marshal(step)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.RunInTransaction(func(txApp core.App) error { return pb_migrations.Apply(txApp, raw) }); err != nil {
		t.Fatal(err)
	}
	left, err := collections.Diff(stored(t, app), defined)
	if err != nil || !left.Empty() {
		t.Errorf("after the step something is left to do: %+v (%v)", left, err)
	}
	after, err := app.FindRecordById(collections.Contacts, contact.Id)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.GetString("remarks"); got != "likes rye" {
		t.Errorf("the renamed field holds %q", got)
	}
	if c := after.Collection(); c.Fields.GetByName("email") != nil || c.Fields.GetByName("nickname") == nil {
		t.Error("fields were not dropped and added")
	}
	if app.HasTable(collections.JobRuns) {
		t.Error("the dropped collection's table is still there")
	}
}

func TestDiff_refuses_what_would_lose_data(t *testing.T) {
	database := collections.All()
	for name, edit := range map[string]func(c *core.Collection){
		"another type under the same name": func(c *core.Collection) {
			c.Fields.RemoveByName("notes")
			c.Fields.Add(&core.NumberField{Name: "notes"})
		},
		"another type under the same id": func(c *core.Collection) {
			id := c.Fields.GetByName("notes").GetId()
			c.Fields.RemoveByName("notes")
			c.Fields.Add(&core.NumberField{Name: "remarks", Id: id})
		},
	} {
		if step, err := collections.Diff(database, changed(collections.Contacts, edit)); err == nil {
			t.Errorf("%s: got %+v, want an error", name, step)
		}
	}
}

func TestDiff_leaves_collections_of_PocketBase_alone(t *testing.T) {
	step, err := collections.Diff(stored(t, migrated(t)), collections.All())
	if err != nil || len(step.DropCollections) > 0 {
		t.Errorf("got %v (%v), want nothing dropped", step.DropCollections, err)
	}
}

func TestPending_sees_a_changed_trigger_and_an_unknown_one(t *testing.T) {
	app := migrated(t)
	for _, sql := range []string{
		"DROP TRIGGER call_words_delete",
		"CREATE TRIGGER stranger AFTER DELETE ON calls BEGIN SELECT 1; END",
	} {
		if _, err := app.DB().NewQuery(sql).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	step, err := collections.Pending(app)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(step.DropSQL, []string{"DROP TRIGGER IF EXISTS stranger"}) || len(step.SQL) != 1 ||
		!strings.Contains(step.SQL[0], "call_words_delete") {
		t.Errorf("got %q and %q", step.DropSQL, step.SQL)
	}
}

func TestSearch_index_follows_reports(t *testing.T) {
	app := migrated(t)
	organization := save(t, app, collections.Organizations, map[string]any{"name": "Acme"})
	call := save(t, app, collections.Calls,
		map[string]any{"organization": organization.Id, "call_type": collections.Inbound})
	report := save(t, app, collections.CallReports, map[string]any{
		"organization": organization.Id, "call": call.Id, "position": 1, "transcript": "Une réservation, s'il vous plaît",
	})
	found := func(word string) (n int) {
		t.Helper()
		if err := app.DB().NewQuery("SELECT count(*) FROM call_words WHERE call_words MATCH {:q}").
			Bind(map[string]any{"q": word}).Row(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if found("reservation") != 1 || found("organization:"+organization.Id+" AND plait") != 1 {
		t.Error("the new report is not found with accents folded")
	}
	report.Set("transcript", "Something else")
	if err := app.Save(report); err != nil {
		t.Fatal(err)
	}
	if found("reservation") != 0 || found("something") != 1 {
		t.Error("the index did not follow the change")
	}
	if err := app.Delete(report); err != nil {
		t.Fatal(err)
	}
	if found("something") != 0 {
		t.Error("the deleted report is still found")
	}
}

// repository copies what Write needs of this repository.
func repository(t *testing.T) (root, newest string) {
	t.Helper()
	root = t.TempDir()
	steps, err := filepath.Glob("../pb_migrations/*.json")
	if err != nil || len(steps) == 0 {
		t.Fatalf("no steps (%v)", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "pb_migrations"), 0o755); err != nil {
		t.Fatal(err)
	}
	slices.Sort(steps)
	for _, name := range append(steps, "../pb_migrations/released.sha256") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "pb_migrations", filepath.Base(name)), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, filepath.Base(steps[len(steps)-1])
}

func TestWrite_the_newest_step_again_gives_the_same_bytes(t *testing.T) {
	root, newest := repository(t)
	name := strings.TrimSuffix(newest[11:], ".json")
	path, err := collections.Write(root, name)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(path) != newest {
		t.Fatalf("wrote %q, want %s", path, newest)
	}
	for _, file := range []string{newest, "released.sha256"} {
		got, err := os.ReadFile(filepath.Join(root, "pb_migrations", file))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("../pb_migrations", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the committed one", file)
		}
	}
}

func TestWrite_without_a_difference_writes_no_step(t *testing.T) {
	root, newest := repository(t)
	path, err := collections.Write(root, "nothing_new")
	if err != nil || path != "" {
		t.Errorf("got %q (%v), want no step", path, err)
	}
	if last, _ := repositorySteps(root); last != newest {
		t.Errorf("the newest step is %s, want %s", last, newest)
	}
	if _, err := os.Stat(filepath.Join(root, "docs/access.md")); err != nil {
		t.Errorf("generated files are not written: %v", err)
	}
}

func repositorySteps(root string) (string, error) {
	steps, err := filepath.Glob(filepath.Join(root, "pb_migrations/*.json"))
	if err != nil || len(steps) == 0 {
		return "", err
	}
	return filepath.Base(slices.Max(steps)), nil
}

func TestWrite_refuses_names_that_are_none_and_places_in_the_past(t *testing.T) {
	root, _ := repository(t)
	for _, name := range []string{"", "Add Sentiment", "../escape", "1000000000_before_all"} {
		if path, err := collections.Write(root, name); err == nil {
			t.Errorf("%q wrote %q, want an error", name, path)
		}
	}
}
