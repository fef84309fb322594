package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// steer posts to a call's controlUrl, without a key.
func (b *bench) steer(m object, body object) int {
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Error(err)
	}
	res, err := http.Post(str(m, "call", "monitor", "controlUrl"), "application/json", bytes.NewReader(raw))
	if err != nil {
		b.t.Error(err)
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

func TestControl_changes_the_running_call(t *testing.T) {
	for name, tc := range map[string]struct {
		order       object
		reason      string
		says, not   string
		destination string
	}{
		"end-call": {object{"type": "end-call"}, "manually-canceled", "", "User:", ""},
		"say":      {object{"type": "say", "content": "Please hold."}, "assistant-ended-call", "AI: Please hold.", "", ""},
		"say and end": {object{"type": "say", "content": "Goodbye now.", "endCallAfterSpoken": true},
			"assistant-ended-call-after-message-spoken", "AI: Goodbye now.", "User:", ""},
		"add-message": {object{"type": "add-message", "message": object{"role": "system", "content": "We close at six."}},
			"assistant-ended-call", "We close at six.", "", ""},
		"mute": {object{"type": "control", "control": "mute-customer"}, "assistant-ended-call", "AI:", "User:", ""},
		"transfer": {object{"type": "transfer", "destination": object{"type": "number", "number": "+14155550177"},
			"content": "Off you go."}, "assistant-forwarded-call", "AI: Off you go.", "User:", "+14155550177"},
		"handoff": {object{"type": "handoff",
			"destination": object{"type": "assistant", "assistant": object{"name": "Billing", "firstMessage": "Billing here."}}},
			"customer-ended-call", "AI: Billing here.", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.answers(func(m object, w http.ResponseWriter) bool {
				if str(m, "type") == "assistant.started" && str(m, "newAssistant", "name") == "Front desk" {
					if status := b.steer(m, tc.order); status != 200 {
						t.Errorf("control answered %d", status)
					}
				}
				return false
			})
			_, number := b.desk(nil)
			b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
			report := b.one("end-of-call-report")
			transcript := str(report, "artifact", "transcript")
			if str(report, "endedReason") != tc.reason || !strings.Contains(transcript, tc.says) || tc.not != "" &&
				strings.Contains(transcript, tc.not) {
				t.Errorf("ended with %s, transcript:\n%s", str(report, "endedReason"), transcript)
			}
			if str(report, "destination", "number") != tc.destination {
				t.Errorf("destination %v", report["destination"])
			}
			if status := b.steer(report, object{"type": "say", "content": "late"}); status != 400 {
				t.Errorf("control after the end answered %d", status)
			}
		})
	}
}

func TestControl_refuses_what_it_does_not_know(t *testing.T) {
	b := newBench(t)
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "assistant.started" {
			for _, order := range []object{{"type": "dance"}, {"type": "control", "control": "louder"}, {"type": "transfer"},
				{"type": "say", "words": "x"}} {
				if status := b.steer(m, order); status != 400 {
					t.Errorf("%v answered %d", order, status)
				}
			}
		}
		return false
	})
	_, number := b.desk(nil)
	b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
}

func TestControl_can_ask_for_the_key(t *testing.T) {
	b := newBench(t)
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "assistant.started" {
			if status := b.steer(m, object{"type": "end-call"}); status != 401 {
				t.Errorf("control without the key answered %d", status)
			}
		}
		return false
	})
	_, number := b.desk(object{"monitorPlan": object{"controlAuthenticationEnabled": true}})
	b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
}

func TestControl_hangs_up_in_the_middle_at_real_speed(t *testing.T) {
	b := newBenchAt(t, 20)
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "speech-update" && str(m, "role") == "user" {
			b.steer(m, object{"type": "end-call"})
		}
		return false
	})
	_, number := b.desk(nil)
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	if report := b.one("end-of-call-report"); str(report, "endedReason") != "manually-canceled" ||
		strings.Contains(str(report, "transcript"), "MD-2207") {
		t.Errorf("ended with %v:\n%v", report["endedReason"], report["transcript"])
	}
}

func TestMaxDuration_ends_the_call(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(object{"maxDurationSeconds": 12})
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	if report := b.one("end-of-call-report"); str(report, "endedReason") != "exceeded-max-duration" ||
		num(report, "durationSeconds") != 12 {
		t.Errorf("ended with %v after %v s", report["endedReason"], report["durationSeconds"])
	}
}
