package onboarding

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// copyPatience is how long an answer waits for the assistant's copy at Vapi.
const copyPatience = 10 * time.Second

// createFields are the 26 documented fields of a new organization, and three
// the dashboard adds.
var createFields = []facade.Field{
	{Name: "companyName", Column: "name", Required: true, MaxLength: 100},
	{Name: "description", Column: "description", MaxLength: 500},
	{Name: "companySize", Column: "company_size", Required: true, OneOf: collections.CompanySizes},
	{Name: "industry", Column: "industry", Required: true, MaxLength: 100},
	{Name: "supportVolume", Column: "current_volume", MaxLength: 255},
	{Name: "currentSolution", Column: "current_solution", MaxLength: 255},
	{Name: "phoneNumber", MaxLength: 40},
	{Name: "phoneNumberSource", OneOf: []string{"twilio-new", "forward-existing", "twilio-user-managed"}},
	{Name: "regionPreference", MaxLength: 100},
	{Name: "businessHours", Kind: facade.Any},
	{Name: "customHours", Kind: facade.Object},
	{Name: "timezone", Column: "timezone", MaxLength: 64},
	{Name: "primaryGoals", Column: "primary_goals", Kind: facade.List},
	{Name: "expectedVolume", Column: "expected_volume", Kind: facade.Number, Max: 1e9},
	{Name: "successMetrics", Column: "success_metrics", MaxLength: 5_000},
	{Name: "integrationName", MaxLength: 100},
	{Name: "mcpEndpoint", MaxLength: 2_000},
	{Name: "knowledgeBase", MaxLength: 5_000},
	{Name: "assistantName", MinLength: 3, MaxLength: 100},
	{Name: "assistantDescription", MaxLength: 500},
	{Name: "assistantModel", MaxLength: 100},
	{Name: "assistantVoiceProvider", MaxLength: 40},
	{Name: "assistantVoiceId", MaxLength: 100},
	{Name: "assistantGreeting", MaxLength: 1_000},
	{Name: "assistantLanguage", MaxLength: 10},
	{Name: "assistantPersonality", MaxLength: 5_000},
	{Name: "language", Column: "language", OneOf: collections.Languages},
	{Name: "country", Column: "country", MaxLength: 2},
	{Name: "currency", Column: "currency", MaxLength: 3},
}

const createBody = `{"companyName", "companySize": "small"|"medium"|"large", "industry", "description"?, "supportVolume"?, "currentSolution"?, "phoneNumber"?,
 "phoneNumberSource"?: "twilio-new"|"forward-existing"|"twilio-user-managed", "regionPreference"?, "businessHours"?: "24/7"|"weekdays"|"custom"|{…}, "customHours"?: {"mon": "9-5", …},
 "timezone"?, "primaryGoals"?: […], "expectedVolume"?, "successMetrics"?, "integrationName"?, "mcpEndpoint"?, "knowledgeBase"?, "assistantName"?, "assistantDescription"?,
 "assistantModel"?, "assistantVoiceProvider"?, "assistantVoiceId"?, "assistantGreeting"?, "assistantLanguage"?, "assistantPersonality"?, "language"?, "country"?, "currency"?}`

func (d *domain) createOrganization(e *core.RequestEvent) error {
	c, err := d.create(e, false)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{
		"success": true,
		"company": map[string]any{
			"id": c.organization.Id, "name": c.organization.GetString("name"), "industry": c.organization.GetString("industry"),
			"onboarding_completed": true, "setup_steps_completed": c.done(),
		},
		"membership":            map[string]any{"role": collections.Owner, "is_default": c.first},
		"is_first_organization": c.first, "assistant": c.assistantAnswer(), "steps": c.steps,
	})
}

var createOrganizationRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/create", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-271",
	Summary: "Makes an organization with the caller as its owner, an empty wallet, a trial and, when assistantName is given, an assistant. Steps that are not done say why.",
	Body:    createBody,
	Answer: `{"success": true, "company": {"id", "name", "industry", "onboarding_completed", "setup_steps_completed": {"basics", "phone", "integration", "assistant", "goals"}},
			"membership": {"role": "owner", "is_default"}, "is_first_organization": bool, "assistant": {"id", "name", "vapiAssistantId"} or null, "steps": [{"step", "done", "reason"?}]}`,
	Errors: "400 with reasons, 403 when the person may not create more",
}

