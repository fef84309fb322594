package calls

import (
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The summary people edit and the transcript they write are found too.
func TestSearch_follows_what_people_change(t *testing.T) {
	d := newDesk(t, nil)
	d.Want(200, "PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAgent,
		map[string]any{"summary": "A wedding cake."})
	if got := d.Found("wedding"); !slices.Equal(got, []string{testkit.AcmeCall}) {
		t.Errorf("got %v", got)
	}
	if got := d.Rows(`SELECT summary FROM call_reports WHERE call = ?`, testkit.AcmeCall); got != "A wedding cake.\n" {
		t.Errorf("got %q", got)
	}
}

// A caller may be found to be somebody else while they speak: the name that comes with
// the report is of who stays.
func TestReport_names_who_has_the_contact_now(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	d.Set(collections.Contacts, testkit.AcmeContact, map[string]any{"name": ""})
	met := strings.TrimSpace(d.Rows(`SELECT contact FROM calls WHERE id = ?`, id))
	d.Execute(`UPDATE contacts SET name = ''`) // nobody is named yet
	d.Want(200, "POST", "/api/organizations/"+testkit.Acme+"/contacts/"+testkit.AcmeContact+"/merge", testkit.AcmeAgent,
		map[string]any{"other": met})
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll([][]byte{callskit.Remake(t, messages[len(messages)-1], map[string]any{
		"message.customer": map[string]any{"number": "+14155550142", "name": "Nia Late"}})})
	d.Stored()
	got := d.Rows(`SELECT p.id, p.name FROM calls c JOIN contacts p ON p.id = c.contact WHERE c.id = ?`, id)
	if got != testkit.AcmeContact+" | Nia Late\n" {
		t.Errorf("the call is of %q", got)
	}
}
