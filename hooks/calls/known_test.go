package calls

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A message that names its call alone may come before the one that says whose the
// call is.
func TestWebhook_what_names_only_its_call_waits_for_it(t *testing.T) {
	d := newDesk(t, nil)
	said := func(call, text string) []byte {
		return fmt.Appendf(nil, `{"message":{"type":"transcript","timestamp":%d,"call":{"id":%q},"role":"user",`+
			`"transcriptType":"final","transcript":%q}}`, callskit.Beginning+2000, call, text)
	}
	begins := fmt.Appendf(nil, `{"message":{"type":"status-update","timestamp":%d,"status":"in-progress",`+
		`"call":{"id":"late-one","type":"inboundPhoneCall","phoneNumberId":%q}}}`, callskit.Beginning, callskit.SampleNumber)
	d.SendAll([][]byte{said("late-one", "First words."), said("another", "Nobody's words."), begins, begins})

	const stored = `SELECT substr(event_key, 1, 8), type, status, organization FROM provider_events
		WHERE event_key LIKE 'late-one:%' OR event_key LIKE 'another:%' ORDER BY rowid`
	want := "late-one | transcript | applied | " + testkit.Acme + "\nanother: | transcript | parked | \n" +
		"late-one | status-update | applied | " + testkit.Acme + "\n"
	callskit.Until(t, "the message to be applied", func() bool { return d.Rows(stored) == want })
	d.SendAll([][]byte{said("late-one", "First words.")})
	const heard = `SELECT m.content FROM messages m JOIN calls c ON c.id = m.call WHERE c.vapi_call_id = 'late-one'`
	if got := d.Rows(heard); got != "First words.\n" {
		t.Errorf("the call has the lines %q", got)
	}
}

// A signed body that nobody could parse is kept like any other, however deep it is.
func TestWebhook_deep_body_is_kept_unread(t *testing.T) {
	d := newDesk(t, nil)
	for range 2 {
		d.SendAll([][]byte{[]byte(strings.Repeat("[", 1<<20))})
	}
	const unread = `SELECT type, status FROM provider_events WHERE type = 'unread'`
	if got := d.Rows(unread); got != "unread | parked\n" {
		t.Errorf("stored %q", got)
	}
}
