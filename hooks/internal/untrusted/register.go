package untrusted

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// textFrom is the length from which a column holds a text of several lines;
// shorter ones are names, labels and codes.
const textFrom = 500

// beforeAll is around whatever else validates a record.
const beforeAll = -1_000

// Register holds what is saved against the rules of this package. What requests
// bring package intake looks at first.
func Register(app core.App) {
	bindThumbnails(app)
	app.OnRecordValidate().BindFunc(validateRecord)
	app.OnRecordValidate().Bind(&hook.Handler[*core.RecordEvent]{Id: "pocketlineReasons", Priority: beforeAll,
		Func: shortReasons})
	for _, request := range []*hook.TaggedHook[*core.RecordRequestEvent]{app.OnRecordCreateRequest(),
		app.OnRecordUpdateRequest()} {
		request.Bind(&hook.Handler[*core.RecordRequestEvent]{Id: "pocketlinePictures", Priority: afterGate,
			Func: decodePictures})
	}
	app.OnRecordUpdateRequest().Bind(&hook.Handler[*core.RecordRequestEvent]{Id: "pocketlineChosen", Priority: afterGate,
		Func: keepChoices})
	app.OnRecordAuthWithOAuth2Request().BindFunc(func(e *core.RecordAuthWithOAuth2RequestEvent) error {
		if u := e.OAuth2User; u != nil {
			u.Name, u.Username = CleanLine(u.Name), CleanLine(u.Username)
		}
		return e.Next()
	})
}

// keepChoices refuses a request that takes a choice back which a row cannot be
// without, such as an assistant's provider.
func keepChoices(e *core.RecordRequestEvent) error {
	found := validation.Errors{}
	for _, f := range e.Collection.Fields {
		name := f.GetName()
		if collections.StaysChosen(e.Collection.Name, f) && e.Record.GetString(name) == "" &&
			e.Record.Original().GetString(name) != "" {
			found[name] = validation.ErrRequired
		}
	}
	if len(found) > 0 {
		return e.BadRequestError("Failed to update record.", found)
	}
	return e.Next()
}

// shortReasons keeps what is said of a column short, whoever says it: what was sent
// may stand in it.
func shortReasons(e *core.RecordEvent) error {
	err := e.Next()
	var found validation.Errors
	if !errors.As(err, &found) {
		return err
	}
	for name, reason := range found {
		var one validation.Error
		if said := reason.Error(); errors.As(reason, &one) && refusal.Short(said) != said {
			found[name] = one.SetParams(nil).SetMessage(refusal.Short(said))
		}
	}
	return err
}

// validateRecord looks at every column that changed. What stood there before
// these rules stays until somebody changes it.
func validateRecord(e *core.RecordEvent) error {
	found := validation.Errors{}
	for _, f := range e.Record.Collection().Fields {
		if !e.Record.IsNew() && e.Record.GetString(f.GetName()) == e.Record.Original().GetString(f.GetName()) &&
			f.Type() != core.FieldTypeFile {
			continue
		}
		if err := validateField(e.Record, f); err != nil {
			found[f.GetName()] = validation.NewError("validation_untrusted", err.Error())
		}
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

func validateField(r *core.Record, field core.Field) error {
	name := field.GetName()
	switch f := field.(type) {
	case *core.TextField:
		switch {
		case f.PrimaryKey: // PocketBase's own pattern
			return nil
		case f.Max >= textFrom || f.Max == 0:
			return validateText(r, name)
		case numberColumn(name):
			r.Set(name, CleanLine(r.GetString(name)))
			return nil
		}
		return Line(r.GetString(name))
	case *core.EmailField, *core.URLField:
		return Line(r.GetString(name))
	case *core.JSONField:
		return validateJSON([]byte(r.GetString(name)))
	case *core.FileField:
		return validateFiles(r, f)
	}
	return nil
}

// validateText cleans a text. A NUL from a client is refused: what is cut out
// silently would be missed.
func validateText(r *core.Record, name string) error {
	c, text := r.Collection(), r.GetString(name)
	if (c.CreateRule != nil || c.UpdateRule != nil) && strings.ContainsRune(text, 0) {
		return ErrNUL
	}
	r.Set(name, CleanText(text))
	return nil
}

// numberColumn tells of a column with a phone number: marks that were copied
// along with one are not the person's mistake.
func numberColumn(name string) bool { return name == "phone" || strings.HasSuffix(name, "_number") }

// validateJSON bounds a document's depth and looks at its texts.
func validateJSON(raw []byte) error {
	if err := JSON(raw); err != nil {
		return err
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return nil // the field itself says that it is no JSON
	}
	return validateValue("", value)
}

// validateValue looks at a value inside a document whose depth is bounded: names
// of things are one line, whatever list they stand in.
func validateValue(name string, value any) error {
	switch v := value.(type) {
	case string:
		if name == "name" || name == "label" {
			return Line(v)
		}
		if strings.ContainsFunc(v, func(r rune) bool { return r != '\r' && control(r) }) {
			return ErrText
		}
	case []any:
		for _, one := range v {
			if err := validateValue(name, one); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, one := range v {
			if err := errors.Join(Line(name), validateValue(name, one)); err != nil {
				return ErrText
			}
		}
	}
	return nil
}

// validateFiles looks at the head of images before anything decodes them. Whoever
// brings a picture decodes it before it is saved.
func validateFiles(r *core.Record, f *core.FileField) error {
	return eachFile(r, f, func(content io.ReadSeeker) error {
		// PocketBase's fields may hold other files beside images.
		if err := Image(content); TooLarge(err) || pictures(f) {
			return err
		}
		return nil
	})
}

// decodePictures looks at the whole of the pictures that a client sends, which
// browsers are shown, before the write connection is taken.
func decodePictures(e *core.RecordRequestEvent) error {
	found := validation.Errors{}
	for _, field := range e.Collection.Fields {
		f, ok := field.(*core.FileField)
		if !ok || !pictures(f) {
			continue
		}
		whole := func(content io.ReadSeeker) error { return WholeImage(e.Request.Context(), content) }
		if err := eachFile(e.Record, f, whole); err != nil {
			found[f.Name] = validation.NewError("validation_untrusted", err.Error())
		}
	}
	if len(found) > 0 {
		return refusal.Of("invalid_request").For(found)
	}
	return e.Next()
}

// pictures tells of a column that takes images alone.
func pictures(f *core.FileField) bool {
	other := func(kind string) bool { return !strings.HasPrefix(kind, "image/") }
	return len(f.MimeTypes) > 0 && !slices.ContainsFunc(f.MimeTypes, other)
}

// eachFile looks at the files of a column that are not stored yet, up to the first
// with something wrong.
func eachFile(r *core.Record, f *core.FileField, look func(content io.ReadSeeker) error) error {
	for _, file := range r.GetUnsavedFiles(f.Name) {
		content, err := file.Reader.Open()
		if err != nil {
			return ErrNoImage
		}
		err = look(content)
		if closed := content.Close(); closed != nil && err == nil {
			err = ErrNoImage
		}
		if err != nil {
			return err
		}
	}
	return nil
}
