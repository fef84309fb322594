package testkit

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

func TestNew_gives_each_test_its_own_rows(t *testing.T) {
	first, second := New(t), New(t)
	call, err := first.FindRecordById(collections.Calls, AcmeCall)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Delete(call); err != nil {
		t.Fatal(err)
	}
	if _, err := second.FindRecordById(collections.Calls, AcmeCall); err != nil {
		t.Errorf("deleting in one app reached the other: %v", err)
	}
}

func TestFixtures_have_a_row_of_every_collection_for_each_organization(t *testing.T) {
	app := New(t)
	for _, c := range collections.All() {
		if !collections.Tenant(c) || c.Name == collections.Memberships {
			continue
		}
		for _, organization := range []string{Acme, Bolt, Void} {
			rows, err := app.FindRecordsByFilter(c.Name, "organization = {:o}", "", 0, 0, map[string]any{"o": organization})
			if err != nil || len(rows) == 0 {
				t.Errorf("%s has no row of %s (%v)", c.Name, organization, err)
			}
		}
	}
}

func TestConstants_name_rows_that_exist(t *testing.T) {
	app := New(t)
	for id, collection := range map[string]string{
		AcmeAssistant: collections.Assistants, BoltAssistant: collections.Assistants,
		AcmeFunction: collections.Functions, BoltFunction: collections.Functions,
		AcmeNumber: collections.PhoneNumbers, BoltNumber: collections.PhoneNumbers,
		AcmeContact: collections.Contacts, BoltContact: collections.Contacts,
		AcmeCall: collections.Calls, BoltCall: collections.Calls, AcmeLiveCall: collections.Calls,
		BoltLiveCall:  collections.Calls,
		AcmeRecording: collections.Recordings, BoltRecording: collections.Recordings,
		AcmeReport: collections.CallReports, BoltReport: collections.CallReports,
		User(Sam): collections.Users, UserMembership(Sam, Acme): collections.Memberships,
		UserMembership(Sam, Bolt): collections.Memberships,
	} {
		if _, err := app.FindRecordById(collection, id); err != nil {
			t.Errorf("%s %s: %v", collection, id, err)
		}
	}
}

func TestServer_knows_people_and_bound_routes(t *testing.T) {
	app := New(t, func(app core.App) {
		app.OnServe().BindFunc(func(e *core.ServeEvent) error {
			e.Router.GET("/api/me", func(e *core.RequestEvent) error { return e.String(http.StatusOK, e.Auth.Email()) })
			return e.Next()
		})
	})
	server := Server(t, app)
	req, err := http.NewRequest("GET", server.URL+"/api/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", Token(t, app, AcmeAgent))
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", res.StatusCode)
	}
}

func TestAPI_signs_in_with_the_shared_password(t *testing.T) {
	api := API(t, New(t))
	api.Do("POST", "/api/collections/users/auth-with-password", Guest,
		map[string]string{"identity": AcmeOwner, "password": Password}).Want(200)
	ids := api.Do("GET", "/api/collections/calls/records", AcmeViewer, nil).Want(200).IDs()
	slices.Sort(ids)
	if want := []string{AcmeCall, AcmeLiveCall}; !slices.Equal(ids, want) {
		t.Errorf("a viewer of Acme lists %v, want %v", ids, want)
	}
}

func BenchmarkNew(b *testing.B) {
	New(b) // the template
	for b.Loop() {
		New(b).Cleanup()
	}
}

// A test on other settings proves nothing of what the product waits for or locks.
func TestNew_opens_the_database_as_the_product_does(t *testing.T) {
	app := New(t)
	for name, want := range map[string]string{"synchronous": "2", "secure_delete": "2", "cache_size": "-8000",
		"temp_store": "1"} {
		var got string
		if err := app.DB().NewQuery("PRAGMA " + name).Row(&got); err != nil || got != want {
			t.Errorf("%s: got %s, want %s (%v)", name, got, want, err)
		}
	}
}

func TestNothing_tells_which_table_a_request_changed(t *testing.T) {
	app := New(t, func(app core.App) {
		app.OnServe().BindFunc(func(e *core.ServeEvent) error {
			e.Router.GET("/api/half", func(e *core.RequestEvent) error {
				contact, err := app.FindRecordById("contacts", AcmeContact)
				if err != nil {
					return err
				}
				contact.Set("name", "Half done")
				if err := app.Save(contact); err != nil {
					return err
				}
				return e.BadRequestError("Too late", nil)
			})
			return e.Next()
		})
	})
	api := API(t, app)
	const contact = "/api/collections/contacts/records/" + AcmeContact
	api.Do("PATCH", contact, AcmeViewer, map[string]any{"name": "Not mine to change"}).Want(404).Nothing()
	api.Do("GET", "/api/half", AcmeOwner, nil).Want(400).Nothing("contacts")
	if got, want := api.sight.changed(), "contacts (3 rows, then 3)"; len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %s", got, want)
	}
	api.Do("PATCH", contact, AcmeViewer, map[string]any{"name": "Not mine to change"}).Want(404).Nothing()
}
