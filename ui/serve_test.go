package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":              {},
		"index.html":            {Data: []byte(`<script nonce="__CSP_NONCE__" src="/assets/main-abc.js"></script>`)},
		"webcall.html":          {Data: []byte(`<p>webcall __CSP_NONCE__</p>`)},
		"boot.js":               {Data: []byte("boot")},
		"icon.svg":              {Data: []byte("<svg/>")},
		"assets/main-abc.js":    {Data: []byte("plain")},
		"assets/main-abc.js.br": {Data: []byte("brotli")},
		"assets/main-abc.js.gz": {Data: []byte("gzip")},
		"assets/inter.woff2":    {Data: []byte("font")},
	}
}

func get(t *testing.T, h http.Handler, method, target string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestHandler_answers_each_kind_of_path(t *testing.T) {
	h := Handler(built(), Options{})
	const page, js, immutable = "text/html; charset=utf-8", "text/javascript; charset=utf-8",
		"public, max-age=31536000, immutable"
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c0nR2B8yQm9vVhYx1tW3gkq1W2f5p6s7t8u9v0w1x2y"
	tests := []struct {
		name, method, path, accept string
		status                     int
		contentType, cache         string
		encoding, body             string
	}{
		{"root is the shell", "GET", "/", "", 200, page, "no-store", "", "nonce="},
		{"a page of the dashboard is the shell", "GET", "/o/abc/calls", "", 200, page, "no-store", "", "nonce="},
		{"a token with dots is a page, not a file", "GET", "/reset/" + jwt, "", 200, page, "no-store", "", "nonce="},
		{"index.html by name is the shell", "GET", "/index.html", "", 200, page, "no-store", "", "nonce="},
		{"an asset is kept for ever", "GET", "/assets/main-abc.js", "", 200, js, immutable, "", "plain"},
		{"brotli wins when taken", "GET", "/assets/main-abc.js", "gzip, deflate, br", 200, js, immutable, "br", "brotli"},
		{"gzip when brotli is refused", "GET", "/assets/main-abc.js", "br;q=0, gzip;q=0.5", 200, js,
			immutable, "gzip", "gzip"},
		{"plain when both are refused", "GET", "/assets/main-abc.js", "br;q=0, gzip; q=0.000", 200, js,
			immutable, "", "plain"},
		{"a longer coding name is not brotli", "GET", "/assets/main-abc.js", "brotli", 200, js, immutable, "", "plain"},
		{"no variant was made for fonts", "GET", "/assets/inter.woff2", "br", 200, "font/woff2", immutable, "", "font"},
		{"files outside assets live an hour", "GET", "/boot.js", "br", 200, js, "public, max-age=3600", "", "boot"},
		{"svg has its type", "GET", "/icon.svg", "", 200, "image/svg+xml", "public, max-age=3600", "", "<svg/>"},
		{"an asset of an old version is missing", "GET", "/assets/main-old.js", "", 404, "", "no-store", "", "404"},
		{"the assets folder is not listed", "GET", "/assets/", "", 404, "", "no-store", "", "404"},
		{"unknown file outside assets is missing", "GET", "/favicon.ico", "", 404, "", "no-store", "", "404"},
		{"a variant is not a file of its own", "GET", "/assets/main-abc.js.br", "", 404, "", "no-store", "", "404"},
		{"hidden files are not served", "GET", "/.gitkeep", "", 404, "", "no-store", "", "404"},
		{"climbing out is a missing file", "GET", "/assets/../../secret.txt", "", 404, "", "no-store", "", "404"},
		{"a mistyped API route is JSON", "GET", "/api/typo", "", 404, "application/json", "no-store", "", `"status":404`},
		{"functions too", "GET", "/functions/v1/typo", "", 404, "application/json", "no-store", "", `"status":404`},
		{"writing is not offered", "POST", "/", "", 405, "", "", "", "not allowed"},
		{"webcall has its own page", "GET", "/webcall", "", 200, page, "no-store", "", "webcall"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := get(t, h, tt.method, tt.path, map[string]string{"Accept-Encoding": tt.accept})
			if res.StatusCode != tt.status {
				t.Fatalf("status: got %d, want %d", res.StatusCode, tt.status)
			}
			if got := res.Header.Get("Content-Type"); tt.contentType != "" && got != tt.contentType {
				t.Errorf("type: got %q, want %q", got, tt.contentType)
			}
			if got := res.Header.Get("Cache-Control"); got != tt.cache {
				t.Errorf("cache: got %q, want %q", got, tt.cache)
			}
			if got := res.Header.Get("Content-Encoding"); got != tt.encoding {
				t.Errorf("encoding: got %q, want %q", got, tt.encoding)
			}
			if !strings.Contains(body, tt.body) {
				t.Errorf("body: got %q, want it to contain %q", body, tt.body)
			}
			if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options: got %q", got)
			}
			if strings.HasPrefix(tt.path, "/assets/") && tt.status == 200 && res.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary: got %q", res.Header.Get("Vary"))
			}
		})
	}
}

