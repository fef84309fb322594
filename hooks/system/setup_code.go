package system

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/serving"
)

// An empty installation on a public address would belong to whoever opens /setup
// first. So the first start makes a code, prints it with the link and keeps it in
// the data directory; who is not at this machine shows it.

// setupCodeFile lies in the data directory until the first account exists.
const setupCodeFile = ".setup_code"

// SetupCode is the code that a visitor from elsewhere needs to make the first
// account: made when there is none yet, "" once an account exists. It fails when
// the database or the file cannot be read or written.
func SetupCode(app core.App) (string, error) {
	needed, err := setupNeeded(app)
	if err != nil {
		return "", err
	}
	path := filepath.Join(app.DataDir(), setupCodeFile)
	if !needed {
		return "", dropSetupCode(app)
	}
	kept, err := os.ReadFile(path)
	if err == nil && len(plainCode(string(kept))) == len(rand.Text()) {
		return strings.TrimSpace(string(kept)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("setup code: %w", err)
	}
	code := newCode()
	if err := os.WriteFile(path, []byte(code+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("setup code: %w", err)
	}
	return code, nil
}

// newCode is 130 bits in groups that can be read out and typed.
func newCode() string {
	var groups []string
	for text := strings.ToLower(rand.Text()); text != ""; {
		n := min(len(text), 5)
		groups = append(groups, text[:n])
		text = text[n:]
	}
	return strings.Join(groups, "-")
}

// plainCode is a code without what people add when they type one.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToLower(typed))
}

func dropSetupCode(app core.App) error {
	if err := os.Remove(filepath.Join(app.DataDir(), setupCodeFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("setup code: %w", err)
	}
	return nil
}

// needsCode tells whether this visitor has to show the code.
func needsCode(e *core.RequestEvent) bool { return !serving.Local(e) }

// proveSetup refuses who is elsewhere and does not know the code.
func proveSetup(e *core.RequestEvent, shown string) error {
	if !needsCode(e) {
		return nil
	}
	code, err := SetupCode(e.App)
	if err != nil {
		return e.InternalServerError("", err)
	}
	if code != "" && subtle.ConstantTimeCompare([]byte(plainCode(shown)), []byte(plainCode(code))) == 1 {
		return nil
	}
	refused := refusal.Of("setup_code/missing")
	if plainCode(shown) != "" {
		refused = refusal.Of("setup_code")
	}
	return refused.At("code", refused.Text)
}
