package providers

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite generated files")

func load(vars map[string]string, files map[string]string) (Config, error) {
	return Load(func(name string) string { return vars[name] }, func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	})
}

func TestLoad_empty_environment_gives_the_documented_defaults(t *testing.T) {
	got, err := load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		name      string
		got, want any
	}{
		{"HTTPAddr", got.HTTPAddr, "127.0.0.1:8090"},
		{"DataDir", got.DataDir, "./pb_data"},
		{"DrainTimeout", got.DrainTimeout, 20 * time.Second},
		{"SignUp", got.SignUp, SignUpInviteOnly},
		{"AdminPanel", got.AdminPanel, AdminPanelLocal},
		{"VapiBaseURL", got.VapiBaseURL, "https://api.vapi.ai"},
		{"VapiAPIKey", got.VapiAPIKey, ""},
		{"HMAC", got.VapiHMAC, HMAC{Header: "x-signature", TimestampHeader: "x-timestamp", Algorithm: "sha256",
			Format: "{timestamp}.{body}", Encoding: "hex"}},
		{"Sandbox", got.Sandbox, false},
		{"SandboxSpeed", got.SandboxSpeed, 1.0},
		{"OrganizationsPerPerson", got.OrganizationsPerPerson, 10},
		{"AllowHTTP", got.AllowHTTP, false},
	}
	for _, c := range checks {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestLoad_reads_every_kind_of_value(t *testing.T) {
	got, err := load(map[string]string{
		"POCKETLINE_PUBLIC_URL":           "https://desk.example.com/",
		"POCKETLINE_HTTP_ADDR":            " :8080 ",
		"POCKETLINE_DRAIN_TIMEOUT":        "1m30s",
		"POCKETLINE_SIGN_UP":              "open",
		"POCKETLINE_ALLOWED_ORIGINS":      "https://a.example.com, http://b.example.com:3000",
		"POCKETLINE_TRUSTED_PROXY_HEADER": "Fly-Client-IP",
		"POCKETLINE_ALLOWED_HOSTS":        "CRM.internal:8080,,10.0.0.5:443",
		"POCKETLINE_SANDBOX":              "1",
		"POCKETLINE_SANDBOX_SPEED":        "2.5",
		"VAPI_CONTROL_HOSTS":              "control.example.com, 127.0.0.1:8787",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct{ name, got, want string }{
		{"PublicURL", got.PublicURL, "https://desk.example.com"},
		{"HTTPAddr", got.HTTPAddr, ":8080"},
		{"DrainTimeout", got.DrainTimeout.String(), "1m30s"},
		{"SignUp", got.SignUp, "open"},
		{"AllowedOrigins", strings.Join(got.AllowedOrigins, " "), "https://a.example.com http://b.example.com:3000"},
		{"TrustedProxyHeader", got.TrustedProxyHeader, "Fly-Client-IP"},
		{"AllowedHosts", strings.Join(got.AllowedHosts, " "), "crm.internal:8080 10.0.0.5:443"},
		{"ControlHosts", strings.Join(got.ControlHosts, " "), "control.example.com 127.0.0.1:8787"},
	}
	for _, c := range checks {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if !got.Sandbox || got.SandboxSpeed != 2.5 {
		t.Errorf("sandbox: got %v at speed %v, want true at 2.5", got.Sandbox, got.SandboxSpeed)
	}
}

func TestLoad_public_address_on_Fly_needs_no_setting(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"", "https://my-desk-7.fly.dev"},
		{"https://desk.example.com", "https://desk.example.com"},
	} {
		got, err := load(map[string]string{"FLY_APP_NAME": "my-desk-7", "POCKETLINE_PUBLIC_URL": c.set}, nil)
		if err != nil || got.PublicURL != c.want {
			t.Errorf("POCKETLINE_PUBLIC_URL=%q: got %q and %v, want %q", c.set, got.PublicURL, err, c.want)
		}
	}
}

func TestLoad_invalid_value_names_the_variable(t *testing.T) {
	bad := map[string][]string{
		"POCKETLINE_PUBLIC_URL": {"desk.example.com", "ftp://x", "https://user@x.example",
			"https://x.example/?q=1", "https://:80"},
		"FLY_APP_NAME":                        {"evil.example/"},
		"POCKETLINE_HTTP_ADDR":                {"8090", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "http://x:80"},
		"POCKETLINE_DRAIN_TIMEOUT":            {"20", "-1s", "11m", "soon"},
		"POCKETLINE_SIGN_UP":                  {"closed", "Open"},
		"POCKETLINE_ADMIN_PANEL":              {"yes"},
		"POCKETLINE_ALLOWED_ORIGINS":          {"*", "https://a.example.com/path", "a.example.com"},
		"POCKETLINE_TRUSTED_PROXY_HEADER":     {"X Forwarded For", "X-Real-IP:"},
		"POCKETLINE_ALLOWED_HOSTS":            {"crm.internal", ":8080"},
		"POCKETLINE_ALLOW_HTTP":               {"maybe"},
		"POCKETLINE_SANDBOX":                  {"on please"},
		"POCKETLINE_SANDBOX_SPEED":            {"-1", "NaN", "1e9", "fast"},
		"POCKETLINE_ORGANIZATIONS_PER_PERSON": {"-1", "2.5", "100001", "many"},
		"VAPI_BASE_URL":                       {"api.vapi.ai"},
		"VAPI_CONTROL_HOSTS":                  {"https://control.example.com", "a/b"},
		"VAPI_WEBHOOK_SECRET":                 {"too short"},
		"VAPI_WEBHOOK_HMAC_SECRET":            {"too short"},
		"VAPI_WEBHOOK_HMAC_HEADER":            {"a b"},
		"VAPI_WEBHOOK_HMAC_ALGORITHM":         {"md5"},
		"VAPI_WEBHOOK_HMAC_FORMAT":            {"{timestamp}"},
		"VAPI_WEBHOOK_HMAC_ENCODING":          {"base32"},
	}
	for name, values := range bad {
		for _, value := range values {
			_, err := load(map[string]string{name: value}, nil)
			if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%q: got error %v, want one that begins with the name", name, value, err)
			}
		}
	}
}

func TestLoad_every_wrong_variable_is_named_at_once(t *testing.T) {
	_, err := load(map[string]string{"POCKETLINE_SIGN_UP": "x", "VAPI_BASE_URL": "x"}, nil)
	for _, name := range []string{"POCKETLINE_SIGN_UP", "VAPI_BASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want it to name %s", err, name)
		}
	}
}

