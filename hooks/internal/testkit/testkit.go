// Package testkit gives tests a fresh app on a seeded database, and people
// with names: Acme has six roles, Bolt is the other organization, Void has
// rows but no members, and Sam has a different role in each of two.
//
// The database is made once in a test binary (all migrations, then the
// fixtures) and copied for each test, which takes about 20 ms.
//
//	app := testkit.New(t, calls.Bind)            // a warm app with these hooks
//	api := testkit.API(t, app)                   // one mux for many requests
//	api.Do("GET", "/api/health", testkit.Guest, nil).Want(200)
//
// Code under test may not assume a particular order of fixture rows.
package testkit

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // PocketBase's own tables
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	_ "github.com/pocketline/pocketline/pb_migrations" // ours
)

// template is the seeded data directory, kept in memory so that nothing stays
// on disk when the tests end.
type template struct {
	files  map[string][]byte
	tokens map[string]string // auth token by email
}

var seeded = sync.OnceValues(build)

// New returns an app on its own copy of the seeded database, with the hooks
// each bind function registers; it is cleaned up when the test ends. The app
// is bootstrapped already, so OnBootstrap hooks bound here do not run.
func New(t testing.TB, bind ...func(app core.App)) *tests.TestApp {
	t.Helper()
	return NewHeard(t, nil, bind...)
}

// NewHeard is New with an ear at the databases: hear gets each statement that is
// prepared or run, whoever sends it. It is called by several goroutines at once.
func NewHeard(t testing.TB, hear func(statement string), bind ...func(app core.App)) *tests.TestApp {
	t.Helper()
	seed, err := seeded()
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	dir, err := os.MkdirTemp("", "testkit")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) // NewTestApp works on its own copy
	for name, content := range seed.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := config(dir, "pb_test_env")
	if hear != nil {
		c.DBConnect = heard(hear)
	}
	app, err := tests.NewTestAppWithConfig(c)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() {
		if app.IsBootstrapped() { // an ApiScenario cleans up by itself
			app.Cleanup()
		}
	})
	for _, b := range bind {
		b(app)
	}
	return app
}

// Token signs the person in on this app. The token stops working like any
// other: when the password or the token key changes, or after its time.
func Token(t testing.TB, app core.App, email string) string {
	t.Helper()
	var token string
	record, err := app.FindAuthRecordByEmail(collections.Users, email)
	if err == nil {
		token, err = signIn(app, record, core.GenerateDefaultRandomId())
	} else if record, err = app.FindAuthRecordByEmail(core.CollectionNameSuperusers, email); err == nil {
		token, err = record.NewAuthToken()
	}
	if err != nil {
		t.Fatalf("testkit: sign in %s: %v", email, err)
	}
	return token
}

// As are the headers of a request by a person of the fixtures, or by a guest.
//
//	Headers: testkit.As(t, testkit.AcmeViewer)
func As(t testing.TB, email string) map[string]string {
	t.Helper()
	if email == Guest {
		return nil
	}
	seed, err := seeded()
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	token, ok := seed.tokens[email]
	if !ok {
		t.Fatalf("testkit: nobody has the address %s", email)
	}
	return map[string]string{"Authorization": token}
}

// config opens the files of a directory as the product does.
func config(dir, encryptionEnv string) core.BaseAppConfig {
	return core.BaseAppConfig{
		DataDir: dir, EncryptionEnv: encryptionEnv, DBConnect: database.Connect,
		DataMaxOpenConns: database.DataOpen, DataMaxIdleConns: database.DataIdle,
		AuxMaxOpenConns: database.AuxOpen, AuxMaxIdleConns: database.AuxIdle,
	}
}

// build makes the template: an empty directory, all migrations, the fixtures.
func build() (*template, error) {
	dir, err := os.MkdirTemp("", "testkit")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	app := core.NewBaseApp(config(dir, ""))
	if err := app.Bootstrap(); err != nil {
		return nil, err
	}
	defer app.ClearBootstrap()
	if err := app.RunAllMigrations(); err != nil {
		return nil, err
	}
	seed := &template{files: map[string][]byte{}}
	if seed.tokens, err = fixtures(app); err != nil {
		return nil, err
	}
	// Closing the last connection empties the write-ahead log into the file.
	if err := app.ClearBootstrap(); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		seed.files[name], err = os.ReadFile(path)
		return err
	})
	return seed, err
}
