package assistants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// This file keeps what somebody added to a copy at Vapi. Vapi replaces a
// top-level field as a whole: to change the prompt, the whole model is sent. So
// before such a change the copy is read, and what is not ours goes back with it.

// owned are, for each of those fields, the parts that are ours: they are as the
// row says, or gone.
var owned = map[string][]string{
	"model": {"provider", "model", "messages", "temperature", "maxTokens", "toolIds", "tools"},
	"voice": {"provider", "voiceId", "model", "speechModel", "speed", "speakingRate", "stability", "language",
		"languageCode", "languageBoost", "generationConfig"},
	"transcriber":  {"provider", "model", "speechModel", "language", "languageCode", "languageBoost"},
	"artifactPlan": {"recordingEnabled", "structuredOutputIds"},
	"monitorPlan":  {"listenEnabled", "controlEnabled"},
	"analysisPlan": {"summaryPlan", "successEvaluationPlan", "structuredDataPlan"},
	"metadata":     {"recordId", "organizationId", "installationId"},
}

// anyProvider are parts that stay when the provider changes; the others belong
// to the provider, and another one would refuse them.
var anyProvider = []string{"knowledgeBase"}

// withTheirs is a change of a copy with what is theirs in the fields it replaces.
func (d *domain) withTheirs(ctx context.Context, id string, patch map[string]any) error {
	const plan = "analysisPlan"
	value, sent := patch[plan]
	withdrawn := sent && value == nil
	if !withdrawn && !replaces(patch) {
		return nil
	}
	copied, err := d.Vapi.Assistants.Get(ctx, id)
	if err != nil {
		return err
	}
	theirs := objectOf(copied.Raw)
	if rest := objectOf(theirs[plan]); withdrawn && rest != nil {
		maps.DeleteFunc(rest, func(name string, value any) bool { return value == nil || slices.Contains(owned[plan], name) })
		if len(rest) > 0 {
			patch[plan] = rest
		}
	}
	for field, names := range owned {
		mine, there := objectOf(patch[field]), objectOf(theirs[field])
		if mine == nil || there == nil {
			continue
		}
		if err := d.joinLists(ctx, field, mine, there); err != nil {
			return err
		}
		joinOwn(mine, there, names)
		patch[field] = mine
	}
	return nil
}

// joinOwn keeps in an object what is theirs: what is not among our names, as long as it
// is of the same provider or of any.
func joinOwn(mine, there map[string]any, ours []string) {
	sameProvider := fmt.Sprint(mine["provider"]) == fmt.Sprint(there["provider"])
	for name, value := range there {
		_, sent := mine[name]
		if !sent && value != nil && !slices.Contains(ours, name) && (sameProvider || slices.Contains(anyProvider, name)) {
			mine[name] = value
		}
	}
	if sameProvider {
		joinInside(mine, there)
	}
}

// replaces tells whether a change replaces an object that holds theirs beside ours.
func replaces(patch map[string]any) bool {
	for field := range owned {
		if objectOf(patch[field]) != nil {
			return true
		}
	}
	return false
}

// joinLists keeps what stands in the lists of an object beside what is ours.
func (d *domain) joinLists(ctx context.Context, field string, mine, there map[string]any) error {
	switch field {
	case "model":
		return d.joinTools(ctx, mine, there)
	case "artifactPlan":
		return d.joinOutputs(ctx, mine, there)
	}
	return nil
}

// joinInside keeps what is theirs where a part is ours in part only: of
// Cartesia's generationConfig the speed is, and Speechmatics cannot be without a
// customVocabulary, which we leave empty.
func joinInside(mine, there map[string]any) {
	if theirs := objectOf(there["generationConfig"]); theirs != nil {
		delete(theirs, "speed")
		maps.Copy(theirs, objectOf(mine["generationConfig"]))
		if len(theirs) > 0 {
			mine["generationConfig"] = theirs
		}
	}
	if words := listOf(there["customVocabulary"]); len(words) > 0 && len(listOf(mine["customVocabulary"])) == 0 {
		mine["customVocabulary"] = words
	}
}

// joinTools adds to our tools those that somebody gave the assistant at Vapi.
func (d *domain) joinTools(ctx context.Context, mine, there map[string]any) error {
	tools, _ := mine["tools"].([]any)
	for _, tool := range listOf(there["tools"]) {
		if !isOurTool(tool) {
			tools = append(tools, tool)
		}
	}
	if len(tools) > 0 {
		mine["tools"] = tools
	}
	ids := listOf(mine["toolIds"])
	for _, id := range listOf(there["toolIds"]) {
		if slices.Contains(ids, id) {
			continue
		}
		added, err := d.isTheirTool(ctx, id)
		if err != nil {
			return err
		}
		if added {
			ids = append(ids, id)
		}
	}
	mine["toolIds"] = ids
	return nil
}

// joinOutputs adds to our outputs those that somebody linked at Vapi.
func (d *domain) joinOutputs(ctx context.Context, mine, there map[string]any) error {
	ids := listOf(mine["structuredOutputIds"])
	for _, id := range listOf(there["structuredOutputIds"]) {
		if slices.Contains(ids, id) {
			continue
		}
		text, _ := id.(string)
		output, err := d.Vapi.StructuredOutputs.Get(ctx, text)
		var e *vapi.Error
		switch {
		case vapi.IsNotFound(err), errors.As(err, &e) && e.Status == 0 && e.Code == "invalid_id":
			continue
		case err != nil:
			return err
		}
		if !isOurOutput(output) {
			ids = append(ids, id)
		}
	}
	mine["structuredOutputIds"] = ids
	return nil
}

// isOurTool tells whether an inline tool is one toModel makes.
func isOurTool(tool any) bool {
	switch object := objectOf(tool); object["type"] {
	case "endCall":
		return true // there is one, and whether is ours to say
	case "transferCall":
		first := listOf(object["destinations"])
		return len(first) == 1 && objectOf(first[0])["description"] == transferWords
	}
	return false
}

// isTheirTool tells whether a tool that an assistant has at Vapi is none of our
// functions': those leave with the function.
func (d *domain) isTheirTool(ctx context.Context, id any) (bool, error) {
	text, _ := id.(string)
	tool, err := d.Vapi.Tools.Get(ctx, text)
	var e *vapi.Error
	switch {
	case vapi.IsNotFound(err), errors.As(err, &e) && e.Status == 0 && e.Code == "invalid_id":
		return false, nil
	case err != nil:
		return false, err
	}
	return vapicopy.MarkOf(tool.Raw).Record == "", nil
}

// objectOf reads a value as a JSON object; nil when it is none.
func objectOf(value any) map[string]any {
	switch v := value.(type) {
	case map[string]any:
		return v
	case json.RawMessage:
		var object map[string]any
		if json.Unmarshal(v, &object) == nil {
			return object
		}
	}
	return nil
}

func listOf(value any) []any {
	list, ok := value.([]any)
	if !ok {
		return []any{}
	}
	return list
}
