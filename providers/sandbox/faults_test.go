package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestFaults_of_requests(t *testing.T) {
	for kind, tc := range map[string]struct{ status, made int }{"429": {429, 0}, "500-before": {500, 0},
		"500-after": {500, 1}, "drop-reply": {0, 1}, "slow": {201, 1}} {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t)
			b.must("POST", "/_sandbox/faults", object{"match": object{"method": "POST", "pathPrefix": "/assistant"},
				"kind": kind, "retryAfterSeconds": 7, "delayMs": 5})
			req, _ := http.NewRequest("POST", b.URL()+"/assistant", strings.NewReader(`{"name":"x"}`))
			req.Header.Set("Authorization", "Bearer "+b.Key())
			res, err := http.DefaultTransport.RoundTrip(req)
			status := 0
			if err == nil {
				status = res.StatusCode
				res.Body.Close()
			}
			if status != tc.status || len(b.all("assistant")) != tc.made {
				t.Errorf("status %d with %d made, want %d with %d", status, len(b.all("assistant")), tc.status, tc.made)
			}
			if kind == "429" && res.Header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After is %q", res.Header.Get("Retry-After"))
			}
			b.must("POST", "/assistant", object{"name": "after the fault is used up"})
		})
	}
}

func TestFaults_late_is_done_although_nobody_waits(t *testing.T) {
	for _, waits := range []bool{true, false} {
		b := newBench(t)
		b.must("POST", "/_sandbox/faults", object{"match": object{"method": "POST", "pathPrefix": "/assistant"},
			"kind": "late", "delayMs": 18_000})
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		req, _ := http.NewRequestWithContext(ctx, "POST", b.URL()+"/assistant", strings.NewReader(`{"name":"x"}`))
		req.Header.Set("Authorization", "Bearer "+b.Key())
		answered := make(chan int, 1)
		go func() {
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				answered <- 0
				return
			}
			res.Body.Close()
			answered <- res.StatusCode
		}()
		until(t, func() bool { return b.Late() == 1 })
		b.must("POST", "/_sandbox/clock", object{"advanceMs": 17_000})
		if len(b.all("assistant")) != 0 {
			t.Error("it was made too early")
		}
		want := 201
		if !waits {
			want = 0
			leave()
			if got := <-answered; got != 0 {
				t.Errorf("whoever left got %d", got)
			}
		}
		b.must("POST", "/_sandbox/clock", object{"advanceMs": 1_000})
		if waits {
			if got := <-answered; got != want {
				t.Errorf("answered %d, want %d", got, want)
			}
		}
		until(t, func() bool { return len(b.all("assistant")) == 1 })
	}
}

func TestFaults_refuse_says_why(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/_sandbox/faults", object{"match": object{"method": "POST", "pathPrefix": "/assistant"},
		"kind": "refuse", "status": 402, "message": "Add a card."})
	if status, v := b.do("POST", "/assistant", object{"name": "x"}); status != 402 ||
		!strings.Contains(fmt.Sprint(v), "Add a card.") || len(b.all("assistant")) != 0 {
		t.Errorf("got %d %v", status, v)
	}
}

func TestFaults_of_messages(t *testing.T) {
	plain := func(b *bench) []string {
		var statuses []string
		for _, m := range b.received("status-update") {
			statuses = append(statuses, str(m, "status"))
		}
		return statuses
	}
	for kind, want := range map[string][]string{
		"drop":    {"ringing", "in-progress", "ended"},
		"repeat":  {"queued", "queued", "ringing", "in-progress", "ended"},
		"reorder": {"ringing", "queued", "in-progress", "ended"},
		"delay":   {"ringing", "in-progress", "ended", "queued"},
	} {
		b := newBench(t)
		_, number := b.desk(object{"serverMessages": []any{"status-update"}})
		b.must("POST", "/_sandbox/faults",
			object{"match": object{"messageType": "status-update"}, "kind": kind, "delayMs": 10})
		b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
		if got := plain(b); !slices.Equal(got, want) {
			t.Errorf("%s gave %v, want %v", kind, got, want)
		}
	}
	b := newBench(t)
	_, number := b.desk(nil)
	b.must("POST", "/_sandbox/faults", object{"match": object{"messageType": "tool-calls"}, "kind": "repeat"})
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	calls := b.received("tool-calls")
	if len(calls) != 3 ||
		str(list(calls[0], "toolCallList")[0].(object), "id") != str(list(calls[1], "toolCallList")[0].(object), "id") {
		t.Errorf("%d tool-calls, want 3 with the first one twice", len(calls))
	}
}

func TestFaults_are_checked(t *testing.T) {
	b := newBench(t)
	for _, f := range []object{{"kind": "fire"}, {"kind": "refuse"}, {"kind": "drop"},
		{"match": object{"messageType": "hang"}, "kind": "429"}, {"kind": "429", "count": -1},
		{"kind": "429", "colour": "red"}} {
		if status, v := b.do("POST", "/_sandbox/faults", f); status != 400 {
			t.Errorf("%v: %d %v", f, status, v)
		}
	}
	b.must("POST", "/_sandbox/faults", object{"kind": "429", "count": 99})
	b.must("DELETE", "/_sandbox/faults", nil)
	b.must("GET", "/v2/phone-number", nil)
}

func TestBusiness_sells_a_slot_once(t *testing.T) {
	b := newBench(t)
	slot := object{"slotId": "2026-11-19T09:30"}
	first := b.must("POST", "/_sandbox/tools/book_appointment", slot)
	if !isTrue(first, "booked") || !strings.HasPrefix(str(first, "reference"), "MD-") {
		t.Fatalf("booked %v", first)
	}
	if again := b.must("POST", "/_sandbox/tools/book_appointment", slot); isTrue(again, "booked") {
		t.Errorf("the slot was sold twice: %v", again)
	}
	if left := b.must("POST", "/_sandbox/tools/check_availability",
		object{"date": "2026-11-19", "partOfDay": "morning"}); str(left, "result") != "Free on 2026-11-19: 11:00." {
		t.Errorf("left is %v", left)
	}
	book := func() object {
		req, _ := http.NewRequest("POST", b.URL()+"/_sandbox/tools/book_appointment",
			strings.NewReader(`{"date":"2026-11-20","time":"11:00"}`))
		req.Header.Set("Idempotency-Key", "k1")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := readObject(nil, &http.Request{Body: res.Body})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if one, two := book(), book(); str(one, "reference") == "" || str(one, "reference") != str(two, "reference") {
		t.Errorf("the same request gave %v and %v", one, two)
	}
	if p := b.must("POST", "/_sandbox/tools/get_price", object{"service": "a filling"}); str(p, "price") != "140 dollars" {
		t.Errorf("price is %v", p)
	}
	if p := b.must("POST", "/_sandbox/tools/check_availability",
		object{"date": "2026-11-19", "service": "détartrage"}); str(p,
		"result") != "Libre le 2026-11-19 : 11:00 et 14:00 et 16:30." {
		t.Errorf("in French: %v", p["result"])
	}
	if status, _ := b.do("POST", "/_sandbox/tools/fly", object{}); status != 404 {
		t.Errorf("an unknown tool answered %d", status)
	}
}