func (d *domain) onboard(e *core.RequestEvent) error {
	c, err := d.create(e, true)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusCreated, map[string]any{
		"success": true,
		"company": map[string]any{"id": c.organization.Id, "name": c.organization.GetString("name"),
			"memberKey": c.organization.GetString("member_key")},
		"assistant": c.assistantAnswer(), "steps": c.steps,
	})
}

var onboardRoute = facade.Route{
	Method: "POST", Path: "/api/onboarding", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-272",
	Summary: "The first organization of a person who has none, with its assistant.",
	Body:    createBody + ` with "assistantName"`,
	Answer:  `201 {"success": true, "company": {"id", "name", "memberKey"}, "assistant": {"id", "name", "vapiAssistantId": … or null while Vapi has not answered}, "steps": […]}`,
	Errors:  "400 with reasons, 409 for who belongs to an organization",
}

var createEntityRoute = facade.Route{
	Method: "POST", Path: "/functions/v1/organization", Auth: facade.SignedIn, System: facade.AlloKoli, Item: "S-023",
	Summary: "Makes an organization with the caller as its owner. It starts on the free plan; another one begins with its payment.",
	Body:    `{"name", "plan"?: "free"|"pro"|"enterprise", "description"?}`,
	Answer:  `201 {"success": true, "data": {…}} as GET of the same path`,
	Errors:  "400 with reasons, 403 when the person may not create more",
}

// creation is one organization in the making.
type creation struct {
	organization *core.Record
	assistant    *core.Record // nil when none was asked for
	first        bool
	steps        []step
}

// step is one part of the setup; a part that was not asked for is not listed.
type step struct {
	Step   string `json:"step"`
	Done   bool   `json:"done"`
	Reason string `json:"reason,omitempty"`
}

// done are the documented flags: a step nobody asked for is not done.
func (c *creation) done() map[string]bool {
	flags := map[string]bool{"basics": true, "phone": false, "integration": false, "assistant": false, "goals": false}
	for _, s := range c.steps {
		flags[s.Step] = s.Done
	}
	return flags
}

func (c *creation) assistantAnswer() any {
	if c.assistant == nil {
		return nil
	}
	var copied any
	if id := c.assistant.GetString("vapi_assistant_id"); id != "" {
		copied = id
	}
	return map[string]any{"id": c.assistant.Id, "name": c.assistant.GetString("name"), "vapiAssistantId": copied}
}

// create reads the documented body and makes the organization.
func (d *domain) create(e *core.RequestEvent, onboarding bool) (*creation, error) {
	body, err := facade.Body(e)
	if err != nil {
		return nil, err
	}
	fields := createFields
	if onboarding {
		fields = append([]facade.Field{{Name: "assistantName", Required: true}}, fields...)
	}
	columns, err := facade.Read(fields, body, true)
	if err != nil {
		return nil, err
	}
	plan, err := readWishes(body, columns)
	if err != nil {
		return nil, err
	}
	c, err := d.save(e, columns, plan, onboarding)
	if err != nil {
		return nil, worded(err, plan)
	}
	tenant.SetCookie(e, c.organization.Id, d.PublicURL)
	if c.assistant != nil && d.Wait != nil {
		ctx, cancel := context.WithTimeout(e.Request.Context(), copyPatience)
		defer cancel()
		if err := d.Wait(ctx, c.assistant); err != nil {
			// The row is stored and its copy is owed; the answer shows no id yet.
			e.App.Logger().Warn("answered before the provider agreed", "assistant", c.assistant.Id, "error", err)
		}
	}
	return c, nil
}

