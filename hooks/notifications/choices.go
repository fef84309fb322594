package notifications

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Kinds of notices.
const (
	// MissedCall is a call whose column missed is set.
	MissedCall = "missed_call"
	// MemberJoined is a new member, told to who manages the team.
	MemberJoined = "member_joined"
	// SyncFailed is an assistant, a function or a number whose change did not
	// reach the provider, told to who may change it.
	SyncFailed = "sync_failed"
	// NewDevice is a sign-in from a browser that never signed in before, told to
	// the person. It cannot be turned off.
	NewDevice = "new_device"
)

// Choices are the kinds a person can turn off, as keys of users.notifications:
// {"missed_call": false}. What is not named is on.
var Choices = []string{MissedCall, MemberJoined, SyncFailed}

const choicesField = "notifications"

// wants tells whether the person wants notices of a kind.
func wants(user *core.Record, kind string) bool {
	if !slices.Contains(Choices, kind) {
		return true
	}
	var chosen map[string]any
	if err := json.Unmarshal([]byte(user.GetString(choicesField)), &chosen); err != nil {
		return true // never chosen
	}
	on, named := chosen[kind].(bool)
	return on || !named
}

// validateChoices refuses what means nothing. Old rows may hold it: only a
// change is looked at.
func validateChoices(e *core.RecordEvent) error {
	raw := e.Record.GetString(choicesField)
	if !e.Record.IsNew() && raw == e.Record.Original().GetString(choicesField) {
		return e.Next()
	}
	if reason := problemOf(raw); reason != "" {
		return validation.Errors{choicesField: validation.NewError("validation_notifications", reason)}
	}
	return e.Next()
}

// problemOf says what is wrong with choices, "" when nothing is.
func problemOf(raw string) string {
	if raw == "" || raw == "null" {
		return ""
	}
	var chosen map[string]any
	if err := json.Unmarshal([]byte(raw), &chosen); err != nil {
		return "Must be an object of kinds and true or false."
	}
	for kind, value := range chosen {
		if !slices.Contains(Choices, kind) {
			return fmt.Sprintf("There is no notice %q. The kinds are %s.", rows.Shorten(kind, 40), strings.Join(Choices, ", "))
		}
		if _, ok := value.(bool); !ok {
			return fmt.Sprintf("Must be true or false: %s.", kind)
		}
	}
	return ""
}
