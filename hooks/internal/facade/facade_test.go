package facade_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

var fields = []facade.Field{
	{Name: "name", Column: "name", Required: true, MinLength: 2, MaxLength: 100},
	{Name: "about", Column: "description", MaxLength: 500},
	{Name: "model.provider", Column: "model_provider", OneOf: []string{"openai", "google"},
		Words: map[string]string{"gpt": "openai"}},
	{Name: "model.temperature", Column: "model_temperature", Kind: facade.Number, Min: 0, Max: 2},
	{Name: "code", Column: "language"},
}

func out(row map[string]any) map[string]any {
	return map[string]any{"id": row["id"], "name": row["name"], "about": row["description"],
		"provider": row["model_provider"]}
}

// bind serves assistants under documented paths of three envelopes.
func bind(app core.App) {
	tenant.Register(app, tenant.AnswerLimits{})
	f := facade.New(app)
	resource := func(path string, envelope facade.Envelope, list facade.Verb, verbs ...facade.Verb) facade.Resource {
		for i := range verbs {
			verbs[i].Message = "Done"
		}
		return facade.Resource{
			Collection: collections.Assistants, Path: path, Envelope: envelope, Fields: fields, Out: out, Sort: "name",
			Filters: []facade.Filter{{Query: "status", Column: "status", OneOf: collections.SyncStatuses,
				Words: map[string]string{"on": "active"}}},
			Search: []string{"name", "description"}, Verbs: append(verbs, list),
		}
	}
	list, create := facade.Verb{Do: facade.ListRows}, facade.Verb{Do: facade.Create, Status: 201}
	update, remove := facade.Verb{Do: facade.Update}, facade.Verb{Do: facade.Delete}
	put := facade.Verb{Do: facade.Update, Method: "PUT"}
	f.Resources(
		resource("/api/agents", facade.EnvelopeNamed("agent", "agents"), list, create, facade.Verb{Do: facade.View}, put, remove),
		resource("/functions/v1/agents", facade.Functions, list, create, update, remove),
	)
	for path, err := range map[string]error{
		"/api/fail/plain": errors.New("a secret detail"),
		"/api/fail/api":   &refusal.Refusal{Status: 409, Text: "Taken", Details: "why"},
	} {
		f.Handle(facade.Route{Method: "GET", Path: path, Auth: facade.Guest}, func(*core.RequestEvent) error { return err })
	}
	f.Handle(facade.Route{Method: "GET", Path: "/api/operator", Auth: facade.Superuser},
		func(e *core.RequestEvent) error { return e.NoContent(204) })
	f.Handle(facade.Route{Method: "GET", Path: "/api/boss", Auth: facade.Admin},
		func(e *core.RequestEvent) error { return e.NoContent(204) })
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		f.Mount(se)
		return se.Next()
	})
}

// A create that a hook refuses is told in the hook's words, whoever asks; what the
// access rule refuses is a matter of the role.
func TestRows_tell_what_a_hook_refused(t *testing.T) {
	mux := testkit.Mux(t, testkit.New(t, func(app core.App) {
		bind(app)
		refusal.Register(app)
		app.OnRecordCreate(collections.Assistants).BindFunc(func(e *core.RecordEvent) error {
			if e.Record.GetString("name") == "Late one" {
				return refusal.Of("being_deleted")
			}
			return e.Next()
		})
	}))
	good := map[string]any{"name": "Late one", "about": "x", "model": map[string]any{"provider": "gpt"}}
	for person, want := range map[string]refusal.Row{
		testkit.AcmeOwner:  {Name: "being_deleted", Status: 400},
		testkit.AcmeViewer: {Name: "forbidden", Status: 403},
	} {
		status, got, body := ask(t, mux, request{person, "POST", "/api/agents", good, nil})
		if status != want.Status || got["code"] != want.Name {
			t.Errorf("%s: got %d %s, want %d %s", person, status, body, want.Status, want.Name)
		}
	}
}

type request struct {
	person, method, url string
	body                any
	header              map[string]string
}