// save makes all rows of a new organization, or none.
func (d *domain) save(e *core.RequestEvent, columns map[string]any, w wishes, onboarding bool) (*creation, error) {
	if e.Auth.Collection().Name != collections.Users || e.Auth.GetBool("is_service") {
		return nil, refusal.Of("forbidden/person_organization")
	}
	c := &creation{steps: w.steps}
	err := e.App.RunInTransaction(func(tx core.App) (err error) {
		user := e.Auth.Id
		belongs, err := rows.Count(atomic.Of(tx), `SELECT count(*) FROM memberships WHERE user = ?`, user)
		if err != nil {
			return err
		}
		if onboarding && belongs > 0 {
			return refusal.Of("organization_already")
		}
		if err := d.mayCreate(tx, user); err != nil {
			return err
		}
		c.first = belongs == 0
		columns["created_by"], columns["onboarding_completed"], columns["setup_steps_completed"] = user, true, c.done()
		if c.organization, err = rows.Make(tx, collections.Organizations, columns); err != nil {
			return err
		}
		person, err := tx.FindRecordById(collections.Users, user)
		if err != nil {
			return err
		}
		if _, err := rows.Make(tx, collections.Memberships, ownership(c.organization, person, c.first)); err != nil {
			return fmt.Errorf("membership: %w", err)
		}
		person.Set("last_organization", c.organization.Id)
		person.Set("onboarding_completed", true)
		person.IgnoreUnchangedFields(true)
		if err := tx.SaveNoValidate(person); err != nil {
			return err
		}
		if w.assistant != nil {
			if c.assistant, err = rows.Make(tx, collections.Assistants, w.assistantOf(c.organization, user)); err != nil {
				return assistantError{err}
			}
		}
		return audit.Add(tx, audit.Entry{
			Organization: c.organization.Id, Actor: audit.ActorOf(e), Action: "organizations.create",
			Resource: collections.Organizations,
			Record:   c.organization.Id, Details: audit.Changes(c.organization, "create"),
		})
	})
	return c, err
}

// assistantError tells the reasons of the assistant from the organization's.
type assistantError struct{ error }

func (e assistantError) Unwrap() error { return e.error }

// mayCreate keeps one person from filling the installation.
func (d *domain) mayCreate(tx core.App, user string) error {
	if d.PerPerson <= 0 {
		return nil
	}
	n, err := rows.Count(atomic.Of(tx), `SELECT count(*) FROM organizations WHERE created_by = ?`, user)
	if err != nil {
		return err
	}
	if n >= d.PerPerson {
		return refusal.Of("organizations_used_up", n)
	}
	return nil
}

// ownership is the membership of the person who makes an organization.
func ownership(organization, person *core.Record, first bool) map[string]any {
	m := map[string]any{
		"organization": organization.Id, "user": person.Id, "role": collections.Owner, "status": collections.MembershipActive,
		"is_default": first,
		"full_name":  person.GetString("name"), "email": person.Email(), "phone_number": person.GetString("phone"),
		"timezone": organization.GetString("timezone"), "joined_at": types.NowDateTime(),
		"last_accessed_at": types.NowDateTime(),
	}
	for _, capability := range collections.Capabilities {
		m[capability] = true
	}
	return m
}

// worded gives the reasons of a failed save the documented names.
func worded(err error, w wishes) error {
	var found validation.Errors
	if !errors.As(err, &found) {
		return err
	}
	names := map[string]string{"business_hours": w.hoursField}
	for _, f := range createFields {
		if f.Column != "" {
			names[f.Column] = f.Name
		}
	}
	if errors.As(err, new(assistantError)) {
		names = assistantNames
	}
	reasons := map[string]string{}
	for column, reason := range found {
		name := names[column]
		if name == "" {
			name = column
		}
		reasons[name] = strings.TrimSuffix(reason.Error(), ".")
	}
	return refusal.Invalid(reasons)
}

// createEntity is POST /functions/v1/organization.
func (d *domain) createEntity(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, err := facade.Read([]facade.Field{
		{Name: "name", Column: "name", Required: true, MaxLength: 100}, {Name: "plan", OneOf: collections.Plans},
		{Name: "description", Column: "description", MaxLength: 500},
	}, body, true)
	if err != nil {
		return err
	}
	if wanted, _ := body["plan"].(string); wanted != "" && wanted != collections.Plans[0] {
		columns["metadata"] = map[string]any{"wanted_plan": wanted}
	}
	c, err := d.save(e, columns, wishes{}, false)
	if err != nil {
		return err
	}
	// What that system's reference shows of one is the room of organizations' (hooks/orgs).
	made, err := d.Facade.Do(e, http.MethodGet, "/functions/v1/organization/"+c.organization.Id,
		e.Request.URL.Query(), nil)
	if err != nil {
		return err
	}
	if err := made.Err(); err != nil {
		return err
	}
	return e.Blob(http.StatusCreated, "application/json", made.Body)
}
