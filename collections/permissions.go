package collections

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// permissions is ui/src/lib/rules.gen.ts: what each role may do with rows of its
// organization, as the rules have it.
func permissions() []byte {
	var b bytes.Buffer
	b.WriteString("// Generated from the rules of collections/ by `go run . schema write`. Do not edit.\n\n")
	fmt.Fprintf(&b, "/** Roles of a membership, most powerful first. */\nexport const roles = [%s] as const\n",
		quoted(Roles, ", "))
	b.WriteString("export type Role = (typeof roles)[number]\n")
	fmt.Fprintf(&b,
		"\n/** Flags of a membership. Owners and admins hold all of them. */\nexport const capabilities = [\n  %s,\n] as const\n",
		quoted(Capabilities, ",\n  "))
	b.WriteString("export type Capability = (typeof capabilities)[number]\n\n/** What each may make a key of: nobody hands out more than they have. */\n" +
		"export const handed = {\n")
	for _, role := range Roles {
		fmt.Fprintf(&b, "  %s: [%s],\n", role, quoted(Handed(role), ", "))
	}
	b.WriteString(`} as const satisfies Record<Role, readonly Role[]>

/** Whom a rule admits: a role by itself (true), or with a flag. */
export type Grant = Readonly<Partial<Record<Role, true | Capability>>>

/** What members may do with rows of their organization. Where a rule is missing, nobody may, or it asks who the person is. */
export const rules = {
`)
	for _, c := range All() {
		lines := grantLines(c)
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %s: {\n", c.Name)
		for _, line := range lines {
			fmt.Fprintf(&b, "    %s,\n", line)
		}
		b.WriteString("  },\n")
	}
	fmt.Fprintf(&b, `} as const satisfies Record<string, Partial<Record<'list' | 'create' | 'update' | 'delete', Grant>>>

/** What the rows' changes are called in the audit log: collections people read of there. */
export const logged = [
  %s,
] as const
`, quoted(loggedNames(), ",\n  "))
	return b.Bytes()
}

// loggedNames are the collections of whose changes people read.
func loggedNames() (names []string) {
	for _, c := range All() {
		if declared[c.Name].Logged {
			names = append(names, c.Name)
		}
	}
	return names
}

// grantLines are the grants of a collection that are about roles and flags alone. One
// row is seen by whoever lists it.
func grantLines(c *core.Collection) (lines []string) {
	for _, r := range rulesOf(c) {
		if r.name == "view" || r.rule == nil {
			continue
		}
		grants, ok := grantsOf(*r.rule)
		if !ok {
			continue
		}
		var words []string
		for _, role := range Roles {
			switch flag, may := grants[role]; {
			case may && flag == "":
				words = append(words, role+": true")
			case may:
				words = append(words, role+": '"+flag+"'")
			}
		}
		lines = append(lines, r.name+": { "+strings.Join(words, ", ")+" }")
	}
	return lines
}

// grantsOf says which roles a rule admits, with the flag each needs, "" where the
// role is enough. It is not ok when the rule asks something else of who comes.
func grantsOf(rule string) (grants map[string]string, ok bool) {
	grants, member := map[string]string{}, false
	for _, role := range Roles {
		grants[role] = ""
	}
	for _, term := range split(rule, " && ") {
		switch {
		case term == signedIn, term == noKey, aboutValues(term):
		case isMembership(term):
			member = true
		case strings.HasPrefix(term, "("):
			if alternatives(term[1:len(term)-1]) == "" {
				continue // about what is written
			}
			if !narrow(grants, split(term[1:len(term)-1], " || ")) {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return grants, member
}

// narrow leaves the roles that one of the terms admits. It tells false for a term it
// does not know, and where a role would need two flags.
func narrow(grants map[string]string, terms []string) bool {
	free, flag := map[string]bool{}, ""
	for _, term := range terms {
		if _, right, is := strings.Cut(term, `.role ?= "`); is {
			free[strings.TrimSuffix(right, `"`)] = true
			continue
		}
		left, is := strings.CutSuffix(term, " ?= true")
		if !is || flag != "" {
			return false
		}
		flag = left[strings.LastIndexByte(left, '.')+1:]
	}
	for _, role := range Roles {
		needs, may := grants[role]
		switch {
		case !may || free[role]:
		case flag == "":
			delete(grants, role)
		case needs != "" && needs != flag:
			return false
		default:
			grants[role] = flag
		}
	}
	return true
}

// isMembership tells whether a term is one of those that Member is made of.
func isMembership(term string) bool {
	return strings.HasSuffix(term, `memberships_via_organization.user ?= @request.auth.id`) ||
		strings.HasSuffix(term, `memberships_via_organization.status ?= "`+MembershipActive+`"`)
}
