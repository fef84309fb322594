package orgs

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
)

// preferencesMost bounds what a browser may keep with us: 16 KB.
const preferencesMost = collections.SmallJSON

func (d *domain) preferences() {
	d.documented("GET", "/api/user/preferences", "S-267", facade.SignedIn, "What the caller's dashboard remembers.", "", "",
		`{"success": true, "data": {…}}`, "", func(e *core.RequestEvent) error {
			user, err := caller(e)
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, map[string]any{"success": true, "data": preferencesOf(user)})
		})
	d.documented("POST", "/api/user/preferences", "S-268", facade.SignedIn,
		"Merges preferences: each key given replaces the old value, null removes it.", "", `{"preferences": {…}}`,
		`{"success": true, "message": "Preferences updated successfully"}`, "400 no object · 413 more than 16 KB in all", mergePreferences)
}

func preferencesOf(user *core.Record) map[string]any {
	kept := map[string]any{}
	if raw := rawJSON(user, "preferences"); raw != nil {
		if json.Unmarshal(raw, &kept) != nil || kept == nil {
			return map[string]any{}
		}
	}
	return kept
}

func mergePreferences(e *core.RequestEvent) error {
	if _, err := caller(e); err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	given, ok := body["preferences"].(map[string]any)
	if !ok {
		return facade.Invalid(map[string]string{"preferences": "Must be an object"})
	}
	// Read and written under the write lock: two windows may save at once.
	err = e.App.RunInTransaction(func(tx core.App) error {
		user, err := tx.FindRecordById(collections.Users, e.Auth.Id)
		if err != nil {
			return err
		}
		kept := preferencesOf(user)
		for key, value := range given {
			if value == nil {
				delete(kept, key)
				continue
			}
			kept[key] = value
		}
		raw, err := json.Marshal(kept)
		if err != nil {
			return fmt.Errorf("preferences: %w", err)
		}
		if len(raw) > preferencesMost {
			return facade.Error(http.StatusRequestEntityTooLarge, "Preferences take at most 16 KB")
		}
		user.IgnoreUnchangedFields(true)
		user.Set("preferences", json.RawMessage(raw))
		return tx.Save(user)
	})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"success": true, "message": "Preferences updated successfully"})
}
