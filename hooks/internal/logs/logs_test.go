package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations"
)

// storedLogs ends the app's life, which flushes its log, and reads it again.
func storedLogs(t *testing.T, app core.App, dir string) string {
	t.Helper()
	if err := app.ClearBootstrap(); err != nil {
		t.Fatal(err)
	}
	again := core.NewBaseApp(core.BaseAppConfig{DataDir: dir})
	if err := again.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	defer again.ClearBootstrap()
	var rows []*core.Log
	if err := again.AuxModelQuery(&core.Log{}).All(&rows); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestBind_both_copies_have_the_line_and_neither_has_the_secret(t *testing.T) {
	dir := t.TempDir()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir})
	var out bytes.Buffer
	if err := Bind(app, Options{Out: &out, Level: "warn", Format: "json"}); err != nil {
		t.Fatal(err)
	}
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	app.Logger().Warn("line for both", "url", "/api/files/x?token=planted-secret-value", "authorization",
		"Bearer planted-secret-value")
	app.Logger().With("organization", "acme").WithGroup("call").Error("grouped line", "id", "c1")
	app.Logger().Info("line for the store only")
	app.Logger().Error("GET /store only", "type", "request", "status", 404)
	app.Logger().Error("GET /broken", "type", "request", "status", 500)

	terminal := out.String()
	for _, want := range []string{`"msg":"line for both"`, `"organization":"acme"`, `"call":{"id":"c1"}`, "GET /broken"} {
		if !strings.Contains(terminal, want) {
			t.Errorf("the terminal lacks %s in %s", want, terminal)
		}
	}
	if strings.Contains(terminal, "store only") {
		t.Error("the terminal has a line below its level")
	}
	stored := storedLogs(t, app, dir)
	for _, want := range []string{"line for both", "grouped line", "line for the store only", "GET /store only",
		"GET /broken"} {
		if !strings.Contains(stored, want) {
			t.Errorf("the stored log lacks %q", want)
		}
	}
	if strings.Contains(terminal+stored, "planted-secret-value") {
		t.Error("a secret reached a log")
	}
}

func TestBind_level_of_the_settings_still_rules_the_stored_log(t *testing.T) {
	dir := t.TempDir()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir})
	if err := Bind(app, Options{Out: &bytes.Buffer{}, Level: "error", Format: "text"}); err != nil {
		t.Fatal(err)
	}
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	app.Settings().Logs.MinLevel = 4
	if err := app.Save(app.Settings()); err != nil {
		t.Fatal(err)
	}
	app.Logger().Info("too quiet")
	app.Logger().Warn("loud enough")
	stored := storedLogs(t, app, dir)
	if strings.Contains(stored, "too quiet") || !strings.Contains(stored, "loud enough") {
		t.Errorf("got %s, want only what the settings ask for", stored)
	}
}

func TestBind_refuses_an_unknown_level(t *testing.T) {
	if err := Bind(core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()}), Options{Level: "loud"}); err == nil {
		t.Error("got no error")
	}
}
