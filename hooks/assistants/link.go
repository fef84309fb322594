package assistants

import (
	"context"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/catalog"
)

// tie are the only fields linking writes into an assistant that stood at Vapi
// before its row: they bring its calls here.
var tie = []string{"server", "serverMessages", "metadata"}

// link reads an assistant that stood at Vapi into the row that names it, and ties it
// to us. Our defaults in the row give way; the rest is sent when somebody changes it.
func (d *domain) link(ctx context.Context, a *core.Record) (only []string, err error) {
	copied, err := d.Vapi.Assistants.Get(ctx, a.GetString(assistantID))
	if err != nil || vapicopy.MarkOf(copied.Raw).Record == a.Id {
		return nil, err
	}
	readIn(a, objectOf(copied.Raw))
	return tie, nil
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
		"voice_id": voice["voiceId"], "voice_model": voice["model"], "voice_speed": voice["speed"],
		"voice_stability":   voice["stability"],
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
	// What we would add to the prompt. Which language it speaks is read, and not told anew.
	a.Set("personality", "")
	a.Set("language", spoken(transcriber, voice))
	without := []string{"language"}
	if model["temperature"] == nil {
		without = append(without, "model_temperature")
	}
	if voice["stability"] == nil {
		without = append(without, "voice_stability")
	}
	a.Set(unset, without)
	recording, said := objectOf(there["artifactPlan"])["recordingEnabled"].(bool)
	a.Set("recording_enabled", recording || !said) // Vapi's default is to record
	mayEnd := slices.ContainsFunc(listOf(model["tools"]),
		func(tool any) bool { return objectOf(tool)["type"] == "endCall" })
	a.Set("end_call_disabled", !mayEnd)
}

// spoken is the language an assistant at Vapi understands, or else speaks; empty
// where neither says one.
func spoken(transcriber, voice map[string]any) string {
	for _, one := range []struct {
		part catalog.Part
		made map[string]any
	}{{catalog.Transcribers, transcriber}, {catalog.Voices, voice}} {
		provider, _ := one.made["provider"].(string)
		p := catalog.Find(one.part, provider)
		if p == nil || p.LanguageField == "" {
			continue
		}
		word, _ := one.made[p.LanguageField].(string)
		if code := p.Code(word); code != "" {
			return code
		}
	}
	return ""
}
