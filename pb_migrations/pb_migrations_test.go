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
