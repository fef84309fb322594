package hooks_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

// settingsEnv is where tests.NewTestApp looks for the settings' key.
const settingsEnv = "pb_test_env"

// kept is a product with a master key of its own.
type kept struct {
	product
	provider string // its address
	keys     hooks.Keys
	api      *testkit.Client
}

// bindTo puts the product together as main does.
func (k *kept) bindTo(app core.App) error {
	env := map[string]string{"VAPI_API_KEY": "key", "VAPI_BASE_URL": k.provider}
	cfg, err := providers.Load(func(name string) string { return env[name] }, os.ReadFile)
	if err != nil {
		return err
	}
	if k.keys, err = hooks.LoadKeys(cfg, app.DataDir()); err != nil {
		return err
	}
	k.t.Setenv(settingsEnv, k.keys.Settings)
	k.desk, err = hooks.Register(app, hooks.Deps{
		Config: cfg, Clients: providers.New(cfg, "test"), Keys: k.keys, Version: "test", Log: io.Discard,
	})
	return err
}

// again is the next start, on a copy of the data as it is; this one ends.
func (k *kept) again(keyFile string) (*kept, error) {
	k.t.Helper()
	k.end()
	dir := k.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(k.DataDir())); err != nil {
		k.t.Fatal(err)
	}
	if keyFile != "" {
		if err := os.WriteFile(filepath.Join(dir, sealed.KeyFile), []byte(keyFile), 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir, EncryptionEnv: settingsEnv})
	next := &kept{provider: k.provider,
		product: product{t: k.t, TestApp: &tests.TestApp{BaseApp: app, TestMailer: &tests.TestMailer{}}}}
	if err := next.bindTo(app); err != nil {
		k.t.Fatal(err)
	}
	if err := app.Bootstrap(); err != nil {
		return nil, err
	}
	k.t.Cleanup(next.end)
	next.api = testkit.API(k.t, next.TestApp)
	return next, nil
}

// end stops what works in the background and closes the database.
func (k *kept) end() {
	k.t.Helper()
	if !k.IsBootstrapped() {
		return
	}
	ending := &core.TerminateEvent{}
	ending.App = k
	if err := k.OnTerminate().Trigger(ending, func(*core.TerminateEvent) error { return k.ClearBootstrap() }); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kept) keyFile() string {
	k.t.Helper()
	raw, err := os.ReadFile(filepath.Join(k.DataDir(), sealed.KeyFile))
	if err != nil {
		k.t.Fatal(err)
	}
	return string(raw)
}

// rotate runs the command, which is stopped when it speaks more often than that.
func (k *kept) rotate(words int) (string, error) {
	for _, c := range k.desk.Commands() {
		if c.Name() == "rotate-key" {
			said := &fewWords{left: words}
			c.SetArgs(nil)
			c.SetOut(said)
			c.SetErr(io.Discard)
			err := c.Execute()
			return said.String(), err
		}
	}
	return "", errors.New("no such command")
}

type fewWords struct {
	bytes.Buffer
	left int
}

var errStopped = errors.New("stopped")

func (l *fewWords) Write(b []byte) (int, error) {
	if l.left--; l.left < 0 {
		return 0, errStopped
	}
	return l.Buffer.Write(b)
}

func (k *kept) ring(call, secret string) int {
	req := httptest.NewRequest("POST", "/api/webhooks/vapi",
		strings.NewReader(`{"message":{"type":"hang","call":{"id":"`+call+`","phoneNumberId":"number-acme"}}}`))
	req.Header.Set("X-Vapi-Secret", secret)
	rec := httptest.NewRecorder()
	k.api.ServeHTTP(rec, req)
	return rec.Code
}

// open is a stored secret, read with the keys of the data directory.
func (k *kept) open(table, id, column string) string {
	k.t.Helper()
	masters, err := sealed.Given{Dir: k.DataDir()}.Load()
	if err != nil {
		k.t.Fatal(err)
	}
	box, err := masters.Box()
	if err != nil {
		k.t.Fatal(err)
	}
	var text string
	if err := k.DB().NewQuery("SELECT " + column + " FROM " + table + " WHERE id = '" + id + "'").Row(&text); err != nil {
		k.t.Fatal(err)
	}
	plain, err := box.Open(text, sealed.Place(table, id, column))
	if err != nil {
		k.t.Errorf("%s: %v", column, err)
	}
	return plain
}

// promiseSealed owes one promise of each kind that keeps something sealed, for later:
// what it is bound to is the answer's key, the field it stands in the value.
func (k *kept) promiseSealed() map[string]string {
	k.t.Helper()
	promises := map[string]string{}
	for _, one := range []struct{ kind, collection, row, field string }{
		{"mail.invite", collections.Invitations, "invitation", "token"},
		{"mail.address_changed", collections.Users, "user", "to"},
		{"mail.change", collections.Users, "user", "to"},
		{"privacy.erase", collections.PrivacyRequests, "request", "caller"},
	} {
		place := sealed.Place(one.collection, "row000000000000", one.kind)
		box, err := sealed.New(k.keys.Master)
		if err != nil {
			k.t.Fatal(err)
		}
		text, err := box.Seal("planted "+one.kind, place)
		if err != nil {
			k.t.Fatal(err)
		}
		k.exec("INSERT INTO outbox (id, kind, key, payload, status, next_at) VALUES ('" + core.GenerateDefaultRandomId() +
			"', '" + one.kind + "', '" + place + "', json_object('" + one.row + "', 'row000000000000', '" + one.field +
			"', '" + text + "'), 'pending', '2099-01-01 00:00:00.000Z')")
		promises[place] = one.field
	}
	return promises
}

