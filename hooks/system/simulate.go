package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// workers are the roles that work calls.
var workers = []string{collections.Owner, collections.Admin, collections.Manager, collections.Agent}

var simulateRoute = facade.Route{
	Method: "POST", Path: "/api/simulate", Auth: facade.Member, System: facade.Pocketline,
	Summary: "A scripted caller rings one of the organization's numbers (sandbox only).",
	Body:    `{"phone_number": id, "script"?: …, "language"?: "en"|"fr"}`,
	Answer:  `201 {"vapi_call_id": …}`,
	Errors:  "403 for roles that do not work calls, 404 without a sandbox, 409 when the number is not at the provider yet",
}

// simulate lets the sandbox's caller ring one of the organization's numbers.
func (s *system) simulate(e *core.RequestEvent) error {
	t, err := tenant.RequireCan(e, collections.CanViewCalls)
	if err != nil {
		return err
	}
	if !t.Is(workers...) {
		return refusal.Of("forbidden/role")
	}
	if s.SandboxURL == "" {
		return refusal.Of("not_found/simulation")
	}
	var form struct {
		PhoneNumber string `json:"phone_number"`
		Script      string `json:"script"`
		Language    string `json:"language"`
	}
	if err := e.BindBody(&form); err != nil {
		return refusal.Of("unreadable_body").For(err)
	}
	number, err := e.App.FindRecordById(collections.PhoneNumbers, form.PhoneNumber)
	if err != nil || number.GetString("organization") != t.ID() {
		return refusal.Of("not_found/number").For(err)
	}
	if number.GetString("vapi_phone_id") == "" {
		return refusal.Of("number_not_synced")
	}
	order := map[string]string{"phoneNumberId": number.GetString("vapi_phone_id")}
	if form.Script != "" {
		order["script"] = form.Script
	}
	if form.Language != "" {
		order["language"] = form.Language
	}
	return s.ring(e, order)
}

func (s *system) ring(e *core.RequestEvent, order map[string]string) error {
	body, err := json.Marshal(order)
	if err != nil {
		return e.InternalServerError("", err)
	}
	r, err := http.NewRequestWithContext(e.Request.Context(), http.MethodPost, s.SandboxURL+"/_sandbox/calls",
		bytes.NewReader(body))
	if err != nil {
		return e.InternalServerError("", err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(r)
	if err != nil {
		return refusal.Of("provider_failed/sandbox").For(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return refusal.Of("provider_failed/sandbox").For(err)
	}
	var said struct {
		CallID  string `json:"callId"`
		Message any    `json:"message"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return refusal.Of("provider_failed/nonsense").For(err)
	}
	switch {
	case res.StatusCode == http.StatusNotFound:
		return refusal.Of("number_forgotten")
	case res.StatusCode >= 400 && res.StatusCode < 500:
		return refusal.Saying("invalid_request", fmt.Sprint(said.Message))
	case res.StatusCode >= 300 || said.CallID == "":
		return refusal.Of("provider_failed/sandbox_refused").For(fmt.Errorf("status %d", res.StatusCode))
	}
	return e.JSON(http.StatusCreated, map[string]string{"vapi_call_id": said.CallID})
}
