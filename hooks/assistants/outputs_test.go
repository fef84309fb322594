package assistants

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/vapi"
)

// openOutputs is the domain as it is at a first start: without a set.
func openOutputs(t *testing.T) *desk {
	t.Helper()
	d := open(t)
	if _, err := d.NonconcurrentDB().NewQuery("DELETE FROM structured_outputs").Execute(); err != nil {
		t.Fatal(err)
	}
	return d
}

// ensure makes the set and waits for it; the ids are in the order of the names.
func (d *desk) ensure() (ids []string) {
	d.T.Helper()
	if err := ensureOutputs(d.TestApp); err != nil {
		d.T.Fatal(err)
	}
	for _, name := range collections.Outputs {
		r, err := d.FindFirstRecordByData(collections.StructuredOutputs, "name", name)
		if err != nil {
			d.T.Fatal(err)
		}
		r = d.settle(collections.StructuredOutputs, r.Id)
		if r.GetString("sync_status") != collections.SyncSynced || r.GetString(outputID) == "" {
			d.T.Fatalf("%s is %s: %s", name, r.GetString("sync_status"), r.GetString("sync_error"))
		}
		ids = append(ids, r.GetString(outputID))
	}
	return ids
}

// atVapi are the outputs the account has, by id.
func (d *desk) atVapi() map[string]map[string]any {
	d.T.Helper()
	var page struct{ Results []map[string]any }
	d.at("GET", "/structured-output", nil, &page)
	all := map[string]map[string]any{}
	for _, one := range page.Results {
		all[one["id"].(string)] = one
	}
	return all
}

