package accounts_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/accounts"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestAddress_of_the_console_is_told_to_the_one_before(t *testing.T) {
	b := peoplekit.OpenMailed(t)
	cmd := accounts.Command(b.TestApp)
	cmd.SetOut(new(strings.Builder))
	cmd.SetArgs([]string{"address", "--user", testkit.User(testkit.AcmeAgent), "--email", "third@acme.test"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	b.One(testkit.AcmeAgent, "adresse de votre compte")
}

func TestLink_of_the_console_is_written_down_and_told(t *testing.T) {
	for kind, subject := range map[string]string{"reset": "nouveau mot de passe", "verify": "confirmer votre adresse"} {
		b := peoplekit.OpenMailed(t)
		cmd := accounts.Command(b.TestApp)
		var out strings.Builder
		cmd.SetOut(&out)
		cmd.SetArgs([]string{"link", "--email", testkit.AcmeAgent, "--kind", kind})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		entry := b.Find(collections.AuditLogs, "action = 'auth.link'")
		if entry == nil || entry.GetString("actor_name") != "console" ||
			entry.GetString("record") != testkit.User(testkit.AcmeAgent) {
			t.Fatalf("%s: got %v", kind, entry)
		}
		_, token, _ := strings.Cut(strings.TrimSpace(out.String()), "#token=")
		if token == "" || strings.Contains(entry.GetString("details"), token) ||
			!strings.Contains(entry.GetString("details"), kind) {
			t.Errorf("%s: %q, %s", kind, out.String(), entry.GetString("details"))
		}
		b.One(testkit.AcmeAgent, subject)
	}
}
