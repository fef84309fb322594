package hooks_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// standing is what a person is to an organization, as plain as it gets.
type standing struct {
	member, personActive bool
	status, role         string
	flags                map[string]bool
}

func (s standing) belongs() bool {
	return s.member && s.personActive && s.status == collections.MembershipActive
}
func (s standing) is(roles ...string) bool { return s.belongs() && slices.Contains(roles, s.role) }
func (s standing) can(flag string) bool {
	return s.is(collections.Owner, collections.Admin) || s.belongs() && s.flags[flag]
}
func (s standing) String() string {
	return fmt.Sprintf("%t/%t %s %s %v", s.member, s.personActive, s.status, s.role, s.flags)
}

// TestAccess_of_random_people_is_what_a_plain_model_says makes memberships at
// random, changes them, and asks every surface.
func TestAccess_of_random_people_is_what_a_plain_model_says(t *testing.T) {
	const rounds = 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 7))
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	people := []string{testkit.AcmeOwner, testkit.AcmeManager, testkit.AcmeAgent, testkit.BoltOwner,
		testkit.Sam, testkit.Nobody}
	coming := 0 // see access_realtime_test.go
	p.OnRecordEnrich().BindFunc(func(e *core.RecordEnrichEvent) error {
		if e.RequestInfo.Context == core.RequestInfoContextRealtime {
			coming++
		}
		return e.Next()
	})
	model := map[string]map[string]standing{}
	for round := range rounds {
		shuffle(t, p, dice, people, model)
		messages := make(chan heard, 1000)
		var clients []string
		for _, person := range people {
			l := &listener{subscriptions.NewDefaultClient(), messages, actor{email: person}}
			p.SubscriptionsBroker().Register(l)
			clients = append(clients, l.Id())
			// Whoever is signed in may ask for record topics; the rule decides at each message.
			want := 204
			if user, err := p.FindRecordById(collections.Users, testkit.User(person)); err != nil || !user.GetBool("is_active") {
				want = 400
			}
			api.Do("POST", "/api/realtime", person,
				map[string]any{"clientId": l.Id(), "subscriptions": []string{"calls/*"}}).Outcome(want)
		}
		for _, organization := range organizations {
			row := func(noun string) string { return testkit.Row(organization, noun) }
			for _, person := range people {
				s := model[person][organization]
				check := func(what string, got int, may bool, refused ...int) {
					t.Helper()
					if may && got != 200 && got != 204 || !may && !slices.Contains(refused, got) {
						t.Errorf("round %d: %s of %s by %s (%v): got %d, may: %t", round, what, organization, person, s, got, may)
					}
				}
				lists := func(collection, id string) bool {
					a := api.Do("GET", "/api/collections/"+collection+"/records?organization="+organization, person, nil)
					return a.Status == 200 && slices.Contains(a.IDs(), id)
				}
				ask := func(method, path string, body any) int { return api.Do(method, path, person, body).Status }
				calls, member := s.can(collections.CanViewCalls), s.belongs()
				works := calls && s.is(collections.Owner, collections.Admin, collections.Manager, collections.Agent)
				chief := s.is(collections.Owner, collections.Admin)
				for _, see := range []struct {
					collection, noun string
					may              bool
				}{
					{collections.Calls, "call", calls}, {collections.Messages, "message", calls},
					{collections.Contacts, "contact", calls},
					{collections.Assistants, "assistant", member},
					{collections.UsageEvents, "usage", s.can(collections.CanAccessAnalytics)},
					{collections.AuditLogs, "audit", chief}, {collections.SecuritySettings, "security", chief},
					{collections.Wallets, "wallet", chief},
					{collections.Invitations, "invite", s.can(collections.CanManageTeam)},
				} {
					if got := lists(see.collection, row(see.noun)); got != see.may {
						t.Errorf("round %d: %s lists %s of %s: %t, want %t (%v)", round, person, see.collection,
							organization, got, see.may, s)
					}
					check("view of "+see.collection, ask("GET", "/api/collections/"+see.collection+"/records/"+row(see.noun), nil),
						see.may, 404)
				}
				check("change of a call", ask("PATCH", "/api/collections/calls/records/"+row("call"),
					map[string]any{"notes": fmt.Sprint(person, round)}), works, 404)
				check("change of an assistant", ask("PATCH", "/api/collections/assistants/records/"+row("assistant"),
					map[string]any{"first_message": fmt.Sprint("Hello ", round)}),
					s.can(collections.CanManageAgents), 404)
				check("change of money", ask("PATCH", "/api/collections/wallets/records/"+row("wallet"),
					map[string]any{"balance_minor": 1}), false, 403)
				id := madeContact(t, p, organization)
				check("deletion of a contact", ask("DELETE", "/api/collections/contacts/records/"+id, nil), chief, 404)
				in := "?companyId=" + organization
				check("documented call", ask("GET", "/api/calls/"+row("call")+in, nil), calls, 401, 403, 404)
				check("documented list", ask("GET", "/api/calls"+in, nil), calls, 401, 403, 404)
				check("documented settings", ask("GET", "/api/security/settings"+in, nil), chief, 401, 403, 404)
				check("documented team", ask("GET", "/api/team-members"+in, nil), s.can(collections.CanManageTeam) ||
					member, 401, 403, 404)
				check("keys", ask("GET", "/api/organizations/"+organization+"/keys", nil),
					s.can(collections.CanManageIntegrations) || s.is(collections.Developer), 401, 403, 404)
				check("privacy", ask("GET", "/api/organizations/"+organization+"/privacy", nil), chief, 401, 403, 404)
				check("the function of one organization", ask("GET", "/functions/v1/organization/"+organization, nil),
					member, 401, 404)
				messages := "/functions/v1/messages?call_id=" + row("call") + "&organization=" + organization
				check("the function of messages", ask("GET", messages, nil), calls, 401, 403, 404)
				check("the sound of a call", ask("GET", "/api/calls/"+row("call")+"/recording", nil), calls, 401, 403, 404)
				var shown struct {
					Organization string `json:"organization_id"`
					Role         string `json:"role"`
				}
				a := api.Do("GET", "/auth/v1/user", person, nil)
				if a.Status == 200 && a.JSON(&shown) != nil && shown.Organization == organization &&
					(!member || (shown.Role == "admin") != chief) {
					t.Errorf("round %d: the library shows %s as %s of %s (%v)", round, person, shown.Role, organization, s)
				}
				other := subscriptions.NewDefaultClient()
				p.SubscriptionsBroker().Register(other)
				check("the organization's topic",
					ask("POST", "/api/realtime",
						map[string]any{"clientId": other.Id(), "subscriptions": []string{"org/" + organization}}), member, 403)
				p.SubscriptionsBroker().Unregister(other.Id())
				line := subscriptions.NewDefaultClient()
				p.SubscriptionsBroker().Register(line)
				check("a call's topic",
					ask("POST", "/api/realtime",
						map[string]any{"clientId": line.Id(), "subscriptions": []string{"call/" + row("live")}}), calls, 404)
				p.SubscriptionsBroker().Unregister(line.Id())
			}
			// Who is told of a change?
			for ; coming > 0; coming-- {
				<-messages
			}
			record, err := p.FindRecordById(collections.Calls, row("live"))
			if err != nil {
				t.Fatal(err)
			}
			record.Set("notes", fmt.Sprint("round ", round))
			if err := p.Save(record); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for ; coming > 0; coming-- {
				got = append(got, (<-messages).actor.email)
			}
			for _, person := range people {
				if model[person][organization].can(collections.CanViewCalls) {
					want = append(want, person)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("round %d: of a call of %s heard %v, want %v", round, organization, got, want)
			}
		}
		for _, id := range clients {
			p.SubscriptionsBroker().Unregister(id)
		}
	}
}

