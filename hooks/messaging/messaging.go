// Package messaging is what an organization writes: the replies it keeps.
//
// A saved reply is the organization's own text: everybody in it reads all of
// them, and who may answer messages writes them. Typing its shortcut brings it,
// so a shortcut is one word, in small letters, and nobody else's.
package messaging

import (
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
	return facade.Resource{
		Collection: collections.SavedReplies, Path: "/api/saved-replies", One: "saved reply", Many: "saved replies",
		Fields:  facade.Columns(collections.SavedReplies, "shortcut", "text", "language"),
		Filters: []facade.Filter{{Query: "language", Column: "language", OneOf: collections.Languages}},
		Search:  []string{"shortcut", "text"}, Sought: bare, Sort: "shortcut",
	}
}

// readReply makes one spelling of a shortcut, as people type "/Hours" as well, and
// refuses what cannot be typed or seen.
func readReply(e *core.RecordEvent) error {
	found := validation.Errors{}
	word, err := untrusted.Word(bare(e.Record.GetString("shortcut")))
	if err != nil {
		found["shortcut"] = validation.NewError("validation_word", err.Error())
	}
	e.Record.Set("shortcut", word)
	if !untrusted.Shows(e.Record.GetString("text")) {
		found["text"] = validation.ErrRequired
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

// bare is a shortcut without what people type before and behind it.
func bare(typed string) string {
	return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(typed), "/"))
}
