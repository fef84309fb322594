package hooks_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Whoever refuses, before a handler or in one, does it in the shape of the surface
// that was asked.
func TestRefusal_has_the_shape_of_its_surface(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	const documented, functions, stock = "/api/organizations", "/functions/v1/assistants", "/api/collections/calls/records"
	const cookie = "a session in a cookie, without the token that writes need"
	long := "?q=" + strings.Repeat("x", 20<<10)
	for _, tt := range []struct {
		method, url, who, body string
		status                 int
		code                   string
	}{
		{"GET", documented + long, "", "", 400, "invalid_request"},
		{"GET", functions + long, "", "", 400, "invalid_request"},
		{"GET", stock + long, "", "", 400, "invalid_request"},
		{"GET", documented + "?q=%00", "", "", 400, "invalid_request"},
		{"GET", functions + "?q=%00", "", "", 400, "invalid_request"},
		{"GET", stock + "?q=%00", "", "", 400, "invalid_request"},
		{"POST", documented, testkit.AcmeOwner, "{\"name\": \"a\\u0000\"}", 400, "invalid_request"},
		{"POST", functions, testkit.AcmeOwner, "{\"name\": \"a\\u0000\"}", 400, "invalid_request"},
		{"POST", documented, "", strings.Repeat(" ", 70<<10), 413, "too_large"},
		{"POST", functions, "", strings.Repeat(" ", 70<<10), 413, "too_large"},
		{"POST", stock, "", strings.Repeat(" ", 70<<10), 413, "too_large"},
		{"POST", "/api/webhooks/vapi", "", "{}", 401, "unauthorized"},
		{"POST", "/functions/v1/webhooks/receive", "", "{}", 401, "unauthorized"},
		{"POST", documented, cookie, "{}", 403, "forbidden"},
		{"POST", functions, cookie, "{}", 403, "forbidden"},
		{"POST", stock, cookie, "{}", 403, "forbidden"},
		{"GET", documented, "", "", 401, "unauthorized"},
		{"GET", functions, "", "", 401, "unauthorized"},
		{"GET", "/functions/v1/nothing", "", "", 404, "not_found"},
	} {
		r := httptest.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		switch tt.who {
		case "":
		case cookie:
			r.AddCookie(&http.Cookie{Name: identity.SessionCookie, Value: testkit.Token(t, p.TestApp, testkit.AcmeOwner)})
		default:
			r.Header.Set("Authorization", testkit.As(t, tt.who)["Authorization"])
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		what := tt.method + " " + tt.url[:min(len(tt.url), 40)]
		if w.Code != tt.status {
			t.Errorf("%s: got %d %.200s, want %d", what, w.Code, w.Body, tt.status)
			continue
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v in %.200s", what, err, w.Body)
			continue
		}
		text, _ := got["error"].(string)
		if text == "" || strings.HasSuffix(text, ".") || got["code"] != tt.code {
			t.Errorf("%s: got %v, want the code %q", what, got, tt.code)
		}
		if strings.HasPrefix(tt.url, stock) { // its clients read these
			if got["message"] != text+"." || got["status"] != float64(tt.status) || got["data"] == nil {
				t.Errorf("%s: got %v", what, got)
			}
			continue
		}
		_, said := got["success"]
		if strings.HasPrefix(tt.url, "/functions/v1/") {
			if got["success"] != false || got["message"] != text {
				t.Errorf("%s: that system's pages read success and message; got %v", what, got)
			}
		} else if said {
			t.Errorf("%s: got %v", what, got)
		}
	}
}

// A refusal says what is wrong with a text and does not send it back.
func TestRefusal_is_short_whatever_was_sent(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	long := strings.Repeat("abcdefghi ", 20_000)
	for _, tt := range []struct {
		method, url string
		body        map[string]any
	}{
		{"POST", "/api/collections/assistants/records",
			map[string]any{"organization": testkit.Acme, "name": "Ada", "type": "voice", "language": long}},
		{"PATCH", record("assistants", testkit.AcmeAssistant),
			map[string]any{"transcriber_language": long, "voice_provider": long, "model_name": long}},
		{"PATCH", record("organizations", testkit.Acme),
			map[string]any{"timezone": long, "allowed_origins": []string{long}, "business_hours": map[string]any{long: "9-17"}}},
		{"PATCH", record("users", testkit.User(testkit.AcmeOwner)),
			map[string]any{"phone": long, "language": long, "notification_choices": []string{long}}},
		{"POST", "/functions/v1/assistants", map[string]any{"name": "Ada", "language": long, long: 1}},
		{"PATCH", "/api/security/settings",
			map[string]any{"ip_whitelist": []string{long}, "allowed_auth_methods": []string{long}}},
		{"PUT", "/api/user/profile", map[string]any{"phone": long, "language": long, "avatar_url": long}},
		{"POST", "/auth/v1/signup", map[string]any{"email": long, "password": long}},
		{"GET", "/api/collections/calls/records?organization=" + testkit.Acme + "&sort=" + strings.Repeat("a", 8_000), nil},
	} {
		a := api.Do(tt.method, tt.url, testkit.AcmeOwner, tt.body)
		if a.Status < 400 || len(a.Body) > 4<<10 {
			t.Errorf("%s %.60s: got %d with %d bytes: %.300s", tt.method, tt.url, a.Status, len(a.Body), a.Body)
		}
	}
}

// What is refused inside a batch says so as it would alone.
func TestRefusal_inside_a_batch_has_a_sentence_and_a_code(t *testing.T) {
	p := newProduct(t)
	p.Settings().Batch.Enabled, p.Settings().Batch.MaxRequests = true, 10
	api := testkit.API(t, p.TestApp)
	reply := record("saved_replies", testkit.Row(testkit.Acme, "reply"))
	for name, tt := range map[string]struct {
		request map[string]any
		code    string
	}{
		"by PocketBase": {map[string]any{"method": "PATCH", "url": record("saved_replies", "nothing00000000"),
			"body": map[string]any{}}, "not_found"},
		"by a rule of ours": {map[string]any{"method": "PATCH", "url": reply,
			"body": map[string]any{"shortcut": "two words"}}, "invalid_request"},
	} {
		var got struct {
			Error, Code string
			Data        struct {
				Requests map[string]struct {
					Response struct {
						Error, Code, Message string
						Status               int
						Data                 map[string]any
					}
				}
			}
		}
		a := api.Do("POST", "/api/batch", testkit.AcmeOwner, map[string]any{"requests": []any{tt.request}}).Want(400)
		a.JSON(&got)
		in := got.Data.Requests["0"].Response
		if got.Code != "invalid_request" || in.Code != tt.code || in.Error == "" || in.Error+"." != in.Message ||
			in.Status < 400 || in.Data == nil {
			t.Errorf("%s: got %s", name, a.Body)
		}
	}
}
