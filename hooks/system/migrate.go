package system

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
)

// The documented routes about the database's own steps run the steps that are built in,
// never a caller's statements.

var stepsRoute = facade.Route{
	Method: "GET", Path: "/api/admin/migrate", Auth: facade.Superuser, System: facade.CoreComm, Item: "S-336",
	Summary: "Which of the built-in steps of the database have been applied.",
	Answer:  `{"applied": [names], "pending": [names], "up_to_date": bool}`,
	Errors:  "403 for all but the operator",
}

func showSteps(e *core.RequestEvent) error {
	state, err := stepsOf(e.App)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, state)
}

var migrateRoute = facade.Route{
	Method: "POST", Path: "/api/admin/migrate", Auth: facade.Superuser, System: facade.CoreComm, Item: "S-337",
	Summary: "Applies the built-in steps that are pending. A body is not read.",
	Answer:  `{"ran": [names], "applied", "pending", "up_to_date"}`,
	Errors:  "403 for all but the operator",
}

func migrate(e *core.RequestEvent) error {
	before, err := stepsOf(e.App)
	if err != nil {
		return err
	}
	if len(before.Pending) > 0 {
		if err := e.App.RunAllMigrations(); err != nil {
			return fmt.Errorf("apply steps: %w", err)
		}
	}
	after, err := stepsOf(e.App)
	if err != nil {
		return err
	}
	if err := audit.Add(e.App, audit.Entry{Actor: audit.ActorOf(e), Action: "system.migrate",
		Details: map[string]any{"ran": before.Pending}}); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{
		"ran": before.Pending, "applied": after.Applied, "pending": after.Pending, "up_to_date": after.UpToDate,
	})
}

type steps struct {
	Applied  []string `json:"applied"`
	Pending  []string `json:"pending"`
	UpToDate bool     `json:"up_to_date"`
}

// stepsOf compares what is built in with what the database says was applied.
func stepsOf(app core.App) (steps, error) {
	var names []string
	if err := app.DB().NewQuery("SELECT file FROM _migrations ORDER BY file").Column(&names); err != nil {
		return steps{}, fmt.Errorf("applied steps: %w", err)
	}
	s := steps{Applied: names, Pending: []string{}}
	for _, m := range core.AppMigrations.Items() {
		if !slices.Contains(names, m.File) {
			s.Pending = append(s.Pending, m.File)
		}
	}
	s.UpToDate = len(s.Pending) == 0
	return s, nil
}
