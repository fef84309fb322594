package identity

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/pocketline/pocketline/collections"
)

// Address is the one spelling under which a mail address is kept and looked
// for: small letters, nothing invisible, the domain as mail servers write it
// (xn--…). What is no address comes back tidied all the same; whoever stores it
// is told so by the field.
//
// NB! The steps addresses_alike.go and every_address_alike.go hold the same for rows
// stored before this was so.
func Address(text string) string {
	text = strings.TrimFunc(composed(text), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || invisible(r) })
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return strings.Map(small, text)
	}
	local, domain := strings.Map(small, strings.Map(seen, text[:at])), strings.Map(small, text[at+1:])
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain
}

// composed gives letters with marks their one form. Unicode calls the Kelvin
// sign a K, in whose place it would open somebody else's account.
func composed(text string) string {
	parts := strings.Split(text, kelvin)
	for n, part := range parts {
		parts[n] = norm.NFC.String(part)
	}
	return strings.Join(parts, kelvin)
}

const kelvin = "\u212a"

// small keeps letters that only look like an ASCII one when they are small (the
// Kelvin sign, the Turkish İ): they make another address, never the same.
func small(r rune) rune {
	if l := unicode.ToLower(r); l < utf8.RuneSelf == (r < utf8.RuneSelf) {
		return l
	}
	return r
}

// seen drops what nobody sees and is carried along when an address is copied.
func seen(r rune) rune {
	if invisible(r) {
		return -1
	}
	return r
}

func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// addressed tells whether a collection's column email is an address people sign in
// with, the operator's and whatever the operator adds included, or are invited by.
func addressed(c *core.Collection) bool {
	return c.IsAuth() || c.Name == collections.Invitations || c.Name == collections.Memberships
}

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
		if kept := Address(said); kept != said && (e.Record.IsNew() || said != e.Record.Original().GetString("email")) {
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
	if !peek(e, &form) {
		return e.Next()
	}
	for name, value := range form {
		said, _ := value.(string)
		kept := Address(said)
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

// peek reads a body that the route reads again; false when it cannot be read.
func peek(e *core.RequestEvent, form any) bool {
	err := e.BindBody(form)
	if body, ok := e.Request.Body.(router.Rereader); ok {
		body.Reread()
	}
	return err == nil
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
func AccountOf(app core.App, collection any, address string) (*core.Record, error) {
	user := &core.Record{}
	// The second condition is the index's own; without it every account is read.
	err := app.RecordQuery(collection).
		AndWhere(dbx.NewExp("[[email]] = {:email} COLLATE NOCASE AND [[email]] != ''", dbx.Params{"email": Address(address)})).Limit(1).One(user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return user, nil
}
