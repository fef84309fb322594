package accounts_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestKey_ends_with_whatever_ends_its_maker_or_itself(t *testing.T) {
	acme := "/api/team-members/" + testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)
	panel := func(collection, id string) string { return "/api/collections/" + collection + "/records/" + id }
	superuser := testkit.As(t, testkit.Superuser)["Authorization"]
	for name, end := range map[string]struct {
		why string
		do  func(b *peoplekit.Desk, owner, admin string, k peoplekit.Key)
	}{
		"suspension": {"maker", func(b *peoplekit.Desk, owner, _ string, _ peoplekit.Key) {
			b.Ask(owner, "", "POST", acme+"/suspend", nil).Want(200)
		}},
		"being made inactive": {"maker", func(b *peoplekit.Desk, owner, _ string, _ peoplekit.Key) {
			b.Ask(owner, "", "PUT", acme, map[string]string{"status": "inactive"}).Want(200)
		}},
		"removal": {"maker",
			func(b *peoplekit.Desk, owner, _ string, _ peoplekit.Key) {
				b.Ask(owner, "", "DELETE", acme, nil).Want(200)
			}},
		"removal with keys=revoke": {"maker", func(b *peoplekit.Desk, owner, _ string, _ peoplekit.Key) {
			b.Ask(owner, "", "DELETE", acme+"?keys=revoke", nil).Want(200)
		}},
		"leaving": {"maker", func(b *peoplekit.Desk, _, admin string, _ peoplekit.Key) {
			b.Ask(admin, "", "POST", "/api/organizations/"+testkit.Acme+"/leave", nil).Want(200)
		}},
		"deactivation": {"maker", func(b *peoplekit.Desk, _, _ string, _ peoplekit.Key) {
			b.Ask(superuser, "", "PATCH", panel("users", testkit.User(testkit.AcmeAdmin)),
				map[string]bool{"is_active": false}).Want(200)
		}},
		"deletion of the account": {"maker", func(b *peoplekit.Desk, _, _ string, _ peoplekit.Key) {
			b.Ask(superuser, "", "DELETE", panel("users", testkit.User(testkit.AcmeAdmin)), nil).Want(204)
		}},
		"deletion of the membership in the panel": {"maker", func(b *peoplekit.Desk, _, _ string, _ peoplekit.Key) {
			b.Ask(superuser, "", "DELETE", panel("memberships", testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)),
				nil).Want(204)
		}},
		"revoking": {"revoked", func(b *peoplekit.Desk, owner, _ string, k peoplekit.Key) {
			b.Ask(owner, "", "DELETE", peoplekit.AcmeKeys+"/"+k.ID, nil).Want(204)
		}},
		"revoking one's own": {"revoked", func(b *peoplekit.Desk, _, admin string, k peoplekit.Key) {
			b.Ask(admin, "", "DELETE", peoplekit.AcmeKeys+"/"+k.ID, nil).Want(204)
		}},
		"deletion of the row": {"", func(b *peoplekit.Desk, _, _ string, k peoplekit.Key) {
			b.Ask(superuser, "", "DELETE", panel("api_keys", k.ID), nil).Want(204)
		}},
		"a date in the panel": {"", func(b *peoplekit.Desk, _, _ string, k peoplekit.Key) {
			b.Ask(superuser, "", "PATCH", panel("api_keys", k.ID),
				map[string]string{"revoked_at": "2026-10-01 00:00:00.000Z"}).Want(200)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			owner, admin := b.SignIn(testkit.AcmeOwner, ""), b.SignIn(testkit.AcmeAdmin, "")
			other, k := b.MakeKey(owner, collections.Viewer), b.MakeKey(admin, collections.Admin)
			end.do(b, owner, admin, k)
			k.Ended(end.why)
			b.Ask(other.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(200) // another maker's key stays
			b.File(other.File).Want(200)
			if end.why == "maker" &&
				b.Count("SELECT count(*) FROM audit_logs WHERE action = 'api_keys.update' AND record = '"+k.ID+"'") == 0 {
				t.Error("the end of the key is not written down")
			}
		})
	}
}

