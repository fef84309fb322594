package refusal

import (
	"bytes"
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"maps"
	"slices"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// Register puts what is refused outside the documented routes, by PocketBase, by a
// hook or before a handler, into the shape of the surface that was asked. Every body of
// an error has error and code, whoever wrote it.
func Register(app core.App) {
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(chain.Middleware(chain.Refusals, shape))
		return se.Next()
	})
}

// shape answers an error that nobody answered. It is returned all the same: the
// request log keeps what lies behind it.
func shape(e *core.RequestEvent) error {
	response := e.Response
	err := e.Next()
	e.Response = response // a panic leaves what held the answer back in its place
	if Left(e, err) {     // for the log alone: an error it is not
		if e.Written() {
			return nil
		}
		return Write(e, Of("client_left"), nil)
	}
	if err == nil || e.Written() {
		return err
	}
	if failed := tell(e, err); failed != nil {
		return errors.Join(err, failed)
	}
	return err
}

// tell answers an error in PocketBase's words, which its clients read everywhere, with
// those of the surface beside them.
func tell(e *core.RequestEvent, err error) error {
	return Write(e, ofPocketBase(e, err), nil)
}

// ofPocketBase is an error in both words.
func ofPocketBase(e *core.RequestEvent, err error) *Refusal {
	api := router.ToApiError(err)
	both := &Refusal{Status: api.Status, Text: api.Message, Extra: map[string]any{}}
	if r := From(err); r != nil {
		both.Code, both.Details = r.Code, r.Details
		maps.Copy(both.Extra, r.Extra)
	}
	if IsStock(e.Request.URL.Path) {
		both.Details = nil // data has them
	}
	both.Extra["status"], both.Extra["message"] = api.Status, api.Message
	both.Extra["data"] = inOrder(e, api.Data)
	return both
}

// member is one name of a JSON object with its value.
type member struct {
	name  string
	value any
}

// object is a JSON object whose names stand in an order: clients show the first.
type object []member

// MarshalJSON writes the object.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	w := jsontext.NewEncoder(&b)
	if err := w.WriteToken(jsontext.BeginObject); err != nil {
		return nil, err
	}
	for _, m := range o {
		if err := w.WriteToken(jsontext.String(m.name)); err != nil {
			return nil, err
		}
		if err := json.MarshalEncode(w, m.value, json.Deterministic(true)); err != nil {
			return nil, err
		}
	}
	if err := w.WriteToken(jsontext.EndObject); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// set is the object with a value in place of the name's, or after all others.
func (o object) set(name string, value any) object {
	at := slices.IndexFunc(o, func(m member) bool { return m.name == name })
	if at < 0 {
		return append(o, member{name, value})
	}
	o[at].value = value
	return o
}

// sort orders the names by their places, those of one place by name.
func (o object) sort(place func(name string) int) {
	slices.SortFunc(o, func(a, b member) int {
		if place == nil {
			return cmp.Compare(a.name, b.name)
		}
		return cmp.Or(cmp.Compare(place(a.name), place(b.name)), cmp.Compare(a.name, b.name))
	})
}

// inOrder are the fields of an error in the order of the collection that was asked;
// what is no field of it follows by name.
func inOrder(e *core.RequestEvent, data map[string]any) object {
	places := map[string]int{}
	if name := e.Request.PathValue("collection"); name != "" {
		if c, err := e.App.FindCachedCollectionByNameOrId(name); err == nil {
			for at, f := range c.Fields {
				places[f.GetName()] = at - len(c.Fields)
			}
		}
	}
	fields := make(object, 0, len(data))
	for name, value := range data {
		fields = append(fields, member{name, inside(e, value)})
	}
	fields.sort(func(name string) int { return places[name] })
	return fields
}

// inside is what an error's data hold of errors: of a batch, that of the request in it
// which was refused.
func inside(e *core.RequestEvent, value any) any {
	switch v := value.(type) {
	case *router.ApiError:
		return told(e, ofPocketBase(e, v), nil)
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, one := range v {
			all[name] = inside(e, one)
		}
		return all
	}
	return value
}