// promised fails for what promiseSealed sealed and does not open.
func (k *kept) promised(what string, promises map[string]string) {
	k.t.Helper()
	masters, err := sealed.Given{Dir: k.DataDir()}.Load()
	if err != nil {
		k.t.Fatal(err)
	}
	box, err := masters.Box()
	if err != nil {
		k.t.Fatal(err)
	}
	for place, field := range promises {
		var text string
		if err := k.DB().NewQuery("SELECT json_extract(payload, '$." + field + "') FROM outbox WHERE key = '" + place +
			"'").Row(&text); err != nil {
			k.t.Fatal(err)
		}
		if plain, err := box.Open(text, place); err != nil || !strings.HasPrefix(plain, "planted ") {
			k.t.Errorf("%s: the promise %s holds %q, %v", what, place, plain, err)
		}
	}
}

// erased is the hash an erasure writes down.
func (k *kept) erased() string {
	k.t.Helper()
	k.api.Do("POST", privacy+"/erase", testkit.AcmeAdmin,
		map[string]any{"phone_number": "+" + caraAcme, "confirm": true}).Want(200)
	var hash string
	if err := k.DB().NewQuery("SELECT subject_hash FROM privacy_requests WHERE kind = 'erase' ORDER BY rowid DESC LIMIT 1").Row(&hash); err != nil || hash == "" {
		k.t.Fatalf("%q, %v", hash, err)
	}
	return hash
}

func TestRotate_key_keeps_everything_the_product_sealed_or_derived(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	}))
	t.Cleanup(provider.Close)
	k := &kept{provider: provider.URL, product: product{t: t}}
	k.TestApp = testkit.New(t, func(app core.App) {
		if err := k.bindTo(app); err != nil {
			t.Fatal(err)
		}
		app.Settings().SMTP.Password = "planted-password"
		if err := app.Save(app.Settings()); err != nil {
			t.Fatal(err)
		}
	})
	k.clearSealed()
	k.exec("UPDATE provider_accounts SET installation_secret = TRUE WHERE organization = '" + testkit.Acme +
		"'") // from before organizations had secrets
	k.api = testkit.API(t, k.TestApp)
	k.api.Do("PATCH", "/api/collections/functions/records/"+testkit.AcmeFunction, testkit.AcmeOwner,
		map[string]any{"headers": map[string]string{"X-Key": "planted-header"}}).Want(200)
	k.api.Do("PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber, testkit.AcmeOwner,
		map[string]any{"twilio_auth_token": strings.Repeat("ab", 16)}).Want(200)
	promises := k.promiseSealed()
	hash, derived, first := k.erased(), k.keys.Webhook, k.keyFile()
	if k.ring("before", derived) != 200 {
		t.Fatal("the derived webhook secret is refused before anything happens")
	}

	well := func(what string, k *kept) {
		t.Helper()
		if got := k.open(collections.Functions, testkit.AcmeFunction, "headers"); got != `{"X-Key":"planted-header"}` {
			t.Errorf("%s: the headers are %q", what, got)
		}
		if got := k.open(collections.PhoneNumbers, testkit.AcmeNumber, "twilio_auth_token"); got != strings.Repeat("ab", 16) {
			t.Errorf("%s: the token is %q", what, got)
		}
		k.promised(what, promises)
		if got := k.Settings().SMTP.Password; got != "planted-password" {
			t.Errorf("%s: the mail server's password is %q", what, got)
		}
		if got := k.erased(); got != hash {
			t.Errorf("%s: an erased caller is not known again", what)
		}
		if got := k.ring(what, derived); got != 200 {
			t.Errorf("%s: a copy from before organizations had secrets gets %d", what, got)
		}
		if got := k.ring(what+" a stranger", "nobodys"); got != 401 {
			t.Errorf("%s: a stranger gets %d", what, got)
		}
		// A server between the keys stores settings as well.
		if err := k.Save(k.Settings()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	for words := 1; ; words++ {
		said, err := k.rotate(words)
		if err == nil {
			if !strings.Contains(said, "alone") {
				t.Errorf("it says %q", said)
			}
			break
		}
		if !errors.Is(err, errStopped) || words > 50 {
			t.Fatalf("%d: %v\n%s", words, err, said)
		}
		next, err := k.again("")
		if err != nil {
			t.Fatalf("stopped after %q, the next start: %v", said, err)
		}
		well("in the middle", next)
		if _, err := k.again(first); err == nil || !strings.Contains(err.Error(), "POCKETLINE_KEY_BEFORE") {
			t.Errorf("in the middle, with the old key alone: %v", err)
		}
		k = next // it goes on with what is there
	}
	if strings.Count(k.keyFile(), "\n") != 1 || k.keyFile() == first {
		t.Error("the key file does not hold the new key alone")
	}
	next, err := k.again("")
	if err != nil {
		t.Fatal(err)
	}
	well("afterwards", next)
	if next.keys.Before != nil || next.keys.Webhook == derived {
		t.Error("the next start still has the old key")
	}
	if _, err := k.again(first); err == nil || !strings.Contains(err.Error(), "another master key") {
		t.Errorf("with the old key: %v", err)
	}

	// And once more: what was kept is kept again.
	if said, err := next.rotate(50); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	third, err := next.again("")
	if err != nil {
		t.Fatal(err)
	}
	well("after the second time", third)
}
