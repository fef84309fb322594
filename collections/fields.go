package collections

import (
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// Lengths shared by many fields. PocketBase reads a text limit of 0 as 5,000
// characters, so every text field states its own.
const (
	nameMax        = 100
	shortMax       = 255
	descriptionMax = 500
	noteMax        = 5_000
	promptMax      = 100_000
	// SmallJSON bounds settings people type: 16 KB.
	SmallJSON = 16 << 10
	// LargeJSON bounds what a provider sends about one call: 1 MB.
	LargeJSON = 1 << 20
)

// base starts a collection with the columns every one has. PocketBase derives
// the collection's id from its type and name, so ids are equal everywhere.
func base(name string, fields ...core.Field) *core.Collection {
	c := core.NewBaseCollection(name)
	c.Fields.Add(fields...)
	c.Fields.Add(
		&core.AutodateField{Name: "created", OnCreate: true},
		&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true},
	)
	return c
}

// tenant starts a collection whose rows belong to one organization.
func tenant(name string, fields ...core.Field) *core.Collection {
	return base(name, append([]core.Field{required(relation("organization", Organizations))}, fields...)...)
}

func text(name string, max int) *core.TextField {
	return &core.TextField{Name: name, Max: max}
}

func email(name string) *core.EmailField { return &core.EmailField{Name: name} }

func url(name string) *core.URLField { return &core.URLField{Name: name} }

func boolean(name string) *core.BoolField { return &core.BoolField{Name: name} }

func date(name string) *core.DateField { return &core.DateField{Name: name} }

func number(name string) *core.NumberField { return &core.NumberField{Name: name} }

// integer is a whole number that is not negative, exact to 2^53.
func integer(name string) *core.NumberField {
	return &core.NumberField{Name: name, OnlyInt: true, Min: types.Pointer(0.0)}
}

// signed is a whole number that may be negative.
func signed(name string) *core.NumberField { return &core.NumberField{Name: name, OnlyInt: true} }

func between(name string, min, max float64) *core.NumberField {
	return &core.NumberField{Name: name, Min: &min, Max: &max}
}

func choice(name string, values ...string) *core.SelectField {
	return &core.SelectField{Name: name, Values: values, MaxSelect: 1}
}

func object(name string, max int64) *core.JSONField { return &core.JSONField{Name: name, MaxSize: max} }

func relation(name, target string) *core.RelationField {
	return &core.RelationField{Name: name, CollectionId: idOf(target), MaxSelect: 1}
}

func relations(name, target string, max int) *core.RelationField {
	return &core.RelationField{Name: name, CollectionId: idOf(target), MaxSelect: max}
}

// owned makes the row disappear with the one it points at.
func owned(f *core.RelationField) *core.RelationField {
	f.CascadeDelete = true
	return f
}

// Secrets are the columns of sealed values. Other hidden texts may hold anything,
// what people wrote included.
var Secrets = []string{
	"api_key", "control_url", "headers", "listen_url", "totp_secret", "twilio_auth_token", "webhook_secret",
	"webhook_secret_before",
}

// secret is a sealed value: hidden from every client, never filterable. The
// text stored is what hooks/internal/sealed made of it.
func secret(name string) *core.TextField {
	if !slices.Contains(Secrets, name) {
		panic("collections: " + name + " is missing in Secrets")
	}
	return &core.TextField{Name: name, Max: noteMax, Hidden: true}
}

// image is a small picture that only people who may see the row may load.
func image(name string) *core.FileField {
	return &core.FileField{
		Name: name, MaxSelect: 1, MaxSize: 2 << 20, Protected: true,
		MimeTypes: []string{"image/png", "image/jpeg", "image/webp"},
		Thumbs:    []string{"100x100"},
	}
}

// capabilities are the flags of a membership, and of an invitation to one.
func capabilities() []core.Field {
	fields := make([]core.Field, len(Capabilities))
	for i, name := range Capabilities {
		fields[i] = boolean(name)
	}
	return fields
}

// mirrored are the columns of a row that has a copy at a provider
// (hooks/internal/mirror keeps them).
func mirrored(providerID string) []core.Field {
	return []core.Field{
		text(providerID, shortMax),
		choice("sync_status", SyncStatuses...),
		text("sync_error", descriptionMax*2),
		date("synced_at"),
		hidden(text("sync_hash", shortMax)),
	}
}

// States of a mirrored row.
const (
	SyncPending  = "pending"  // saved here, not yet at the provider
	SyncSynced   = "synced"   // the provider's copy is equal
	SyncFailed   = "failed"   // the provider refused; sync_error has its words
	SyncDeleting = "deleting" // goes away once the provider agrees
)

// SyncStatuses are the states of a mirrored row.
var SyncStatuses = []string{SyncPending, SyncSynced, SyncFailed, SyncDeleting}

func required(f core.Field) core.Field {
	switch f := f.(type) {
	case *core.TextField:
		f.Required = true
	case *core.EmailField:
		f.Required = true
	case *core.URLField:
		f.Required = true
	case *core.NumberField:
		f.Required = true
	case *core.SelectField:
		f.Required = true
	case *core.RelationField:
		f.Required = true
	case *core.DateField:
		f.Required = true
	}
	return f
}

func hidden(f core.Field) core.Field {
	f.SetHidden(true)
	return f
}

// idOf is the id PocketBase gives the collection of this name.
func idOf(name string) string {
	if name == Users {
		return "_pb_users_auth_"
	}
	return core.NewBaseCollection(name).Id
}

// index adds an ordinary index; its name says table and columns.
func index(c *core.Collection, columns string) {
	addIndex(c, "idx_"+c.Name+"_"+slug(columns), "INDEX", columns, "")
}

// unique adds a unique index; where, when not empty, limits it to some rows.
func unique(c *core.Collection, columns, where string) {
	addIndex(c, "uq_"+c.Name+"_"+slug(columns), "UNIQUE INDEX", columns, where)
}

// addIndex adds an index as Collection.AddIndex would, which first reads the text of
// every index that is there, to replace one of this name: most of what making the
// definitions took.
func addIndex(c *core.Collection, name, kind, columns, where string) {
	text := "CREATE " + kind + " `" + name + "` ON `" + c.Name + "` (" + columns + ")"
	if where != "" {
		text += " WHERE " + where
	}
	c.Indexes = append(c.Indexes, text)
}

func slug(columns string) string { return slugs.Replace(columns) }

var slugs = strings.NewReplacer(", ", "_", " COLLATE NOCASE", "", " DESC", "", "`", "")
