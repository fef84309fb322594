package assistants

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers/vapi"
)

// This file is trying an assistant in writing, as it stands in an editor and before
// anybody saves it. Nothing is stored here, and nothing is done: the model answers
// without functions, transfers and hanging up.

var tryRoute = facade.Route{
	Method: "POST", Path: "/api/assistants/{id}/try", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What an assistant would answer, with changes that are not saved. Functions and transfers are left out; the provider bills the words.",
	Body:    `{"draft"?: {"name", "system_prompt", …: columns of assistants, as they would be saved}, "messages": [{"role": "assistant"|"user", "content"}], the caller's last}`,
	Answer:  `{"reply": "what it says"}`,
	Errors:  "400 reasons by column, or the messages are wrong · 402 the balance is empty · 403 the person may not change assistants, or the organization is not active · 404 · 429 · 502 the provider's own words",
}

const (
	// triesMost is how often an organization may try within triesWindow: as fast as
	// people write.
	triesMost, triesWindow = 30, time.Minute
	// turnsMost and turnMost bound a conversation: so many messages, so many characters
	// each.
	turnsMost, turnMost = 40, 2_000
)

// tried are the columns of a draft that what is said depends on.
var tried = []string{
	"name", "language", "personality", "system_prompt", "first_message", "model_provider", "model_name",
	"model_temperature", "model_max_tokens",
}

type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// try is POST /api/assistants/{id}/try.
func (d *domain) try(e *core.RequestEvent) error {
	stored, t, err := d.toChange(e)
	if err != nil {
		return err
	}
	var form struct {
		Draft    map[string]any `json:"draft"`
		Messages []turn         `json:"messages"`
	}
	if err := e.BindBody(&form); err != nil {
		return refusal.Of("unreadable_body").For(err)
	}
	input, problem := conversation(form.Messages)
	if problem != nil {
		return problem // told by field
	}
	if err := tenant.MaySpend(t.Organization); err != nil {
		return err
	}
	if d.tries.Hit(t.ID(), triesWindow) > triesMost {
		return refusal.Of("too_many_requests/tries")
	}
	draft := stored.Clone()
	for _, column := range tried {
		if value, given := form.Draft[column]; given {
			draft.Set(column, value)
		}
	}
	noteUnset(draft, form.Draft)
	if err := e.App.Validate(draft); err != nil {
		return err // likewise
	}
	dto := toAssistant(d.dialable(draft), nil, nil)
	dto.Model.Tools = nil
	chat, err := d.Vapi.Chats.Create(e.Request.Context(), &vapi.ChatDTO{Assistant: dto, Input: input, Name: "try"})
	switch {
	case vapi.IsRateLimited(err):
		return refusal.Of("too_many_requests/provider").For(err)
	case err != nil:
		return refusal.Of("provider_failed/refused", err.Error()).For(err)
	}
	return facade.JSON(e, http.StatusOK, map[string]string{"reply": chat.Reply()})
}

// toChange is the assistant of the path, for who may change it; 404 for everybody of
// other organizations.
func (d *domain) toChange(e *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	a, err := database.Found(e.App.FindRecordById(collections.Assistants, e.Request.PathValue("id")))
	if err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, nil, refusal.Of("not_found/assistant")
	}
	t, err := tenant.In(e, a.GetString("organization"))
	if err != nil {
		return nil, nil, refusal.Of("not_found/assistant")
	}
	if !t.Can(collections.CanManageAgents) {
		return nil, nil, refusal.Of("forbidden/role")
	}
	return a, t, nil
}

// conversation is what was said so far, the caller's words last; problem is what is
// wrong with it.
func conversation(said []turn) (input []vapi.ChatMessage, problem validation.Errors) {
	wrong := func(text string) validation.Errors {
		return validation.Errors{"messages": validation.NewError("validation_conversation", text)}
	}
	if len(said) == 0 || len(said) > turnsMost || said[len(said)-1].Role != "user" {
		return nil, wrong("Send up to " + strconv.Itoa(turnsMost) + " messages, the caller's last.")
	}
	for _, one := range said {
		text := strings.TrimSpace(one.Content)
		if one.Role != "user" && one.Role != "assistant" || text == "" || utf8.RuneCountInString(text) > turnMost {
			return nil, wrong("Each message is the caller's or the assistant's, with up to " + strconv.Itoa(turnMost) + " characters.")
		}
		input = append(input, vapi.ChatMessage{Role: one.Role, Content: text})
	}
	return input, nil
}
