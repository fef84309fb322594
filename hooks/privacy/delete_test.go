package privacy_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestDelete_needs_the_owner_and_the_name_and_can_be_taken_back(t *testing.T) {
	d := open(t, nil)
	path := "/api/organizations/" + testkit.Acme
	name := map[string]any{"name": "Acme Bakery"}
	for person, status := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeAdmin: 403,
		testkit.AcmeViewer: 403} {
		d.Do("POST", path+"/delete", person, name).Want(status)
		d.Do("POST", path+"/restore", person, nil).Want(status)
	}
	d.Do("POST", path+"/delete", testkit.AcmeOwner, map[string]any{"name": "acme"}).Want(400).Nothing()
	d.Do("POST", path+"/delete", testkit.AcmeOwner, nil).Want(400).Nothing()
	d.Do("POST", path+"/restore", testkit.AcmeOwner, nil).Want(409).Nothing()
	state := func() string {
		o, err := d.FindRecordById(collections.Organizations, testkit.Acme)
		if err != nil {
			t.Fatal(err)
		}
		return o.GetString("status")
	}
	d.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"legal_hold": true})
	d.Do("POST", path+"/delete", testkit.AcmeOwner, name).Want(409).Nothing()
	d.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"legal_hold": false})
	var got struct {
		At time.Time `json:"deletes_at"`
	}
	d.Do("POST", path+"/delete", testkit.AcmeOwner, name).Want(200).JSON(&got)
	if left := time.Until(got.At); left < 6*24*time.Hour || left > 7*24*time.Hour || state() != "closed" {
		t.Errorf("%s left, status %s", left, state())
	}
	first := got.At
	d.Do("POST", path+"/delete", testkit.AcmeOwner, name).Want(200).JSON(&got)
	if !got.At.Equal(first) {
		t.Error("asking twice moved the end")
	}
	d.Do("POST", "/api/team-members", testkit.AcmeOwner,
		map[string]any{"full_name": "N", "email": "n@new.test", "role": "agent"}).Want(409).Nothing()
	if err := d.Schedule.RunNow(t.Context(), "organizations.purge"); err != nil {
		t.Fatal(err)
	}
	d.Do("POST", path+"/restore", testkit.AcmeOwner, nil).Want(200)
	if state() != "active" || d.Count("SELECT count(*) FROM calls WHERE organization = '"+testkit.Acme+"'") != 2 {
		t.Errorf("status %s, or something is gone", state())
	}
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"status": "suspended"})
	d.Do("POST", path+"/delete", testkit.AcmeOwner, name).Want(200)
	d.Do("POST", path+"/restore", testkit.AcmeOwner, nil).Want(200)
	if state() != "suspended" {
		t.Errorf("a deletion taken back lifted the suspension: %s", state())
	}
	d.Do("POST", path+"/delete", testkit.AcmeOwner, name).Want(200)
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"deletes_at": time.Now().Add(-time.Minute)})
	d.Do("POST", path+"/restore", testkit.AcmeOwner, nil).Want(409).Nothing()
	if d.Audited("organizations.update") != 5 {
		t.Errorf("audited %d times, want 5", d.Audited("organizations.update"))
	}
}

// provider is a stand-in that agrees to removals only when it is told to.
type provider struct {
	mu      sync.Mutex
	refuses bool
	removed []string
}

func (p *provider) remove(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses {
		return errors.New("not now")
	}
	p.removed = append(p.removed, id)
	return nil
}

func (p *provider) agree() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = false
}

