package hooks_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/providers"
)

// What is too short to be sealed fits no key, and is no reason to end in a panic.
func TestCheckData_refuses_settings_that_are_junk(t *testing.T) {
	for _, size := range []int{1, 4, 11, 12, 27, 28, 40} {
		junk := base64.StdEncoding.EncodeToString(make([]byte, size))
		c := providers.Config{Key: strings.Repeat("k", 32)}
		err := hooks.CheckData(c, backup.Data{Found: true, Settings: junk}, t.TempDir(), "v1")
		if err == nil || !strings.Contains(err.Error(), "the master key does not fit") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
