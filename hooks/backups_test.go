package hooks_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

// A wrong archive keeps nobody out, however long it is looked at; a good one waits for
// the requests under way, and when they do not end nothing is left to be restored.
func TestRestore_looks_before_it_closes(t *testing.T) {
	p := newProduct(t, "POCKETLINE_DRAIN_TIMEOUT=10ms")
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	p.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.POST("/test/long", func(e *core.RequestEvent) error {
			close(began)
			<-end
			return e.NoContent(http.StatusNoContent)
		})
		return se.Next()
	})
	d := testkit.API(t, p.TestApp)
	p.exec(`UPDATE users SET metadata = '{"operator":true}' WHERE id = '` + testkit.User(testkit.AcmeOwner) + `'`)
	folder := backup.Folder(p.DataDir())
	if _, err := backup.Write(t.Context(), p.DataDir(), filepath.Join(folder, "good.zip"),
		backup.Options{Kind: backup.Full}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "wrong.zip"), []byte("no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		d.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/test/long", nil))
	}()
	<-began
	defer func() { close(end); <-ended }()
	restore := func(name string) *testkit.Answer {
		return d.Do("POST", "/api/installation/backups/restore", testkit.AcmeOwner, map[string]string{"name": name})
	}
	if a := restore("wrong.zip").Want(400); !strings.Contains(string(a.Body), "nothing was changed") {
		t.Errorf("got %s", a.Body)
	}
	if a := restore("good.zip").Want(503); a.Header.Get("Retry-After") == "" {
		t.Error("nobody is told when to ask again")
	}
	if backup.Pending(p.DataDir()) {
		t.Error("the next start restores what was refused")
	}
	d.Do("PATCH", "/api/collections/assistants/records/"+testkit.AcmeAssistant, testkit.AcmeOwner,
		map[string]string{"name": "Still open"}).Want(200)
}

// An archive at S3 that does not come keeps no change out and no second restore waiting,
// and is gone when the server stops.
func TestRestore_from_S3_keeps_nobody_out(t *testing.T) {
	p := newProduct(t)
	asked := make(chan struct{}, 8)
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "1000")
			return
		}
		asked <- struct{}{}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer store.Close()
	d := testkit.API(t, p.TestApp)
	s3 := &p.Settings().Backups.S3
	s3.Enabled, s3.Bucket, s3.Region, s3.Endpoint, s3.AccessKey, s3.Secret, s3.ForcePathStyle = true, "b",
		"r", store.URL, "k", "s", true
	restore := func() *testkit.Answer { return d.Do("POST", "/api/backups/one.zip/restore", testkit.Superuser, nil) }
	answered := make(chan *testkit.Answer)
	go func() { answered <- restore() }()
	<-asked
	d.Do("PATCH", "/api/collections/assistants/records/"+testkit.AcmeAssistant, testkit.AcmeOwner,
		map[string]string{"name": "Still open"}).Want(200)
	if a := restore().Want(503); !strings.Contains(string(a.Body), "another backup is being looked at") {
		t.Errorf("a second one: %s", a.Body)
	}
	if err := p.OnTerminate().Trigger(&core.TerminateEvent{App: p.TestApp}); err != nil {
		t.Error(err)
	}
	if a := (<-answered).Want(400); !strings.Contains(string(a.Body), "nothing was changed") {
		t.Errorf("it ended with %s", a.Body)
	}
	if left, _ := filepath.Glob(filepath.Join(p.DataDir(), ".restore*")); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// What was cut off is finished by whoever runs the command again, whatever archive they
// name; another one is not taken for restored.
func TestRestoreCommand_finishes_what_was_cut_off(t *testing.T) {
	from := testkit.New(t).DataDir()
	archives := t.TempDir()
	for _, name := range []string{"one.zip", "two.zip"} {
		if _, err := backup.Write(t.Context(), from, filepath.Join(archives, name),
			backup.Options{Kind: backup.Full}); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := providers.Load(func(string) string { return "" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(archive string) (string, error) {
		var said strings.Builder
		cmd := hooks.RestoreCommand(&cfg, func() string { return dir })
		cmd.SetOut(&said)
		cmd.SetErr(io.Discard)
		cmd.SetArgs([]string{filepath.Join(archives, archive)})
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		err := cmd.ExecuteContext(context.Background())
		return said.String(), err
	}
	for archive, fails := range map[string]string{"one.zip": "",
		"two.zip": "the restore of one.zip was not done and came first"} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Stage(t.Context(), dir, filepath.Join(archives, "one.zip"), backup.StageOptions{}); err != nil {
			t.Fatal(err)
		}
		said, err := run(archive)
		if !strings.Contains(said, "Restored:") || (err == nil) != (fails == "") || err != nil &&
			!strings.Contains(err.Error(), fails) {
			t.Errorf("%s: it says %q, %v", archive, said, err)
		}
		if backup.Pending(dir) {
			t.Errorf("%s: it is still not done", archive)
		}
	}
}