func TestLoad_secret_comes_from_its_file_twin(t *testing.T) {
	files := map[string]string{"/run/secrets/vapi": "the-key-in-a-file\n", "/run/secrets/empty": "\n"}
	got, err := load(map[string]string{"VAPI_API_KEY_FILE": "/run/secrets/vapi"}, files)
	if err != nil || got.VapiAPIKey != "the-key-in-a-file" {
		t.Errorf("got %q and %v, want the file's content without its line break", got.VapiAPIKey, err)
	}
	for name, vars := range map[string]map[string]string{
		"both set":     {"VAPI_API_KEY": "plain-secret-value", "VAPI_API_KEY_FILE": "/run/secrets/vapi"},
		"missing file": {"VAPI_API_KEY_FILE": "/run/secrets/none"},
		"empty file":   {"VAPI_API_KEY_FILE": "/run/secrets/empty"},
	} {
		_, err := load(vars, files)
		if err == nil || !strings.Contains(err.Error(), "VAPI_API_KEY_FILE") {
			t.Errorf("%s: got error %v, want one that names VAPI_API_KEY_FILE", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "plain-secret-value") ||
			strings.Contains(err.Error(), "the-key-in-a-file")) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
	if _, err := load(map[string]string{"VAPI_API_KEY_FILE": "/run/secrets/none"}, files); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("got %v, want the reading error to be kept", err)
	}
}

func TestLoad_plain_variables_have_no_file_twin(t *testing.T) {
	got, err := load(map[string]string{"POCKETLINE_SIGN_UP_FILE": "/x"}, map[string]string{"/x": "open"})
	if err != nil || got.SignUp != SignUpInviteOnly {
		t.Errorf("got %q and %v, want the default", got.SignUp, err)
	}
}

func TestLoad_error_never_repeats_a_secret(t *testing.T) {
	for _, o := range Options() {
		if !o.Secret {
			continue
		}
		if _, err := load(map[string]string{o.Name: "tiny-mark"}, nil); err != nil &&
			strings.Contains(err.Error(), "tiny-mark") {
			t.Errorf("%s: the error shows the value: %v", o.Name, err)
		}
	}
}

func TestUnknown_names_spelling_mistakes_only(t *testing.T) {
	got := Unknown([]string{"PATH=/bin", "POCKETLINE_KEYS=x", "POCKETLINE_KEY=x", "POCKETLINE_KEY_FILE=x",
		"POCKETLINE_SIGN_UP_FILE=x", "VAPI_APIKEY=x", "VAPI_API_KEY=x", "POCKETLINE_="})
	want := []string{"POCKETLINE_", "POCKETLINE_KEYS", "POCKETLINE_SIGN_UP_FILE", "VAPI_APIKEY"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOptions_are_complete_and_named_once(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Options() {
		if seen[o.Name] {
			t.Errorf("%s is listed twice", o.Name)
		}
		seen[o.Name] = true
		if o.Kind == "" || o.group == "" || o.read == nil {
			t.Errorf("%s: the row is incomplete", o.Name)
		}
		if !strings.HasSuffix(o.About, ".") || strings.Count(o.About, ". ") > 0 {
			t.Errorf("%s: want one sentence, got %q", o.Name, o.About)
		}
		if o.Secret && o.Default != "" {
			t.Errorf("%s: a secret with a default is no secret", o.Name)
		}
	}
}

func TestPage_is_what_docs_env_md_holds(t *testing.T) {
	path := filepath.Join("..", "docs", "env.md")
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Page() {
		t.Errorf("docs/env.md does not say what providers/options.go says; run make golden")
	}
	for _, o := range Options() {
		if !strings.Contains(string(got), "`"+o.Name+"`") {
			t.Errorf("docs/env.md does not mention %s", o.Name)
		}
	}
}
