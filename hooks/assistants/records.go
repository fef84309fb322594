package assistants

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pocketbase/dbx"
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

// nameMin is the shortest name, as the old systems had it.
const nameMin = 3

// Defaults of a new assistant. Providers, models and voices that answer well
// without a choice made are the table's (fillChoices).
var defaults = map[string]string{"type": "voice", "status": collections.AssistantActive, "language": "en"}

// optional are numbers whose zero is a value, with what they are in a new
// assistant when nobody says one: for a voice's stability that is its provider's
// own default. A null leaves them to the provider.
var optional = []struct {
	column string
	value  float64
}{{"model_temperature", 0.5}, {"voice_stability", 0.5}}

// fillNumbersAndFlags sets what a new assistant's request left out and whose
// zero means something: only the request tells the two apart.
func (d *domain) fillNumbersAndFlags(e *core.RecordRequestEvent) error {
	body, err := bodyOf(e)
	if err != nil {
		return err
	}
	if _, given := body["recording_enabled"]; !given {
		e.Record.Set("recording_enabled", true)
	}
	for _, o := range optional {
		if _, given := body[o.column]; !given {
			e.Record.Set(o.column, o.value)
		}
	}
	noteUnset(e.Record, body)
	return e.Next()
}

// keepUnset follows, in a change, which numbers are left to the provider.
func (d *domain) keepUnset(e *core.RecordRequestEvent) error {
	body, err := bodyOf(e)
	if err != nil {
		return err
	}
	noteUnset(e.Record, body)
	return e.Next()
}

// bodyOf is the body as it was sent: in RequestInfo a null is a zero already.
func bodyOf(e *core.RecordRequestEvent) (body map[string]any, err error) {
	if err := e.BindBody(&body); err != nil {
		return nil, refusal.Of("unreadable_body").For(err)
	}
	return body, nil
}

// unset lists the columns that are nobody's wish: the number or language there is
// not sent (collections.AssistantUnset).
const unset = "unset"

// noteUnset takes null for what nobody wishes, and anything else for a wish.
func noteUnset(a *core.Record, body map[string]any) {
	list := a.GetStringSlice(unset)
	for _, column := range collections.AssistantUnset {
		value, given := body[column]
		if !given {
			continue
		}
		list = slices.DeleteFunc(list, func(name string) bool { return name == column })
		if _, number := a.Collection().Fields.GetByName(column).(*core.NumberField); number && (value == nil || value == "") {
			list = append(list, column)
			a.Set(column, 0)
		}
	}
	a.Set(unset, list)
}

// wished tells whether a column of an assistant is somebody's wish.
func wished(a *core.Record, column string) bool {
	return !slices.Contains(a.GetStringSlice(unset), column)
}

// showUnset answers null for a number that is left to the provider.
func (d *domain) showUnset(e *core.RecordEnrichEvent) error {
	for _, o := range optional {
		if !wished(e.Record, o.column) {
			e.Record.SetRaw(o.column, nil)
		}
	}
	return e.Next()
}

func (d *domain) fillAssistant(e *core.RecordEvent) error {
	for name, value := range defaults {
		if e.Record.GetString(name) == "" {
			e.Record.Set(name, value)
		}
	}
	fillChoices(e.Record)
	return d.normalizeAssistant(e)
}

// normalizeAssistant brings spellings people use to the one that is stored.
func (d *domain) normalizeAssistant(e *core.RecordEvent) error {
	e.Record.Set("name", strings.TrimSpace(e.Record.GetString("name")))
	e.Record.Set("voice_provider", vapi.VoiceProvider(e.Record.GetString("voice_provider")))
	if number := e.Record.GetString("forwarding_phone_number"); number != "" {
		if e164, problem := dialing.Of(e.App, e.Record.GetString("organization")).Check(number); problem == "" {
			e.Record.Set("forwarding_phone_number", e164)
		}
	}
	return e.Next()
}

func (d *domain) validateAssistant(e *core.RecordEvent) error {
	a, found := e.Record, validation.Errors{}
	if n := utf8.RuneCountInString(a.GetString("name")); n > 0 && n < nameMin {
		found["name"] = validation.NewError("validation_name_too_short", fmt.Sprintf("Use at least %d characters.", nameMin))
	}
	refuseChoices(a, found)
	policy := sync.OnceValue(func() dialing.Policy { return dialing.Of(e.App, a.GetString("organization")) })
	changed := func(name string) bool { return a.IsNew() || a.GetString(name) != a.Original().GetString(name) }
	if number := a.GetString("forwarding_phone_number"); number != "" && changed("forwarding_phone_number") {
		if _, problem := policy().Check(number); problem != "" {
			found["forwarding_phone_number"] = validation.NewError("validation_invalid_phone_number", problem+".")
		}
	}
	if problem := wrongPhrases(a); problem != nil {
		found["end_call_phrases"] = problem
	}
	if raw := a.GetString("config"); raw != "" && raw != "null" {
		var object map[string]any
		if a.UnmarshalJSONField("config", &object) != nil {
			found["config"] = validation.NewError("validation_invalid_object", "This must be a JSON object.")
		} else if problem := refused(a); problem != "" {
			found["config"] = validation.NewError("validation_not_sent", problem)
		} else if changed("config") {
			if _, problem := policy().Settings(object); problem != "" {
				found["config"] = validation.NewError("validation_invalid_phone_number", problem+".")
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

// wrongPhrases is what is wrong with the phrases that end a call, or nil.
func wrongPhrases(a *core.Record) error {
	raw := a.GetString("end_call_phrases")
	if raw == "" || raw == "null" {
		return nil
	}
	var list []string
	if a.UnmarshalJSONField("end_call_phrases", &list) != nil {
		return validation.NewError("validation_invalid_list", "This must be a list of texts.")
	}
	for _, phrase := range list {
		if n := utf8.RuneCountInString(phrase); n < 2 || n > 140 {
			return validation.NewError("validation_invalid_phrase", "Each phrase has 2 to 140 characters.")
		}
		if err := untrusted.Line(phrase); err != nil {
			return validation.NewError("validation_invalid_phrase", err.Error())
		}
	}
	return nil
}

// keepUsed refuses to delete the assistant a number is answered by, unless the
// request says force=true; then the number is left without one.
func (d *domain) keepUsed(e *core.RecordRequestEvent) error {
	numbers, err := e.App.FindRecordsByFilter(collections.PhoneNumbers, "assistant = {:id} && sync_status != {:deleting}",
		"created", 0, 0,
		dbx.Params{"id": e.Record.Id, "deleting": collections.SyncDeleting})
	if err != nil {
		return e.InternalServerError("", err)
	}
	if len(numbers) > 0 && e.Request.URL.Query().Get("force") != "true" {
		name := numbers[0].GetString("phone_number")
		if label := numbers[0].GetString("friendly_name"); label != "" {
			name = strings.TrimSpace(label + " " + name)
		}
		if others := len(numbers) - 1; others > 0 {
			return refusal.Of("assistant_answers/more", name, others)
		}
		return refusal.Of("assistant_answers", name)
	}
	if len(numbers) == 0 {
		return e.Next()
	}
	if err := e.App.RunInTransaction(func(tx core.App) error {
		for _, number := range numbers {
			number.Set("assistant", "")
			number.IgnoreUnchangedFields(true)
			if err := tx.SaveNoValidate(number); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return refusal.Of("internal/numbers").For(err)
	}
	return e.Next()
}
