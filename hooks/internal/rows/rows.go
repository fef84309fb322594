// Package rows holds the small things that everybody does who reads and writes rows.
package rows

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// Make saves a new row.
func Make(tx core.App, collection string, values map[string]any) (*core.Record, error) {
	c, err := tx.FindCachedCollectionByNameOrId(collection)
	if err != nil {
		return nil, err
	}
	r := core.NewRecord(c)
	r.Load(values)
	return r, tx.Save(r)
}

// JSON is a JSON column as it is stored, nil when it is empty.
func JSON(r *core.Record, field string) []byte {
	raw, _ := r.GetRaw(field).(types.JSONRaw)
	if s := string(raw); s == "" || s == "null" {
		return nil
	}
	return raw
}

// SetKey changes one key of a column that holds an object and keeps the others; nil
// takes it out. The row is not saved.
func SetKey(r *core.Record, field, key string, value any) error {
	all := map[string]any{}
	if raw := JSON(r, field); raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return err
		}
	}
	if value == nil {
		delete(all, key)
	} else {
		all[key] = value
	}
	r.Set(field, all)
	return nil
}

// Stamp writes a time as rows hold it, "" when there is none.
func Stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(types.DefaultDateLayout)
}

// Stamped reads a time as rows hold it; "" is none.
func Stamped(stored string) (time.Time, error) {
	if stored == "" {
		return time.Time{}, nil
	}
	return time.Parse(types.DefaultDateLayout, stored)
}

// SaidAt writes a time as answers of ours have it (RFC 3339 in UTC, with
// milliseconds), "" when there is none.
func SaidAt(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Said is a stored time as answers of ours have it, nil when it is empty.
func Said(stored string) any {
	at, err := types.ParseDateTime(stored)
	if err != nil {
		return nil
	}
	return OrNil(SaidAt(at.Time()))
}

// Say gives the times of an exported row the form of answers of ours. PocketBase's own
// routes keep theirs, which its clients read.
func Say(c *core.Collection, row map[string]any) {
	for _, f := range c.Fields {
		if kind := f.Type(); kind != core.FieldTypeDate && kind != core.FieldTypeAutodate {
			continue
		}
		switch stored := row[f.GetName()].(type) {
		case string:
			row[f.GetName()] = Said(stored)
		case types.DateTime:
			row[f.GetName()] = Said(stored.String())
		}
	}
}

// OrNil is a text as documented answers have it: nil when it is empty.
func OrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Count is the one number a query answers.
func Count(tx atomic.Tx, query string, args ...any) (n int, err error) {
	return n, atomic.One(tx, query, args, &n)
}

// Changed tells of a statement whether it changed a row.
func Changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// IgnoreMissing is nil for a row that is not there, else the error.
func IgnoreMissing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// Clip cuts a text to at most so many bytes, between characters.
func Clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// Shorten cuts a text to at most so many characters; the last says that it was cut.
func Shorten(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// Hash is what is kept of a token or code that only has to be known again: its SHA-256
// in hexadecimal digits. It is no way to keep a password.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
