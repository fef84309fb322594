package accounts

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// preferencesMost bounds what a browser may keep with us: 16 KB.
const preferencesMost = collections.SmallJSON

func showPreferences(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true, "data": preferencesOf(user)})
}

var showPreferencesRoute = facade.Route{
	Method: "GET", Path: "/api/user/preferences", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-267",
	Summary: "What the caller's dashboard remembers.",
	Answer:  `{"success": true, "data": {…}}`,
}

var mergePreferencesRoute = facade.Route{
	Method: "POST", Path: "/api/user/preferences", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-268",
	Summary: "Merges preferences: each key given replaces the old value, null removes it.",
	Body:    `{"preferences": {…}}`,
	Answer:  `{"success": true, "message": "Preferences updated successfully"}`,
	Errors:  "400 no object · 413 more than 16 KB in all",
}

func preferencesOf(user *core.Record) map[string]any {
	kept := map[string]any{}
	if raw := rows.JSON(user, "preferences"); raw != nil {
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
		return refusal.Invalid(map[string]string{"preferences": "Must be an object"})
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
			return refusal.Of("too_large/preferences")
		}
		user.IgnoreUnchangedFields(true)
		user.Set("preferences", json.RawMessage(raw))
		return tx.Save(user)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true, "message": "Preferences updated successfully"})
}
