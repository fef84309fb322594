package system

import (
	"net/http"
	"sync/atomic"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
)

// settled remembers that an account exists: from then on nobody asks again.
var settledKey = "pocketline.settled"

func settled(app core.App) *atomic.Bool {
	return app.Store().GetOrSet(settledKey, func() any { return new(atomic.Bool) }).(*atomic.Bool)
}

// setupNeeded tells whether nobody has an account yet.
func setupNeeded(app core.App) (bool, error) {
	if settled(app).Load() {
		return false, nil
	}
	n, err := app.CountRecords(collections.Users)
	if err != nil {
		return false, err
	}
	if n > 0 && !app.IsTransactional() {
		settled(app).Store(true)
	}
	return n == 0, nil
}

var deskRoute = facade.Route{
	Method: "GET", Path: "/api/desk", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "What this installation is.",
	Answer: `{"version": …, "sandbox": bool, "setup_needed": bool, "setup_code": bool, "public_url": …, ` +
		`"sign_up": "open"|"invite-only", "mail": bool, "operator": bool, "help_contact"? to who is signed in, ` +
		`"demo"?: {"email", "password"} of a demonstration with the sandbox}`,
}

// desk says what this installation is; the sign-in page asks before anybody is
// signed in. operator tells whether the caller looks after it.
func (s *system) desk(e *core.RequestEvent) error {
	needed, err := setupNeeded(e.App)
	if err != nil {
		return e.InternalServerError("", err)
	}
	url := s.PublicURL
	if url == "" {
		url = origin(e, "")
	}
	answer := map[string]any{
		"version": s.Version, "sandbox": s.SandboxURL != "", "setup_needed": needed, "setup_code": needed && needsCode(e),
		"public_url": url, "sign_up": s.SignUp, "mail": e.App.Settings().SMTP.Enabled,
		"operator": isOperator(e),
	}
	if e.Auth != nil && s.HelpContact != "" {
		answer["help_contact"] = s.HelpContact
	}
	if s.SandboxURL != "" {
		demo, err := database.Found(e.App.FindAuthRecordByEmail(collections.Users, s.DemoAccount.Email))
		if err != nil {
			return e.InternalServerError("", err)
		}
		if demo != nil {
			answer["demo"] = s.DemoAccount
		}
	}
	return e.JSON(http.StatusOK, answer)
}
