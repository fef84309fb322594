package refusal

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

// asked is an event of a request for a path, and what is answered to it.
func asked(path string) (*core.RequestEvent, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	e := new(core.RequestEvent)
	e.Request, e.Response = httptest.NewRequest("POST", path, nil), w
	return e, w
}

func TestWrite_has_the_shape_of_the_surface_that_was_asked(t *testing.T) {
	for path, want := range map[string]map[string]any{
		"/api/calls":          {"error": "Not here", "code": "not_found"},
		"/functions/v1/calls": {"error": "Not here", "code": "not_found", "success": false, "message": "Not here"},
		"/auth/v1/token":      {"error": "Not here", "code": "not_found", "error_code": "not_found", "msg": "Not here"},
	} {
		e, w := asked(path)
		if err := Answer(e, Saying("not_found", "Not here.")); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 404 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %d %s (%v), want %v", path, w.Code, w.Body, err, want)
		}
	}
}

func TestWrite_says_words_of_its_own_and_what_stands_beside(t *testing.T) {
	for name, tt := range map[string]struct {
		path string
		r    *Refusal
		want map[string]any
	}{
		"a word of its own": {"/api/calls", &Refusal{Status: 409, Text: "Later", Code: "call_just_placed"},
			map[string]any{"error": "Later", "code": "call_just_placed"}},
		"a status nobody thought of": {"/api/calls", &Refusal{Status: 418, Text: "No"},
			map[string]any{"error": "No", "code": "invalid_request"}},
		"fields and more": {"/api/calls", &Refusal{Status: 400, Text: "No", Details: map[string]string{"name": "Too long"},
			Extra: map[string]any{"call": "c1"}},
			map[string]any{"error": "No", "code": "invalid_request", "details": map[string]any{"name": "Too long"},
				"call": "c1"}},
		"the library's word": {"/auth/v1/token", &Refusal{Status: 400, Text: "No"},
			map[string]any{"error": "No", "code": "invalid_request", "error_code": "validation_failed", "msg": "No"}},
	} {
		e, w := asked(tt.path)
		if err := Write(e, tt.r, nil); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != tt.r.Status ||
			!reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %d %s (%v), want %v", name, w.Code, w.Body, err, tt.want)
		}
	}
}

// Routes of PocketBase keep PocketBase's shape: its clients read it.
func TestAnswer_leaves_PocketBases_routes_their_shape(t *testing.T) {
	for _, path := range []string{
		"/api/collections/calls/records", "/api/realtime", "/api/files/a/b/c", "/api/batch", "/api/settings",
		"/api/oauth2-redirect", "/_/",
	} {
		e, w := asked(path)
		err := Answer(e, Saying("not_for_keys", "Not yours."))
		api := router.ToApiError(err)
		if err == nil || w.Body.Len() > 0 || api.Status != 403 || api.Message != "Not yours." {
			t.Errorf("%s: got %v and wrote %s", path, err, w.Body)
		}
		err = Field(e, "name", "Too long.")
		api = router.ToApiError(err)
		if err == nil || w.Body.Len() > 0 || api.Status != 400 || api.Data["name"] == nil {
			t.Errorf("%s: a field: got %v and wrote %s", path, err, w.Body)
		}
	}
}

func TestField_names_the_field_without_a_full_stop(t *testing.T) {
	e, w := asked("/api/calls")
	if err := Field(e, "name", "Too long."); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	want := map[string]any{"error": "Invalid request data", "code": "invalid_request",
		"details": map[string]any{"name": "Too long"}}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 400 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %s (%v)", w.Code, w.Body, err)
	}
}

func TestRefusal_that_is_kept_stays_as_it_was(t *testing.T) {
	kept := Of("not_found/call").Beside("a", 1)
	was := kept.Error()
	for name, more := range map[string]*Refusal{
		"With": kept.With("details"), "At": kept.At("field", "reason"), "Beside": kept.Beside("b", 2).Beside("a", 3),
		"For": kept.For(errors.New("what lies behind")),
	} {
		if more == kept || kept.Details != nil || len(kept.Extra) != 1 || kept.Extra["a"] != 1 || kept.Error() != was {
			t.Errorf("%s changed it to %+v", name, kept)
		}
		if reflect.DeepEqual(more, kept) {
			t.Errorf("%s added nothing", name)
		}
	}
}
