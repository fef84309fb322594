package hooks_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	caraAcme = "12025550170" // the fixtures' caller of Acme; Bolt's ends in 1
	privacy  = "/api/organizations/" + testkit.Acme + "/privacy"
)

func TestPrivacy_exports_and_erases_a_caller_everywhere(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	stamp := "'2026-09-01 10:00:00.000Z'"
	for n, row := range []struct{ key, kind, status, payload string }{
		{"call-acme:packed", "packed", "packed", "as-good-as-any"},
		{"call-acme:1:status", "status-update", "applied", `{"customer":{"number":"+` + caraAcme + `"}}`},
		{"lost:1", "assistant-request", "parked", `{"customer":{"number":"+` + caraAcme + `"}}`},
	} {
		p.exec(fmt.Sprintf(`INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload,
			error, attempts, next_at, created, updated)
			VALUES ('privacyevent%03d', '%s', 'vapi', '%s', '%s', '%s', '%s', '', 0, '', %s, %s)`, n, testkit.Acme,
			row.key, row.kind, row.status, row.payload, stamp, stamp))
	}
	p.exec(fmt.Sprintf(`INSERT INTO outbox (id, organization, kind, key, payload, status, attempts, next_at, lease_until,
		error, done_at, created, updated)
		VALUES ('privacyoutbox00', '%s', 'webhook', 'w:1', '{"caller":"+%s"}', 'done', 1, '', '', '', '', %s, %s)`,
		testkit.Acme, caraAcme, stamp, stamp))
	api.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner,
		map[string]any{"name": "Cara Confidential"}).Want(200)
	file := ""
	if r, err := p.FindRecordById(collections.Recordings, testkit.AcmeRecording); err != nil {
		t.Fatal(err)
	} else {
		file = p.DataDir() + "/storage/" + r.BaseFilesPath() + "/" + r.GetString("file")
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}

	number := map[string]any{"phone_number": "+1 (202) 555-0170"}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403,
		testkit.AcmeViewer: 403} {
		api.Do("POST", privacy+"/export", person, number).Want(want).Nothing()
		api.Do("POST", privacy+"/erase", person,
			map[string]any{"phone_number": "+" + caraAcme, "confirm": true}).Want(want).Nothing()
		api.Do("GET", privacy, person, nil).Want(want).Nothing()
	}
	api.Do("POST", privacy+"/export", testkit.AcmeAdmin, map[string]any{"phone_number": "hello"}).Want(400).Nothing()
	api.Do("POST", privacy+"/export", testkit.AcmeAdmin,
		map[string]any{"phone_number": "+12025550171"}).Want(404).Nothing() // Bolt's caller
	answer := api.Do("POST", privacy+"/export", testkit.AcmeAdmin, number).Want(200)
	archive, err := zip.NewReader(bytes.NewReader(answer.Body), int64(len(answer.Body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	want := []string{"calls/" + testkit.AcmeCall + ".json", "calls/" + testkit.AcmeLiveCall + ".json",
		"contact.json", "recordings/" + testkit.AcmeCall + "-stereo.wav"}
	if !slices.Equal(names, want) {
		t.Errorf("the archive has %v, want %v", names, want)
	}
	if f, err := archive.Open(want[0]); err != nil {
		t.Error(err)
	} else if raw, err := io.ReadAll(f); err != nil || !strings.Contains(string(raw), "Do you have sourdough today?") ||
		strings.Contains(string(raw), testkit.SealedValue) {
		t.Errorf("the call is exported as %s (%v)", raw, err)
	}

	erase := map[string]any{"phone_number": "+" + caraAcme}
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(400).Nothing() // not confirmed
	erase["confirm"] = true
	hold := map[string]any{"legal_hold": true}
	api.Do("PATCH", "/api/security/settings", testkit.AcmeAdmin, hold).Want(200)
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(409).Nothing()
	hold["legal_hold"] = false
	api.Do("PATCH", "/api/security/settings", testkit.AcmeAdmin, hold).Want(200)
	var done struct {
		Request struct {
			Status      string         `json:"status"`
			Hint        string         `json:"subject_hint"`
			Certificate map[string]any `json:"certificate"`
		} `json:"request"`
	}
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(200).JSON(&done)
	c := done.Request.Certificate
	if done.Request.Status != "done" || done.Request.Hint != "…70" || c["calls"] != 2.0 || c["messages"] != 3.0 ||
		c["recordings"] != 1.0 || c["contacts"] != 1.0 || c["provider_copies"] != 2.0 || c["outbox"] != 1.0 {
		t.Errorf("the certificate says %+v", done.Request)
	}
	for _, text := range []string{caraAcme, "Cara Confidential", "sourdough today"} {
		if left := p.places(text); len(left) > 0 {
			t.Errorf("%q is left in %v", text, left)
		}
	}
	if n := p.count(`SELECT count(*) FROM call_words WHERE call_words MATCH 'sourdough'`); n != 0 {
		t.Error("search still finds what was said")
	}
	p.until("the sound is removed", func() bool { _, err := os.Stat(file); return os.IsNotExist(err) })
	if p.count("SELECT count(*) FROM provider_events WHERE event_key = 'call-acme:deleted'") != 1 ||
		p.count("SELECT count(*) FROM provider_events WHERE event_key LIKE 'call-acme:%'") != 1 {
		t.Error("of the provider's messages more is left than the mark")
	}
	if p.count("SELECT count(*) FROM calls WHERE organization = '"+testkit.Bolt+"'") != 2 ||
		p.count("SELECT count(*) FROM usage_events WHERE organization = '"+testkit.Acme+"'") != 1 {
		t.Error("another organization's calls, or the usage, are gone")
	}
	p.until("the provider was asked to erase",
		func() bool { return p.wasAsked("DELETE /call/call-acme") && p.wasAsked("DELETE /call/live-acme") })

	// Reconciliation brings an old call of the erased caller, and one calls anew.
	save := func(id string, started time.Time) {
		t.Helper()
		calls, err := p.FindCachedCollectionByNameOrId(collections.Calls)
		if err != nil {
			t.Fatal(err)
		}
		r := core.NewRecord(calls)
		r.Load(map[string]any{
			"organization": testkit.Acme, "vapi_call_id": id, "status": collections.CallCompleted,
			"call_type":     collections.Inbound,
			"caller_number": "+" + caraAcme, "started_at": started, "ended_at": started.Add(time.Minute),
		})
		if err := p.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	save("returned", testkit.Start)
	save("anew", time.Now().Add(time.Second))
	run := func() {
		if err := p.desk.Schedule.RunNow(context.Background(), "outbox.deliver"); err != nil &&
			!strings.Contains(err.Error(), "running") {
			t.Fatal(err)
		}
	}
	p.until("the old call is gone again", func() bool {
		run()
		return p.count("SELECT count(*) FROM calls WHERE vapi_call_id = 'returned'") == 0
	})
	if p.count("SELECT count(*) FROM calls WHERE vapi_call_id = 'anew'") != 1 {
		t.Error("a new call of an erased caller was erased")
	}
	if n := p.count("SELECT count(*) FROM privacy_requests WHERE organization = '" + testkit.Acme +
		"' AND status = 'done' AND finished_at != '' AND length(subject_hash) = 64"); n != 2 {
		t.Errorf("%d requests are written down as done, want the export and the erasure", n)
	}
	if p.count("SELECT count(*) FROM provider_events WHERE event_key = 'returned:deleted'") != 1 {
		t.Error("the call that came back left no mark")
	}
}
