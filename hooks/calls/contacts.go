package calls

import (
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// readContact gives a contact its number. Who hides it cannot be one: the next
// who does would be taken for the same person.
func readContact(re *core.RecordEvent) error {
	if kind := readField(re.App, re.Record, "phone_number"); kind == phone.Hidden {
		return validation.Errors{"phone_number": validation.NewError("validation_hidden_number",
			"This stands for a hidden number, which belongs to nobody in particular.")}
	}
	return re.Next()
}

// readCall gives a call the numbers of its two sides.
func readCall(re *core.RecordEvent) error {
	readField(re.App, re.Record, "caller_number")
	readField(re.App, re.Record, "recipient_number")
	return re.Next()
}

// readField reads a number that is new in its row and keeps what was written
// beside it.
func readField(app core.App, r *core.Record, field string) phone.Kind {
	written := r.GetString(field)
	if !r.IsNew() && written == r.Original().GetString(field) {
		return phone.None
	}
	read := phone.Read(written, tenant.HomeOf(app, r.GetString("organization")))
	r.Set(field, rows.Clip(read.Text, fold.NumberMax))
	r.Set(field+"_raw", "")
	if read.Kind != phone.None && written != read.Text {
		r.Set(field+"_raw", rows.Clip(written, fold.NumberMax))
	}
	return read.Kind
}
