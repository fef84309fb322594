package assistants

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
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

// Documented adds the documented routes of assistants. wait returns when the
// provider's copy is equal or has failed (mirror.Wait).
func Documented(f *facade.Facade, wait func(ctx context.Context, record *core.Record) error) {
	f.Handle(facade.Route{
		Method: "GET", Path: "/api/assistant-choices", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "What an assistant can be made of: providers with their models, voices, languages and speeds, as of a day.",
		Answer: `{"date", "languages": ["fr", …], "models": [{…}], "voices": [{"id", "name", "model": "no"|"yes"|"must", "models"?, "voices"?,
 "voicesFor"?: {"fr": […]}, "names"?: {…}, "languages": […] or null, "takes"?, "otherwise"?, "speed": {"min", "max"?} or null}], "transcribers": [{…}]}`,
	}, serveChoices)
	saved := func(e *core.RequestEvent, id string) error {
		record, err := e.App.FindRecordById(collections.Assistants, id)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(e.Request.Context(), mirrorPatience)
		defer cancel()
		if err := wait(ctx, record); err != nil {
			// The row is stored and retried; its sync_status tells the caller.
			e.App.Logger().Warn("answered before the provider agreed", "collection", collections.Assistants, "record", id, "error", err)
		}
		return nil
	}
	f.Rows(coreComm(saved)...)
	f.Rows(alloKoli(saved)...)
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
	{Name: "language", Column: "language", MaxLength: 10},
	{Name: "model", Kind: facade.Object},
	{Name: "model.provider", Column: "model_provider", OneOf: collections.ModelProviders},
	{Name: "model.model", Column: "model_name", MaxLength: 100},
	{Name: "model.temperature", Column: "model_temperature", Kind: facade.Number, Max: 2},
	{Name: "model.maxTokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
	{Name: "voice", Kind: facade.Object},
	{Name: "voice.provider", Column: "voice_provider", OneOf: collections.VoiceProviders, Words: voiceWords},
	{Name: "voice.voiceId", Column: "voice_id", MaxLength: 100},
	{Name: "voice.speed", Column: "voice_speed", Kind: facade.Number, Max: 5},
	{Name: "voice.stability", Column: "voice_stability", Kind: facade.Number, Max: 1},
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

func coreComm(saved func(*core.RequestEvent, string) error) []facade.Row {
	row := func(item, method, path string, auth facade.Auth, do facade.Action, summary, message string) facade.Row {
		r := facade.Row{
			Route: facade.Route{
				Method: method, Path: path, Auth: auth, System: facade.CoreComm, Item: item, Summary: summary, Answer: coreCommAnswer,
			},
			Collection: collections.Assistants, Do: do, Message: message, Envelope: facade.EnvelopeNamed("assistant", "assistants"),
			Fields: coreCommFields, Out: coreCommForm, Gone: deleting,
		}
		switch do {
		case facade.Create, facade.Update:
			r.Body, r.Errors, r.In, r.Saved = coreCommBody, "400 with reasons, 403 for other roles", keepExtras, saved
		case facade.Delete:
			r.Answer, r.Errors = `{"data": null, "message": …}`, "403 for other roles · 409 it answers a number"
			r.Query, r.Force = deleteQuery, true
		}
		return r
	}
	list := row("S-314", "GET", "/api/vapi/assistants", facade.Member, facade.ListRows, "The organization's voice assistants, newest first.", "")
	list.Where, list.Sort, list.Limit, list.Search = onlyVoice+" && "+onlyAlive, "-created", 100, []string{"name", "description"}
	list.Query, list.Answer = "page=1, limit=100, search", `{"data": {"assistants": [{…}], "pagination": {…}}}`
	create := row("S-315", "POST", "/api/vapi/assistants", facade.Admin, facade.Create, "A new assistant, here and at Vapi.", "Assistant created successfully")
	create.Defaults = map[string]any{"type": "voice", "status": collections.AssistantActive}
	one := row("S-316", "GET", "/api/vapi/assistants/{id}", facade.Member, facade.View, "One assistant and what its calls came to.", "")
	one.More = callStats
	one.Answer = `{"data": {"assistant": {…}, "stats": {"totalCalls", "completedCalls", "failedCalls", "activeCalls", "avgDurationSeconds", "successRate"}}}`
	return []facade.Row{
		list, create, one,
		row("S-317", "PATCH", "/api/vapi/assistants/{id}", facade.Admin, facade.Update, "Changes the named fields.", "Assistant updated successfully"),
		row("S-318", "DELETE", "/api/vapi/assistants/{id}", facade.Admin, facade.Delete, "Ends the assistant, here and at Vapi.", "Assistant deleted successfully"),
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
		"provider": oldVoice(row["voice_provider"]), "voiceId": row["voice_id"], "speed": row["voice_speed"], "stability": row["voice_stability"],
	}
	return map[string]any{
		"id": row["id"], "company_id": row["organization"], "vapi_assistant_id": orNull(row["vapi_assistant_id"]),
		"name": row["name"], "description": row["description"], "system_prompt": row["system_prompt"], "first_message": row["first_message"],
		"model_config": model, "voice_config": voice, "is_active": row["status"] == collections.AssistantActive,
		"created_at": facade.Time(row["created"]), "updated_at": facade.Time(row["updated"]),
		// The names requests use.
		"vapiAssistantId": orNull(row["vapi_assistant_id"]), "systemPrompt": row["system_prompt"], "firstMessage": row["first_message"],
		"language": row["language"], "model": model, "voice": voice,
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
	{Name: "language", Column: "language", OneOf: collections.Languages, Fold: language},
	{Name: "status", Column: "status", OneOf: []string{"active", "inactive"}},
	{Name: "voice", Kind: facade.Any, Covers: []string{"voice_provider", "voice_speed", "voice_stability"}},
	{Name: "voice_id", Column: "voice_id", MaxLength: 100},
	{Name: "model", Kind: facade.Any},
	{Name: "model_provider", Column: "model_provider", OneOf: collections.ModelProviders},
	{Name: "model_name", Column: "model_name", MaxLength: 100},
	{Name: "model_temperature", Column: "model_temperature", Kind: facade.Number, Max: 2},
	{Name: "model_max_tokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
	{Name: "first_message", Also: []string{"firstMessage"}, Column: "first_message", MaxLength: 1_000},
	{Name: "system_prompt", Also: []string{"instructions"}, Column: "system_prompt", MaxLength: 100_000},
	{Name: "max_duration_seconds", Also: []string{"maxDurationSeconds"}, Column: "max_duration_seconds", Kind: facade.Integer},
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

func alloKoli(saved func(*core.RequestEvent, string) error) []facade.Row {
	row := func(item, method, path string, do facade.Action, status int, summary, message string) facade.Row {
		r := facade.Row{
			Route: facade.Route{
				Method: method, Path: "/functions/v1/assistants" + path, Auth: facade.Member, System: facade.AlloKoli, Item: item,
				Summary: summary, Answer: alloKoliAnswer,
			},
			Collection: collections.Assistants, Do: do, Status: status, Message: message, Envelope: facade.Functions,
			Fields: alloKoliFields, Out: alloKoliForm, Gone: deleting,
		}
		switch do {
		case facade.Create, facade.Update:
			r.Body, r.Errors, r.In, r.Saved = alloKoliBody, "400 with reasons, 403 without the right to manage assistants", readVoiceAndModel, saved
		case facade.Delete:
			r.Answer, r.Errors = `{"success": true, "data": null, "message": …}`, "403 without the right to manage assistants · 409 it answers a number"
			r.Query, r.Force = deleteQuery, true
		}
		return r
	}
	list := row("S-095", "GET", "", facade.ListRows, 0, "The organization's assistants, newest first.", "")
	list.Where, list.Sort, list.Search = onlyAlive, "-created", []string{"name", "description"}
	list.Filters = []facade.Filter{{Query: "status", Column: "status", OneOf: []string{"active", "inactive"}, Words: statusWords}, {Query: "language", Column: "language", OneOf: collections.Languages}}
	list.Query = "page=1, limit=20, status, language, search; shape=array for the bare array"
	list.Answer = `{"success": true, "data": [{…}], "pagination": {"page", "limit", "total", "totalPages", "has_more"}}`
	create := row("S-097", "POST", "", facade.Create, http.StatusCreated, "A new assistant, here and at Vapi.", "")
	create.Defaults = map[string]any{"type": "voice", "status": collections.AssistantActive}
	create.Answer = "201 " + alloKoliAnswer
	return []facade.Row{
		list,
		row("S-096", "GET", "/{id}", facade.View, 0, "One assistant.", ""),
		create,
		row("S-098", "PATCH", "/{id}", facade.Update, 0, "Changes the named fields; Vapi hears of it when one of its own changed.", ""),
		row("S-099", "DELETE", "/{id}", facade.Delete, 0, "Ends the assistant, at Vapi and here.", "Assistant deleted successfully"),
	}
}

var (
	alloKoliVoice = []facade.Field{
		{Name: "provider", Column: "voice_provider", OneOf: collections.VoiceProviders, Words: voiceWords},
		{Name: "voice_id", Column: "voice_id", MaxLength: 100},
		{Name: "voiceId", Column: "voice_id", MaxLength: 100},
		{Name: "stability", Column: "voice_stability", Kind: facade.Number, Max: 1},
	}
	alloKoliModel = []facade.Field{
		{Name: "provider", Column: "model_provider", OneOf: collections.ModelProviders},
		{Name: "model", Column: "model_name", MaxLength: 100},
		{Name: "temperature", Column: "model_temperature", Kind: facade.Number, Max: 2},
		{Name: "max_tokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
		{Name: "maxTokens", Column: "model_max_tokens", Kind: facade.Integer, Max: 10_000},
		{Name: "systemPrompt", Column: "system_prompt", MaxLength: 100_000},
	}
)

// language is what a language tag is about: that system's pages send fr-FR.
func language(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	return tag
}

// readVoiceAndModel takes both fields as a word or as an object, as the old
// system's reference and its code did.
func readVoiceAndModel(e *core.RequestEvent, body, columns map[string]any) error {
	for name, parts := range map[string][]facade.Field{"voice": alloKoliVoice, "model": alloKoliModel} {
		value, sent := body[name]
		if !sent || value == nil {
			continue
		}
		object, ok := value.(map[string]any)
		if word, is := value.(string); is {
			object, ok = wordAsObject(name, word, columns), true
		}
		if !ok {
			return facade.Invalid(map[string]string{name: "Must be a text or an object"})
		}
		set, err := facade.Read(parts, object, false)
		if err != nil {
			return facade.Invalid(map[string]string{name: "Not a known " + name + " or value of one"})
		}
		for column, value := range set {
			columns[column] = value
		}
	}
	if id := e.Request.PathValue("id"); id != "" {
		// The caller may see the row: the facade has just read it for them.
		record, err := e.App.FindRecordById(collections.Assistants, id)
		if err != nil {
			return err
		}
		followProvider(record, columns)
	}
	return nil
}

func wordAsObject(name, word string, columns map[string]any) map[string]any {
	if name == "voice" {
		return map[string]any{"provider": word}
	}
	object := map[string]any{"model": word}
	if columns["model_provider"] == nil {
		object["provider"] = providerOf(word)
	}
	return object
}

// providerOf is who makes a language model, by the beginning of its name.
func providerOf(model string) string {
	for prefix, provider := range map[string]string{"claude": "anthropic", "gemini": "google", "llama": "groq", "mixtral": "groq", "grok": "xai", "deepseek": "deep-seek", "sonar": "perplexity-ai"} {
		if strings.HasPrefix(strings.ToLower(model), prefix) {
			return provider
		}
	}
	return "openai"
}

// alloKoliForm is a row as the old French system showed it.
func alloKoliForm(row map[string]any) map[string]any {
	status := "inactive"
	if row["status"] == collections.AssistantActive {
		status = "active"
	}
	return map[string]any{
		"id": row["id"], "vapi_assistant_id": orNull(row["vapi_assistant_id"]), "name": row["name"], "description": row["description"],
		"voice": oldVoice(row["voice_provider"]), "voice_id": row["voice_id"], "language": row["language"], "status": status,
		"model": row["model_name"], "model_provider": row["model_provider"], "model_name": row["model_name"],
		"model_temperature": row["model_temperature"], "model_max_tokens": row["model_max_tokens"],
		"first_message": row["first_message"], "system_prompt": row["system_prompt"], "tools_config": row["tools_config"],
		"firstMessage": row["first_message"], "instructions": row["system_prompt"], "max_duration_seconds": row["max_duration_seconds"],
		"forwarding_phone_number": row["forwarding_phone_number"], "end_call_message": row["end_call_message"],
		"end_call_phrases": row["end_call_phrases"], "metadata": row["metadata"],
		"sync_status": row["sync_status"], "sync_error": orNull(row["sync_error"]),
		"created_at": facade.Time(row["created"]), "updated_at": facade.Time(row["updated"]),
	}
}
