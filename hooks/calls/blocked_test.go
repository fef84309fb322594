package calls

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A caller who is blocked hears a sentence; the merged number is the same caller.
func TestBlocked_callers_are_not_answered(t *testing.T) {
	d := newDesk(t, nil)
	who := func(caller string) answer {
		return d.engine.whoAnswers(t.Context(), d.numberAtVapi(), caller)
	}
	if got := who("+12025550170"); got.assistant == "" {
		t.Fatalf("before: %+v", got)
	}
	d.Want(http.StatusOK, "PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeAgent,
		map[string]any{"blocked": true})
	if got := who("(202) 555-0170"); got.assistant != "" || !strings.Contains(got.say, "cannot take your call") {
		t.Errorf("blocked: %+v", got)
	}
	if got := who("+12025550179"); got.assistant == "" {
		t.Errorf("another caller: %+v", got)
	}
	if got := who(""); got.assistant == "" {
		t.Errorf("a hidden caller: %+v", got)
	}
	d.Execute(`UPDATE contacts SET merged_into = '` + testkit.AcmeContact + `' WHERE id = '` + d.contactOf("+12025550179") + `'`)
	d.Want(http.StatusOK, "PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeAgent,
		map[string]any{"notes": "Rings at night."})
	if got := who("+12025550179"); got.assistant != "" {
		t.Errorf("the merged number: %+v", got)
	}
}

func (d *desk) numberAtVapi() string {
	d.T.Helper()
	r, err := d.TestApp.FindRecordById(collections.PhoneNumbers, testkit.AcmeNumber)
	if err != nil {
		d.T.Fatal(err)
	}
	return r.GetString("vapi_phone_id")
}

// contactOf makes a contact of a number.
func (d *desk) contactOf(number string) string {
	d.T.Helper()
	return testkit.Stored{T: d.T, App: d.TestApp}.Make(collections.Contacts, map[string]any{
		"organization": testkit.Acme, "phone_number": number,
	}).Id
}

// However many an organization blocks, none of them is answered.
func TestBlocked_callers_are_not_answered_however_many_they_are(t *testing.T) {
	d := newDesk(t, nil)
	d.Execute(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
		INSERT INTO contacts (id, organization, phone_number, blocked)
		SELECT printf('many%011d', i), '` + testkit.Acme + `', printf('+4420794%05d', i), TRUE FROM n`)
	if got := d.engine.whoAnswers(t.Context(), d.numberAtVapi(), "+442079410001"); got.assistant != "" {
		t.Errorf("the last of them: %+v", got)
	}
}
