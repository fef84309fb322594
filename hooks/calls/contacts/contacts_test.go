package contacts_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/contacts"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const path = "/api/organizations/" + testkit.Acme + "/contacts"

type desk struct{ *deskkit.Desk }

func open(t *testing.T) desk {
	t.Helper()
	return desk{deskkit.Open(t, func(d *deskkit.Desk) {
		lists.Register(d, lists.Deps{Facade: d.Facade, Schedule: d.Schedule})
		contacts.Register(d, contacts.Deps{Facade: d.Facade, Hub: d.Hub})
	})}
}

// add makes a contact; seen orders the list.
func (d desk) add(id, number, name, company string, seen int) {
	d.T.Helper()
	r := testkit.Stored{T: d.T, App: d.TestApp}.Make(collections.Contacts, map[string]any{
		"id": id, "organization": testkit.Acme, "phone_number": number, "name": name, "company": company,
		"first_seen_at": fmt.Sprintf("2026-10-%02d 09:00:00.000Z", seen), "last_seen_at": fmt.Sprintf("2026-10-%02d 10:00:00.000Z", seen),
	})
	if r.Id != id {
		d.T.Fatalf("made %s, want %s", r.Id, id)
	}
}

type list struct {
	Items []struct {
		ID, Name string
		Calls    int
	}
	Next string
}

func (d desk) list(query string) (ids []string, next string) {
	d.T.Helper()
	var found list
	d.Do("GET", path+"?"+query, testkit.AcmeAgent, nil).Want(200).JSON(&found)
	for _, one := range found.Items {
		ids = append(ids, one.ID)
	}
	return ids, found.Next
}

func TestContacts_are_refused_to_who_may_not_see_calls(t *testing.T) {
	d := open(t)
	for person, status := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeTrainee: 403,
		testkit.AcmeSuspended: 404} {
		d.Do("GET", path, person, nil).Want(status)
		d.Do("GET", path+".csv", person, nil).Want(status)
	}
	for _, query := range []string{"limit=0", "limit=x", "after=%21", "blocked=maybe", "search=" + strings.Repeat("a", 201)} {
		d.Do("GET", path+"?"+query, testkit.AcmeAgent, nil).Want(400)
	}
}

func TestContacts_are_found_by_name_company_and_number_and_paged_by_key(t *testing.T) {
	d := open(t)
	d.add("acmepriya000000", "+14155550142", "Priya Raman", "Harbour Dental", 3)
	d.add("acmeolu00000000", "+442079460018", "Olu Ade", "", 2)
	for query, want := range map[string][]string{
		"search=raman": {"acmepriya000000"}, "search=harb": {"acmepriya000000"},
		"search=" + url.QueryEscape("(415) 555-0142"): {"acmepriya000000"}, "search=0142": {"acmepriya000000"},
		"search=" + url.QueryEscape("+44 20"): {"acmeolu00000000"}, "search=nobody": nil, "search=%22": nil,
	} {
		if got, _ := d.list(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	all, _ := d.list("")
	var paged []string
	for after, n := "", 0; n < 10; n++ {
		ids, next := d.list("limit=1&after=" + after)
		paged = append(paged, ids...)
		if after = next; next == "" {
			break
		}
	}
	if len(all) != 3 || !slices.Equal(all, paged) {
		t.Errorf("at once %v, page by page %v", all, paged)
	}
	csv := string(d.Do("GET", path+".csv", testkit.AcmeAgent, nil).Want(200).Body)
	if !strings.Contains(csv, "Priya Raman,Harbour Dental,") || !strings.Contains(csv, "time_zone") || strings.Contains(csv, "+12025550171") {
		t.Errorf("the file is %s", csv)
	}
}

func TestMerge_takes_the_calls_along_and_split_gives_them_back(t *testing.T) {
	d := open(t)
	d.add("acmepriya000000", "+14155550142", "", "", 3)
	d.Execute(`UPDATE calls SET caller_number = '+14155550142', contact = 'acmepriya000000' WHERE id = '` + testkit.AcmeLiveCall + `'`)
	merge := path + "/acmepriya000000/merge"
	body := map[string]any{"other": testkit.AcmeContact}
	for person, status := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeViewer: 403} {
		d.Do("POST", merge, person, body).Want(status).Nothing()
	}
	for _, other := range []string{"", "acmepriya000000", testkit.BoltContact, "nothing"} {
		d.Do("POST", merge, testkit.AcmeAgent, map[string]any{"other": other}).Want(400).Nothing()
	}
	d.Do("POST", path+"/"+testkit.BoltContact+"/merge", testkit.AcmeAgent, body).Want(404).Nothing()

	long := strings.Repeat("é", 3000)
	for _, id := range []string{"acmepriya000000", testkit.AcmeContact} {
		d.Set(collections.Contacts, id, map[string]any{"notes": id + long})
	}
	d.Do("POST", merge, testkit.AcmeAgent, body).Want(400).Nothing() // nothing of them would be lost
	d.Set(collections.Contacts, "acmepriya000000", map[string]any{"notes": ""})

	var merged struct{ Calls int }
	if d.Do("POST", merge, testkit.AcmeAgent, body).Want(200).JSON(&merged); merged.Calls != 2 {
		t.Errorf("it is told that the one who stays has %d calls, want 2", merged.Calls)
	}
	stays := d.Row(collections.Contacts, "acmepriya000000")
	if stays.GetString("name") != "Cara Caller" {
		t.Errorf("the name is %q", stays.GetString("name"))
	}
	of := func(call string) string { return d.Row(collections.Calls, call).GetString("contact") }
	if of(testkit.AcmeCall) != stays.Id || of(testkit.AcmeLiveCall) != stays.Id || d.Audited("contacts.merge") != 1 {
		t.Errorf("calls are of %s and %s; the log has %d", of(testkit.AcmeCall), of(testkit.AcmeLiveCall), d.Audited("contacts.merge"))
	}
	if got, _ := d.list("search=" + url.QueryEscape("+12025550170")); !slices.Equal(got, []string{stays.Id}) {
		t.Errorf("by the merged number: got %v", got)
	}
	if got, _ := d.list(""); !slices.Equal(got, []string{stays.Id}) {
		t.Errorf("the list has %v", got)
	}
	d.Do("POST", merge, testkit.AcmeAgent, body).Want(400).Nothing()

	d.Do("POST", path+"/"+stays.Id+"/split", testkit.AcmeViewer, body).Want(403).Nothing()
	d.Do("POST", path+"/"+stays.Id+"/split", testkit.AcmeAgent, body).Want(200)
	if of(testkit.AcmeCall) != testkit.AcmeContact || of(testkit.AcmeLiveCall) != stays.Id || d.Audited("contacts.split") != 1 {
		t.Errorf("after splitting calls are of %s and %s", of(testkit.AcmeCall), of(testkit.AcmeLiveCall))
	}
	d.Do("POST", path+"/"+stays.Id+"/split", testkit.AcmeAgent, body).Want(400).Nothing()
}
