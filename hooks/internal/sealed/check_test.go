package sealed_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// quiet is the fixtures without their sealed values, which nothing can open.
func quiet(t *testing.T) core.App {
	t.Helper()
	app := testkit.New(t)
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if _, ok := f.(*core.TextField); !ok || !f.GetHidden() || f.GetSystem() {
				continue
			}
			query := "UPDATE {{" + c.Name + "}} SET [[" + f.GetName() + "]] = '' WHERE [[" + f.GetName() + "]] = {:text}"
			if _, err := app.DB().NewQuery(query).Bind(map[string]any{"text": testkit.SealedValue}).Execute(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return app
}

func TestCheck_refuses_another_master_key(t *testing.T) {
	box := func(b byte) *sealed.Box {
		made, err := sealed.New(bytes.Repeat([]byte{b}, sealed.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	right, wrong := box(7), box(8)
	tests := []struct {
		name, table, column, id string
		by                      *sealed.Box
		want                    error
	}{
		{"the right key", collections.Functions, "headers", testkit.AcmeFunction, right, nil},
		{"a function's headers", collections.Functions, "headers", testkit.AcmeFunction, wrong, sealed.ErrOpen},
		{"a number's token", collections.PhoneNumbers, "twilio_auth_token", testkit.AcmeNumber, wrong, sealed.ErrOpen},
		{"a call's control address lives too short", collections.Calls, "control_url", testkit.AcmeCall, wrong, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := quiet(t)
			text, err := tt.by.Seal("hunter2", sealed.Place(tt.table, tt.id, tt.column))
			if err != nil {
				t.Fatal(err)
			}
			result, err := app.DB().NewQuery("UPDATE {{" + tt.table + "}} SET [[" + tt.column +
				"]] = {:text} WHERE [[id]] = {:id}").
				Bind(map[string]any{"text": text, "id": tt.id}).Execute()
			if err != nil {
				t.Fatal(err)
			}
			if n, err := result.RowsAffected(); err != nil || n != 1 {
				t.Fatalf("changed %d rows, %v", n, err)
			}
			if err := sealed.Check(app, right); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCheck_ignores_tables_of_the_operators_own(t *testing.T) {
	app := quiet(t)
	own := core.NewBaseCollection("own")
	own.Fields.Add(&core.TextField{Name: "code", Hidden: true})
	if err := app.Save(own); err != nil {
		t.Fatal(err)
	}
	row := core.NewRecord(own)
	row.Set("code", "k1:anything")
	if err := app.Save(row); err != nil {
		t.Fatal(err)
	}
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.Check(app, box); err != nil {
		t.Errorf("got %v, want nothing wrong", err)
	}
}
