package collections_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

var update = flag.Bool("update", false, "rewrite the files generated from collections")

func TestGenerated_files_are_up_to_date(t *testing.T) {
	const root = ".."
	if *update {
		if err := collections.Generate(root); err != nil {
			t.Fatal(err)
		}
	}
	files, err := collections.Generated()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Fatalf("got %d generated files, want 4", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go test ./collections -update and read the difference", name)
		}
	}
}

func TestTypegen_tells_clients_what_they_see_and_nothing_hidden(t *testing.T) {
	var out bytes.Buffer
	if err := collections.Typegen(&out); err != nil {
		t.Fatal(err)
	}
	types := out.String()
	for _, want := range []string{
		"export type CallsResolutionStatus = 'pending' | 'resolved' | 'escalated' | 'failed'",
		"  outcome: CallsOutcome | ''\n",                             // may be empty
		"  call_type: CallsCallType\n",                               // required
		"  functions: string[]\n",                                    // many
		"  metadata: unknown\n",                                      // JSON
		"    name: { required: true, min: 2, max: 100 },\n",          // assistants
		"    model_temperature: { min: 0, max: 2 },\n",               // numbers
		"    provider: { required: true, values: ['vapi', 'twilio',", // selects
		"  phone_numbers: PhoneNumbersRecord\n",
	} {
		if !strings.Contains(types, want) {
			t.Errorf("the types lack %q", want)
		}
	}
	for _, unwanted := range []string{"tokenKey", "password", "control_url", "sync_hash", "twilio_auth_token", "api_key"} {
		if regexp.MustCompile(`\b` + unwanted + `\b`).MatchString(types) {
			t.Errorf("the types name the hidden field %s", unwanted)
		}
	}
}
