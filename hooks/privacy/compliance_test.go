package privacy_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/privacy"
)

func TestCompliancePack_says_what_is_so(t *testing.T) {
	var address string
	b := open(t, func(r *peoplekit.Rooms) {
		r.Privacy.Installation = privacy.Installation{Version: "9.9.9",
			Processors: []privacy.Processor{{Name: "Vapi", Where: "https://api.example.com", Does: "carries calls"}}}
		address = r.Privacy.PublicURL
	})
	b.Do("GET", "/api/security/compliance-docs", testkit.Guest, nil).Want(401).Nothing()
	b.Do("GET", "/api/security/compliance-docs", testkit.AcmeViewer, nil).Want(403).Nothing()
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
		map[string]any{"keep_recordings_days": 42, "legal_hold": true})
	text := string(b.Do("GET", "/api/security/compliance-docs", testkit.AcmeOwner, nil).Want(200).Body)
	for _, want := range []string{"Acme Bakery", "9.9.9", "Vapi (https://api.example.com)", "42 days",
		"legal hold", "key is a file in the data directory", "does not require a second factor", address} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, never := range []string{"ISO", "SOC 2", "GDPR compliant", b.DataDir()} {
		if strings.Contains(text, never) {
			t.Errorf("%q stands in\n%s", never, text)
		}
	}
}
