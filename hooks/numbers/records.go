package numbers

import (
	"regexp"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// areaCode is how area codes look where Vapi gives numbers.
var areaCode = regexp.MustCompile(`^([2-9][0-9]{2})?$`)

// token is what Twilio's auth tokens and API secrets look like, generously.
// Its length is compared: counted in the expression it would take 190 kB.
var token = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const leastToken, mostToken = 8, 200 // characters

func (d *domain) createRequest(e *core.RecordRequestEvent) error {
	if e.Record.GetString("provider") == "vapi" && !e.HasSuperuserAuth() {
		e.Record.Set("phone_number", "") // Vapi chooses it; nobody claims one
	}
	return d.sealToken(e)
}

// sealToken takes the body's twilio_auth_token, which a client may write and
// nobody reads: PocketBase itself drops a hidden field silently.
func (d *domain) sealToken(e *core.RecordRequestEvent) error {
	// The body as it was sent: RequestInfo has lost hidden fields by now.
	body := map[string]any{}
	if err := e.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body").For(err)
	}
	value, given := body["twilio_auth_token"]
	if !given {
		return e.Next()
	}
	text, ok := value.(string)
	if value != nil && (!ok || text != "" && !isToken(text)) {
		return refusal.Of("invalid_request/twilio_token").For(validation.Errors{
			"twilio_auth_token": validation.NewError("validation_invalid_token", "This does not look like a token of Twilio."),
		})
	}
	if e.Record.Id == "" {
		e.Record.Id = core.GenerateDefaultRandomId()
	}
	secret, err := d.Sealed.Seal(text, sealed.Place(collections.PhoneNumbers, e.Record.Id, "twilio_auth_token"))
	if err != nil {
		return refusal.Of("internal/token").For(err)
	}
	e.Record.Set("twilio_auth_token", secret)
	return e.Next()
}

func isToken(text string) bool {
	return len(text) >= leastToken && len(text) <= mostToken && token.MatchString(text)
}

// showTokenSet tells that there is a token, never which.
func (d *domain) showTokenSet(e *core.RecordEnrichEvent) error {
	e.Record.WithCustomData(true)
	e.Record.Set("twilio_auth_token_set", e.Record.GetString("twilio_auth_token") != "")
	return e.Next()
}

// fill sets what a new number left out.
func (d *domain) fill(e *core.RecordEvent) error {
	if e.Record.GetString("number_type") == "" {
		e.Record.Set("number_type", "voice")
	}
	if e.Record.GetString("status") == "" {
		status := collections.NumberPending // until Vapi says that it works
		if e.Record.GetString("provider") == "other" {
			status = collections.NumberActive
		}
		e.Record.Set("status", status)
	}
	return d.normalize(e)
}

// normalize writes numbers as E.164; what cannot be read is left for validate.
func (d *domain) normalize(e *core.RecordEvent) error {
	n := e.Record
	if number := n.GetString("phone_number"); number != "" && number != n.Original().GetString("phone_number") {
		if read := phone.Read(number, tenant.HomeOf(e.App, n.GetString("organization"))); read.Kind == phone.Telephone {
			n.Set("phone_number", read.Text)
			if n.GetString("country_code") == "" {
				n.Set("country_code", phone.Region(read.Text))
			}
		}
	}
	if number := n.GetString("fallback_number"); number != "" && number != n.Original().GetString("fallback_number") {
		if e164, problem := d.policy(e.App, n).Check(number); problem == "" {
			n.Set("fallback_number", e164)
		}
	}
	return e.Next()
}

func (d *domain) validate(e *core.RecordEvent) error {
	n, found := e.Record, validation.Errors{}
	changed := func(name string) bool { return n.IsNew() || n.GetString(name) != n.Original().GetString(name) }
	if number := n.GetString("phone_number"); number != "" && changed("phone_number") &&
		phone.Read(number, tenant.HomeOf(e.App, n.GetString("organization"))).Kind != phone.Telephone {
		found["phone_number"] = validation.NewError("validation_invalid_phone_number",
			"This is not a phone number. Write it with the country's code, for example +1 415 555 2671.")
	}
	if number := n.GetString("fallback_number"); number != "" && changed("fallback_number") {
		if _, problem := d.policy(e.App, n).Check(number); problem != "" {
			found["fallback_number"] = validation.NewError("validation_invalid_phone_number", problem+".")
		}
	}
	if code := n.GetString("area_code"); !areaCode.MatchString(code) {
		found["area_code"] = validation.NewError("validation_invalid_area_code",
			"An area code has three digits, for example 415.")
	}
	for _, name := range required[n.GetString("provider")] {
		if n.GetString(name) == "" {
			found[name] = validation.NewError("validation_required", "This provider needs it.")
		}
	}
	if id := n.GetString("assistant"); id != "" && changed("assistant") {
		if problem := wrongAssistant(e.App, n, id); problem != nil {
			found["assistant"] = problem
		}
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

// wrongAssistant is why a number cannot be answered by an assistant, or nil.
func wrongAssistant(app core.App, n *core.Record, id string) error {
	a, err := app.FindRecordById(collections.Assistants, id)
	switch {
	case err != nil || a.GetString("organization") != n.GetString("organization"):
		return validation.NewError("validation_missing_rel_records", "Choose an assistant of this organization.")
	case a.GetString("sync_status") == collections.SyncDeleting:
		return validation.NewError("validation_deleted_assistant", "This assistant is being deleted.")
	}
	return nil
}

// required are the columns the import of a provider's number needs.
var required = map[string][]string{
	"twilio": {"phone_number", "twilio_account_sid", "twilio_auth_token"},
	"vonage": {"phone_number", "credential_id"},
	"telnyx": {"phone_number", "credential_id"},
	"byo":    {"credential_id"},
	"other":  {"phone_number"},
}

// policy says what the number's organization may dial. One that has not said
// where it is is where its number is.
func (d *domain) policy(app core.App, n *core.Record) dialing.Policy {
	p := dialing.Of(app, n.GetString("organization"))
	if p.Home == "" {
		p.Home = phone.Region(n.GetString("phone_number"))
	}
	return p
}
