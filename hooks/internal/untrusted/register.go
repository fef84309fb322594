package untrusted

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"
)

// Refuse answers a request whose field cannot be used, in the shape of the
// route's answers.
type Refuse func(e *core.RequestEvent, field, reason string) error

// textFrom is the length from which a column holds a text of several lines;
// shorter ones are names, labels and codes.
const textFrom = 500

// Register holds what is saved and what is asked against the rules of this
// package.
func Register(app core.App, deny Refuse) {
	oneThumbnailAtATime()
	app.OnRecordValidate().BindFunc(validateRecord)
	app.OnRecordAuthWithOAuth2Request().BindFunc(func(e *core.RecordAuthWithOAuth2RequestEvent) error {
		if u := e.OAuth2User; u != nil {
			u.Name, u.Username = CleanLine(u.Name), CleanLine(u.Username)
		}
		return e.Next()
	})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(
			&hook.Handler[*core.RequestEvent]{
				Id: "pocketlineNoNULInAddress", Priority: apis.DefaultPanicRecoverMiddlewarePriority + 1,
				Func: func(e *core.RequestEvent) error { return readAddress(e, deny) },
			},
			&hook.Handler[*core.RequestEvent]{
				Id: "pocketlineNoNULInBody", Priority: apis.DefaultBodyLimitMiddlewarePriority - 4, // before anybody acts on one
				Func: func(e *core.RequestEvent) error { return readBody(e, deny) },
			},
		)
		return se.Next()
	})
}

// validateRecord looks at every column that changed. What stood there before
// these rules stays until somebody changes it.
func validateRecord(e *core.RecordEvent) error {
	found := validation.Errors{}
	for _, f := range e.Record.Collection().Fields {
		if !e.Record.IsNew() && e.Record.GetString(f.GetName()) == e.Record.Original().GetString(f.GetName()) && f.Type() != core.FieldTypeFile {
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

// validateFiles looks at the size of images before anything decodes them.
func validateFiles(r *core.Record, f *core.FileField) error {
	pictures := len(f.MimeTypes) > 0 && !slices.ContainsFunc(f.MimeTypes, func(kind string) bool { return !strings.HasPrefix(kind, "image/") })
	for _, file := range r.GetUnsavedFiles(f.Name) {
		content, err := file.Reader.Open()
		if err != nil {
			return ErrNoImage
		}
		err = Image(content)
		if closed := content.Close(); closed != nil && err == nil {
			err = ErrNoImage
		}
		// PocketBase makes thumbnails of images in any field.
		if tooLarge(err) || err != nil && pictures {
			return err
		}
	}
	return nil
}

// readAddress refuses a NUL in the path or a parameter, and a thumbnail of an
// image that was stored before sizes were looked at: the image itself is
// answered.
func readAddress(e *core.RequestEvent, deny Refuse) error {
	address := e.Request.URL
	if strings.ContainsRune(address.Path, 0) {
		return deny(e, "path", ErrNUL.Error())
	}
	if strings.Contains(address.RawQuery, "%00") || strings.ContainsRune(address.RawQuery, 0) {
		if name, found := nul(address.Query()); found {
			return deny(e, name, ErrNUL.Error())
		}
	}
	if strings.HasPrefix(address.Path, "/api/files/") && address.RawQuery != "" {
		if query := address.Query(); query.Get("thumb") != "" && refusesThumbnail(e) {
			query.Del("thumb")
			address.RawQuery = query.Encode()
		}
	}
	return e.Next()
}

// nul is the name of a value with a NUL in it.
func nul(values url.Values) (name string, found bool) {
	for name, all := range values {
		if strings.ContainsRune(name+strings.Join(all, ""), 0) {
			return strings.ReplaceAll(name, "\x00", ""), true
		}
	}
	return "", false
}

// refusesThumbnail tells of a stored image whose thumbnail is not there yet and must
// not be made. Whether it may be seen is asked afterwards.
func refusesThumbnail(e *core.RequestEvent) bool {
	file, size := e.Request.PathValue("filename"), e.Request.URL.Query().Get("thumb")
	record := e.Request.PathValue("recordId")
	collection, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
	if err != nil || file == "" || record == "" || strings.ContainsAny(file+record+size, `/\`) || strings.Contains(file+record, "..") {
		return false
	}
	files, err := e.App.NewFilesystem()
	if err != nil {
		return false
	}
	defer files.Close()
	folder := collection.BaseFilesPath() + "/" + record + "/"
	if made, err := files.Exists(folder + "thumbs_" + file + "/" + size + "_" + file); err != nil || made {
		return false
	}
	content, err := files.GetReader(folder + file)
	if err != nil {
		return false
	}
	defer content.Close()
	return tooLarge(Image(content))
}

// readBody looks at what a client sends before any handler does. Providers'
// doors read their own, after the proof.
func readBody(e *core.RequestEvent, deny Refuse) error {
	if e.Request.Body == nil || e.Request.ContentLength == 0 || strings.HasPrefix(e.Request.URL.Path, "/api/webhooks/") ||
		strings.HasPrefix(e.Request.URL.Path, "/functions/v1/webhooks/") || e.Request.Method == http.MethodGet {
		return e.Next()
	}
	kind, _, err := mime.ParseMediaType(e.Request.Header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") { // streamed; its texts are looked at in the row
		return e.Next()
	}
	field, problem, err := "", error(nil), error(nil)
	if kind == "application/x-www-form-urlencoded" {
		var raw []byte
		if raw, err = io.ReadAll(e.Request.Body); err == nil {
			if values, bad := url.ParseQuery(string(raw)); bad == nil {
				if name, found := nul(values); found {
					field, problem = name, ErrNUL
				}
			}
		}
	} else {
		var scan Scanner
		_, err = io.Copy(&scan, e.Request.Body)
		field, problem = scan.Field, scan.Err
	}
	if err != nil {
		return e.Next() // too large, or the sender left: whoever reads it gets the same error
	}
	if again, ok := e.Request.Body.(router.Rereader); ok {
		again.Reread()
	}
	if problem != nil {
		if field == "" {
			field = "body"
		}
		return deny(e, field, problem.Error())
	}
	return e.Next()
}

// oneThumbnailAtATime keeps PocketBase from decoding several images at once,
// whichever rows they belong to. An operator's own number would multiply
// MaxDecoded.
func oneThumbnailAtATime() {
	os.Setenv("PB_THUMBS_MAX_WORKERS", "1") //nolint:errcheck // the name is a valid one
}
