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
	kind, err := readField(re.App, re.Record, "phone_number")
	if err != nil {
		return err
	}
	if kind == phone.Hidden {
		return validation.Errors{"phone_number": validation.NewError("validation_hidden_number",
			"This stands for a hidden number, which belongs to nobody in particular.")}
	}
	return re.Next()
}

// readCall gives a call the numbers of its two sides.
func readCall(re *core.RecordEvent) error {
	for _, field := range []string{"caller_number", "recipient_number"} {
		if _, err := readField(re.App, re.Record, field); err != nil {
			return err
		}
	}
	return re.Next()
}

// readField reads a number that is new in its row and keeps what was written
// beside it.
func readField(app core.App, r *core.Record, field string) (phone.Kind, error) {
	written := r.GetString(field)
	if !r.IsNew() && written == r.Original().GetString(field) {
		return phone.None, nil
	}
	if phone.IsMasked(written) {
		return phone.None, validation.Errors{field: validation.NewError("validation_masked_number",
			"This is a masked number. Leave it out, and the number stays as it is.")}
	}
	read := phone.Read(written, tenant.HomeOf(app, r.GetString("organization")))
	r.Set(field, rows.Clip(read.Text, fold.NumberMax))
	r.Set(field+"_raw", "")
	if read.Kind != phone.None && written != read.Text {
		r.Set(field+"_raw", rows.Clip(written, fold.NumberMax))
	}
	return read.Kind, nil
}
