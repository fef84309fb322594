package accounts

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const profileShape = `{"id", "email", "created_at", "updated_at", "full_name", "avatar_url", "phone", "role", "is_active", "company_id", "language", "theme", "two_factor", "verified"}`

func (d *domain) showProfile(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"data": map[string]any{"user": d.profileOf(e, user)},
		"message": "Profile fetched successfully"})
}

var showProfileRoute = facade.Route{
	Method: "GET", Path: "/api/user/profile", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-265",
	Summary: "The caller's profile; role and company are of the active organization.",
	Answer:  `{"data": {"user": ` + profileShape + `}, "message": "Profile fetched successfully"}`,
}

var updateProfileRoute = facade.Route{
	Method: "PUT", Path: "/api/user/profile", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-266",
	Summary: "Changes name and phone. Role and company cannot be set. The picture at avatar_url is fetched and kept (at most 2 MB and 15 million pixels, from a public address); null removes it. It can be uploaded to the record's field avatar as well.",
	Body:    `{"full_name"?, "phone"?, "avatar_url"?: address of a picture or null, "language"?, "theme"?}`,
	Answer:  `{"data": {"user": ` + profileShape + `}, "message": "Profile updated successfully"}`,
	Errors:  "400 with details",
}

// profileOf is the documented form of a person.
func (d *domain) profileOf(e *core.RequestEvent, user *core.Record) map[string]any {
	out := map[string]any{
		"id": user.Id, "email": user.Email(), "created_at": rows.Said(user.GetString("created")),
		"updated_at": rows.Said(user.GetString("updated")),
		"full_name":  user.GetString("name"), "avatar_url": nil, "phone": rows.OrNil(user.GetString("phone")), "role": nil,
		"is_active": user.GetBool("is_active"), "company_id": nil, "language": user.GetString("language"),
		"theme":      user.GetString("theme"),
		"two_factor": user.GetBool("two_factor"), "verified": user.Verified(),
	}
	if file := user.GetString("avatar"); file != "" {
		out["avatar_url"] = d.PublicURL + identity.FilePath(e,
			"/api/files/"+user.Collection().Name+"/"+user.Id+"/"+url.PathEscape(file))
	}
	if t, err := tenant.Of(e); err == nil && t.Organization != nil {
		out["role"], out["company_id"] = t.Role(), t.ID()
	}
	return out
}

func (d *domain) updateProfile(e *core.RequestEvent) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, reasons := map[string]any{}, map[string]string{}
	for field, column := range map[string]string{"full_name": "name", "phone": "phone", "language": "language",
		"theme": "theme"} {
		value, given := body[field]
		if !given {
			continue
		}
		text, ok := value.(string)
		switch {
		case value == nil && field == "phone":
		case !ok:
			reasons[field] = "Must be a text"
			continue
		case field == "full_name" && facade.TextOf(body, field) == "":
			reasons[field] = "Must not be empty"
			continue
		}
		columns[column] = text
	}
	if value, given := body["avatar_url"]; given {
		d.readPicture(e, user, value, columns, reasons)
	}
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	if err := saveProfile(e, user, columns); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"data": map[string]any{"user": d.profileOf(e, user)},
		"message": "Profile updated successfully"})
}

// readPicture takes the address of a picture, or that there is none.
func (d *domain) readPicture(e *core.RequestEvent, user *core.Record, value any, columns map[string]any,
	reasons map[string]string) {
	current, _ := d.profileOf(e, user)["avatar_url"].(string)
	address, ok := value.(string)
	switch {
	case value == nil || value == "":
		columns["avatar"] = nil
	case !ok:
		reasons["avatar_url"] = "Must be a text"
	case current != "" && withoutQuery(address) == withoutQuery(current): // as it was answered
	default:
		picture, problem := d.picture(e, address)
		if problem != "" {
			reasons["avatar_url"] = problem
		} else {
			columns["avatar"] = picture
		}
	}
}

// checkPhone holds people's numbers to it, whichever way they are changed.
// What an invitation brought is left as it is.
func checkPhone(e *core.RecordEvent) error {
	number := e.Record.GetString("phone")
	if e.Record.IsNew() || number == e.Record.Original().GetString("phone") {
		return e.Next()
	}
	if why := notAPhone(number); why != "" {
		return validation.Errors{"phone": validation.NewError("validation_invalid_phone_number", why+".")}
	}
	return e.Next()
}

// phoneMost is what the column takes.
const phoneMost = 40

// notAPhone says why a text is no number to call somebody back at, or "". It is
// kept as people write it; their country is not known, so a number without it
// is judged by its digits.
func notAPhone(text string) string {
	if text == "" {
		return ""
	}
	digits, number := 0, phone.Fold(text)
	odd := strings.ContainsFunc(number, func(r rune) bool {
		if '0' <= r && r <= '9' {
			digits++
			return false
		}
		return !strings.ContainsRune("+ -().\u00a0/", r)
	})
	international := strings.HasPrefix(number, "+")
	switch {
	case len(text) > phoneMost:
		return "Must be at most 40 characters"
	case odd, digits < 5, digits > 15, strings.LastIndexByte(number, '+') > 0, international &&
		phone.Read(text, "").Kind != phone.Telephone:
		return "Must be a phone number, best with its country: +15551234567"
	}
	return ""
}

// saveProfile changes columns of the caller's own row and writes it down.
func saveProfile(e *core.RequestEvent, user *core.Record, columns map[string]any) error {
	user.IgnoreUnchangedFields(true)
	for column, value := range columns {
		user.Set(column, value)
	}
	if tenant.Unchanged(user) {
		return nil
	}
	audit.By(e, user)
	err := e.App.Save(user)
	var problems validation.Errors
	if errors.As(err, &problems) {
		reasons := map[string]string{}
		for name, problem := range problems {
			if name == "name" {
				name = "full_name"
			}
			reasons[name] = strings.TrimSuffix(problem.Error(), ".")
		}
		return refusal.Invalid(reasons)
	}
	return err
}
