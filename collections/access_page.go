package collections

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// goldenRules are all rules of all collections as text, sorted by collection.
func goldenRules() []byte {
	var b bytes.Buffer
	for _, c := range byName() {
		fmt.Fprintf(&b, "%s\n", c.Name)
		for _, r := range rulesOf(c) {
			text := "nobody"
			if r.rule != nil {
				// One condition a line, so that a change shows where it is.
				text = strings.ReplaceAll(*r.rule, " && ", "\n         && ")
			}
			fmt.Fprintf(&b, "  %-6s %s\n", r.name, text)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// accessPage is docs/access.md: who may do what, in words.
func accessPage() []byte {
	var b bytes.Buffer
	b.WriteString(`# Who may do what

Generated from ` + "`collections/`" + ` by ` + "`go run . schema write`" + `; the rules as PocketBase runs them stand in
` + "`collections/testdata/rules.golden`" + `. *Member* means a person whose membership in the row's organization is
active. A capability counts for owners and admins whatever their flags say. Superusers may do everything. An update
never moves a row to another organization.

| collection | list and view | create | update | delete |
|---|---|---|---|---|
`)
	for _, c := range byName() {
		read := inWords(c.ListRule)
		if c.ListRule == nil || c.ViewRule == nil || *c.ViewRule != short(*c.ListRule) {
			if view := inWords(c.ViewRule); view != read {
				read += "; view: " + view
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.Name, read, inWords(c.CreateRule), inWords(c.UpdateRule),
			inWords(c.DeleteRule))
	}
	b.WriteString("\n## Fields with less\n\n| collection | clients never see | clients cannot change |\n|---|---|---|\n")
	for _, c := range byName() {
		var unseen []string
		for _, f := range c.Fields {
			if f.GetHidden() {
				unseen = append(unseen, f.GetName())
			}
		}
		fixed := "everything: written by the server"
		if c.UpdateRule != nil {
			fixed = strings.Join(Frozen(*c.UpdateRule), ", ")
			for _, term := range split(*c.UpdateRule, " && ") {
				if column, rest, ok := strings.Cut(term, ` = "" || (`); ok {
					fixed += "; once " + column[1:] + " is known: " + strings.Join(Frozen(strings.TrimSuffix(rest, "))")), ", ")
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Name, strings.Join(unseen, ", "), fixed)
	}
	maskedNumbers(&b)
	personalData(&b)
	return b.Bytes()
}

// maskedNumbers says from whom callers' numbers are kept where an organization wants it.
func maskedNumbers(b *bytes.Buffer) {
	fmt.Fprintf(b, `
## Masked numbers

An organization can keep callers' numbers from the roles %s, and from API keys that act as one of them (Settings, Privacy;
`+"`organizations.mask_numbers`"+`). The server then writes `+"`••••71`"+` in the place of a number, its last two digits, in every row it
hands out (lists, single records, expanded ones, streams of records), in its own lists, the home page, CSV files, what a search
finds, notification mails and the documented routes of both old systems. Such people find a number only by typing all of it, and can
neither filter nor sort by it. Of a call only the caller's side is masked, not the organization's own line. What people say or write
(transcripts, summaries, notes, a name that is a number) is not changed. Who may call back can have the number of one call shown on
its page; the audit log has who did. Keys cannot.

| collection | columns |
|---|---|
`, strings.Join(MaskedRoles, ", "))
	for _, c := range byName() {
		if columns := declared[c.Name].Masked; len(columns) > 0 {
			fmt.Fprintf(b, "| %s | %s |\n", c.Name, strings.Join(columns, ", "))
		}
	}
}

// personalData lists what is kept about people, from the collections' traits.
func personalData(b *bytes.Buffer) {
	b.WriteString(`
## About people

Columns that may say who somebody is, how or from where they are reached, or what they said or wrote. *Callers*: erased with a
caller, by number; so is what the messages of providers and the promises of the outbox say of one. *Kept*: the setting of the organization that says for how many days; where there is none, as long as what
the row belongs to. *Keys*: what an API key may do with the rows, as far as its role does.

| collection | columns | callers | kept | in exports | keys |
|---|---|---|---|---|---|
`)
	word := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	for _, c := range byName() {
		t := declared[c.Name]
		if len(t.Personal) == 0 {
			continue
		}
		exported := t.NotExported == "" && (Tenant(c) || c.Name == Organizations)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", c.Name, strings.Join(t.Personal, ", "),
			word(slices.Contains(AboutCallers(), c.Name), "yes", ""),
			t.Kept, word(exported, "yes", "no"),
			[...]string{KeysClosed: "nothing", KeysRead: "read", KeysWrite: "read and write"}[t.Keys])
	}
}

// Frozen names the fields an update rule does not let a client change.
func Frozen(rule string) []string {
	var fields []string
	for _, term := range split(rule, " && ") {
		if f, ok := frozenField(term); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

func frozenField(term string) (string, bool) {
	f, ok := strings.CutPrefix(term, "@request.body.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(f, ":changed = false")
}

type namedRule struct {
	name string
	rule *string
}

func rulesOf(c *core.Collection) []namedRule {
	rules := []namedRule{{"list", c.ListRule}, {"view", c.ViewRule}, {"create", c.CreateRule}, {"update", c.UpdateRule},
		{"delete", c.DeleteRule}}
	if c.IsAuth() {
		rules = append(rules, namedRule{"auth", c.AuthRule}, namedRule{"manage", c.ManageRule})
	}
	return rules
}

func byName() []*core.Collection {
	list := All()
	slices.SortFunc(list, func(a, b *core.Collection) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// inWords says whom a rule admits. What it does not know it shows as it is.
func inWords(rule *string) string {
	if rule == nil {
		return "nobody"
	}
	if *rule == "" {
		return "everybody"
	}
	return strings.Join(conditions(*rule), " and ")
}

func conditions(rule string) []string {
	var words []string
	member := false
	for _, term := range split(rule, " && ") {
		switch {
		case term == signedIn:
		case isMembership(term):
			member = true
		case strings.HasPrefix(term, "("):
			if who := alternatives(term[1 : len(term)-1]); who != "" {
				words = append(words, who)
			}
		case term == "id = @request.auth.id":
			words = append(words, "the person")
		case strings.HasSuffix(term, " = @request.auth.id"):
			words = append(words, "the person in `"+strings.TrimSuffix(term, " = @request.auth.id")+"`")
		case term == noKey:
			words = append(words, "not an API key")
		case aboutValues(term):
		default:
			words = append(words, "`"+term+"`")
		}
	}
	if member && len(words) == 0 {
		return []string{"member"}
	}
	if len(words) > 1 {
		for i, w := range words {
			if strings.Contains(w, " or ") {
				words[i] = "(" + w + ")"
			}
		}
	}
	return words
}

// aboutValues tells whether a condition is about what is written, not about
// who writes.
func aboutValues(term string) bool {
	_, frozen := frozenField(term)
	return frozen || strings.HasSuffix(term, ` = ""`) || strings.HasSuffix(term, ` = false`)
}

// alternatives says which roles and capabilities are enough; nothing when the
// brackets are about values only.
func alternatives(group string) string {
	var words []string
	for _, term := range split(group, " || ") {
		if aboutValues(strings.TrimSuffix(strings.TrimPrefix(term, "("), ")")) || strings.HasPrefix(term, "(@request.body.") {
			return ""
		}
		_, right, isRole := strings.Cut(term, `.role ?= "`)
		left, isFlag := strings.CutSuffix(term, " ?= true")
		switch {
		case isRole:
			words = append(words, strings.TrimSuffix(right, `"`))
		case isFlag:
			words = append(words, "`"+left[strings.LastIndexByte(left, '.')+1:]+"`")
		case strings.HasPrefix(term, "("):
			words = append(words, strings.Join(conditions(term[1:len(term)-1]), " and "))
		default:
			words = append(words, strings.Join(conditions(term), " and "))
		}
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

// split cuts a rule at a word, not inside brackets.
func split(rule, at string) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(rule); i++ {
		switch rule[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(rule[i:], at) {
			parts = append(parts, rule[start:i])
			start = i + len(at)
		}
	}
	return append(parts, rule[start:])
}
