package pb_migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

func TestSteps_are_as_they_were_released(t *testing.T) {
	raw, err := os.ReadFile("released.sha256")
	if err != nil {
		t.Fatal(err)
	}
	released := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		hash, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || len(hash) != 64 || released[name] != "" {
			t.Fatalf("released.sha256: unreadable or doubled line %q", line)
		}
		released[name] = hash
	}
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		switch hash := hex.EncodeToString(sum[:]); released[name] {
		case hash:
		case "":
			t.Errorf("%s is not in released.sha256: write steps with `go run . schema write <name>`", name)
		default:
			t.Errorf("%s changed after it was released: databases out there have the old one; write a new step", name)
		}
		delete(released, name)
	}
	for name := range released {
		t.Errorf("%s was released and is gone: databases out there count on it", name)
	}
}

func TestSteps_leave_what_the_operator_set_in_the_panel(t *testing.T) {
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	users, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		t.Fatal(err)
	}
	users.ResetPasswordTemplate.Body = "<p>In our own words: {APP_URL}/reset#token={TOKEN}</p>"
	users.OTP.Enabled, users.OAuth2.Enabled = true, true
	users.OAuth2.Providers = []core.OAuth2ProviderConfig{{Name: "google", ClientId: "one", ClientSecret: "two"}}
	if err := app.Save(users); err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names[1:] {
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var s step
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		if err := keepOperators(app, s.Collections); err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Collections {
			if c["name"] == "users" {
				if err := app.ImportCollections([]map[string]any{c}, false); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	}
	now, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		t.Fatal(err)
	}
	if now.ResetPasswordTemplate.Body != users.ResetPasswordTemplate.Body || !now.OTP.Enabled || !now.OAuth2.Enabled ||
		len(now.OAuth2.Providers) != 1 {
		t.Errorf("after an update: mail %q, codes %v, accounts elsewhere %v", now.ResetPasswordTemplate.Body,
			now.OTP.Enabled, now.OAuth2)
	}
}

func TestSteps_hold_known_parts_and_no_secret(t *testing.T) {
	names, err := fs.Glob(files, "*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no steps (%v)", err)
	}
	for _, name := range names {
		if !regexp.MustCompile(`^[0-9]{10}_[a-z][a-z0-9_]*\.json$`).MatchString(name) {
			t.Errorf("%s: a step is named <ten digits>_<words>.json", name)
		}
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.DisallowUnknownFields()
		var s step
		if err := d.Decode(&s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, word := range []string{`"secret":`, `"clientSecret":`, `"created": "2`, `"updated": "2`} {
			if strings.Contains(string(raw), word) {
				t.Errorf("%s holds %s: it belongs to one installation", name, word)
			}
		}
	}
}
