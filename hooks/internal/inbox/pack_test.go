package inbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// finish has a call with the toy come to its end, an hour ago.
func (p *porch) finish(about string) {
	p.t.Helper()
	for _, path := range []string{toyText, toyRing, toyOver} {
		if w := p.send(path, text(testkit.Acme, acmeLine, about)); w.Code != 200 {
			p.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	p.doors.Settle()
	p.clock.Move(time.Hour)
}

func (p *porch) pack() {
	p.t.Helper()
	if err := p.jobs.RunNow(p.t.Context(), "inbox.pack"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *porch) keys(about string) string {
	p.t.Helper()
	const keys = `SELECT group_concat(event_key, ' ') FROM
		(SELECT event_key FROM provider_events WHERE event_key LIKE ? ORDER BY 1)`
	return strings.TrimSpace(testkit.Rows(p.t, p.TestApp, keys, about+":%"))
}

func TestPack_folds_messages_of_every_door(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	nobodys := Message{
		Provider: "flutterwave", Key: "c2:paid", Type: "paid", Organization: testkit.Acme, Last: true,
		ReceivedAt: p.clock.Now(),
	}
	box, err := Of(p.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Store(t.Context(), nobodys, nil); err != nil {
		t.Fatal(err)
	}
	p.finish("c1")
	p.pack()
	if got := p.keys("c1") + ", " + p.keys("c2"); got != "c1:packed, c2:paid" {
		t.Fatalf("left %s", got)
	}
	row := testkit.Rows(t, p.TestApp, `SELECT payload FROM provider_events WHERE event_key = 'c1:packed'`)
	all, err := Packing{}.Unpack(strings.TrimSpace(row))
	if err != nil || len(all) != 3 {
		t.Fatalf("%v: %v", all, err)
	}
	slices.SortFunc(all, func(a, b Packed) int { return strings.Compare(a.Key, b.Key) })
	const said = `{"From":"+15005550006","Sid":"c1","To":"` + acmeLine + `"}`
	for i, kind := range []string{"hung-up", "ring", "text"} {
		if got := all[i]; got.Key != "c1:"+kind || got.Type != kind || string(got.Payload) != said {
			t.Errorf("got %v, want %s with %s", got, kind, said)
		}
	}
}

func TestPack_takes_nothing_that_changed_while_it_compressed(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	p.finish("c1")
	p.doors.open["twilio"].Packing.Lean = func(_ string, payload []byte) []byte {
		testkit.Exec(t, p.TestApp, `DELETE FROM provider_events WHERE event_key = 'c1:ring'`) // erased meanwhile
		return payload
	}
	p.pack()
	if got := p.keys("c1"); got != "c1:hung-up c1:text" {
		t.Errorf("left %s", got)
	}
	p.pack()
	if got := p.keys("c1"); got != "c1:packed" {
		t.Errorf("the next run left %s", got)
	}
}
