package chain

import (
	"slices"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
)

func TestSteps_stand_in_their_order_each_with_a_place_and_a_reason(t *testing.T) {
	seen := map[string]bool{}
	for at, s := range Steps() {
		if at > 0 && s.Priority <= Steps()[at-1].Priority {
			t.Errorf("%s does not come after %s", s.ID, Steps()[at-1].ID)
		}
		if s.ID == "" || s.Why == "" || seen[s.ID] {
			t.Errorf("%q has no name, no reason, or is there twice", s.ID)
		}
		seen[s.ID] = true
	}
}

// What must be known or counted before something else is.
func TestSteps_keep_what_depends_on_each_other_in_order(t *testing.T) {
	place := func(id string) int {
		return slices.IndexFunc(Steps(), func(s Step) bool { return s.ID == id })
	}
	for _, order := range [][]string{
		{Health, apis.DefaultActivityLoggerMiddlewareId, RedactURL, apis.DefaultPanicRecoverMiddlewareId, Restoring, Inner},
		{Inner, Keys, Identify, Session, apis.DefaultLoadAuthTokenMiddlewareId, StillActive, SessionEnd,
			KeyRoutes, DeadToken},
		{DeadToken, apis.DefaultRateLimitMiddlewareId, SignInLimit, Body, BodyText, Upload, Guesses, Answer,
			Gate, ListPin, Filled, Invoke},
	} {
		for at, id := range order {
			if place(id) < 0 || at > 0 && place(id) <= place(order[at-1]) {
				t.Errorf("%s is not behind %s", id, order[max(at-1, 0)])
			}
		}
	}
}

func TestMiddleware_takes_its_place_and_nothing_without_one(t *testing.T) {
	m := Middleware(Gate, func(e *core.RequestEvent) error { return e.Next() })
	if m.Id != Gate || m.Priority != places[Gate] || m.Func == nil {
		t.Errorf("got %+v", m)
	}
	defer func() {
		if recover() == nil {
			t.Error("a middleware without a place was bound")
		}
	}()
	Middleware("nobody", nil)
}

func TestSort_orders_by_place_and_leaves_equals_as_they_came(t *testing.T) {
	bound := []*hook.Handler[*core.RequestEvent]{{Id: "c", Priority: 2}, {Id: "a", Priority: 1}, {Id: "d", Priority: 2},
		{Id: "b", Priority: 1}}
	Sort(bound)
	var got string
	for _, m := range bound {
		got += m.Id
	}
	if got != "abcd" {
		t.Errorf("got %s", got)
	}
}

// A name that no step has would be left out of nothing, silently.
func TestSteps_have_what_routes_leave_out_and_messages_pass(t *testing.T) {
	for _, id := range slices.Concat(ofStock, ofMessages) {
		if !slices.ContainsFunc(Steps(), func(s Step) bool { return s.ID == id }) {
			t.Errorf("%s is no step", id)
		}
	}
}
