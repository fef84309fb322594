package orgs_test

import (
	"slices"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestStreams_end_when_rights_do(t *testing.T) {
	tests := []struct {
		name   string
		change func(membership *core.Record)
		drops  bool
	}{
		{"a suspension", func(m *core.Record) { m.Set("status", collections.MembershipSuspended) }, true},
		{"another role", func(m *core.Record) { m.Set("role", collections.Viewer) }, true},
		{"a lost capability", func(m *core.Record) { m.Set(collections.CanViewCalls, false) }, true},
		{"another department changes nothing", func(m *core.Record) { m.Set("department", "Sales") }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, nil)
			app := d.TestApp
			m, err := app.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.AcmeAgent, testkit.Acme))
			if err != nil {
				t.Fatal(err)
			}
			tt.change(m)
			if err := app.Save(m); err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.drops {
				want = []string{testkit.User(testkit.AcmeAgent) + "@" + testkit.Acme}
			}
			if !slices.Equal(d.Dropped, want) {
				t.Errorf("dropped %v, want %v", d.Dropped, want)
			}
			d.Dropped = nil
			if err := app.Delete(m); err != nil {
				t.Fatal(err)
			}
			if len(d.Dropped) != 1 {
				t.Errorf("after the end of the membership: dropped %v, want one", d.Dropped)
			}
		})
	}
}

func TestStreams_end_with_the_account(t *testing.T) {
	app := open(t, nil).TestApp
	listen := func(email string) string {
		user, err := app.FindAuthRecordByEmail(collections.Users, email)
		if err != nil {
			t.Fatal(err)
		}
		c := subscriptions.NewDefaultClient()
		c.Set(apis.RealtimeClientAuthKey, user)
		app.SubscriptionsBroker().Register(c)
		return c.Id()
	}
	theirs, others := listen(testkit.AcmeAgent), listen(testkit.AcmeOwner)
	user, err := app.FindAuthRecordByEmail(collections.Users, testkit.AcmeAgent)
	if err != nil {
		t.Fatal(err)
	}
	user.Set("is_active", false)
	if err := app.Save(user); err != nil {
		t.Fatal(err)
	}
	clients := app.SubscriptionsBroker().Clients()
	if clients[theirs] != nil || clients[others] == nil {
		t.Errorf("got streams %v, want only the other person's", clients)
	}
}
