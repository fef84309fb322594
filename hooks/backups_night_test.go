package hooks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// A disk that is not mounted is no reason not to answer the phone, and one to be told:
// at the start, at night, and until a backup was made.
func TestBackup_of_the_night_says_in_health_that_it_was_not_made(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "disk")
	p := newProduct(t, "POCKETLINE_BACKUP_DIR="+folder)
	found := func() string { return vitals.Of(p).Damage()["backups"] }
	testkit.API(t, p.TestApp)
	if !strings.Contains(found(), "POCKETLINE_BACKUP_DIR is not there") {
		t.Errorf("at the start health says %q", found())
	}
	vitals.Of(p).Found("backups", "")
	if err := p.desk.Schedule.RunNow(t.Context(), "backup.nightly"); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(folder); err == nil || !strings.Contains(found(), "is not there") {
		t.Errorf("it was made anew, %v; health says %q", err, found())
	}
	if failed, err := p.desk.Schedule.Failed("backup.nightly"); !failed || err != nil {
		t.Errorf("the next start knows nothing of it: %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.desk.Schedule.RunNow(t.Context(), "backup.nightly"); err != nil || found() != "" {
		t.Errorf("got %v; health says %q", err, found())
	}
	if failed, err := p.desk.Schedule.Failed("backup.nightly"); failed || err != nil {
		t.Errorf("it is still said: %v", err)
	}
}