func TestPurge_takes_everything_down_and_waits_for_the_provider(t *testing.T) {
	p := &provider{refuses: true}
	d := open(t, func(r *peoplekit.Rooms) {
		nothing := errors.New("nothing is sent here")
		for collection, column := range map[string]string{collections.Assistants: "vapi_assistant_id",
			collections.PhoneNumbers: "vapi_phone_id", collections.Functions: "vapi_tool_id"} {
			r.Privacy.Mirror.Add(mirror.Copy{
				Provider:   mirror.Provider{Called: "the toy"},
				Collection: collection, IDField: column, Delete: p.remove,
				Desired: func(*core.Record, mirror.Mark) (any, error) { return nil, nothing },
				Create:  func(context.Context, *core.Record, map[string]any) (string, error) { return "", nothing },
				Update:  func(context.Context, *core.Record, mirror.Change) error { return nothing },
				List: func(context.Context, time.Time) iter.Seq2[mirror.Object, error] {
					return func(func(mirror.Object, error) bool) {}
				},
			})
		}
	})
	files, err := d.NewFilesystem()
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	recording, err := d.FindRecordById(collections.Recordings, testkit.AcmeRecording)
	if err != nil {
		t.Fatal(err)
	}
	sound := recording.BaseFilesPath() + "/" + recording.GetString("file")
	d.Do("POST", "/api/team-members", testkit.AcmeOwner,
		map[string]any{"full_name": "Ines Invited", "email": "ines@new.test", "role": "agent"}).Want(201)
	before := d.Count("SELECT count(*) FROM calls WHERE organization != '" + testkit.Acme + "'")
	d.Do("POST", "/api/organizations/"+testkit.Acme+"/delete", testkit.AcmeOwner,
		map[string]any{"name": "Acme Bakery"}).Want(200)
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"deletes_at": time.Now().Add(-time.Minute)})

	run := func() {
		t.Helper()
		if err := d.Schedule.RunNow(t.Context(), "organizations.purge"); err != nil {
			t.Fatal(err)
		}
	}
	hold := func(on bool) {
		d.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"legal_hold": on})
	}
	hold(true)
	run()
	if n := d.Count("SELECT count(*) FROM calls WHERE organization = '" + testkit.Acme + "'"); n != 2 {
		t.Errorf("%d calls are left under a legal hold, want 2", n)
	}
	hold(false)
	run()
	if d.Find(collections.Organizations, "id = '"+testkit.Acme+"'") == nil {
		t.Fatal("the organization went before the provider agreed")
	}
	if n := d.Count("SELECT count(*) FROM outbox WHERE kind = 'mirror' AND organization = '" + testkit.Acme +
		"' AND status IN ('pending', 'running')"); n != 3 {
		t.Errorf("%d removals are owed, want 3", n)
	}
	d.Deliver()
	run()
	if d.Find(collections.Organizations, "id = '"+testkit.Acme+"'") == nil {
		t.Fatal("the organization went although the provider refuses")
	}
	p.agree()
	for give := time.Now().Add(20 * time.Second); d.Find(collections.Organizations, "id = '"+testkit.Acme+"'") != nil &&
		time.Now().Before(give); {
		if _, err := d.DB().NewQuery("UPDATE outbox SET next_at = '2020-01-01 00:00:00.000Z' WHERE kind = 'mirror'").
			Execute(); err != nil {
			t.Fatal(err)
		}
		d.Deliver()
		run()
	}
	slices.Sort(p.removed)
	if !slices.Equal(p.removed, []string{"assistant-acme", "number-acme", "tool-acme"}) {
		t.Errorf("removed at the provider: %v", p.removed)
	}
	for _, c := range collections.All() {
		if !collections.Tenant(c) {
			continue
		}
		if n := d.Count("SELECT count(*) FROM " + c.Name + " WHERE organization = '" + testkit.Acme + "'"); n != 0 {
			t.Errorf("%d rows of %s are left", n, c.Name)
		}
	}
	if d.Find(collections.Organizations, "id = '"+testkit.Acme+"'") != nil {
		t.Error("the organization is left")
	}
	if there, err := files.Exists(sound); there || err != nil {
		t.Errorf("the recording's file is left (%v)", err)
	}
	if n := d.Count("SELECT count(*) FROM calls"); n != before {
		t.Errorf("%d calls of others, want %d", n, before)
	}
	if d.Find(collections.Users, "email = 'owner@acme.test'") == nil {
		t.Error("the people stay")
	}
	var listed struct{ Companies []struct{ ID string } }
	d.Do("GET", "/api/organizations", testkit.Sam, nil).Want(200).JSON(&listed)
	if len(listed.Companies) != 1 || listed.Companies[0].ID != testkit.Bolt {
		t.Errorf("Sam still has %+v", listed.Companies)
	}
	if !slices.Contains(d.Dropped, testkit.User(testkit.Sam)+"@"+testkit.Acme) {
		t.Errorf("streams that were ended: %v", d.Dropped)
	}
	if log := d.Find(collections.AuditLogs, "action = 'organizations.purge'"); log == nil ||
		log.GetString("organization") != "" || strings.Contains(log.GetString("details"), "Acme") {
		t.Errorf("audit %v", log)
	}
}
