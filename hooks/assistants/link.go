package assistants

import (
	"context"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

// tie are the only fields linking writes into an assistant that stood at Vapi
// before its row: they bring its calls here.
var tie = []string{"server", "serverMessages", "metadata"}

// linked tells whether a row that was never sent names an assistant that is not
// of its making, and returns that.
func (d *domain) linked(ctx context.Context, a *core.Record) (*vapi.Assistant, error) {
	if a.GetString(assistantID) == "" || a.GetString("sync_hash") != "" || !a.GetDateTime("synced_at").IsZero() {
		return nil, nil
	}
	copied, err := d.Vapi.Assistants.Get(ctx, a.GetString(assistantID))
	if err != nil || mirror.Marked(copied.Raw, a.Id) {
		return nil, err
	}
	return copied, nil
}

// link reads an assistant that stood at Vapi into its row and ties it to us. Our
// defaults in the row give way; nothing else changes over there.
func (d *domain) link(ctx context.Context, a *core.Record, copied *vapi.Assistant) error {
	readIn(a, objectOf(copied.Raw))
	dto, err := d.assistantCopy(a)
	if err != nil {
		return err
	}
	patch, hash, err := mirror.Diff(a, dto)
	if err != nil {
		return err
	}
	for key := range patch {
		if !slices.Contains(tie, key) {
			delete(patch, key)
		}
	}
	if err := d.withTheirs(ctx, copied.ID, patch); err != nil {
		return err
	}
	if _, err := d.Vapi.Assistants.Update(ctx, copied.ID, &vapi.AssistantDTO{Extra: patch}); err != nil {
		return err
	}
	a.Set("sync_hash", hash) // the rest is sent when somebody changes it
	return nil
}

// readIn sets the columns that stand for what an assistant at Vapi has.
func readIn(a *core.Record, there map[string]any) {
	model, voice, transcriber := objectOf(there["model"]), objectOf(there["voice"]), objectOf(there["transcriber"])
	prompt := ""
	for _, message := range listOf(model["messages"]) {
		if m := objectOf(message); m["role"] == "system" && prompt == "" {
			prompt, _ = m["content"].(string)
		}
	}
	for column, value := range map[string]any{
		"name": there["name"], "first_message": there["firstMessage"], "end_call_message": there["endCallMessage"],
		"voicemail_message": there["voicemailMessage"], "end_call_phrases": there["endCallPhrases"],
		"max_duration_seconds": there["maxDurationSeconds"], "silence_timeout_seconds": there["silenceTimeoutSeconds"],
		"model_name": model["model"], "model_temperature": model["temperature"], "model_max_tokens": model["maxTokens"],
		"voice_id": voice["voiceId"], "voice_model": voice["model"], "voice_speed": voice["speed"], "voice_stability": voice["stability"],
		"transcriber_model": transcriber["model"], "transcriber_language": transcriber["language"],
	} {
		if value != nil || column != "name" {
			a.Set(column, value)
		}
	}
	for _, choice := range []struct {
		column string
		value  any
		of     []string
	}{
		{"model_provider", model["provider"], collections.ModelProviders},
		{"voice_provider", voice["provider"], collections.VoiceProviders},
		{"transcriber_provider", transcriber["provider"], collections.TranscriberProviders},
	} {
		if word, _ := choice.value.(string); slices.Contains(choice.of, word) {
			a.Set(choice.column, word)
		}
	}
	a.Set("system_prompt", prompt)
	// What we would add to the prompt.
	a.Set("personality", "")
	a.Set("language", "")
	recording, said := objectOf(there["artifactPlan"])["recordingEnabled"].(bool)
	a.Set("recording_enabled", recording || !said) // Vapi's default is to record
	mayEnd := slices.ContainsFunc(listOf(model["tools"]), func(tool any) bool { return objectOf(tool)["type"] == "endCall" })
	a.Set("end_call_disabled", !mayEnd)
}