func TestHandler_answers_304_only_to_the_form_the_browser_has(t *testing.T) {
	h := Handler(built(), Options{})
	accept := map[string]string{"Accept-Encoding": "br"}
	first, _ := get(t, h, "GET", "/assets/main-abc.js", accept)
	plain, _ := get(t, h, "GET", "/assets/main-abc.js", nil)
	tag := first.Header.Get("ETag")
	if tag == "" || tag == plain.Header.Get("ETag") {
		t.Fatalf("each form needs its own ETag: brotli %q, plain %q", tag, plain.Header.Get("ETag"))
	}
	again, body := get(t, h, "GET", "/assets/main-abc.js",
		map[string]string{"Accept-Encoding": "br", "If-None-Match": tag})
	if again.StatusCode != 304 || body != "" {
		t.Errorf("same form: got %d %q, want an empty 304", again.StatusCode, body)
	}
	other, body := get(t, h, "GET", "/assets/main-abc.js", map[string]string{"If-None-Match": tag})
	if other.StatusCode != 200 || body != "plain" {
		t.Errorf("other form: got %d %q, want 200 and the plain file", other.StatusCode, body)
	}
	changed := built()
	changed["assets/main-abc.js"] = &fstest.MapFile{Data: []byte("new")}
	res, _ := get(t, Handler(changed, Options{}), "GET", "/assets/main-abc.js",
		map[string]string{"If-None-Match": plain.Header.Get("ETag")})
	if res.StatusCode != 200 {
		t.Errorf("changed content: got %d, want 200", res.StatusCode)
	}
}

func TestHandler_gives_each_page_a_fresh_nonce(t *testing.T) {
	h := Handler(built(), Options{})
	inPolicy := regexp.MustCompile(`script-src 'self' 'nonce-([0-9a-f]{32})'; style-src 'self' 'nonce-([0-9a-f]{32})'`)
	seen := map[string]bool{}
	for range 3 {
		res, body := get(t, h, "GET", "/o/abc/home", nil)
		policy := res.Header.Get("Content-Security-Policy")
		m := inPolicy.FindStringSubmatch(policy)
		if m == nil || m[1] != m[2] {
			t.Fatalf("policy without a nonce: %s", policy)
		}
		if !strings.Contains(body, `nonce="`+m[1]+`"`) || strings.Contains(body, noncePlaceholder) {
			t.Errorf("page does not carry the nonce of its header: %s", body)
		}
		if seen[m[1]] {
			t.Errorf("nonce %s came twice", m[1])
		}
		seen[m[1]] = true
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "connect-src 'self';",
			"base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("policy lacks %q: %s", part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "daily.co") {
			t.Errorf("policy is too wide: %s", policy)
		}
	}
}

func TestHandler_lets_only_the_test_call_reach_daily(t *testing.T) {
	res, _ := get(t, Handler(built(), Options{}), "GET", "/webcall", nil)
	policy := res.Header.Get("Content-Security-Policy")
	for _, part := range []string{"https://c.daily.co", "connect-src 'self' https://*.daily.co wss://*.daily.co;",
		"frame-ancestors 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy lacks %q: %s", part, policy)
		}
	}
	if got := res.Header.Get("Permissions-Policy"); !strings.Contains(got, "microphone=(self)") {
		t.Errorf("Permissions-Policy: got %q", got)
	}
}

func TestHandler_says_so_when_the_dashboard_was_not_built(t *testing.T) {
	h := Handler(fstest.MapFS{".gitkeep": {}}, Options{})
	res, body := get(t, h, "GET", "/o/abc/home", nil)
	if res.StatusCode != 503 || !strings.Contains(body, "make run") || !strings.Contains(body, "make ui") {
		t.Errorf("got %d %q, want 503 and how to build it", res.StatusCode, body)
	}
	policy := res.Header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`<style nonce="([0-9a-f]{32})">`).FindStringSubmatch(body)
	if nonce == nil || !strings.Contains(policy, "style-src 'self' 'nonce-"+nonce[1]+"'") {
		t.Errorf("its style must carry the nonce of the policy %q: %s", policy, body)
	}
	if strings.Contains(body, "<script") {
		t.Error("the page must not need a script")
	}
	if res, _ := get(t, h, "GET", "/assets/x.js", nil); res.StatusCode != 404 {
		t.Errorf("asset: got %d, want 404", res.StatusCode)
	}
}

func TestHandler_answers_HEAD_without_a_body(t *testing.T) {
	h := Handler(built(), Options{})
	for _, p := range []string{"/", "/assets/main-abc.js"} {
		if res, body := get(t, h, "HEAD", p, nil); res.StatusCode != 200 || body != "" ||
			res.Header.Get("Content-Length") == "" {
			t.Errorf("HEAD %s: got %d, %d bytes, length %q", p, res.StatusCode, len(body), res.Header.Get("Content-Length"))
		}
	}
}

func TestFS_is_rooted_at_the_built_files(t *testing.T) {
	fsys := FS()
	f, err := fsys.Open(".gitkeep")
	if err != nil {
		t.Fatalf("dist/.gitkeep must always be embedded: %v", err)
	}
	f.Close()
	if _, err := fsys.Open("dist"); err == nil {
		t.Error("FS still holds the dist folder itself")
	}
	want := 503
	if Built(fsys) {
		want = 200
	}
	if res, _ := get(t, Handler(fsys, Options{}), "GET", "/login", nil); res.StatusCode != want {
		t.Errorf("got %d, want %d", res.StatusCode, want)
	}
}
