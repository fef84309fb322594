// Package forgotten knows whom an organization erased, so that what comes late
// does not bring them back: the provider repeats messages for a day, lists its
// calls for weeks, and sends what happened before an erasure after it.
//
// A number is remembered as a hash with a key only this installation has:
// enough to recognize it, nothing to read it from. The hash stands on the
// erasure's own row (privacy_requests). The key comes from the master key; when
// that changes, it is kept, because hashes cannot be made again.
package forgotten

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Callers are those who were erased.
type Callers struct {
	key []byte

	mu     sync.Mutex
	loaded bool
	newest time.Time // of all erasures
}

// New derives the key from the master key.
func New(master []byte) (*Callers, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "erased callers", 32)
	if err != nil {
		return nil, fmt.Errorf("forgotten: %w", err)
	}
	return &Callers{key: key}, nil
}

// place is what the kept key is bound to.
var place = sealed.Place("_params", sealed.ErasedCallers, "value")

// Keep stores the key, sealed, so that it outlives the master key it came from.
func (c *Callers) Keep(tx core.App, box *sealed.Box) error {
	text, err := box.Seal(hex.EncodeToString(c.key), place)
	if err == nil {
		_, err = tx.DB().NewQuery("INSERT OR REPLACE INTO {{_params}} ([[id]], [[value]]) VALUES ({:id}, {:value})").
			Bind(dbx.Params{"id": sealed.ErasedCallers, "value": text}).Execute()
	}
	if err != nil {
		return fmt.Errorf("keep the key of erased callers: %w", err)
	}
	return nil
}

// Restore takes the key that was kept, or the one that comes from master when
// none was. Call it before anybody asks.
func (c *Callers) Restore(app core.App, box *sealed.Box, master []byte) error {
	var text string
	err := app.DB().NewQuery("SELECT [[value]] FROM {{_params}} WHERE [[id]] = {:id}").Bind(dbx.Params{"id": sealed.ErasedCallers}).Row(&text)
	if errors.Is(err, sql.ErrNoRows) {
		other, err := New(master)
		if err == nil {
			c.key = other.key
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("the key of erased callers: %w", err)
	}
	plain, err := box.Open(text, place)
	if err != nil {
		return err
	}
	c.key, err = hex.DecodeString(plain)
	return err
}

// Hash is what stands for a number of an organization, as package phone reads it.
func (c *Callers) Hash(organization, number string) string {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(organization + "\x00" + number))
	return hex.EncodeToString(mac.Sum(nil))
}

// Begin says that an erasure is about to be written down. Until then whoever
// rings is new and nothing is asked; call it before the row is stored.
func (c *Callers) Begin(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.newest) {
		c.newest = now
	}
}

// Erased tells whether a number was erased after something began: then that is
// not to be kept. What began after the newest erasure costs no question.
func (c *Callers) Erased(tx atomic.Tx, organization, number string, began time.Time) (bool, error) {
	if organization == "" || number == "" {
		return false, nil
	}
	newest, err := c.newestOf(tx)
	if err != nil || began.After(newest) {
		return false, err
	}
	found, err := tx.Query(`SELECT 1 FROM privacy_requests WHERE organization = ? AND subject_hash = ? AND kind = 'erase' AND created > ? LIMIT 1`,
		organization, c.Hash(organization, number), rows.Stamp(began))
	if err != nil {
		return false, fmt.Errorf("erased callers: %w", err)
	}
	erased := found.Next()
	return erased, errors.Join(found.Err(), found.Close())
}

// newestOf reads once when the last erasure was; later ones are announced.
func (c *Callers) newestOf(tx atomic.Tx) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded {
		return c.newest, nil
	}
	var stored string
	err := atomic.One(tx, `SELECT coalesce(max(created), '') FROM privacy_requests WHERE kind = 'erase'`, nil, &stored)
	if err != nil {
		return time.Time{}, fmt.Errorf("erased callers: %w", err)
	}
	last, err := types.ParseDateTime(stored)
	if err != nil {
		return time.Time{}, fmt.Errorf("erased callers: %w", err)
	}
	c.loaded = true
	if last.Time().After(c.newest) {
		c.newest = last.Time()
	}
	return c.newest, nil
}
