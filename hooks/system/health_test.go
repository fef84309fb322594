package system

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestHealth_has_the_documented_shape(t *testing.T) {
	s := serve(t, Deps{})
	a := s.ask(testkit.Guest, "GET", "/api/health", nil, nil)
	var got report
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	if a.status != 200 || got.Version != "1.2.3" || time.Since(time.UnixMilli(got.Timestamp)) > time.Minute {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, name := range []string{"service", "database", "writes", "disk", "inbox"} {
		if got.Checks[name].Status == "" || got.Checks[name].Message == "" {
			t.Errorf("check %s is missing: %s", name, a.body)
		}
	}
}

// PocketBase's panel waits for data.canBackup while a backup is made or restored.
func TestHealth_tells_a_superuser_alone_whether_a_backup_can_be_made(t *testing.T) {
	s := serve(t, Deps{})
	for person, told := range map[string]bool{testkit.Guest: false, testkit.AcmeOwner: false, testkit.Superuser: true} {
		for _, busy := range []bool{false, true} {
			if s.app.Store().Remove(core.StoreKeyActiveBackup); busy {
				s.app.Store().Set(core.StoreKeyActiveBackup, "pb_backup.zip")
			}
			var got struct {
				Status string
				Data   *panel
			}
			a := s.ask(person, "GET", "/api/health", nil, nil)
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatal(err)
			}
			if (got.Data != nil) != told || told && got.Data.CanBackup == busy || got.Status == "" {
				t.Errorf("%s, busy %v: got %s", person, busy, a.body)
			}
		}
	}
	if a := s.ask(testkit.Guest, "GET", "/api/health", nil, map[string]string{"Authorization": "x.y.z"}); a.status != 200 {
		t.Errorf("a probe with a header of its own got %d", a.status)
	}
}

func TestHealth_says_what_is_wrong(t *testing.T) {
	tests := []struct {
		name        string
		free, total uint64
		err         error
		health      string
		code, ready int
	}{
		{"room", 10 << 30, 20 << 30, nil, healthy, 200, 200},
		{"little room", 300 << 20, 20 << 30, nil, degraded, 200, 200},
		{"no room", 30 << 20, 20 << 30, nil, unhealthy, 503, 503},
		{"a small volume with room", 20 << 20, 40 << 20, nil, healthy, 200, 200},
		{"a small volume without", 3 << 20, 40 << 20, nil, unhealthy, 503, 503},
		{"an unknown volume", 0, 0, errors.New("secret path"), unhealthy, 503, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := testkit.New(t)
			h := newHealth(app, "1")
			h.space = func(string) (uint64, uint64, error) { return tt.free, tt.total, tt.err }
			s := &system{app: app, health: h}
			r := h.look(t.Context())
			if r.Status != tt.health || r.code() != tt.code {
				t.Errorf("health: got %s %d, want %s %d: %+v", r.Status, r.code(), tt.health, tt.code, r.Checks)
			}
			e := new(core.RequestEvent)
			w := httptest.NewRecorder()
			e.App, e.Request, e.Response = app, httptest.NewRequest("GET", "/readyz", nil), w
			if err := s.readyz(e); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.ready || w.Code == 503 && !strings.Contains(w.Body.String(), "disk") ||
				strings.Contains(w.Body.String(), "secret") {
				t.Errorf("readyz: got %d %s, want %d", w.Code, w.Body, tt.ready)
			}
		})
	}
}

func TestHealth_notices_a_held_write_lock(t *testing.T) {
	app := testkit.New(t)
	h := newHealth(app, "1")
	h.patience = 100 * time.Millisecond
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- app.RunInTransaction(func(core.App) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	r := h.look(t.Context())
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r.Status != unhealthy || r.Checks["writes"].Status != fail || r.Checks["database"].Status != pass {
		t.Errorf("got %+v, want only writes to fail", r)
	}
}

func TestReadyz_writes_to_the_disk(t *testing.T) {
	s := serve(t, Deps{})
	var before, after int
	read := func(v *int) {
		if err := s.app.DB().NewQuery("PRAGMA user_version").Row(v); err != nil {
			t.Fatal(err)
		}
	}
	read(&before)
	if a := s.ask(testkit.Guest, "GET", "/readyz", nil, nil); a.status != 200 || !strings.Contains(a.body, `"ready"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	read(&after)
	if before == after {
		t.Error("nothing was written")
	}
}

// Stored files may lie on a disk that is not mounted: the phone is answered, and it is said.
func TestHealth_says_that_the_folder_of_stored_files_is_missing(t *testing.T) {
	app := testkit.New(t)
	storage := filepath.Join(app.DataDir(), core.LocalStorageDirName)
	rows := func(file string) {
		t.Helper()
		if _, err := app.NonconcurrentDB().NewQuery("UPDATE recordings SET file = '" + file + "'").Execute(); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{"UPDATE users SET avatar = ''", "UPDATE organizations SET logo = ''"} {
		if _, err := app.NonconcurrentDB().NewQuery(query).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	h := newHealth(app, "1")
	at := func(what, want string) {
		t.Helper()
		h.until = time.Time{}
		r := h.look(t.Context())
		if got := r.Checks["files"]; got.Status != want || strings.Contains(got.Message, app.DataDir()) ||
			(want == warn) != strings.Contains(got.Message, "mount its disk or put it back") || r.code() != 200 {
			t.Errorf("%s: got %+v, want %s", what, got, want)
		}
	}
	put := func(name string) {
		t.Helper()
		at := filepath.Join(storage, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		t.Helper()
		if err := os.RemoveAll(storage); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	rows("")
	at("no folder, no file", pass)
	put("recordings/one/talk.mp3")
	rows("talk.mp3")
	at("a file", pass)
	remove()
	at("the folder is gone", warn)
	put("lost+found/1")
	at("an empty disk", warn)
	if settings := app.Settings(); settings != nil {
		settings.S3.Enabled = true
		at("the files are elsewhere", pass)
		settings.S3.Enabled = false
	}
	at("and here again", warn)
	put("recordings/one/talk.mp3")
	at("it is back", pass)
	remove()
	if err := os.Symlink(filepath.Join(t.TempDir(), "nowhere"), storage); err != nil {
		t.Fatal(err)
	}
	at("a link that leads nowhere", warn)
	rows("")
	at("no row names a file any more", pass)
}
