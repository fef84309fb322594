package identity

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/intake"
)

// addressed tells whether a collection's column email is an address people sign in
// with, the operator's and whatever the operator adds included, or are invited by.
func addressed(c *core.Collection) bool {
	return c.IsAuth() || c.Name == collections.Invitations || c.Name == collections.Memberships
}

// users begins the patterns of PocketBase's routes of accounts.
const users = "/api/collections/{collection}/"

// asksWith is the field of the address in the bodies of PocketBase's routes.
var asksWith = map[string]string{
	"POST " + users + "auth-with-password":     "identity",
	"POST " + users + "request-otp":            "email",
	"POST " + users + "request-password-reset": "email",
	"POST " + users + "request-verification":   "email",
	"POST " + users + "request-email-change":   "newEmail",
}

// bindAddresses keeps addresses in one spelling, whoever saves them.
func (i *Identity) bindAddresses() {
	tidy := func(e *core.RecordEvent) error {
		if !addressed(e.Record.Collection()) {
			return e.Next()
		}
		said := e.Record.GetString("email")
		if kept := address.Tidy(said); kept != said && (e.Record.IsNew() || said != e.Record.Original().GetString("email")) {
			e.Record.Set("email", kept)
		}
		return e.Next()
	}
	i.app.OnRecordCreate().BindFunc(tidy)
	i.app.OnRecordUpdate().BindFunc(tidy)
}

// tidyAsked gives PocketBase's routes the address in the spelling it is kept
// in. A body that cannot be read is left for the route to refuse.
func (i *Identity) tidyAsked(e *core.RequestEvent) error {
	field, ok := asksWith[e.Request.Pattern]
	if !ok {
		return e.Next()
	}
	form := map[string]any{}
	if !intake.Peek(e, &form) {
		return e.Next()
	}
	for name, value := range form {
		said, _ := value.(string)
		kept := address.Tidy(said)
		switch {
		case !strings.EqualFold(name, field) || kept == said: // PocketBase takes names in any case
		case e.Request.Form != nil:
			e.Request.Form.Set(name, kept)
		default:
			form[name] = kept
			if err := replaceBody(e, form); err != nil {
				return e.InternalServerError("", err)
			}
		}
	}
	return e.Next()
}

// replaceBody puts a changed body of JSON in the place of the one that was read.
func replaceBody(e *core.RequestEvent, form map[string]any) error {
	raw, err := json.Marshal(form)
	if err != nil {
		return err
	}
	e.Request.Body = &router.RereadableReadCloser{ReadCloser: io.NopCloser(bytes.NewReader(raw))}
	e.Request.ContentLength = int64(len(raw))
	return nil
}

// AccountOf is the account of an address, nil when there is none.
func AccountOf(app core.App, collection any, email string) (*core.Record, error) {
	user := &core.Record{}
	// The second condition is the index's own; without it every account is read.
	err := app.RecordQuery(collection).
		AndWhere(dbx.NewExp("[[email]] = {:email} COLLATE NOCASE AND [[email]] != ''",
			dbx.Params{"email": address.Tidy(email)})).Limit(1).One(user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return user, nil
}
