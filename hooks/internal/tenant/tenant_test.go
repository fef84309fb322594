package tenant_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// withWho adds a route that tells who the request acts as.
func withWho(app core.App) {
	tenant.Register(app, tenant.AnswerLimits{})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.GET("/who", func(e *core.RequestEvent) error {
			t, err := tenant.Of(e)
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, map[string]any{
				"organization": t.ID(), "role": t.Role(), "user": t.UserID(),
				"superuser": t.Superuser, "manage": t.Can(collections.CanManageAgents),
			})
		})
		se.Router.GET("/admins", func(e *core.RequestEvent) error {
			if _, err := tenant.Require(e, collections.Owner, collections.Admin); err != nil {
				return err
			}
			return e.NoContent(http.StatusNoContent)
		})
		return se.Next()
	})
}

type who struct {
	Organization, Role, User string
	Superuser, Manage        bool
}

func TestOf_picks_the_active_organization(t *testing.T) {
	server := serve(t, withWho)
	tests := []struct {
		name, person, query, header, cookie string
		status                              int
		organization, role                  string
		manage                              bool
	}{
		{"a guest is told to sign in", testkit.Guest, "", "", "", 401, "", "", false},
		{"somebody of another organization is told nothing", testkit.BoltOwner, "?companyId=" + testkit.Acme,
			"", "", 404, "", "", false},
		{"a suspended member does not belong", testkit.AcmeSuspended, "?organization=" + testkit.Acme, "",
			"", 404, "", "", false},
		{"a person without a membership", testkit.Nobody, "", "", "", 403, "", "", false},
		{"an organization that does not exist", testkit.AcmeOwner, "?organization=nothing", "", "", 404, "", "", false},
		{"the only one", testkit.AcmeViewer, "", "", "", 200, testkit.Acme, "viewer", false},
		{"a flag is a capability", testkit.AcmeManager, "", "", "", 200, testkit.Acme, "manager", true},
		{"an admin needs no flags", testkit.AcmeAdmin, "", "", "", 200, testkit.Acme, "admin", true},
		{"the last choice", testkit.Sam, "", "", "", 200, testkit.Bolt, "owner", true},
		{"the cookie before the last choice", testkit.Sam, "", "", testkit.Acme, 200, testkit.Acme, "viewer", false},
		{"a cookie that does not hold is passed over", testkit.Sam, "", "", testkit.Void, 200, testkit.Bolt, "owner", true},
		{"the header before the cookie", testkit.Sam, "", testkit.Acme, testkit.Bolt, 200, testkit.Acme, "viewer", false},
		{"the query before the header", testkit.Sam, "?companyId=" + testkit.Acme, testkit.Bolt, "", 200,
			testkit.Acme, "viewer", false},
		{"a foreign header is not passed over", testkit.Sam, "", testkit.Void, "", 404, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := map[string]string{}
			if tt.header != "" {
				header[tenant.Header] = tt.header
			}
			if tt.cookie != "" {
				header["Cookie"] = tenant.Cookie + "=" + tt.cookie
			}
			status, body := server.ask(t, tt.person, "GET", "/who"+tt.query, nil, header)
			var got who
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			if status != tt.status || got.Organization != tt.organization || got.Role != tt.role || got.Manage != tt.manage {
				t.Errorf("got %d %s, want %d %s as %s", status, body, tt.status, tt.organization, tt.role)
			}
		})
	}
}
