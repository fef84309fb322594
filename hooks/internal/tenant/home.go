package tenant

import (
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// HomeOf is where an organization is, as phone.Read asks for it: its country, or
// where it has not said that, its oldest number. It is the one answer: two of
// them would write one caller's number in two ways.
func HomeOf(app core.App, organization string) string {
	if o := OrganizationOf(app, organization); o != nil && o.GetString("country") != "" {
		return strings.ToUpper(o.GetString("country"))
	}
	home := ""
	query := app.ConcurrentDB().NewQuery("SELECT " + oldestNumber("{:o}")).Bind(dbx.Params{"o": organization})
	if err := query.Row(&home); err != nil {
		app.Logger().Warn("home of an organization not looked up", "organization", organization, "error", err)
		return "" // national numbers stay as they are
	}
	return home
}

// HomeColumn is HomeOf within a query, of the organization with the alias.
func HomeColumn(alias string) string {
	return "CASE WHEN " + alias + ".country != '' THEN upper(" + alias + ".country) ELSE " +
		oldestNumber(alias+".id") + " END"
}

func oldestNumber(organization string) string {
	return "coalesce((SELECT n.phone_number FROM " + collections.PhoneNumbers + " n WHERE n.organization = " +
		organization +
		" AND n.phone_number != '' ORDER BY n.created, n.id LIMIT 1), '')"
}
