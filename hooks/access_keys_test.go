package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/keyroutes"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// bearer asks the product with a token of any kind.
type bearer struct {
	t     *testing.T
	api   *testkit.Client
	token string
	sent  int
}

func (b *bearer) ask(method, path string, body any) (int, []byte) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+b.token)
	b.sent++
	req.RemoteAddr = fmt.Sprintf("198.19.%d.%d:4000", b.sent/250%250, b.sent%250)
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, req)
	return w.Code, w.Body.Bytes()
}

// Keys in the access matrix: a key of each role may what a member of the role
// may with the rows that are for keys, and nothing with the others.
func TestAccess_keys_may_what_their_role_may_of_what_is_for_keys(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, role := range []string{collections.Admin, collections.Manager, collections.Agent, collections.Viewer,
		collections.Developer} {
		var made struct{ Key string }
		api.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
			map[string]string{"name": role, "role": role}).Want(201).JSON(&made)
		key := &bearer{t: t, api: api, token: made.Key}
		for _, c := range collections.All() {
			want := matrix[c.Name]
			if want.row == "" && c.Name != collections.Organizations && c.Name != collections.Memberships &&
				c.Name != collections.Users {
				continue
			}
			reads, writes := keyroutes.Records(c.Name)
			sees := slices.Contains(want.see, role)
			if c.Name == collections.UsageEvents {
				sees = role != collections.Agent // an owner's keys read what is counted, but an agent's
			}
			path := "/api/collections/" + c.Name + "/records"
			check := func(method, where string, body any, reaches, may bool, refused int) {
				t.Helper()
				if !reaches {
					refused = 403
				} else if may {
					refused = 200
				}
				if got, answer := key.ask(method, path+where, body); got != refused {
					t.Errorf("%s key: %s %s%s: got %d, want %d: %.200s", role, method, path, where, got, refused, answer)
				}
			}
			own, foreign := "/"+want.rowID(c.Name, testkit.Acme), "/"+want.rowID(c.Name, testkit.Bolt)
			check("GET", own, nil, reads, sees, 404)
			check("GET", foreign, nil, reads, false, 404)
			check("GET", "?perPage=200&organization="+testkit.Acme, nil, reads, true, 200)
			_, listed := key.ask("GET", path+"?perPage=200", nil)
			if found := strings.Contains(string(listed), `"id":"`+own[1:]+`"`); found != (reads && sees) {
				t.Errorf("%s key lists its organization's %s: %t, want %t", role, c.Name, found, reads && sees)
			}
			if strings.Contains(string(listed), `"id":"`+foreign[1:]+`"`) {
				t.Errorf("%s key lists %s of another organization", role, c.Name)
			}
			if want.change != nil {
				check("PATCH", own, want.change, writes, slices.Contains(want.update, role), 404)
				check("PATCH", foreign, want.change, writes, false, 404)
			}
			if want.new != nil {
				check("POST", "", want.new(testkit.Acme, serial.Add(1)), writes, slices.Contains(want.create, role), 400)
				check("POST", "", want.new(testkit.Bolt, serial.Add(1)), writes, false, 400)
			}
			if !slices.Contains(want.remove, role) { // what may be removed is, elsewhere
				check("DELETE", own, nil, writes, false, 404)
			}
			check("DELETE", foreign, nil, writes, false, 404)
		}
	}
}
