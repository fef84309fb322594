package system

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

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
	problem := "Enter the code that the server printed when it started."
	if plainCode(shown) != "" {
		problem = "This code is not right. The server printed the right one when it started," +
			" and it stands in the file .setup_code of its data directory."
	}
	return router.NewApiError(http.StatusForbidden, problem, validation.Errors{"code": validation.NewError("setup_code", problem)})
}