// linked are the outputs an assistant's copy names, sorted, and its older analysis.
func (d *desk) linked(id string) (ids []string, analysis any) {
	d.T.Helper()
	a := d.settle(collections.Assistants, id)
	if a.GetString("sync_status") != collections.SyncSynced {
		d.T.Fatalf("%s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
	}
	var doc struct {
		AnalysisPlan any
		ArtifactPlan struct{ StructuredOutputIDs []string }
	}
	d.at("GET", "/assistant/"+a.GetString(assistantID), nil, &doc)
	slices.Sort(doc.ArtifactPlan.StructuredOutputIDs)
	return doc.ArtifactPlan.StructuredOutputIDs, doc.AnalysisPlan
}

func sorted(ids ...string) []string { return slices.Sorted(slices.Values(ids)) }

func TestOutputs_are_one_set_an_account_and_every_copy_names_them(t *testing.T) {
	d := openOutputs(t)
	before := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
	if ids, _ := d.linked(before); len(ids) > 0 {
		t.Fatalf("linked %v before there are any", ids)
	}
	ids := d.ensure()
	if again := d.ensure(); !slices.Equal(ids, again) || len(d.atVapi()) != len(collections.Outputs) {
		t.Errorf("a second start made %d of them", len(d.atVapi()))
	}
	for i, name := range collections.Outputs {
		one := d.atVapi()[ids[i]]
		if one["name"] != "Pocketline "+name || one["type"] != "ai" || one["schema"] == nil {
			t.Errorf("%s is %v at Vapi", name, one)
		}
	}
	after := d.create(collections.Assistants, map[string]any{"name": "Day desk"})
	for _, id := range []string{before, after} {
		if got, analysis := d.linked(id); !slices.Equal(got, sorted(ids...)) || analysis != nil {
			t.Errorf("the copy names %v and asks for %v, want %v and nothing", got, analysis, sorted(ids...))
		}
	}
}

// A database that begins anew, or another installation of the account.
func TestOutputs_of_the_account_are_found_again(t *testing.T) {
	d := openOutputs(t)
	// Of the same name, but somebody else's.
	d.at("POST", "/structured-output",
		map[string]any{"name": "Pocketline summary", "schema": map[string]any{"type": "string"}}, nil)
	ids := d.ensure()
	if len(d.atVapi()) != len(ids)+1 {
		t.Fatalf("%d outputs", len(d.atVapi()))
	}
	if _, err := d.NonconcurrentDB().NewQuery("DELETE FROM structured_outputs").Execute(); err != nil {
		t.Fatal(err)
	}
	if again := d.ensure(); !slices.Equal(again, ids) || len(d.atVapi()) != len(ids)+1 {
		t.Errorf("got %v of %d, want %v", again, len(d.atVapi()), ids)
	}
}

func TestOutput_whose_making_was_not_answered_is_made_once(t *testing.T) {
	d := openOutputs(t)
	d.fault("drop-reply", "POST", "/structured-output")
	if err := ensureOutputs(d.TestApp); err != nil {
		t.Fatal(err)
	}
	rows, err := d.FindAllRecords(collections.StructuredOutputs)
	if err != nil {
		t.Fatal(err)
	}
	unanswered := 0
	for _, r := range rows {
		if r = d.settle(collections.StructuredOutputs, r.Id); r.GetString("sync_status") == collections.SyncSynced {
			continue
		}
		unanswered++
		if err := d.Mirror.Touch(atomic.Of(d.TestApp), collections.StructuredOutputs, r.Id); err != nil {
			t.Fatal(err)
		}
	}
	if unanswered != 1 {
		t.Fatalf("%d were not answered", unanswered)
	}
	d.Outbox.Answers(collections.ProviderVapi)
	d.ensure()
	if n := len(d.atVapi()); n != len(rows) {
		t.Errorf("%d outputs, want %d", n, len(rows))
	}
}

func TestOutput_deleted_at_Vapi_is_made_again_and_linked(t *testing.T) {
	d := openOutputs(t)
	ids := d.ensure()
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
	if got, _ := d.linked(id); !slices.Equal(got, sorted(ids...)) {
		t.Fatalf("the copy names %v", got)
	}
	// Somebody links an output of their own, and deletes one of ours.
	var theirs struct{ ID string }
	d.at("POST", "/structured-output", map[string]any{"name": "Booking", "schema": map[string]any{"type": "string"}},
		&theirs)
	copied := "/assistant/" + d.settle(collections.Assistants, id).GetString(assistantID)
	d.at("PATCH", copied,
		map[string]any{"artifactPlan": map[string]any{"structuredOutputIds": append(slices.Clone(ids), theirs.ID)}}, nil)
	d.at("DELETE", "/structured-output/"+ids[0], nil, nil)

	long, err := types.ParseDateTime(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{collections.StructuredOutputs, collections.Assistants} {
		if _, err := d.NonconcurrentDB().NewQuery("UPDATE " + table + " SET synced_at = '" + long.String() +
			"'").Execute(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Mirror.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	repaired := d.ensure()
	if repaired[0] == ids[0] || !slices.Equal(repaired[1:], ids[1:]) {
		t.Fatalf("got %v after %v", repaired, ids)
	}
	if got, _ := d.linked(id); !slices.Equal(got, sorted(append(repaired, theirs.ID)...)) {
		t.Errorf("the copy names %v, want %v and %s", got, repaired, theirs.ID)
	}
	for id, one := range d.atVapi() {
		if slices.Contains(ids, id) && !slices.Contains(repaired, id) {
			t.Errorf("%v stays", one)
		}
	}
}

// Copies from before: the deprecated plan goes, but for what somebody added.
func TestOlder_analysis_leaves_the_copy(t *testing.T) {
	for name, one := range map[string]struct {
		plan map[string]any
		want string
	}{
		"ours": {map[string]any{"summaryPlan": map[string]any{"enabled": true}}, ""},
		"theirs": {map[string]any{"summaryPlan": map[string]any{"enabled": true}, "minMessagesThreshold": 4},
			"minMessagesThreshold"},
	} {
		d := openOutputs(t)
		id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
		a := d.settle(collections.Assistants, id)
		d.at("PATCH", "/assistant/"+a.GetString(assistantID), map[string]any{"analysisPlan": one.plan}, nil)
		// As an earlier version left it: the plan is among what was sent.
		installation, err := d.Mirror.Installation.ID()
		if err != nil {
			t.Fatal(err)
		}
		dto, err := (&domain{app: d.TestApp, Deps: Deps{PublicURL: "https://desk.example.com",
			WebhookSecret: func(string) (string, error) { return "hook-secret", nil }}}).
			assistantCopy(a, mirror.Mark{Record: a.Id, Organization: testkit.Acme, Installation: installation})
		if err != nil {
			t.Fatal(err)
		}
		dto.(*vapi.AssistantDTO).AnalysisPlan = one.plan
		_, hash, err := mirror.Diff(a, dto)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.NonconcurrentDB().NewQuery("UPDATE assistants SET sync_hash = '" + hash + "' WHERE id = '" +
			id + "'").Execute(); err != nil {
			t.Fatal(err)
		}
		d.Do("PATCH", "/api/collections/assistants/records/"+id, testkit.AcmeOwner,
			map[string]any{"first_message": "Hi"}).Want(200)
		_, analysis := d.linked(id)
		rest, _ := analysis.(map[string]any)
		if got := strings.Join(slices.Sorted(maps.Keys(rest)), ","); got != one.want {
			t.Errorf("%s: %v stays", name, analysis)
		}
	}
}

// Until the sweep, a refusal tells as well that an output is gone.
func TestOutput_whose_lack_Vapi_refuses_a_copy_for_is_made_again(t *testing.T) {
	d := openOutputs(t)
	ids := d.ensure()
	d.at("DELETE", "/structured-output/"+ids[1], nil, nil)
	d.at("POST", "/_sandbox/faults", map[string]any{
		"match": map[string]any{"method": "POST", "pathPrefix": "/assistant"}, "kind": "refuse", "status": 400,
		"message": "Couldn't find that structured output.",
	}, nil)
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
	var repaired []string
	for deadline := time.Now().Add(20 * time.Second); ; {
		if repaired = d.ensure(); repaired[1] != ids[1] {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the output is not made again")
		}
	}
	if got, _ := d.linked(id); !slices.Equal(got, sorted(repaired...)) || len(d.atVapi()) != len(ids) {
		t.Errorf("the copy names %v, want %v", got, repaired)
	}
}
