package assistants

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers/catalog"
)

// This file is the documented routes of assistants of both old systems, as
// tables: their fields, their forms, their envelopes. What a route does is what
// the record routes of collections.Assistants do.

const (
	// mirrorPatience is how long an answer waits for the provider's copy. After
	// it the answer shows the row as pending.
	mirrorPatience = 10 * time.Second
	// statsCalls is how many of an assistant's latest calls its rates are made
	// of: an assistant may have a million.
	statsCalls = 10_000
)

// Words of the old systems for what is stored under Vapi's.
var (
	voiceWords  = map[string]string{"elevenlabs": "11labs", "google": "vapi"}
	statusWords = map[string]string{"active": collections.AssistantActive, "inactive": collections.AssistantInactive}
)

var choicesRoute = facade.Route{
	Method: "GET", Path: "/api/assistant-choices", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What an assistant can be made of: providers with their models, voices, languages and speeds, as of a day.",
	Answer: `{"date", "languages": ["fr", …], "models": [{…}], "voices": [{"id", "name", "model": "no"|"yes"|"must", "models"?, "voices"?,
 "voicesFor"?: {"fr": […]}, "names"?: {…}, "languages": […] or null, "takes"?, "otherwise"?, "speed": {"min", "max"?} or null}], "transcribers": [{…}]}`,
}

// sent waits for the provider's copy of an assistant, but no longer than a person
// does.
func (d *domain) sent(e *core.RequestEvent, id string) error {
	record, err := e.App.FindRecordById(collections.Assistants, id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), mirrorPatience)
	defer cancel()
	if err := d.wait(ctx, record); err != nil {
		// The row is stored and retried; its sync_status tells the caller.
		e.App.Logger().Warn("answered before the provider agreed", "collection", collections.Assistants,
			"record", id, "error", err)
	}
	return nil
}

// deleting tells of an assistant that waits for the provider to agree to its end.
func deleting(row map[string]any) bool { return row["sync_status"] == collections.SyncDeleting }

// deleteQuery is what a delete takes.
const deleteQuery = "force=true takes it off the numbers it answers: nobody answers there then"

const (
	onlyAlive = "sync_status!='" + collections.SyncDeleting + "'"
	onlyVoice = "type='voice'"
)

// CoreComm: /api/vapi/assistants, seed 003.