// shuffle gives everybody other memberships, roles, flags and states, through
// the same saves the product makes.
func shuffle(t *testing.T, p *product, dice *rand.Rand, people []string, model map[string]map[string]standing) {
	t.Helper()
	statuses := []string{collections.MembershipActive, collections.MembershipActive, collections.MembershipActive,
		collections.MembershipSuspended, collections.MembershipInactive, collections.MembershipInvited}
	c, err := p.FindCachedCollectionByNameOrId(collections.Memberships)
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range people {
		user, err := p.FindRecordById(collections.Users, testkit.User(person))
		if err != nil {
			t.Fatal(err)
		}
		active := dice.IntN(8) > 0
		user.Set("is_active", active)
		if err := p.Save(user); err != nil {
			t.Fatal(err)
		}
		model[person] = map[string]standing{}
		for _, organization := range organizations {
			row, err := p.FindFirstRecordByFilter(collections.Memberships, "user = {:u} && organization = {:o}",
				map[string]any{"u": user.Id, "o": organization})
			member := dice.IntN(4) > 0
			if !member {
				if err == nil {
					// By SQL where the last owner is kept from leaving.
					p.exec("DELETE FROM memberships WHERE id = '" + row.Id + "'")
				}
				continue
			}
			if err != nil {
				row = core.NewRecord(c)
				row.Id = core.GenerateDefaultRandomId()
				row.Load(map[string]any{"organization": organization, "user": user.Id})
			}
			s := standing{
				member: true, personActive: active, status: statuses[dice.IntN(len(statuses))],
				role: collections.Roles[dice.IntN(len(collections.Roles))], flags: map[string]bool{},
			}
			row.Load(map[string]any{"role": s.role, "status": s.status})
			for _, flag := range collections.Capabilities {
				s.flags[flag] = dice.IntN(2) == 0
				row.Set(flag, s.flags[flag])
			}
			if err := p.UnsafeWithoutHooks().Save(row); err != nil {
				t.Fatal(err)
			}
			model[person][organization] = s
		}
		// What the SQL changed is forgotten as a save would.
		if err := p.Save(user); err != nil {
			t.Fatal(err)
		}
	}
}

func madeContact(t *testing.T, p *product, organization string) string {
	t.Helper()
	c, err := p.FindCachedCollectionByNameOrId(collections.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{"organization": organization, "phone_number": fmt.Sprintf("+1202558%04d", serial.Add(1))})
	if err := p.Save(r); err != nil {
		t.Fatal(err)
	}
	return r.Id
}
