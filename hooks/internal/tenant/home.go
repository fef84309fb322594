package tenant

import (
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// HomeOf is where an organization is, as phone.Read asks for it: its country, or
// where it has not said that, its oldest number.
func HomeOf(app core.App, organization string) string {
	if o := OrganizationOf(app, organization); o != nil && o.GetString("country") != "" {
		return o.GetString("country")
	}
	lines, err := app.FindRecordsByFilter(collections.PhoneNumbers, "organization = {:o} && phone_number != ''", "created", 1, 0, dbx.Params{"o": organization})
	if err != nil || len(lines) == 0 {
		return "" // national numbers stay as they are
	}
	return lines[0].GetString("phone_number")
}
