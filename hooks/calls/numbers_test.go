package calls

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// update is a status-update of an inbound call from a number. More replaces
// fields of the message.
func update(t testing.TB, id, number string, more map[string]any) []byte {
	t.Helper()
	m := map[string]any{
		"type": "status-update", "status": "in-progress", "timestamp": 1_795_014_247_310,
		"customer": map[string]any{"number": number, "name": "Who " + id},
		"call": map[string]any{"id": id, "type": "inboundPhoneCall", "phoneNumberId": callskit.SampleNumber,
			"createdAt": "2026-11-18T15:04:05.210Z"},
		"phoneNumber": map[string]any{"id": callskit.SampleNumber, "number": "+12025550100"},
	}
	for name, value := range more {
		m[name] = value
	}
	b, err := json.Marshal(map[string]any{"message": m})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessages_every_spelling_of_a_number_is_one_caller(t *testing.T) {
	d := newDesk(t, nil)
	spellings := []string{
		"+14155552671", "14155552671", "+1 415-555-2671", "(415) 555-2671", "tel:+14155552671",
		"sip:+14155552671@host.example;user=phone", "0014155552671",
		"01114155552671", "+１４１５５５５２６７１", "\u202a+14155552671\u202c",
	}
	for n, spelling := range spellings {
		d.SendAll([][]byte{update(t, fmt.Sprintf("spelling-%d", n), spelling, nil)})
	}
	// A SIP caller comes in another field, and who is called is the caller of an
	// outbound call.
	d.SendAll([][]byte{
		update(t, "spelling-sip", "",
			map[string]any{"customer": map[string]any{"sipUri": "sip:+14155552671@carrier.example"}}),
		update(t, "spelling-out", "415 555 2671",
			map[string]any{"call": map[string]any{"id": "spelling-out", "type": "outboundPhoneCall",
				"phoneNumberId": callskit.SampleNumber}}),
	})
	if got := d.Rows(`SELECT DISTINCT contact != '',
		CASE call_type WHEN 'outbound' THEN recipient_number ELSE caller_number END FROM calls
		WHERE vapi_call_id LIKE 'spelling-%'`); got != "1 | +14155552671\n" {
		t.Errorf("stored as %q", got)
	}
	if got := d.Rows(`SELECT count(DISTINCT contact) FROM calls WHERE vapi_call_id LIKE 'spelling-%'`); got != "1\n" {
		t.Errorf("%s contacts", got)
	}
	if got := d.Rows(`SELECT phone_number, phone_number_raw, name FROM contacts
		WHERE phone_number LIKE '%4155552671%'`); got != "+14155552671 |  | Who spelling-0\n" {
		t.Errorf("contacts %q", got)
	}
	for n, spelling := range spellings {
		if got := d.Rows(`SELECT caller_number_raw FROM calls WHERE vapi_call_id = ?`,
			fmt.Sprintf("spelling-%d", n)); n > 0 && got != spelling+"\n" {
			t.Errorf("%q is kept as %q", spelling, got)
		}
	}
}

func TestMessages_of_hidden_callers_make_no_contact(t *testing.T) {
	d := newDesk(t, nil)
	before := d.Rows(`SELECT count(*) FROM contacts`)
	for n, value := range []string{
		"Anonymous", "anonymous", "Restricted", "Unknown", "Unavailable", "Private", "Blocked", "+266696687",
		"+7378742833", "+86282452253", "+2562533",
		"+8656696", "+8566", "sip:anonymous@anonymous.invalid", "ANONYMOUS ", "",
	} {
		id := fmt.Sprintf("hidden-%d", n)
		d.SendAll([][]byte{update(t, id, value, nil),
			update(t, id, value, map[string]any{"type": "end-of-call-report", "endedReason": "customer-ended-call"})})
		if got := d.Rows(`SELECT status, contact, caller_number GLOB '[+0-9]*' FROM calls WHERE vapi_call_id = ?`,
			id); got != "completed |  | 0\n" {
			t.Errorf("%q: got %q", value, got)
		}
	}
	if after := d.Rows(`SELECT count(*) FROM contacts`); after != before {
		t.Errorf("%s contacts before, %s after", before, after)
	}
}

// A number takes the place of the word that it is hidden, in either order.
func TestMessages_a_number_counts_more_than_its_absence(t *testing.T) {
	d := newDesk(t, nil)
	for id, numbers := range map[string][]string{"word-first": {"Anonymous", "+14155552671"},
		"number-first": {"+14155552671", "Anonymous"}} {
		for n, number := range numbers {
			d.SendAll([][]byte{update(t, id, number, map[string]any{"timestamp": 1_795_014_247_310 + n})})
		}
		if got := d.Rows(`SELECT caller_number, caller_number_raw, contact != '' FROM calls WHERE vapi_call_id = ?`,
			id); got != "+14155552671 |  | 1\n" {
			t.Errorf("%s: got %q", id, got)
		}
	}
}

func TestMessages_numbers_are_read_at_home(t *testing.T) {
	d := newDesk(t, nil)
	d.Set("organizations", testkit.Acme, map[string]any{"country": "GB"})
	d.SendAll([][]byte{update(t, "london", "020 7946 0123",
		map[string]any{"status": "forwarding",
			"destination": map[string]any{"type": "number", "number": "020 7946 0999"}})})
	if got := d.Rows(`SELECT caller_number, transferred_to FROM calls
		WHERE vapi_call_id = 'london'`); got != "+442079460123 | +442079460999\n" {
		t.Errorf("got %q", got)
	}
	d.Set("organizations", testkit.Acme, map[string]any{"country": ""}) // its own number says where it is
	d.Set("phone_numbers", testkit.AcmeNumber, map[string]any{"phone_number": "+4930123456"})
	d.SendAll([][]byte{update(t, "berlin", "030 234567", nil)})
	if got := d.Rows(`SELECT caller_number FROM calls WHERE vapi_call_id = 'berlin'`); got != "+4930234567\n" {
		t.Errorf("got %q", got)
	}
}

// An organization is in one place, whichever of its lines rings: a caller has one
// spelling.
func TestMessages_one_organization_has_one_home(t *testing.T) {
	d := newDesk(t, nil)
	d.Set("organizations", testkit.Acme, map[string]any{"country": ""})
	d.Execute(`INSERT INTO phone_numbers (id, organization, phone_number, created)
		VALUES ('zfirst000000000', ?, '+4930123456', '2020-01-01 00:00:00.000Z')`, testkit.Acme)
	d.SendAll([][]byte{update(t, "one-home", "030 234567", nil)}) // on the line in Washington
	if got := d.Rows(`SELECT caller_number FROM calls WHERE vapi_call_id = 'one-home'`); got != "+4930234567\n" {
		t.Errorf("a caller on another line is %q", got)
	}
	if got := tenant.HomeOf(d.TestApp, testkit.Acme); got != "+4930123456" {
		t.Errorf("home is %q", got)
	}
	if got := dialing.Of(d.TestApp, testkit.Acme).Home; got != "DE" {
		t.Errorf("it dials from %q", got)
	}
}

func TestContacts_people_write_numbers_as_they_like(t *testing.T) {
	d := newDesk(t, nil)
	const path = "/api/collections/contacts/records"
	write := func(status int, number string) map[string]any {
		t.Helper()
		return callskit.Object(t, d.Want(status, http.MethodPost, path, testkit.AcmeManager,
			map[string]any{"organization": testkit.Acme, "phone_number": number, "name": "Lin"}))
	}
	if got := write(200, "(415) 555-2671"); got["phone_number"] != "+14155552671" ||
		got["phone_number_raw"] != "(415) 555-2671" {
		t.Errorf("stored %v, written %v", got["phone_number"], got["phone_number_raw"])
	}
	for _, again := range []string{"+14155552671", "tel:+1-415-555-2671", "\u200e+14155552671"} {
		write(400, again)
	}
	for _, hidden := range []string{"Anonymous", "+266696687", "sip:anonymous@anonymous.invalid"} {
		if got := fmt.Sprint(write(400, hidden)); !strings.Contains(got, "hidden number") {
			t.Errorf("%q: %s", hidden, got)
		}
	}
	write(400, "")
	long := "sip:" + strings.Repeat("a", 40) + "@example.com"
	if got := write(200, long); got["phone_number"] != long {
		t.Errorf("stored %v", got["phone_number"])
	}
	// What is derived is not written by people.
	d.Want(400, http.MethodPost, path, testkit.AcmeManager,
		map[string]any{"organization": testkit.Acme, "phone_number": "+14155552672", "phone_number_raw": "x"})
}

func TestCalls_people_write_numbers_as_they_like(t *testing.T) {
	d := newDesk(t, nil)
	rec := d.Want(200, http.MethodPost, "/api/calls", testkit.AcmeManager,
		map[string]any{"caller_number": "415.555.2671", "recipient_number": "+1 202 555 0100", "call_type": "inbound",
			"duration": 9})
	data, _ := callskit.Object(t, rec)["data"].(map[string]any)
	if data["caller_number"] != "+14155552671" || data["caller_number_raw"] != "415.555.2671" ||
		data["recipient_number"] != "+12025550100" {
		t.Errorf("got %v", data)
	}
}
