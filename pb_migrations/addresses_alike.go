package pb_migrations

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

func init() { m.Register(addressesAlike, nil, "1796026000_addresses_alike.go") }

// addressesAlike rewrites stored addresses in the one spelling they are looked
// for in: small letters, nothing invisible, the domain in ASCII. Two accounts
// whose addresses become the same are never merged and neither is changed: the
// step stops and names them, so that the operator decides.
func addressesAlike(txApp core.App) error {
	accounts, err := addressesIn(txApp, "users")
	if err != nil {
		return err
	}
	if clashes := clashesOf(accounts); len(clashes) > 0 {
		return errors.Join(append(clashes, errors.New("nothing was changed; give all but one of them another address: "+
			"pocketline security address --user ID --email NEW"))...)
	}
	for _, table := range []string{"users", "memberships", "invitations"} {
		if err := respell(txApp, table); err != nil {
			return err
		}
	}
	return nil
}

// clashesOf names the accounts whose addresses become the same.
func clashesOf(accounts []addressed) (clashes []error) {
	var order []string
	same := map[string][]addressed{}
	for _, a := range accounts {
		kept := oneSpelling(a.Email)
		if same[kept] == nil {
			order = append(order, kept)
		}
		same[kept] = append(same[kept], a)
	}
	for _, kept := range order {
		if len(same[kept]) > 1 {
			clashes = append(clashes, clash(kept, same[kept]))
		}
	}
	return clashes
}

// respell rewrites the addresses of a table. An open invitation that stands beside
// the same one is left: both work.
func respell(txApp core.App, table string) error {
	rows, err := addressesIn(txApp, table)
	if err != nil {
		return err
	}
	for _, r := range rows {
		_, err := txApp.NonconcurrentDB().NewQuery("UPDATE OR IGNORE {{" + table +
			"}} SET email = {:email} WHERE id = {:id} AND email != {:email}").
			Bind(dbx.Params{"email": oneSpelling(r.Email), "id": r.ID}).Execute()
		if err != nil {
			return fmt.Errorf("%s %s: %w", table, r.ID, err)
		}
	}
	return nil
}

// addressed is a row with an address.
type addressed struct {
	ID      string `db:"id"`
	Email   string `db:"email"`
	Created string `db:"created"`
}

// addressesIn are the rows of a table that have an address, as they were made. A
// collection an operator added may not say when that was.
func addressesIn(txApp core.App, table string) (rows []addressed, err error) {
	err = txApp.NonconcurrentDB().NewQuery("SELECT * FROM {{" + table + "}} WHERE email != '' ORDER BY rowid").All(&rows)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", table, err)
	}
	return rows, nil
}

func clash(address string, accounts []addressed) error {
	named := make([]string, len(accounts))
	for n, a := range accounts {
		named[n] = fmt.Sprintf("%s (written %s, made %.10s)", a.ID, a.Email, a.Created)
	}
	return fmt.Errorf("several accounts have the address %s, written in different ways: %s", address,
		strings.Join(named, " and "))
}

// oneSpelling is address.Tidy as it was when this step was written.
func oneSpelling(text string) string {
	hidden := func(r rune) bool {
		return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	}
	small := func(r rune) rune {
		if l := unicode.ToLower(r); l < utf8.RuneSelf == (r < utf8.RuneSelf) {
			return l
		}
		return r
	}
	const kelvin = "\u212a" // which Unicode calls a K
	parts := strings.Split(text, kelvin)
	for n, part := range parts {
		parts[n] = norm.NFC.String(part)
	}
	text = strings.TrimFunc(strings.Join(parts, kelvin),
		func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || hidden(r) })
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return strings.Map(small, text)
	}
	local := strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return small(r)
	}, text[:at])
	domain := strings.Map(small, text[at+1:])
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return local + "@" + domain
}
