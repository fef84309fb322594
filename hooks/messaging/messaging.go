// Package messaging is what an organization writes: the replies it keeps.
//
// A saved reply is the organization's own text: everybody in it reads all of
// them, and who may answer messages writes them. Typing its shortcut brings it,
// so a shortcut is one word, in small letters, and nobody else's.
package messaging

import (
	"errors"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// Register binds the domain.
func Register(app core.App, t room.Tools) {
	app.OnRecordCreate(collections.SavedReplies).BindFunc(readReply)
	app.OnRecordUpdate(collections.SavedReplies).BindFunc(readReply)
	t.Facade.Resources(replies())
}

func replies() facade.Resource {
	fields := facade.Columns(collections.SavedReplies, "shortcut", "text", "language")
	fields[0].Fold, fields[0].Check = spelled, notAWord
	fields[1].Check = notSeen
	return facade.Resource{
		Collection: collections.SavedReplies, Path: "/api/saved-replies", One: "saved reply", Many: "saved replies",
		Fields:  fields,
		Filters: []facade.Filter{{Query: "language", Column: "language", OneOf: collections.Languages}},
		Search:  []string{"shortcut", "text"}, Sought: bare, Sort: "shortcut",
	}
}

// readReply makes one spelling of a shortcut, as people type "/Hours" as well, and
// refuses what cannot be typed or seen, together with what the columns refuse.
func readReply(e *core.RecordEvent) error {
	e.Record.Set("shortcut", spelled(e.Record.GetString("shortcut")))
	found := validation.Errors{}
	for column, check := range map[string]func(string) string{"shortcut": notAWord, "text": notSeen} {
		if reason := check(e.Record.GetString(column)); reason != "" {
			found[column] = validation.NewError("validation_"+column, reason+".")
		}
	}
	if len(found) == 0 {
		return e.Next()
	}
	var columns validation.Errors
	if err := e.App.ValidateWithContext(e.Context, e.Record); err != nil && !errors.As(err, &columns) {
		return err
	}
	for column, problem := range columns {
		if found[column] == nil {
			found[column] = problem
		}
	}
	return found
}

// spelled is a shortcut in its one spelling; what is no word stays as it is.
func spelled(typed string) string {
	word, _ := untrusted.Word(bare(typed))
	return word
}

// notAWord says what is wrong with a shortcut in its one spelling.
func notAWord(shortcut string) string {
	if _, err := untrusted.Word(shortcut); err != nil {
		return strings.TrimSuffix(err.Error(), ".")
	}
	return ""
}

// notSeen says what is wrong with a text that shows nothing.
func notSeen(text string) string {
	if !untrusted.Shows(text) {
		return "Required"
	}
	return ""
}

// bare is a shortcut without what people type before and behind it.
func bare(typed string) string {
	return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(typed), "/"))
}
