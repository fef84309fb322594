// Package dialing decides which numbers may be dialled: one policy for every
// number, whichever field, setting or message it came in by (security.md S40,
// S68). It is asked when a number is saved, and again when it is used: the
// row may be older than the policy, and an organization's country may change.
package dialing

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// Policy is what an organization may dial.
type Policy struct {
	// Home is the organization's country, "" when nothing tells it: then no
	// number is dialled.
	Home string
	// Countries are those beside home; "*" is every one.
	Countries []string
}

// Of is the policy of an organization, which is where tenant.HomeOf says. One
// that is not there dials nothing.
func Of(app core.App, organization string) Policy {
	o := tenant.OrganizationOf(app, organization)
	if o == nil {
		return Policy{}
	}
	return policy(o, tenant.HomeOf(app, organization))
}

// policy is Of for a row; home is a country or a number of the organization's.
func policy(organization *core.Record, home string) Policy {
	p := Policy{Home: strings.ToUpper(home)}
	if len(home) > len("US") {
		p.Home = phone.Region(home)
	}
	var limits struct {
		Countries []string `json:"outbound_countries"`
	}
	_ = organization.UnmarshalJSONField("limits", &limits) // absent limits allow the home country only
	p.Countries = limits.Countries
	return p
}

// never are the codes of no country: shared-cost and satellite networks, personal
// numbers, disaster relief, international premium.
var never = []int32{808, 870, 878, 881, 882, 883, 888, 979, 991}

// Check gives the number as it is dialled, or a sentence saying why it is not.
func (p Policy) Check(text string) (number, problem string) {
	read := phone.Read(untrusted.CleanLine(text), p.Home)
	if read.Kind != phone.Telephone {
		return "", "Must be a phone number, with + and the country code"
	}
	n, err := phonenumbers.Parse(read.Text, "")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", "Must be a phone number, with + and the country code"
	}
	switch {
	case slices.Contains(never, n.GetCountryCode()):
		return "", "Satellite and shared international numbers cannot be called"
	case !p.allows(n):
		return "", p.foreign(region(n))
	case premium(n, read.Text): // last: it may shorten n
		return "", "Premium and shared-cost numbers cannot be called"
	}
	return read.Text, ""
}

// premium tells of numbers that cost more than their country's others.
func premium(n *phonenumbers.PhoneNumber, number string) bool {
	// Digits behind a number that is complete do not keep it from ringing. (One
	// that nothing makes valid stays as it is.)
	phonenumbers.TruncateTooLongNumber(n)
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN, phonenumbers.PERSONAL_NUMBER,
		phonenumbers.PAGER:
		return true
	}
	national := strings.TrimPrefix(number, "+"+strconv.Itoa(int(n.GetCountryCode())))
	for _, prefix := range premiums[n.GetCountryCode()] {
		if strings.HasPrefix(national, prefix) {
			return true
		}
	}
	// North America: the exchange 976, which is one within every area.
	return n.GetCountryCode() == 1 && len(national) >= 6 && national[3:6] == "976"
}

// premiums begin the numbers of premium and personal services, by the country's
// code. The library's tables know those that are assigned today; the ranges stay
// dear when somebody is given another number of them.
var premiums = map[int32][]string{
	1: {"900", "976", "700", "500", "521", "522", "523", "524", "525", "526", "527", "528", "529", "533",
		"544", "566", "577", "588"},
	// Europe
	31: {"90"}, 32: {"90"}, 33: {"89"}, 34: {"803", "806", "807", "905", "907"}, 39: {"89"}, 41: {"90"},
	43: {"90", "93"}, 44: {"9", "70"},
	46: {"900", "939", "944"}, 49: {"900", "137", "180", "190"}, 353: {"15"},
	// Elsewhere
	61: {"19"}, 81: {"990"},
}

// allows tells whether a number's country may be called: the country, not its
// code. Jamaica and the Bahamas share +1 with the United States and are where
// toll fraud goes.
func (p Policy) allows(n *phonenumbers.PhoneNumber) bool {
	region := region(n)
	return p.Home != "" && region == p.Home || slices.Contains(p.Countries, region) || slices.Contains(p.Countries, "*")
}

func region(n *phonenumbers.PhoneNumber) string {
	if region := phonenumbers.GetRegionCodeForNumber(n); region != "" {
		return region
	}
	return phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
}

// foreign says that a country is not called, and where that can be changed.
// Countries stand as (XX): the dashboard names them in the reader's language.
func (p Policy) foreign(region string) string {
	if p.Home == "" {
		return fmt.Sprintf("Calls to this country (%s) are not allowed: the organization has no country yet."+
			" Choose it in Settings → Organization.", region)
	}
	return fmt.Sprintf("Calls to this country (%s) are not allowed. The organization's country (%s) stands in"+
		" Settings → Organization; whoever runs this server opens others.", region, p.Home)
}

// dialled are the names, in small letters, under which a provider's settings
// hold what is dialled.
var dialled = []string{"number", "numbers", "phonenumber", "forwardingphonenumber", "sipuri"}

// Settings looks through settings in a provider's words (destinations of
// transfers, hooks) for what must not be dialled. It returns the outermost name
// it stands under and why, both "" when there is nothing.
func (p Policy) Settings(settings map[string]any) (name, problem string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if problem := p.within(name, settings[name], untrusted.MaxDepth); problem != "" {
			return name, problem
		}
	}
	return "", ""
}

func (p Policy) within(name string, value any, depth int) string {
	if depth == 0 {
		return untrusted.ErrDeep.Error()
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if problem := p.within(key, v[key], depth-1); problem != "" {
				return problem
			}
		}
	case []any:
		for _, one := range v {
			if problem := p.within(name, one, depth-1); problem != "" {
				return problem
			}
		}
	case float64:
		if v >= 1_000_000 && slices.Contains(dialled, strings.ToLower(name)) {
			return "Write the number as text, with + and its country code"
		}
	case string:
		if v == "" || !slices.Contains(dialled, strings.ToLower(name)) || phone.Read(v, p.Home).Kind == phone.Address {
			return "" // an address of a telephone system is nobody's toll
		}
		_, problem := p.Check(v)
		return problem
	}
	return ""
}
