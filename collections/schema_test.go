package collections_test

import (
	"encoding/json"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	_ "github.com/pocketline/pocketline/pb_migrations"
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
