package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestStrays_are_listed_with_their_price_and_removed_by_the_operator_alone(t *testing.T) {
	const old = `"createdAt": "2026-01-02T03:04:05.000Z"`
	lists := map[string]string{
		"/assistant": `[{"id": "a-gone", "name": "Old desk", ` + old +
			`, "metadata": {"recordId": "nobodyknowsthis", "organizationId": "acme"}},
			{"id": "a-theirs", "name": "Somebody's own", ` + old + `}]`,
		"/tool": `[]`,
		"/phone-number": `[{"id": "n-gone", "provider": "vapi", "number": "+14155550111", ` + old + `,
			"server": {"headers": {"x-pocketline-record": "nobodyknowsthis"}}}]`,
	}
	var mu sync.Mutex
	var deleted []string
	refuses := 0 // the status of every answer, when it is set
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch list := lists[r.URL.Path]; {
		case refuses != 0 && (r.Method == "DELETE" || refuses != http.StatusConflict):
			w.WriteHeader(refuses)
			io.WriteString(w, `{"message": "pinned by a campaign"}`)
		case r.Method == "DELETE":
			deleted = append(deleted, r.URL.Path)
			io.WriteString(w, "{}")
		case list != "" && r.Method == "GET":
			io.WriteString(w, list)
		default:
			io.WriteString(w, `{"id": "x"}`)
		}
	}))
	wasDeleted := func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(deleted)
	}
	refuse := func(status int) {
		mu.Lock()
		defer mu.Unlock()
		refuses = status
	}
	t.Cleanup(provider.Close)
	p := &product{t: t}
	p.start(provider.URL)
	p.exec(fmt.Sprintf(`UPDATE users SET metadata = '{"operator":true}' WHERE id = '%s'`, testkit.User(testkit.AcmeOwner)))
	d := testkit.API(t, p.TestApp)

	const list, remove = "/api/installation/strays", "/api/installation/strays/remove"
	gone := map[string]any{"collection": "phone_numbers", "id": "n-gone"}
	others := []struct {
		person string
		want   int
	}{{testkit.Guest, 401}, {testkit.BoltOwner, 403}, {testkit.AcmeAdmin, 403}}
	for _, o := range others {
		d.Do("GET", list, o.person, nil).Want(o.want).Nothing()
		d.Do("POST", remove, o.person, gone).Want(o.want).Nothing()
	}
	// What a restore holds back waits for the operator's word, and nobody else's.
	const confirm, shown = "/api/installation/restored/confirm", "/api/installation"
	p.exec(`UPDATE _params SET value = json_set(value, '$.held', json('true')) WHERE id = 'pocketline_installation'`)
	for _, o := range others {
		d.Do("POST", confirm, o.person, nil).Want(o.want).Nothing()
	}
	if body := d.Do("GET", shown, testkit.AcmeOwner, nil).Want(200).Body; !strings.Contains(string(body), `"held":true`) {
		t.Errorf("shown as %s", body)
	}
	d.Do("POST", confirm, testkit.AcmeOwner, nil).Want(200)
	if body := d.Do("GET", shown, testkit.AcmeOwner, nil).Want(200).Body; !strings.Contains(string(body), `"held":false`) {
		t.Errorf("confirmed and shown as %s", body)
	}
	var answer struct {
		Strays []map[string]any
	}
	if err := json.Unmarshal(d.Do("GET", list, testkit.AcmeOwner, nil).Want(200).Body, &answer); err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprint(answer.Strays)
	if len(answer.Strays) != 2 {
		t.Fatalf("told %s", told)
	}
	for _, want := range []string{"id:a-gone", "id:n-gone", "price:free_number", "reason:row_gone", "name:Old desk",
		"name:+14155550111"} {
		if !strings.Contains(told, want) {
			t.Errorf("%s is missing: %s", want, told)
		}
	}

	d.Do("POST", remove, testkit.AcmeOwner, map[string]any{"collection": "assistants"}).Want(400).Nothing()
	d.Do("POST", remove, testkit.AcmeOwner,
		map[string]any{"collection": "assistants", "id": "a-theirs"}).Want(409).Nothing()
	d.Do("POST", remove, testkit.AcmeOwner, map[string]any{"collection": "users", "id": "a-gone"}).Want(409).Nothing()
	for _, want := range []struct {
		status       int // of the provider
		list, remove int
		says         string
	}{
		{401, 502, 502, "does not take this server's key"},
		{402, 502, 502, "wants a payment"},
		{409, 200, 409, "refuses it"},
	} {
		status := want.status
		refuse(status)
		a := d.Do("GET", list, testkit.AcmeOwner, nil).Outcome(want.list)
		if want.list != 200 && !strings.Contains(string(a.Body), want.says) {
			t.Errorf("listed at %d: %s", status, a.Body)
		}
		if a := d.Do("POST", remove, testkit.AcmeOwner, gone).Want(want.remove).Nothing(); !strings.Contains(string(a.Body),
			want.says) {
			t.Errorf("removed at %d: %s", status, a.Body)
		}
	}
	refuse(0)
	p.exec("ALTER TABLE assistants RENAME TO away") // trouble of our own
	if a := d.Do("GET", list, testkit.AcmeOwner, nil).Want(500).Nothing(); strings.Contains(string(a.Body), "provider") {
		t.Errorf("the provider is blamed: %s", a.Body)
	}
	p.exec("ALTER TABLE away RENAME TO assistants")
	if got := wasDeleted(); got != "[]" {
		t.Fatalf("deleted %s", got)
	}
	d.Do("POST", remove, testkit.AcmeOwner, gone).Want(200)
	if got := wasDeleted(); got != "[/phone-number/n-gone]" {
		t.Errorf("deleted %s", got)
	}
	if n := p.count(`SELECT count(*) FROM audit_logs WHERE action = 'installation.remove_stray'`); n != 1 {
		t.Errorf("%d entries in the audit log", n)
	}

	said, err := strays(p)
	for _, want := range []string{"a-gone", "five free numbers", "the last ten minutes is not looked at"} {
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("the command says %q, %v", said, err)
		}
	}
}

