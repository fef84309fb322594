package collections

import (
	"maps"
	"testing"
)

func TestGrants_are_the_roles_a_rule_admits_with_the_flag_each_needs(t *testing.T) {
	all := map[string]string{Owner: "", Admin: "", Manager: "", Agent: "", Viewer: "", Developer: ""}
	for name, tt := range map[string]struct {
		rule string
		want map[string]string // nil: it is no matter of roles alone
	}{
		"members":         {Member("organization"), all},
		"roles":           {Role("organization", Owner, Manager), map[string]string{Owner: "", Manager: ""}},
		"role of its own": {Role("", Admin), map[string]string{Admin: ""}},
		"not for keys":    {People(Role("organization", Owner)), map[string]string{Owner: ""}},
		"role with a flag": {RoleAndCan("organization", CanViewCalls, Owner, Agent),
			map[string]string{Owner: "", Agent: CanViewCalls}},
		"role or flag": {RoleOrCan("organization", CanManageAgents, Developer), map[string]string{
			Owner: "", Admin: "", Developer: "", Manager: CanManageAgents, Agent: CanManageAgents, Viewer: CanManageAgents,
		}},
		"what is written asks nobody": {
			FrozenOnce(Update(Create(Role("organization", Owner), "a", "created_by"), "b"), "a", "c"),
			map[string]string{Owner: ""},
		},
		"oneself":            {Self, nil},
		"oneself or members": {signedIn + ` && (user = @request.auth.id || (` + Member("organization") + `))`, nil},
		"two flags": {Can("organization", CanViewCalls) +
			` && (organization.memberships_via_organization.can_manage_team ?= true)`, nil},
		"whoever signed in": {signedIn, nil},
	} {
		got, ok := grantsOf(tt.rule)
		if ok != (tt.want != nil) || ok && !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, ok, tt.want)
		}
	}
}