func TestKey_stays_when_what_would_end_it_is_undone(t *testing.T) {
	b := peoplekit.OpenAt(t)
	k := b.MakeKey(b.SignIn(testkit.AcmeOwner, ""), collections.Admin)
	// The last owner cannot be suspended: neither may the key go.
	b.Ask(testkit.As(t, testkit.Superuser)["Authorization"], "", "PATCH",
		"/api/collections/memberships/records/"+testkit.UserMembership(testkit.AcmeOwner, testkit.Acme),
		map[string]string{"status": "suspended"}).Want(409).Nothing()
	b.Ask(k.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(200)
	b.File(k.File).Want(200)
}

// A key has its own role or its maker's present rights, whichever is less.
func TestKey_has_no_more_than_its_maker_has_now(t *testing.T) {
	b := peoplekit.OpenAt(t)
	owner, admin := b.SignIn(testkit.AcmeOwner, ""), b.SignIn(testkit.AcmeAdmin, "")
	k := b.MakeKey(admin, collections.Admin)
	contact := "/api/collections/contacts/records/" + testkit.AcmeContact
	assistant := "/api/collections/assistants/records/" + testkit.AcmeAssistant
	member := "/api/team-members/" + testkit.UserMembership(testkit.AcmeAdmin, testkit.Acme)
	type may struct{ seesCalls, notes, builds, numbers bool }
	check := func(when, role string, want may) {
		t.Helper()
		got := may{
			b.Ask(k.Secret, "", "GET", peoplekit.AcmeOne, nil).Status == 200,
			b.Ask(k.Secret, "", "PATCH", peoplekit.AcmeOne, map[string]string{"notes": when}).Status == 200,
			b.Ask(k.Secret, "", "PATCH", assistant, map[string]string{"first_message": when}).Status == 200,
			b.Ask(k.Secret, "", "PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber,
				map[string]string{"friendly_name": when}).Status == 200,
		}
		if got != want {
			t.Errorf("%s: the key may %+v, want %+v", when, got, want)
		}
		var list struct{ Keys []map[string]any }
		b.Ask(owner, "", "GET", peoplekit.AcmeKeys, nil).Want(200).Into(&list)
		at := slices.IndexFunc(list.Keys, func(row map[string]any) bool { return row["id"] == k.ID })
		if row := list.Keys[at]; row["role"] != "admin" || row["acts_with"] != role || row["state"] != "active" {
			t.Errorf("%s: listed as %v, want role admin that acts with %s", when, row, role)
		}
	}
	check("at first", "admin", may{true, true, true, true})
	b.Ask(owner, "", "PUT", member, map[string]any{"role": "manager", "can_manage_agents": true,
		"can_view_calls": true}).Want(200)
	check("maker is a manager", "manager", may{true, true, true, false})
	b.Ask(owner, "", "PUT", member, map[string]any{"can_manage_agents": false}).Want(200)
	check("maker lost a flag", "manager", may{true, true, false, false})
	b.Ask(owner, "", "PUT", member, map[string]any{"role": "viewer"}).Want(200)
	check("maker is a viewer", "viewer", may{true, false, false, false})
	b.Ask(k.Secret, "", "DELETE", contact, nil).Want(404).Nothing(testkit.Written...)
	b.Ask(owner, "", "PUT", member, map[string]any{"can_view_calls": false}).Want(200)
	check("maker sees no calls", "viewer", may{})
	b.File(k.File).Want(404).Nothing()
	b.Ask(admin, "", "DELETE", peoplekit.AcmeKeys+"/"+b.MakeKeyOf(owner),
		nil).Want(403).Nothing() // not theirs, and they keep no keys
	b.Ask(owner, "", "PUT", member, map[string]any{"role": "admin"}).Want(200)
	check("maker is an admin again", "admin", may{true, true, true, true})

	// Nor by the panel, on the key's own account.
	account := b.Find(collections.APIKeys, "id = '"+k.ID+"'").GetString("acts_as")
	b.Ask(owner, "", "PUT", member, map[string]any{"role": "agent", "can_view_calls": true}).Want(200)
	b.Set(collections.Memberships, b.Find(collections.Memberships, "user = '"+account+"'").Id,
		map[string]any{"role": "owner", "can_manage_team": true})
	check("somebody raised the account", "agent", may{true, true, false, false})
}

func TestKey_pauses_while_its_maker_lacks_the_factor_the_organization_asks_for(t *testing.T) {
	b := peoplekit.OpenAt(t)
	owner, admin := b.SignIn(testkit.AcmeOwner, ""), b.SignIn(testkit.AcmeAdmin, "")
	b.Enroll(owner)
	k, kept := b.MakeKey(admin, collections.Viewer), b.MakeKey(owner, collections.Viewer)
	b.Ask(owner, "", "PATCH", "/api/security/settings", map[string]any{"two_factor_enabled": true}).Want(200)

	b.Ask(kept.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(200) // its maker has one
	paused := b.Ask(k.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(403).Nothing()
	if !strings.Contains(string(paused.Body), "This API key is paused") {
		t.Errorf("got %s, want it said in words", paused.Body)
	}
	if answer := b.Ask(k.Secret, "", "GET", "/api/organizations",
		nil).Want(403).Nothing(); answer.Text("code") != "key_paused" {
		t.Errorf("got %s", answer.Body)
	}
	b.Ask(k.Secret+"x", "", "GET", "/api/organizations", nil).Want(401).Nothing() // who holds no key learns nothing of it
	b.File(k.File).Want(403).Nothing()
	if b.Hears(k.Stream) {
		t.Error("a paused key's stream hears")
	}
	state := func() string {
		t.Helper()
		var list struct {
			Keys []struct{ ID, State, Why string }
		}
		b.Ask(owner, "", "GET", peoplekit.AcmeKeys, nil).Want(200).Into(&list)
		for _, row := range list.Keys {
			if row.ID == k.ID {
				return strings.TrimSpace(row.State + " " + row.Why)
			}
		}
		return ""
	}
	if got := state(); got != "paused factor" {
		t.Errorf("listed as %q", got)
	}
	b.Enroll(admin)
	b.Ask(k.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(200)
	b.File(k.File).Want(200)
	if got := state(); got != "active" {
		t.Errorf("listed as %q", got)
	}
}

// A key's maker is a person who belongs to the organization.
func TestKey_is_made_by_a_member(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Ask(testkit.As(t, testkit.Superuser)["Authorization"], "", "POST", peoplekit.AcmeKeys,
		map[string]string{"name": "x", "role": "viewer"}).Want(403).Nothing()
	// Keys of which nobody knows who made them do nothing.
	k := b.MakeKey(b.SignIn(testkit.AcmeOwner, ""), collections.Viewer)
	b.Set(collections.APIKeys, k.ID, map[string]any{"created_by": ""})
	b.Ask(k.Secret, "", "GET", "/api/organizations", nil).Want(401).Nothing()
	b.File(k.File).Want(404).Nothing()
}

func TestKey_may_hold_less_than_its_maker(t *testing.T) {
	b := peoplekit.OpenAt(t)
	of := b.Find(collections.Memberships, "user = '"+testkit.User(testkit.AcmeManager)+"'")
	b.Set(collections.Memberships, of.Id, map[string]any{collections.CanManageIntegrations: true})
	manager := b.SignIn(testkit.AcmeManager, "")
	for role, want := range map[string]int{
		collections.Manager: 201, collections.Agent: 201, collections.Viewer: 201,
		collections.Developer: 403, collections.Admin: 403,
	} {
		b.Ask(manager, "", "POST", peoplekit.AcmeKeys, map[string]string{"name": "for " + role, "role": role}).Outcome(want)
	}
}

// What is written about members is for who manages them.
func TestMember_notes_permissions_and_config_are_for_who_manages_the_team(t *testing.T) {
	b := peoplekit.OpenAt(t)
	written := map[string]any{"notes": "slow on the phone", "permissions": map[string]any{"till": "closed"},
		"config": map[string]any{"desk": "four"}}
	about := testkit.UserMembership(testkit.AcmeViewer, testkit.Acme)
	owner := b.SignIn(testkit.AcmeOwner, "")
	b.Ask(owner, "", "PUT", "/api/team-members/"+about, written).Want(200)
	words := []string{"slow on the phone", `"till"`, `"four"`}
	const list = "/api/collections/memberships/records"
	surfaces := []string{
		list, list + "/" + about, "/api/collections/organizations/records?expand=memberships_via_organization",
		"/api/collections/calls/records?expand=organization.memberships_via_organization", "/api/team-members?limit=100",
	}
	key := b.MakeKey(owner, collections.Admin).Secret
	for who, token := range map[string]string{
		"the member": b.SignIn(testkit.AcmeViewer, ""), "an agent": b.SignIn(testkit.AcmeAgent, ""),
		"a developer": b.SignIn(testkit.AcmeDeveloper, ""), "a key": key,
	} {
		for _, surface := range surfaces {
			answer := b.Ask(token, "", "GET", surface, nil).Want(200)
			for _, word := range words {
				if strings.Contains(string(answer.Body), word) {
					t.Errorf("%s reads %s at %s", who, word, surface)
				}
			}
		}
		for _, field := range collections.MemberPrivate {
			for _, path := range []string{
				list + "?filter=" + url.QueryEscape(field+" ~ 'slow'"), list + "?sort=" + field,
				"/api/collections/calls/records?filter=" +
					url.QueryEscape("organization.memberships_via_organization."+field+" ?~ 'slow'"),
			} {
				b.Ask(token, "", "GET", path, nil).Want(400).Nothing(testkit.Written...)
			}
		}
	}
	for who, token := range map[string]string{"the owner": owner, "an admin": b.SignIn(testkit.AcmeAdmin, "")} {
		for _, surface := range surfaces {
			answer := b.Ask(token, "", "GET", surface, nil).Want(200)
			for _, word := range words {
				if !strings.Contains(string(answer.Body), word) {
					t.Errorf("%s does not read %s at %s", who, word, surface)
				}
			}
		}
	}
	// A member who sends back what was shown changes nothing of it.
	viewer := b.SignIn(testkit.AcmeViewer, "")
	b.Ask(viewer, "", "PUT", "/api/team-members/"+about,
		map[string]any{"full_name": "Vic V.", "notes": "", "permissions": map[string]any{},
			"config": map[string]any{}}).Want(200)
	b.Ask(viewer, "", "PUT", "/api/team-members/"+about, map[string]any{"notes": "the best"}).Want(403).Nothing()
	if row := b.Find(collections.Memberships, "id = '"+about+"'"); row.GetString("notes") != "slow on the phone" ||
		row.GetString("full_name") != "Vic V." {
		t.Errorf("stored %q of %q", row.GetString("notes"), row.GetString("full_name"))
	}
}

// An invitation is lent by whoever sent it, too.
func TestInvitation_ends_with_the_account_of_whoever_sent_it(t *testing.T) {
	superuser := testkit.As(t, testkit.Superuser)["Authorization"]
	path := "/api/collections/users/records/" + testkit.User(testkit.AcmeAdmin)
	for name, end := range map[string]func(b *peoplekit.Desk){
		"deactivated": func(b *peoplekit.Desk) {
			b.Ask(superuser, "", "PATCH", path, map[string]bool{"is_active": false}).Want(200)
		},
		"deleted": func(b *peoplekit.Desk) { b.Ask(superuser, "", "DELETE", path, nil).Want(204) },
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			link := b.Ask(b.SignIn(testkit.AcmeAdmin, ""), "", "POST", "/api/team-members",
				map[string]string{"full_name": "Nia New", "email": "nia@new.test", "role": "viewer"}).Want(201).Text("inviteLink")
			_, token, _ := strings.Cut(link, "#token=")
			b.Ask("", "", "POST", "/api/auth/verify-invite", map[string]string{"token": token}).Want(200)
			end(b)
			if open := b.Find(collections.Invitations, "email = 'nia@new.test' && status = 'pending'"); open != nil {
				t.Errorf("the invitation is open, by %q", open.GetString("invited_by"))
			}
			b.Ask("", "", "POST", "/api/auth/accept-invite",
				map[string]string{"token": token, "fullName": "Nia New", "password": "a long password"}).Want(400).Nothing()
		})
	}
}
