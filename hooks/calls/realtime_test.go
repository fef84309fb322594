package calls

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// subscribe opens PocketBase's realtime as a person.
func (d *desk) subscribe(server *httptest.Server, email string, topics ...string) *ear {
	d.T.Helper()
	e := hear(d.T.(*testing.T), server, "/api/realtime", testkit.Guest)
	var hello struct {
		ClientID string `json:"clientId"`
	}
	_, data, _ := strings.Cut(e.next(), " ")
	if err := json.Unmarshal([]byte(data), &hello); err != nil {
		d.T.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"clientId": hello.ClientID, "subscriptions": topics})
	if err != nil {
		d.T.Fatal(err)
	}
	req, err := http.NewRequest("POST", server.URL+"/api/realtime", bytes.NewReader(body))
	if err != nil {
		d.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(d.T, email) {
		req.Header.Set(k, v)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		d.T.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		d.T.Fatalf("%s subscribing to %v: got %d", email, topics, res.StatusCode)
	}
	return e
}

// An SDK user follows records; the writer, which fires no hooks, publishes
// them, and PocketBase checks each subscriber's rule.
func TestRealtime_record_subscribers_see_what_messages_make(t *testing.T) {
	d := newDesk(t, nil)
	server := d.serve()
	viewer := d.subscribe(server, testkit.AcmeViewer, "calls/*", "messages/*")
	var others []*ear
	for _, who := range []string{testkit.BoltOwner, testkit.AcmeTrainee, testkit.Nobody} {
		others = append(others, d.subscribe(server, who, "calls/*", "messages/*"))
	}
	type change struct {
		Action string
		Record struct{ ID, Status, Content, Organization, Control_url string }
	}
	next := func() (topic string, c change) {
		t.Helper()
		topic, data, _ := strings.Cut(viewer.next(), " ")
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if c.Record.Organization != testkit.Acme || c.Record.Control_url != "" {
			t.Errorf("%s shows %s", topic, data)
		}
		return topic, c
	}
	id := d.begin(t)
	var seen []string
	created, spokenLine := false, false
	for !created || !spokenLine {
		topic, c := next()
		seen = append(seen, topic+" "+c.Action)
		created = created || topic == "calls/*" && c.Action == "create" && c.Record.ID == id
		spokenLine = spokenLine || topic == "messages/*" && c.Action == "create" &&
			c.Record.Content == "before you came"
		if len(seen) > 20 {
			t.Fatalf("saw %v", seen)
		}
	}
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[len(messages)-1:])
	for {
		topic, c := next()
		if topic == "calls/*" && c.Action == "update" && c.Record.ID == id && c.Record.Status == "completed" {
			break
		}
	}
	// What the others hear first is their own.
	d.Set("calls", testkit.BoltCall, map[string]any{"notes": "own"})
	if got := others[0].next(); !strings.HasPrefix(got, "calls/* ") ||
		!strings.Contains(got, `"id":"`+testkit.BoltCall+`"`) {
		t.Errorf("Bolt hears %.200s", got)
	}
	for i, other := range others[1:] {
		select {
		case got := <-other.events:
			t.Errorf("listener %d hears %.200s", i+1, got)
		default:
		}
	}
}

// A press whose call's messages made a row of their own has that one: its own goes,
// and everybody who shows it is told.
func TestRealtime_the_row_a_press_gives_up_is_seen_to_go(t *testing.T) {
	d, x := newExchange(t)
	server := d.serve()
	viewer := d.subscribe(server, testkit.AcmeViewer, "calls/*")
	message := string(callskit.Lines(t, "call-outbound.jsonl")[0])
	x.First = func(id string) {
		if rec := d.Send([]byte(strings.ReplaceAll(message, callskit.CallID(t, []byte(message)), id))); rec.Code != 200 {
			t.Errorf("the message got %d", rec.Code)
		}
	}
	// The message is about another number: nobody can tell that it is this press's call.
	stays := callskit.Object(t, d.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
		callskit.Order(map[string]any{"customer_number": "+14155552672"})))["id"].(string)
	gone := ""
	for gone == "" {
		topic, data, _ := strings.Cut(viewer.next(), " ")
		var change struct {
			Action string
			Record struct{ ID string }
		}
		if err := json.Unmarshal([]byte(data), &change); err != nil || topic != "calls/*" {
			t.Fatalf("%s %s: %v", topic, data, err)
		}
		if change.Action == "delete" {
			gone = change.Record.ID
		}
	}
	if got := d.Rows(`SELECT id FROM calls WHERE id IN (?, ?)`, gone, stays); gone == stays || got != stays+"\n" {
		t.Errorf("%s goes, %s stays, and there is %q", gone, stays, got)
	}
	if n := d.Rows(`SELECT count(*) FROM call_events WHERE call = ?`, gone); n != "0\n" {
		t.Errorf("%s events of a call that is not", n)
	}
}

func TestRealtime_dashboards_and_call_followers_hear_of_messages(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	server := d.serve()
	board := d.subscribe(server, testkit.AcmeTrainee, "org/"+testkit.Acme) // a member without the right to view calls
	follower := d.subscribe(server, testkit.AcmeViewer, "call/"+id)
	d.SendAll([][]byte{says(t, callskit.Beginning+2_000, "and now")})
	if got := follower.next(); !strings.HasPrefix(got, "call/"+id+" ") ||
		!strings.Contains(got, `"content":"and now"`) {
		t.Errorf("the follower hears %s", got)
	}
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[len(messages)-1:])
	if got := board.next(); got != `org/`+testkit.Acme+` {"collection":"calls","ids":["`+id+`"]}` {
		t.Errorf("the dashboard hears %s", got)
	}
	for {
		got := follower.next()
		if strings.Contains(got, `"type":"over"`) {
			break
		}
	}
}
