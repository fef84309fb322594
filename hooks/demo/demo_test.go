package demo

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestFill_the_practice_lives_in_its_country_and_may_call_its_French_callers(t *testing.T) {
	app := testkit.New(t)
	if _, err := app.NonconcurrentDB().NewQuery("DELETE FROM saved_replies").Execute(); err != nil {
		t.Fatal(err)
	}
	err := app.RunInTransaction(func(tx core.App) error {
		organization, err := tx.FindRecordById(collections.Organizations, testkit.Void)
		if err != nil {
			return err
		}
		organization.Set("timezone", "Europe/London")
		owner, err := tx.FindFirstRecordByFilter(collections.Users, "")
		if err != nil {
			return err
		}
		return Fill("")(tx, organization, owner)
	})
	if err != nil {
		t.Fatal(err)
	}
	practice, err := app.FindRecordById(collections.Organizations, testkit.Void)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, app)
	if got := practice.GetString("timezone"); got != "America/Los_Angeles" {
		t.Errorf("the practice's day is that of %s", got)
	}
	for _, number := range []string{"+14155550199", "+33612345678"} {
		if _, problem := dialing.Of(app, testkit.Void).Check(number); problem != "" {
			t.Errorf("%s: %s", number, problem)
		}
	}
}

// whole checks that the calls of a demonstration show what the product shows.
func whole(t *testing.T, app *tests.TestApp) {
	t.Helper()
	var told []struct{ Costs, Waits, Found, Name string }
	err := app.DB().NewQuery(`SELECT costs, coalesce(performance, '') waits, coalesce(analysis, '') found, o.name
		FROM call_reports r JOIN calls c ON c.id = r.call JOIN organizations o ON o.id = r.organization
		WHERE c.reported_at != '' AND c.phone_number != '' AND NOT c.is_test AND c.answered
		AND (c.vapi_call_id = '' OR c.vapi_call_id LIKE 'demo-%') AND (o.id = {:practice} OR o.name = 'Rivera Plumbing')`).Bind(dbx.Params{"practice": testkit.Void}).All(&told)
	if err != nil {
		t.Fatal(err)
	}
	plumbers := 0
	for _, one := range told {
		var costs struct {
			Breakdown map[string]float64
			Items     []struct{ Cost float64 }
		}
		if err := json.Unmarshal([]byte(one.Costs), &costs); err != nil {
			t.Fatalf("%v: %s", err, one.Costs)
		}
		sum := 0.0
		for _, item := range costs.Items {
			sum += item.Cost
		}
		if len(costs.Items) != 5 || math.Abs(sum-costs.Breakdown["total"]) > 1e-9 {
			t.Errorf("the bill does not add up: %s", one.Costs)
		}
		if !strings.Contains(one.Waits, "turnLatencyAverage") || !strings.Contains(one.Found, "success_evaluation") {
			t.Errorf("got waits %s and findings %s", one.Waits, one.Found)
		}
		if one.Name == "Rivera Plumbing" {
			plumbers++
		}
	}
	if plumbers == 0 || plumbers == len(told) {
		t.Errorf("%d of %d calls are the plumber's", plumbers, len(told))
	}
	if n, err := app.CountRecords(collections.Recordings, dbx.HashExp{"status": collections.RecordingPending}); err != nil || n < 2*heard {
		t.Errorf("%d conversations are to be heard (%v)", n, err)
	}
}
