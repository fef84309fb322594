package providers

import (
	"fmt"
	"strings"
)

// Page returns docs/env.md: the list of Options as a page for people.
func Page() string {
	var b strings.Builder
	b.WriteString("# Environment variables\n\n")
	b.WriteString("Printed from the table in `providers/options.go` by `make golden`; do not edit by hand.\n\n")
	b.WriteString("Everything has a default that works on one machine. A value that cannot be used stops the start and is named; a variable\n")
	b.WriteString("that begins with `POCKETLINE_` or `VAPI_` and is not listed here gets a warning. Each **secret** can also be read from a\n")
	b.WriteString("file: put the file's path in the variable of the same name with `_FILE` at its end, and leave the plain one empty.\n")
	group := ""
	for _, o := range Options() {
		if o.group != group {
			group = o.group
			fmt.Fprintf(&b, "\n## %s\n\n| variable | accepts | default | what it does |\n|---|---|---|---|\n", group)
		}
		name := "`" + o.Name + "`"
		if o.Secret {
			name += "<br>**secret**, or `" + o.FileName() + "`"
		}
		fallback := "none"
		if o.Default != "" {
			fallback = "`" + o.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, o.Kind, fallback, o.About)
	}
	return b.String()
}