var coreCommFields = []facade.Field{
	{Name: "name", Column: "name", Required: true, MinLength: 2, MaxLength: 100},
	{Name: "description", Column: "description", MaxLength: 500},
	{Name: "systemPrompt", Column: "system_prompt", MaxLength: 100_000},
	{Name: "firstMessage", Column: "first_message", MaxLength: 1_000},
	{Name: "language", Column: "language", MaxLength: 10, Null: true},
	{Name: "model", Kind: facade.Object},
	{Name: "model.provider", Column: "model_provider", OneOf: collections.ModelProviders},
	{Name: "model.model", Column: "model_name", MaxLength: 100},
	{Name: "model.temperature", Column: "model_temperature", Kind: facade.Number, Max: 2, Null: true},
	{Name: "model.maxTokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
	{Name: "voice", Kind: facade.Object},
	{Name: "voice.provider", Column: "voice_provider", OneOf: collections.VoiceProviders, Words: voiceWords},
	{Name: "voice.voiceId", Column: "voice_id", MaxLength: 100},
	{Name: "voice.speed", Column: "voice_speed", Kind: facade.Number, Max: 5},
	{Name: "voice.stability", Column: "voice_stability", Kind: facade.Number, Max: 1, Null: true},
	{Name: "transcriber", Kind: facade.Object},
	{Name: "transcriber.provider", Column: "transcriber_provider", OneOf: collections.TranscriberProviders},
	{Name: "transcriber.model", Column: "transcriber_model", MaxLength: 100},
	{Name: "transcriber.language", Column: "transcriber_language", MaxLength: 20},
	// Kept for the caller. The server address is always ours: Vapi must reach
	// this installation, or no call would be recorded.
	{Name: "serverUrl", MaxLength: 500},
	{Name: "knowledgeBaseId", MaxLength: 40},
	{Name: "model.knowledgeBaseId", MaxLength: 40},
}

const (
	coreCommBody = `{"name", "description"?, "systemPrompt"?, "firstMessage"?, "language"?,
 "model"?: {"provider", "model", "temperature", "maxTokens", "knowledgeBaseId"},
 "voice"?: {"provider": "elevenlabs"|"playht"|"azure"|"deepgram"|…, "voiceId", "speed", "stability"},
 "transcriber"?: {"provider", "model", "language"}, "serverUrl"?, "knowledgeBaseId"?}`
	coreCommAnswer = `{"data": {"assistant": {"id", "vapiAssistantId", "name", "model": {…}, "voice": {…}, "transcriber": {…}, "syncStatus", …}}, "message": …}`
)

func (d *domain) coreComm() facade.Resource {
	const refused = "400 with reasons, 403 for other roles"
	return facade.Resource{
		Collection: collections.Assistants, Path: "/api/vapi/assistants", System: facade.CoreComm,
		Envelope: facade.EnvelopeNamed("assistant", "assistants"), Body: coreCommBody, Answer: coreCommAnswer,
		Fields: coreCommFields, Out: coreCommForm, Gone: deleting, In: keepExtras, Saved: d.sent,
		More: callStats, Force: true,
		Defaults: map[string]any{"type": "voice", "status": collections.AssistantActive},
		Where:    onlyVoice + " && " + onlyAlive, Sort: "-created", Limit: 100, Search: []string{"name", "description"},
		Verbs: []facade.Verb{
			{
				Do: facade.ListRows, Item: "S-314", Summary: "The organization's voice assistants, newest first.",
				Query: "page=1, limit=100, search", Answer: `{"data": {"assistants": [{…}], "pagination": {…}}}`,
			},
			{
				Do: facade.Create, Item: "S-315", Auth: facade.Admin, Summary: "A new assistant, here and at Vapi.",
				Message: "Assistant created successfully", Errors: refused,
			},
			{
				Do: facade.View, Item: "S-316", Summary: "One assistant and what its calls came to.",
				Answer: `{"data": {"assistant": {…}, "stats": {"totalCalls", "completedCalls", "failedCalls", "activeCalls", "avgDurationSeconds", "successRate"}}}`,
			},
			{
				Do: facade.Update, Item: "S-317", Auth: facade.Admin, Summary: "Changes the named fields.",
				Message: "Assistant updated successfully", Errors: refused,
			},
			{
				Do: facade.Delete, Item: "S-318", Auth: facade.Admin, Summary: "Ends the assistant, here and at Vapi.",
				Message: "Assistant deleted successfully", Query: deleteQuery, Answer: `{"data": null, "message": …}`,
				Errors: "403 for other roles · 409 it answers a number",
			},
		},
	}
}

// extras are documented fields without a column of their own yet; they are kept
// in config and answered as they came.
var extras = []string{"serverUrl", "knowledgeBaseId"}

func keepExtras(e *core.RequestEvent, body, columns map[string]any) error {
	if model, ok := body["model"].(map[string]any); ok && body["knowledgeBaseId"] == nil {
		body["knowledgeBaseId"] = model["knowledgeBaseId"]
	}
	config := map[string]any{}
	if id := e.Request.PathValue("id"); id != "" {
		// The caller may see the row: the facade has just read it for them.
		record, err := e.App.FindRecordById(collections.Assistants, id)
		if err != nil {
			return err
		}
		if err := record.UnmarshalJSONField("config", &config); err != nil || config == nil {
			config = map[string]any{}
		}
		followProvider(record, columns)
	} else {
		giveVoice(columns)
	}
	changed := false
	for _, name := range extras {
		if value, sent := body[name]; sent && value != nil {
			config[name] = value
			changed = true
		}
	}
	if changed {
		columns["config"] = config
	}
	return nil
}

// coreCommForm is a row as the old system's table and its requests show it.
func coreCommForm(row map[string]any) map[string]any {
	config, _ := row["config"].(map[string]any)
	model := map[string]any{
		"provider": row["model_provider"], "model": row["model_name"], "temperature": row["model_temperature"],
		"maxTokens": row["model_max_tokens"], "knowledgeBaseId": config["knowledgeBaseId"],
	}
	voice := map[string]any{
		"provider": oldVoice(row["voice_provider"]), "voiceId": row["voice_id"], "speed": row["voice_speed"],
		"stability": row["voice_stability"],
	}
	return map[string]any{
		"id": row["id"], "company_id": row["organization"], "vapi_assistant_id": orNull(row["vapi_assistant_id"]),
		"name": row["name"], "description": row["description"], "system_prompt": row["system_prompt"],
		"first_message": row["first_message"],
		"model_config":  model, "voice_config": voice, "is_active": row["status"] == collections.AssistantActive,
		"created_at": row["created"], "updated_at": row["updated"],
		// The names requests use.
		"vapiAssistantId": orNull(row["vapi_assistant_id"]), "systemPrompt": row["system_prompt"],
		"firstMessage": row["first_message"],
		"language":     row["language"], "model": model, "voice": voice,
		"transcriber": map[string]any{
			"provider": row["transcriber_provider"], "model": row["transcriber_model"], "language": row["transcriber_language"],
		},
		"serverUrl": config["serverUrl"], "knowledgeBaseId": config["knowledgeBaseId"],
		"status": row["status"], "syncStatus": row["sync_status"], "syncError": orNull(row["sync_error"]),
	}
}

// orNull is null for an empty text.
func orNull(value any) any {
	if value == "" {
		return nil
	}
	return value
}

// oldVoice is a voice provider in the old systems' word.
func oldVoice(stored any) any {
	if stored == voiceWords["elevenlabs"] {
		return "elevenlabs"
	}
	return stored
}

// callStats are what an assistant's calls came to: all of them counted, rates and
// durations from the latest ones. Callers who may not view calls get none.
func callStats(e *core.RequestEvent, id string) (map[string]any, error) {
	t, err := tenant.Of(e)
	if err != nil {
		return nil, err
	}
	if !t.Can(collections.CanViewCalls) {
		return map[string]any{"stats": nil}, nil
	}
	var total int
	by := dbx.Params{"assistant": id, "organization": t.ID()}
	ctx := e.Request.Context()
	if err := e.App.DB().NewQuery("SELECT count(*) FROM calls WHERE assistant = {:assistant}").Bind(by).WithContext(ctx).Row(&total); err != nil {
		return nil, err
	}
	var groups []struct {
		Status  string `db:"status"`
		N       int    `db:"n"`
		Seconds int    `db:"seconds"`
	}
	by["most"] = statsCalls
	err = e.App.DB().NewQuery(`SELECT status, count(*) n, sum(duration_seconds) seconds FROM (
		SELECT status, duration_seconds FROM calls WHERE assistant = {:assistant} AND organization = {:organization}
		ORDER BY started_at DESC LIMIT {:most}) GROUP BY status`).Bind(by).WithContext(ctx).All(&groups)
	if err != nil {
		return nil, err
	}
	var completed, failed, active, seconds int
	for _, g := range groups {
		switch g.Status {
		case collections.CallCompleted:
			completed += g.N
			seconds += g.Seconds
		case collections.CallFailed:
			failed += g.N
		case collections.CallScheduled:
		default:
			active += g.N
		}
	}
	out := map[string]any{
		"totalCalls": total, "completedCalls": completed, "failedCalls": failed, "activeCalls": active,
		"avgDurationSeconds": 0, "successRate": 0,
	}
	if completed > 0 {
		out["avgDurationSeconds"] = seconds / completed
		out["successRate"] = float64(completed*1000/(completed+failed)) / 10 // percent, one decimal
	}
	return map[string]any{"stats": out}, nil
}

// AlloKoli: /functions/v1/assistants, seeds 000 and 002.

var alloKoliFields = []facade.Field{
	{Name: "name", Column: "name", Required: true, MinLength: 3, MaxLength: 100},
	{Name: "description", Column: "description", MaxLength: 500},
	{Name: "language", Column: "language", OneOf: collections.Languages, Fold: language, Null: true},
	{Name: "status", Column: "status", OneOf: []string{"active", "inactive"}},
	{Name: "voice_id", Column: "voice_id", MaxLength: 100},
	{Name: "voice", Kind: facade.Any, Covers: []string{"voice_provider", "voice_id", "voice_speed", "voice_stability"}},
	{Name: "model_provider", Column: "model_provider", OneOf: collections.ModelProviders},
	{Name: "model_name", Column: "model_name", MaxLength: 100},
	{Name: "model_temperature", Column: "model_temperature", Kind: facade.Number, Max: 2, Null: true},
	{Name: "model_max_tokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
	{Name: "model", Kind: facade.Any, Covers: []string{"model_provider", "model_name", "model_temperature",
		"model_max_tokens"}},
	{Name: "first_message", Also: []string{"firstMessage"}, Column: "first_message", MaxLength: 1_000},
	{Name: "system_prompt", Also: []string{"instructions"}, Column: "system_prompt", MaxLength: 100_000},
	{Name: "max_duration_seconds", Also: []string{"maxDurationSeconds"}, Column: "max_duration_seconds",
		Kind: facade.Integer},
	{Name: "tools_config", Column: "tools_config", Kind: facade.Object},
	{Name: "forwarding_phone_number", Column: "forwarding_phone_number", MaxLength: 40},
	{Name: "end_call_message", Column: "end_call_message", MaxLength: 1_000},
	{Name: "end_call_phrases", Column: "end_call_phrases", Kind: facade.List},
	{Name: "metadata", Column: "metadata", Kind: facade.Object},
}

const (
	alloKoliBody = `{"name", "description"?, "voice"?: "elevenlabs"|"google"|… or {"provider", "voice_id" or "voiceId", "stability"?}, "language"?: "fr"|"en"|"fr-FR"|…, "status"?: "active"|"inactive",
 "voice_id"?,
 "model"?: "gpt-4o" or {"provider", "model", "temperature", "max_tokens" or "maxTokens", "systemPrompt"?}, "model_provider"?, "model_name"?,
 "model_temperature"?, "model_max_tokens"?, "first_message" or "firstMessage"?, "system_prompt" or "instructions"?,
 "max_duration_seconds" or "maxDurationSeconds"?, "tools_config"?: {…}, "forwarding_phone_number"?, "end_call_message"?,
 "end_call_phrases"?, "metadata"?: {…}}`
	alloKoliAnswer = `{"data": {"id", "vapi_assistant_id", "name", "description", "voice", "language", "status", "model", …}}`
)

func (d *domain) alloKoli() facade.Resource {
	const refused = "403 without the right to manage assistants"
	return facade.Resource{
		Collection: collections.Assistants, Path: "/functions/v1/assistants", System: facade.AlloKoli,
		Envelope: facade.Functions, Body: alloKoliBody, Answer: alloKoliAnswer,
		Fields: alloKoliFields, Out: alloKoliForm, Gone: deleting, In: readVoiceAndModel, Saved: d.sent, Force: true,
		Defaults: map[string]any{"type": "voice", "status": collections.AssistantActive},
		Where:    onlyAlive, Sort: "-created", Search: []string{"name", "description"},
		Filters: []facade.Filter{
			{Query: "status", Column: "status", OneOf: []string{"active", "inactive"}, Words: statusWords},
			{Query: "language", Column: "language", OneOf: collections.Languages},
		},
		Verbs: []facade.Verb{
			{
				Do: facade.ListRows, Item: "S-095", Summary: "The organization's assistants, newest first.",
				Query:  "page=1, limit=20, status, language, search; shape=array for the bare array",
				Answer: `{"success": true, "data": [{…}], "pagination": {"page", "limit", "total", "totalPages", "has_more"}}`,
			},
			{Do: facade.View, Item: "S-096", Summary: "One assistant."},
			{
				Do: facade.Create, Item: "S-097", Summary: "A new assistant, here and at Vapi.", Status: http.StatusCreated,
				Answer: "201 " + alloKoliAnswer, Errors: "400 with reasons, " + refused,
			},
			{
				Do: facade.Update, Item: "S-098",
				Summary: "Changes the named fields; Vapi hears of it when one of its own changed.",
				Errors:  "400 with reasons, " + refused,
			},
			{
				Do: facade.Delete, Item: "S-099", Summary: "Ends the assistant, at Vapi and here.",
				Message: "Assistant deleted successfully",
				Query:   deleteQuery, Answer: `{"success": true, "data": null, "message": …}`,
				Errors: refused + " · 409 it answers a number",
			},
		},
	}
}

// alloKoliParts are the fields of voice and model.
var alloKoliParts = []facade.Field{
	{Name: "voice.provider", Column: "voice_provider", OneOf: collections.VoiceProviders, Words: voiceWords},
	{Name: "voice.voice_id", Also: []string{"voice.voiceId"}, Column: "voice_id", MaxLength: 100},
	{Name: "voice.stability", Column: "voice_stability", Kind: facade.Number, Max: 1, Null: true},
	{Name: "model.provider", Column: "model_provider", OneOf: collections.ModelProviders},
	{Name: "model.model", Column: "model_name", MaxLength: 100},
	{Name: "model.temperature", Column: "model_temperature", Kind: facade.Number, Max: 2, Null: true},
	{Name: "model.max_tokens", Also: []string{"model.maxTokens"}, Column: "model_max_tokens",
		Kind: facade.Integer, Max: 10_000},
	{Name: "model.systemPrompt", Column: "system_prompt", MaxLength: 100_000},
}

// language is what a language tag is about: that system's pages send fr-FR.
func language(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	return tag
}

// readVoiceAndModel takes both fields as a word or as an object, as the old
// system's reference and its code did.
func readVoiceAndModel(e *core.RequestEvent, body, columns map[string]any) error {
	sent, reasons := map[string]any{}, map[string]string{}
	for _, name := range []string{"voice", "model"} {
		switch value := body[name].(type) {
		case nil:
			if _, sent := body[name]; sent && e.Request.PathValue("id") != "" {
				reasons[name] = "Must be a text or an object"
			}
		case string:
			sent[name] = wordAsObject(name, value, columns)
		case map[string]any:
			sent[name] = value
		default:
			reasons[name] = "Must be a text or an object"
		}
	}
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	set, err := facade.Read(alloKoliParts, sent, false)
	if err != nil {
		return err
	}
	maps.Copy(columns, set)
	if id := e.Request.PathValue("id"); id != "" {
		// The caller may see the row: the facade has just read it for them.
		record, err := e.App.FindRecordById(collections.Assistants, id)
		if err != nil {
			return err
		}
		followProvider(record, columns)
	} else {
		giveVoice(columns)
	}
	return nil
}

func wordAsObject(name, word string, columns map[string]any) map[string]any {
	if name == "voice" {
		return map[string]any{"provider": word}
	}
	object := map[string]any{"model": word}
	if columns["model_provider"] == nil {
		object["provider"] = cmp.Or(catalog.MakerOf(word), "openai")
	}
	return object
}

// alloKoliForm is a row as the old French system showed it.
func alloKoliForm(row map[string]any) map[string]any {
	status := "inactive"
	if row["status"] == collections.AssistantActive {
		status = "active"
	}
	return map[string]any{
		"id": row["id"], "vapi_assistant_id": orNull(row["vapi_assistant_id"]), "name": row["name"],
		"description": row["description"],
		"voice":       oldVoice(row["voice_provider"]), "voice_id": row["voice_id"], "language": row["language"],
		"status": status,
		"model":  row["model_name"], "model_provider": row["model_provider"], "model_name": row["model_name"],
		"model_temperature": row["model_temperature"], "model_max_tokens": row["model_max_tokens"],
		"first_message": row["first_message"], "system_prompt": row["system_prompt"], "tools_config": row["tools_config"],
		"firstMessage": row["first_message"], "instructions": row["system_prompt"],
		"max_duration_seconds":    row["max_duration_seconds"],
		"forwarding_phone_number": row["forwarding_phone_number"], "end_call_message": row["end_call_message"],
		"end_call_phrases": row["end_call_phrases"], "metadata": row["metadata"],
		"sync_status": row["sync_status"], "sync_error": orNull(row["sync_error"]),
		"created_at": row["created"], "updated_at": row["updated"],
	}
}
