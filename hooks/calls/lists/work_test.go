package lists

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestHome_tells_who_expects_a_call_back_and_what_is_to_be_looked_at(t *testing.T) {
	d := newDesk(t)
	d.exec("DELETE FROM calls")
	for _, id := range []string{"priya", "kofi", "hana", "zoe"} {
		d.exec(`INSERT INTO contacts (id, organization, phone_number, name) VALUES (?, ?, ?, ?)`, id, testkit.Acme,
			"+1415555"+fmt.Sprint(1000+len(id)*7+int(id[0])), id)
	}
	put := func(id, contact string, hoursAgo int, more map[string]any) {
		at := rows.Stamp(time.Now().Add(-time.Duration(hoursAgo) * time.Hour))
		columns := map[string]any{"started_at": at, "ended_at": at, "contact": contact, "answered": true, "missed": false}
		for name, value := range more {
			columns[name] = value
		}
		d.put(testkit.Acme, id, columns, "", "")
	}
	missed := map[string]any{"answered": false, "missed": true}
	put("wpriyatwice0001", "priya", 9, missed)
	put("wpriyatwice0002", "priya", 8, missed)
	put("wkofireached001", "kofi", 7, missed)
	put("wkofireached002", "kofi", 6, map[string]any{"call_type": "outbound", "resolution_status": "resolved"})
	put("whanaisurgent01", "hana", 5, map[string]any{"priority": "urgent"})
	put("wzoewasanswered", "zoe", 4, nil)
	put("wzoeissettled01", "zoe", 3, map[string]any{"resolution_status": "resolved"})
	put("wnobodywithheld", "", 2, missed)
	put("wlongago0000001", "priya", 24*15, missed)
	put("wstillgoingon01", "zoe", 1, map[string]any{"ended_at": "", "status": "in_progress"})

	told := func(kind string) string {
		work := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))[kind].(map[string]any)
		ids := []string{}
		for _, one := range work["items"].([]any) {
			ids = append(ids, one.(map[string]any)["id"].(string))
		}
		return fmt.Sprint(work["count"], ids)
	}
	if got := told("callbacks"); got != "2 [whanaisurgent01 wpriyatwice0002]" {
		t.Errorf("expect a call back: got %s", got)
	}
	if got := told("open"); got != "2 [wnobodywithheld wzoewasanswered]" {
		t.Errorf("to be looked at: got %s", got)
	}
	d.exec("UPDATE calls SET resolution_status = 'resolved' WHERE id = 'wpriyatwice0002'")
	if got := told("callbacks"); got != "1 [whanaisurgent01]" {
		t.Errorf("one is done: got %s", got)
	}
}

func TestHome_tells_who_answers_each_number(t *testing.T) {
	d := newDesk(t)
	line := func() map[string]any {
		lines := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["lines"].([]any)
		if len(lines) != 1 {
			t.Fatalf("got %v", lines)
		}
		return lines[0].(map[string]any)
	}
	if got := line(); got["id"] != testkit.AcmeNumber || got["assistant"] != testkit.AcmeAssistant ||
		got["assistant_name"] == "" || got["reason"] != "" {
		t.Errorf("answered: got %v", got)
	}
	d.set("phone_numbers", testkit.AcmeNumber, map[string]any{"assistant": ""})
	if got := line(); got["assistant"] != "" || got["reason"] != "no_assistant" {
		t.Errorf("nobody answers: got %v", got)
	}
}