func ask(t testing.TB, mux http.Handler, r request) (int, map[string]any, string) {
	t.Helper()
	var raw []byte
	switch b := r.body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	req := httptest.NewRequest(r.method, r.url, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(t, r.person) {
		req.Header.Set(k, v)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	var object map[string]any
	json.Unmarshal(w.Body.Bytes(), &object) // a bare array stays nil
	return w.Code, object, w.Body.String()
}

func TestRows_answer_each_person(t *testing.T) {
	mux := testkit.Mux(t, testkit.New(t, bind))
	one := "/api/agents/" + testkit.AcmeAssistant
	good := map[string]any{"name": "New voice", "about": "x",
		"model": map[string]any{"provider": "gpt", "temperature": 0.5}}
	tests := []struct {
		name string
		request
		status int
		says   string // in the body
		not    string // nowhere in the body
	}{
		{"guest list", request{testkit.Guest, "GET", "/api/agents", nil, nil}, 401, `"error":"Authentication required"`,
			"message"},
		{"guest create", request{testkit.Guest, "POST", "/api/agents", good, nil}, 401, `"code":"unauthorized"`, ""},
		{"guest delete", request{testkit.Guest, "DELETE", one, nil, nil}, 401, `"error"`, ""},
		{"no organization", request{testkit.Nobody, "GET", "/api/agents", nil, nil}, 403, `"error"`, ""},
		{"foreign view", request{testkit.BoltOwner, "GET", one, nil, nil}, 404, `"code":"not_found"`, "Front desk"},
		{"foreign update", request{testkit.BoltOwner, "PUT", one, good, nil}, 404, `"error"`, ""},
		{"foreign delete", request{testkit.BoltOwner, "DELETE", one, nil, nil}, 404, `"error"`, ""},
		{"a member there, acting elsewhere", request{testkit.Sam, "GET", one, nil, nil}, 404, `"error"`, ""},
		{"a member there, acting there",
			request{testkit.Sam, "GET", one, nil, map[string]string{tenant.Header: testkit.Acme}}, 200, `"agent":{`, ""},
		{"too small a role to create", request{testkit.AcmeViewer, "POST", "/api/agents", good, nil}, 403,
			`"code":"forbidden"`, ""},
		{"too small a role to change", request{testkit.AcmeViewer, "PUT", one, good, nil}, 403, `"code":"forbidden"`, ""},
		{"too small a role to delete", request{testkit.AcmeViewer, "DELETE", one, nil, nil}, 403, `"code":"forbidden"`, ""},
		{"missing row", request{testkit.AcmeOwner, "GET", "/api/agents/nothing", nil, nil}, 404, `"error"`, ""},
		{"an id with a slash in it", request{testkit.AcmeOwner, "GET", "/api/agents/..%2Fx", nil, nil}, 404, `"error"`, ""},
		{"no body", request{testkit.AcmeOwner, "POST", "/api/agents", nil, nil}, 400, `"name":"Required"`, ""},
		{"not JSON", request{testkit.AcmeOwner, "POST", "/api/agents", "{", nil}, 400, `"error"`, ""},
		{"a list", request{testkit.AcmeOwner, "POST", "/api/agents", "[]", nil}, 400, `"error"`, ""},
		{"null", request{testkit.AcmeOwner, "POST", "/api/agents", "null", nil}, 400, `"error"`, ""},
		{"a key twice", request{testkit.AcmeOwner, "POST", "/api/agents", `{"name":"ab","name":"cd"}`, nil},
			400, `"error"`, ""},
		{"wrong types and words",
			request{testkit.AcmeOwner, "POST", "/api/agents",
				map[string]any{"name": 5, "model": map[string]any{"provider": "eliza", "temperature": 9}}, nil}, 400,
			`"model.provider":"Must be one of openai, google"`, ""},
		{"too long for the column, in the caller's words",
			request{testkit.AcmeOwner, "POST", "/api/agents", map[string]any{"name": "ok", "code": strings.Repeat("x", 50)},
				nil}, 400, `"code":"`, `"language"`},
		{"too big", request{testkit.AcmeOwner, "POST", "/api/agents", `{"name":"` + strings.Repeat("x", 3<<20) + `"}`, nil},
			413, `"code":"too_large"`, ""},
		{"created", request{testkit.AcmeManager, "POST", "/api/agents", good, nil}, 201, `"provider":"openai"`, ""},
		{"changed", request{testkit.AcmeOwner, "PUT", one, map[string]any{"about": "changed"}, nil}, 200,
			`"about":"changed"`, ""},
		{"deleted", request{testkit.AcmeOwner, "DELETE", "/api/agents/" + testkit.AcmeAssistant, nil, nil},
			200, `{"data":null,"message":"Done"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := ask(t, mux, tt.request)
			if status != tt.status || !strings.Contains(body, tt.says) || tt.not != "" && strings.Contains(body, tt.not) {
				t.Errorf("got %d %s, want %d with %s", status, body, tt.status, tt.says)
			}
		})
	}
}

func TestRows_store_what_they_answer(t *testing.T) {
	app := testkit.New(t, bind)
	mux := testkit.Mux(t, app)
	_, got, body := ask(t, mux,
		request{testkit.Sam, "POST", "/api/agents",
			map[string]any{"name": "New voice", "organization": testkit.Acme, "created_by": "x"}, nil})
	data, _ := got["data"].(map[string]any)
	agent, ok := data["agent"].(map[string]any)
	if !ok {
		t.Fatal(body)
	}
	row, err := app.FindRecordById(collections.Assistants, agent["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if row.GetString("organization") != testkit.Bolt || row.GetString("created_by") != testkit.User(testkit.Sam) {
		t.Errorf("stored for %s by %s, want Bolt and Sam", row.GetString("organization"), row.GetString("created_by"))
	}
}

func TestLists_are_paged_filtered_and_searched(t *testing.T) {
	app := testkit.New(t, bind)
	c, err := app.FindCollectionByNameOrId(collections.Assistants)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"A 50% voice", `Quote ' and \ voice`, "under_score", "Fermé, cœur d'hiver"} {
		row := core.NewRecord(c)
		row.Load(map[string]any{"organization": testkit.Acme, "name": name, "status": "inactive"})
		if err := app.Save(row); err != nil {
			t.Fatal(err)
		}
	}
	mux := testkit.Mux(t, app)
	tests := []struct {
		query               string
		status, rows, total int
		limit, page, pages  int
	}{
		{"", 200, 5, 5, 20, 1, 1},
		{"?limit=3", 200, 3, 5, 3, 1, 2},
		{"?limit=3&page=2", 200, 2, 5, 3, 2, 2},
		{"?limit=3&page=9", 200, 0, 5, 3, 9, 2},
		{"?limit=100000", 200, 5, 5, 100, 1, 1},
		{"?limit=0", 400, 0, 0, 0, 0, 0},
		{"?page=-1", 400, 0, 0, 0, 0, 0},
		{"?page=x", 400, 0, 0, 0, 0, 0},
		{"?status=on", 200, 1, 1, 20, 1, 1},
		{"?status=nothing", 400, 0, 0, 0, 0, 0},
		{"?search=voice", 200, 2, 2, 20, 1, 1},
		{"?search=" + url.QueryEscape("50%"), 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape("%"), 200, 1, 1, 20, 1, 1},
		{"?search=_", 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape(`' and \`), 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape(`' || id != '`), 200, 0, 0, 20, 1, 0},
		{"?search=" + url.QueryEscape(`\`), 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape(`x' // `), 200, 0, 0, 20, 1, 0},
		{"?search=" + url.QueryEscape("FERMÉ"), 200, 1, 1, 20, 1, 1},
		{"?search=ferme", 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape("fermé"), 200, 1, 1, 20, 1, 1}, // in parts
		{"?search=COEUR", 200, 1, 1, 20, 1, 1},
		{"?search=" + url.QueryEscape("hiver\u00a0 ferme"), 200, 1, 1, 20, 1, 1}, // each word, wherever it stands
		{"?search=" + url.QueryEscape("ferme voice"), 200, 0, 0, 20, 1, 0},
		{"?search=" + url.QueryEscape("\u0301"), 200, 0, 0, 20, 1, 0}, // an accent of nothing
		{"?search=" + url.QueryEscape(strings.Repeat("é", 200)), 200, 0, 0, 20, 1, 0},
		{"?search=" + url.QueryEscape(strings.Repeat("ﷺ", 200)), 400, 0, 0, 0, 0, 0}, // 18 letters each
		{"?search=" + url.QueryEscape(strings.Repeat("a ", 100)), 400, 0, 0, 0, 0, 0},
		{"?search=" + strings.Repeat("x", 300), 400, 0, 0, 0, 0, 0},
		{"?filter=" + url.QueryEscape("id='x'") + "&sort=-created&expand=organization", 200, 5, 5, 20, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			status, got, body := ask(t, mux, request{testkit.AcmeViewer, "GET", "/api/agents" + tt.query, nil, nil})
			if status != tt.status {
				t.Fatalf("got %d %s, want %d", status, body, tt.status)
			}
			if status == 400 && !strings.Contains(body, `"details":{"`+strings.TrimLeft(tt.query[:strings.IndexByte(tt.query, '=')], "?")) {
				t.Errorf("got %s, which does not name the parameter", body)
			}
			if status != 200 {
				return
			}
			got = got["data"].(map[string]any)
			p := got["pagination"].(map[string]any)
			if len(got["agents"].([]any)) != tt.rows || p["total"] != float64(tt.total) || p["limit"] != float64(tt.limit) ||
				p["page"] != float64(tt.page) || p["totalPages"] != float64(tt.pages) {
				t.Errorf("got %s, want %+v", body, tt)
			}
		})
	}
}

func TestFunctions_take_the_wrapper_and_both_shapes(t *testing.T) {
	mux := testkit.Mux(t, testkit.New(t, bind))
	tests := []struct {
		name string
		request
		status int
		says   string
	}{
		{"a list has data and pagination", request{testkit.AcmeViewer, "GET", "/functions/v1/agents", nil, nil},
			200, `"pagination":{`},
		{"bare by parameter", request{testkit.AcmeViewer, "GET", "/functions/v1/agents?shape=array", nil, nil}, 200, `[{`},
		{"bare by header", request{testkit.AcmeViewer, "GET", "/functions/v1/agents", nil,
			map[string]string{facade.ShapeHeader: "array"}}, 200, `[{`},
		{"a plain body", request{testkit.AcmeOwner, "POST", "/functions/v1/agents", map[string]any{"name": "Plain"}, nil},
			201, `"name":"Plain"`},
		{"a wrapped create", request{testkit.AcmeOwner, "POST", "/functions/v1/agents",
			map[string]any{"method": "POST", "data": map[string]any{"name": "Wrapped"}}, nil}, 201, `"name":"Wrapped"`},
		{"a wrapped list", request{testkit.AcmeOwner, "POST", "/functions/v1/agents",
			map[string]any{"method": "GET", "data": map[string]any{"limit": 1}}, nil}, 200, `"limit":1`},
		{"a wrapped change", request{testkit.AcmeOwner, "POST", "/functions/v1/agents",
			map[string]any{"method": "PATCH", "id": testkit.AcmeAssistant, "data": map[string]any{"name": "Changed"}},
			nil}, 200, `"name":"Changed"`},
		{"a wrapped change as a guest",
			request{testkit.Guest, "POST", "/functions/v1/agents",
				map[string]any{"method": "PATCH", "id": testkit.AcmeAssistant, "data": map[string]any{"name": "Changed"}},
				nil}, 401, `"error"`},
		{"a wrapped change of a foreign row", request{testkit.BoltOwner, "POST", "/functions/v1/agents",
			map[string]any{"method": "DELETE", "id": testkit.AcmeAssistant}, nil}, 404, `"error"`},
		{"a wrapper that leaves its function", request{testkit.AcmeOwner, "POST", "/functions/v1/agents",
			map[string]any{"method": "GET", "id": "../../x"}, nil}, 400, `"error"`},
		{"an action nobody has", request{testkit.AcmeOwner, "POST", "/functions/v1/agents", map[string]any{"action": "dance"},
			nil}, 404, `"error":"There is no such function"`},
		{"a function nobody has", request{testkit.AcmeOwner, "GET", "/functions/v1/nothing", nil, nil}, 404,
			`"error":"There is no such function`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := ask(t, mux, tt.request)
			if status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("got %d %s, want %d with %s", status, body, tt.status, tt.says)
			}
			if tt.says == `[{` && !strings.HasPrefix(body, `[{`) {
				t.Errorf("not a bare array: %s", body)
			}
		})
	}
}

func TestHandle_admits_and_words_errors(t *testing.T) {
	mux := testkit.Mux(t, testkit.New(t, bind))
	tests := []struct {
		person, url string
		status      int
		says, not   string
	}{
		{testkit.Guest, "/api/fail/plain", 500, `"error":"Internal server error"`, "secret"},
		{testkit.Guest, "/api/fail/api", 409, `"details":"why"`, ""},
		{testkit.Guest, "/api/operator", 401, `"error":"Authentication required"`, ""},
		{testkit.AcmeOwner, "/api/operator", 403, `"code":"forbidden"`, ""},
		{testkit.Superuser, "/api/operator", 204, "", ""},
		{testkit.AcmeManager, "/api/boss", 403, `"error":"Your role does not allow this"`, ""},
		{testkit.AcmeAdmin, "/api/boss", 204, "", ""},
		{testkit.Superuser, "/api/boss", 400, `"error":"Name the organization`, ""},
	}
	for _, tt := range tests {
		status, _, body := ask(t, mux, request{tt.person, "GET", tt.url, nil, nil})
		if status != tt.status || !strings.Contains(body, tt.says) || tt.not != "" && strings.Contains(body, tt.not) {
			t.Errorf("%s as %q: got %d %s, want %d with %s", tt.url, tt.person, status, body, tt.status, tt.says)
		}
	}
}

func TestRoutes_are_sorted(t *testing.T) {
	f := facade.New(core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()}))
	h := func(*core.RequestEvent) error { return nil }
	for _, p := range []string{"/b", "/a"} {
		f.Handle(facade.Route{Method: "POST", Path: p}, h)
		f.Handle(facade.Route{Method: "GET", Path: p}, h)
	}
	var got []string
	for _, r := range f.Routes() {
		got = append(got, r.Method+" "+r.Path)
	}
	if want := "GET /a POST /a GET /b POST /b"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
