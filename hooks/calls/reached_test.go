package calls

import (
	"bytes"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func (d *desk) wantReached(how, id string, answered, missed bool) {
	d.T.Helper()
	r, err := d.FindRecordById(collections.Calls, id)
	if err != nil {
		d.T.Fatal(err)
	}
	if a, m := r.GetBool("answered"), r.GetBool("missed"); a != answered || m != missed {
		d.T.Errorf("%s: got answered %t, missed %t, want %t, %t", how, a, m, answered, missed)
	}
}

const callRecords = "/api/collections/calls/records"

func TestReached_of_calls_people_write_down(t *testing.T) {
	d := newDesk(t, nil)
	for name, one := range map[string]struct {
		body             map[string]any
		answered, missed bool
	}{
		"nothing is said of it": {map[string]any{}, true, false},
		"nobody answered":       {map[string]any{"outcome": "no_answer"}, false, true},
		"a mailbox":             {map[string]any{"outcome": "voicemail", "duration_seconds": 20}, false, true},
		"a call of ours":        {map[string]any{"outcome": "no_answer", "call_type": "outbound"}, false, false},
		"planned":               {map[string]any{"status": "scheduled", "outcome": "no_answer"}, false, false},
	} {
		body := map[string]any{"organization": testkit.Acme, "call_type": "inbound", "caller_number": "+12025559000"}
		for column, value := range one.body {
			body[column] = value
		}
		made := callskit.Object(t, d.Want(200, "POST", callRecords, testkit.AcmeAgent, body))
		if made["answered"] != one.answered || made["missed"] != one.missed {
			t.Errorf("%s: answered as %v, %v", name, made["answered"], made["missed"])
		}
		d.wantReached(name, made["id"].(string), one.answered, one.missed)
	}
	heard := map[string]any{"caller_number": "+12025559000", "duration": 60}
	row := callskit.Object(t, d.Want(200, "POST", "/api/calls", testkit.AcmeAgent, heard))["data"].(map[string]any)
	if row["answered"] != true || row["missed"] != false {
		t.Errorf("the documented row says %v, %v", row["answered"], row["missed"])
	}
	id := row["id"].(string)
	corrected := map[string]any{"outcome": "no_answer", "duration_seconds": 0}
	d.Want(200, "PATCH", callRecords+"/"+id, testkit.AcmeAgent, corrected)
	d.wantReached("corrected by hand", id, false, true)
}

func TestReached_is_never_written_by_people(t *testing.T) {
	d := newDesk(t, nil)
	d.PutCall(testkit.Acme, "zmissed00000000", map[string]any{"outcome": "cancelled", "missed": true}, "", "")
	for _, body := range []map[string]any{{"missed": false}, {"answered": true}} {
		d.Want(404, "PATCH", callRecords+"/zmissed00000000", testkit.AcmeOwner, body)
		d.Want(400, "PATCH", callRecords+"/zmissed00000000", testkit.Superuser, body)
	}
	d.wantReached("after all that", "zmissed00000000", false, true)
	d.Want(200, "PATCH", callRecords+"/zmissed00000000", testkit.AcmeAgent, map[string]any{"notes": "Called back."})
	d.wantReached("with a note", "zmissed00000000", false, true)
}

// Somebody says that a call was a test, while it rings or afterwards.
func TestReached_a_test_is_never_missed(t *testing.T) {
	d := newDesk(t, nil)
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[:3])
	d.await(callskit.SampleCall)
	id := d.Rows(`SELECT id FROM calls WHERE vapi_call_id = ?`, callskit.SampleCall)[:15]
	d.Want(200, "PATCH", callRecords+"/"+id, testkit.AcmeAgent, map[string]any{"is_test": true})
	reason, mailbox := []byte(`"endedReason": "`), []byte(`"endedReason": "voicemail", "was": "`)
	report := bytes.Replace(messages[len(messages)-1], reason, mailbox, 1)
	d.SendAll([][]byte{report})
	d.await(callskit.SampleCall)
	d.wantReached("over", id, false, false)
	d.Want(200, "PATCH", callRecords+"/"+id, testkit.AcmeAgent, map[string]any{"is_test": false})
	d.wantReached("no test after all", id, false, true)
	d.Want(200, "PATCH", callRecords+"/"+id, testkit.AcmeAgent, map[string]any{"is_test": true})
	d.wantReached("a test after all", id, false, false)
}
