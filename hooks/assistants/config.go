package assistants

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/pocketbase/pocketbase/core"
)

// This file is the advanced settings of an assistant, the column config: keys of
// Vapi's assistant that are sent as they are typed. Some keys never leave: those
// our columns stand for, those that tie the copy to us, and those that would let
// one organization use what belongs to the whole account. They are refused by
// name; rows from before this was said keep theirs, shown as not sent.

// ours are the keys that are never sent, in the order they are told, and what
// says the same in their place; "" when nothing does.
var ours = []struct{ key, instead string }{
	{"name", "name"},
	{"model", "model_provider, model_name, model_temperature, model_max_tokens, system_prompt, functions"},
	{"voice", "voice_provider, voice_id, voice_model, voice_speed, voice_stability"},
	{"transcriber", "transcriber_provider, transcriber_model, transcriber_language"},
	{"firstMessage", "first_message"},
	{"endCallMessage", "end_call_message"},
	{"voicemailMessage", "voicemail_message"},
	{"endCallPhrases", "end_call_phrases"},
	{"maxDurationSeconds", "max_duration_seconds"},
	{"silenceTimeoutSeconds", "silence_timeout_seconds"},
	{"artifactPlan", "recording_enabled"},
	{"metadata", "metadata"},
	{"analysisPlan", ""}, {"monitorPlan", ""}, {"serverMessages", ""}, {"server", ""}, {"serverUrlSecret", ""},
	{"credentials", ""}, {"credentialIds", ""},
	{"id", ""}, {"orgId", ""}, {"createdAt", ""}, {"updatedAt", ""},
	// Kept for the documented routes, which answer them as they came.
	{"serverUrl", ""}, {"knowledgeBaseId", ""},
}

// isOurs tells whether a key of the advanced settings is never sent.
func isOurs(key string) bool {
	return slices.ContainsFunc(ours, func(o struct{ key, instead string }) bool { return o.key == key })
}

// advanced are the settings a person typed as JSON, without the keys that are ours.
func advanced(a *core.Record) map[string]any {
	all := settings(a)
	for key, value := range all {
		if isOurs(key) || value == nil {
			delete(all, key)
		}
	}
	return all
}

func settings(a *core.Record) (all map[string]any) {
	if a.UnmarshalJSONField("config", &all) != nil {
		return nil
	}
	return all
}

// notSent are the keys of an assistant's advanced settings that stay here.
func notSent(a *core.Record) []string {
	stays := []string{}
	all := settings(a)
	for _, o := range ours {
		if _, typed := all[o.key]; typed {
			stays = append(stays, o.key)
		}
	}
	return stays
}

// refused says why settings cannot be saved as they are: they bring, or change,
// a key that is never sent. What the row had before may stay as it was.
func refused(a *core.Record) string {
	before := map[string]any{}
	if !a.IsNew() {
		before = settings(a.Original())
	}
	now := settings(a)
	for _, o := range ours {
		value, typed := now[o.key]
		if old, had := before[o.key]; !typed || had && reflect.DeepEqual(old, value) || slices.Contains(extras, o.key) {
			continue
		}
		if o.instead == "" {
			return fmt.Sprintf("The setting config.%s is not sent to the phone provider: this server decides it. Leave it out.", o.key)
		}
		return fmt.Sprintf("The setting config.%s is not sent to the phone provider. Set %s instead.", o.key, o.instead)
	}
	return ""
}

// showNotSent tells which settings stay here (config_not_sent).
func (d *domain) showNotSent(e *core.RecordEnrichEvent) error {
	e.Record.WithCustomData(true)
	e.Record.Set("config_not_sent", notSent(e.Record))
	return e.Next()
}
