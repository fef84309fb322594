package calls

import (
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// readNumbers binds the reading of numbers in rows people write. What the
// provider's messages bring is read on its way in (apply.go).
func (e *engine) readNumbers() {
	bind := func(collection string, read func(app core.App, r *core.Record) error) {
		handler := func(re *core.RecordEvent) error {
			if err := read(re.App, re.Record); err != nil {
				return err
			}
			return re.Next()
		}
		e.app.OnRecordCreate(collection).BindFunc(handler)
		e.app.OnRecordUpdate(collection).BindFunc(handler)
	}
	bind(collections.Contacts, readContact)
	bind(collections.Calls, func(app core.App, r *core.Record) error {
		readField(app, r, "caller_number")
		readField(app, r, "recipient_number")
		return nil
	})
}

// readContact gives a contact its number. Who hides it cannot be one: the next
// who does would be taken for the same person.
func readContact(app core.App, r *core.Record) error {
	if kind := readField(app, r, "phone_number"); kind == phone.Hidden {
		return validation.Errors{"phone_number": validation.NewError("validation_hidden_number", "This stands for a hidden number, which belongs to nobody in particular.")}
	}
	return nil
}

// readField reads a number that is new in its row and keeps what was written
// beside it.
func readField(app core.App, r *core.Record, field string) phone.Kind {
	written := r.GetString(field)
	if !r.IsNew() && written == r.Original().GetString(field) {
		return phone.None
	}
	read := phone.Read(written, tenant.HomeOf(app, r.GetString("organization")))
	r.Set(field, clip(read.Text, numberMax))
	r.Set(field+"_raw", "")
	if read.Kind != phone.None && written != read.Text {
		r.Set(field+"_raw", clip(written, numberMax))
	}
	return read.Kind
}
