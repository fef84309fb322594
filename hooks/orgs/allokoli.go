package orgs

import (
	"net/http"
	"slices"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// This file is the function `organization` of the French system: the entity of
// its reference (S-023 to S-025) and the three routes of its roadmap (S-173 to
// S-175).

const entity = `{"id", "name", "plan": "free"|"pro"|"enterprise", "created_at", "owner_id", "description", "webhook_url", "trusted_origins", "metadata", "limits", "usage_stats"}`

var entityFields = []facade.Field{
	{Name: "name", Column: "name", MinLength: 1, MaxLength: 100},
	{Name: "description", Column: "description", MaxLength: 500},
	{Name: "webhook_url", Column: "webhook_url", MaxLength: 2_000},
	{Name: "trusted_origins", Column: "trusted_origins", Kind: facade.List},
	{Name: "metadata", Column: "metadata", Kind: facade.Object},
}

var getEntityRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/organization", Auth: facade.Member, System: facade.AlloKoli, Item: "S-173",
	Summary: "The active organization. With shape=array, all organizations the caller belongs to, as the reference shows them.",
	Answer:  `{"success": true, "data": ` + entity + `}`,
}

const (
	entityPath   = "/functions/v1/organization"
	entityAnswer = `{"success": true, "data": ` + entity + `}`
	entityBody   = `{"name"?, "description"?, "webhook_url"?, "trusted_origins"?: [origin], "metadata"?: {…}}`
	entityErrors = "400 with reasons, 403 for who is neither owner nor admin"
)

// What that system's pages call beside what it documented.
var (
	currentEntityRoute = facade.Route{
		Method: "GET", Path: entityPath + "/current", Auth: facade.SignedIn, System: facade.AlloKoli,
		Summary: "The active organization.", Answer: entityAnswer,
	}
	oneEntityRoute = facade.Route{
		Method: "GET", Path: entityPath + "/{id}", Auth: facade.SignedIn, System: facade.AlloKoli,
		Summary: "One of the caller's organizations.", Answer: entityAnswer,
	}
	patchCurrentEntityRoute = facade.Route{
		Method: "PATCH", Path: entityPath + "/current", Auth: facade.SignedIn, System: facade.AlloKoli,
		Summary: "Changes it.", Body: entityBody, Answer: entityAnswer, Errors: entityErrors,
	}
	patchOneEntityRoute = facade.Route{
		Method: "PATCH", Path: entityPath + "/{id}", Auth: facade.SignedIn, System: facade.AlloKoli,
		Summary: "Changes it.", Body: entityBody, Answer: entityAnswer, Errors: entityErrors,
	}
)

var patchEntityRoute = facade.Route{
	Method: "PATCH", Path: entityPath, Auth: facade.Admin, System: facade.AlloKoli, Item: "S-174",
	Summary: "Changes the active organization.", Body: entityBody, Answer: entityAnswer, Errors: entityErrors,
}

// showEntity answers for the organization of the path, else the active one.
func showEntity(e *core.RequestEvent) error {
	t, err := theOrganization(e)
	if err != nil {
		return err
	}
	return answerEntity(e, t.Organization)
}

func entityLimits(e *core.RequestEvent) error {
	t, err := tenant.Require(e)
	if err != nil {
		return err
	}
	answer, err := limitsAnswer(e.App, t.Organization)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, facade.Functions(e, facade.Answer{Row: answer}))
}

var entityLimitsRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/organization/limits", Auth: facade.Member, System: facade.AlloKoli, Item: "S-175",
	Summary: "Limits and current use side by side; 0 is no limit.",
	Answer:  `{"data": {"plan", "limits": {"minutes", "numbers", "members", "assistants"}, "used": {…}}}`,
}

func getEntity(e *core.RequestEvent) error {
	t, err := tenant.Require(e)
	if err != nil {
		return err
	}
	row, err := entityOf(e.App, t.Organization)
	if err != nil {
		return err
	}
	answer := facade.Functions(e, facade.Answer{Row: row})
	if bare, ok := answer.(map[string]any); ok && bare["id"] != nil && t.User != nil {
		all := []map[string]any{}
		open, _ := tenant.Open(e)
		for _, id := range open {
			o := tenant.OrganizationOf(e.App, id)
			if o == nil {
				continue
			}
			row, err := entityOf(e.App, o)
			if err != nil {
				return err
			}
			all = append(all, row)
		}
		slices.SortFunc(all, func(a, b map[string]any) int { return compareText(a["name"], b["name"]) })
		answer = all
	}
	return facade.JSON(e, http.StatusOK, answer)
}

func compareText(a, b any) int {
	x, _ := a.(string)
	y, _ := b.(string)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// theOrganization is the one of the path, else the active one.
func theOrganization(e *core.RequestEvent) (*tenant.Tenant, error) {
	if id := e.Request.PathValue("id"); id != "" {
		return tenant.In(e, id)
	}
	return tenant.Require(e)
}

func answerEntity(e *core.RequestEvent, o *core.Record) error {
	row, err := entityOf(e.App, o)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, facade.Functions(e, facade.Answer{Row: row}))
}

func (d *domain) patchEntity(e *core.RequestEvent) error {
	t, err := theOrganization(e)
	if err != nil {
		return err
	}
	if !t.Is(collections.Owner, collections.Admin) {
		return refusal.Of("forbidden/role")
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, err := facade.Read(entityFields, body, false)
	if err != nil {
		return err
	}
	in, err := d.Facade.Do(e, http.MethodPatch, "/api/collections/"+collections.Organizations+"/records/"+t.ID(),
		nil, columns)
	if err != nil {
		return err
	}
	if err := in.Err(); err != nil {
		return err
	}
	o, err := e.App.FindRecordById(collections.Organizations, t.ID())
	if err != nil {
		return err
	}
	return answerEntity(e, o)
}

func entityOf(app core.App, o *core.Record) (map[string]any, error) {
	limits, err := limitsAnswer(app, o)
	if err != nil {
		return nil, err
	}
	var owner any
	for _, m := range ownersOf(app, o.Id) {
		owner = m
		break
	}
	return map[string]any{
		"id": o.Id, "name": o.GetString("name"), "plan": o.GetString("plan"), "created_at": rows.Said(o.GetString("created")),
		"owner_id":    owner,
		"description": o.GetString("description"), "webhook_url": o.GetString("webhook_url"),
		"trusted_origins": o.Get("trusted_origins"),
		"metadata":        o.Get("metadata"), "limits": limits["limits"], "usage_stats": limits["used"],
	}, nil
}

// ownersOf are the people who own an organization, the first one first.
func ownersOf(app core.App, organization string) []string {
	var ids []string
	err := app.DB().Select("user").From(collections.Memberships).
		Where(dbx.HashExp{"organization": organization, "role": collections.Owner, "status": collections.MembershipActive}).
		OrderBy("created", "id").Column(&ids)
	if err != nil {
		app.Logger().Error("owners could not be read", "organization", organization, "error", err)
	}
	return ids
}
