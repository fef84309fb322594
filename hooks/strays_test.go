package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestStrays_are_listed_with_their_price_and_removed_by_the_operator_alone(t *testing.T) {
	const old = `"createdAt": "2026-01-02T03:04:05.000Z"`
	lists := map[string]string{
		"/assistant": `[{"id": "a-gone", "name": "Old desk", ` + old + `, "metadata": {"recordId": "nobodyknowsthis", "organizationId": "acme"}},
			{"id": "a-theirs", "name": "Somebody's own", ` + old + `}]`,
		"/tool": `[]`,
		"/phone-number": `[{"id": "n-gone", "provider": "vapi", "number": "+14155550111", ` + old + `,
			"server": {"headers": {"x-pocketline-record": "nobodyknowsthis"}}}]`,
	}
	var mu sync.Mutex
	var deleted []string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch list := lists[r.URL.Path]; {
		case r.Method == "DELETE":
			deleted = append(deleted, r.URL.Path)
			io.WriteString(w, "{}")
		case list != "" && r.Method == "GET":
			io.WriteString(w, list)
		default:
			io.WriteString(w, `{"id": "x"}`)
		}
	}))
	t.Cleanup(provider.Close)
	p := &product{t: t}
	p.start(provider.URL)
	p.exec(fmt.Sprintf(`UPDATE users SET metadata = '{"operator":true}' WHERE id = '%s'`, testkit.User(testkit.AcmeOwner)))
	d := testkit.API(t, p.TestApp)

	const list, remove = "/api/installation/strays", "/api/installation/strays/remove"
	gone := map[string]any{"collection": "phone_numbers", "id": "n-gone"}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 403, testkit.AcmeAdmin: 403} {
		d.Do("GET", list, person, nil).Want(want)
		d.Do("POST", remove, person, gone).Want(want)
	}
	// What a restore holds back waits for the operator's word, and nobody else's.
	const confirm, shown = "/api/installation/restored/confirm", "/api/installation"
	p.exec(`UPDATE _params SET value = json_set(value, '$.held', json('true')) WHERE id = 'pocketline_installation'`)
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 403, testkit.AcmeAdmin: 403} {
		d.Do("POST", confirm, person, nil).Want(want)
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
	for _, want := range []string{"id:a-gone", "id:n-gone", "price:free_number", "reason:row_gone", "name:Old desk", "name:+14155550111"} {
		if !strings.Contains(told, want) {
			t.Errorf("%s is missing: %s", want, told)
		}
	}

	d.Do("POST", remove, testkit.AcmeOwner, map[string]any{"collection": "assistants"}).Want(400)
	d.Do("POST", remove, testkit.AcmeOwner, map[string]any{"collection": "assistants", "id": "a-theirs"}).Want(409)
	d.Do("POST", remove, testkit.AcmeOwner, map[string]any{"collection": "users", "id": "a-gone"}).Want(409)
	if len(deleted) != 0 {
		t.Fatalf("deleted %q", deleted)
	}
	d.Do("POST", remove, testkit.AcmeOwner, gone).Want(200)
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(deleted) != "[/phone-number/n-gone]" {
		t.Errorf("deleted %q", deleted)
	}
	if n := p.count(`SELECT count(*) FROM audit_logs WHERE action = 'installation.remove_stray'`); n != 1 {
		t.Errorf("%d entries in the audit log", n)
	}

	for _, cmd := range p.desk.Commands() {
		if cmd.Name() != "strays" {
			continue
		}
		mu.Unlock()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(nil)
		err := cmd.Execute()
		mu.Lock()
		if err != nil || !strings.Contains(out.String(), "a-gone") || !strings.Contains(out.String(), "five free numbers") {
			t.Errorf("the command says %q, %v", out.String(), err)
		}
	}
}