// strays runs the command and returns what it says.
func strays(p *product) (said string, err error) {
	p.t.Helper()
	commands := p.desk.Commands()
	at := slices.IndexFunc(commands, func(c *cobra.Command) bool { return c.Name() == "strays" })
	if at < 0 {
		p.t.Fatal("there is no command strays")
	}
	var out bytes.Buffer
	commands[at].SetOut(&out)
	commands[at].SetErr(io.Discard)
	commands[at].SetArgs([]string{})
	err = commands[at].Execute()
	return out.String(), err
}

func TestStrays_nothing_is_left_over_is_not_said_where_nobody_could_be_asked(t *testing.T) {
	const none = "no key"
	p := &product{t: t}
	p.start("http://127.0.0.1:1", "VAPI_API_KEY=")
	p.exec(fmt.Sprintf(`UPDATE users SET metadata = '{"operator":true}' WHERE id = '%s'`, testkit.User(testkit.AcmeOwner)))
	for _, table := range []string{"assistants", "functions", "phone_numbers"} { // nothing was ever made
		p.exec("DELETE FROM " + table)
	}
	d := testkit.API(t, p.TestApp)
	for _, a := range []*testkit.Answer{
		d.Do("GET", "/api/installation/strays", testkit.AcmeOwner, nil).Want(409).Nothing(),
		d.Do("POST", "/api/installation/strays/remove", testkit.AcmeOwner,
			map[string]any{"collection": "assistants", "id": "x"}).Want(409).Nothing(),
	} {
		if !strings.Contains(string(a.Body), none) {
			t.Errorf("answered %s", a.Body)
		}
	}
	if said, err := strays(p); err == nil || !strings.Contains(err.Error(), none) || said != "" {
		t.Errorf("the command says %q, %v", said, err)
	}
}
