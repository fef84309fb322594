package rig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Row is a record as the API shows it.
type Row = map[string]any

// Person is somebody who asks the server.
type Person struct {
	T     T
	Base  string
	Token string // "" is a guest
}

// Client is shared; a restarted server must not meet connections of the old one.
var Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: Patience}

// Send asks once and returns the status, the header and the body.
func (p *Person) Send(method, path string, body any, header ...string) (int, http.Header, []byte, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, nil, err
		}
		content = bytes.NewReader(raw)
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = p.Base + path
	}
	r, err := http.NewRequest(method, target, content)
	if err != nil {
		return 0, nil, nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.Token != "" {
		r.Header.Set("Authorization", p.Token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := Client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, answer, err
}

// Ask wants a status and reads the answer into into, unless that is nil.
func (p *Person) Ask(method, path string, body any, want int, into any) {
	p.T.Helper()
	status, _, answer, err := p.Send(method, path, body)
	if err != nil {
		p.T.Fatalf("%s %s: %v", method, path, err)
	}
	if status != want {
		p.T.Fatalf("%s %s: got %d %.500s, want %d", method, path, status, answer, want)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		p.T.Fatalf("%s %s: %v in %.500s", method, path, err, answer)
	}
}

// Rows are all rows of a collection that fit, in order.
func (p *Person) Rows(collection, filter, sort string) []Row {
	p.T.Helper()
	var all []Row
	for page := 1; ; page++ {
		query := url.Values{"filter": {filter}, "sort": {sort}, "perPage": {"200"}, "skipTotal": {"1"},
			"page": {fmt.Sprint(page)}}
		var list struct{ Items []Row }
		p.Ask("GET", "/api/collections/"+collection+"/records?"+query.Encode(), nil, http.StatusOK, &list)
		all = append(all, list.Items...)
		if len(list.Items) < 200 {
			return all
		}
	}
}

// One is the only row that fits.
func (p *Person) One(collection, filter string) Row {
	p.T.Helper()
	all := p.Rows(collection, filter, "")
	if len(all) != 1 {
		p.T.Fatalf("%s where %s: got %d rows, want 1", collection, filter, len(all))
	}
	return all[0]
}

// SignIn signs a person in with a password, as every client does.
func (d *Desk) SignIn(t T, collection, email, password string) *Person {
	t.Helper()
	p := &Person{T: t, Base: d.Base}
	var answer struct{ Token string }
	p.Ask("POST", "/api/collections/"+collection+"/auth-with-password", Row{
		"identity": email, "password": password,
	}, http.StatusOK, &answer)
	p.Token = answer.Token
	return p
}

// Owner is the demonstration's owner.
func (d *Desk) Owner(t T) *Person {
	t.Helper()
	return d.SignIn(t, collections.Users, DemoEmail, DemoPassword)
}

// Who can sign in: the demonstration's owner, as the program makes it, and the
// operator's account of tests.
const (
	DemoEmail    = "owner@demo.pocketline.test"
	DemoPassword = "demo-front-desk"

	OperatorEmail    = "operator@pocketline.test"
	OperatorPassword = "operator-of-tests"
)

// Operator sees every column. The account is made by command, beside the
// running server.
func (d *Desk) Operator(t T) *Person {
	t.Helper()
	if !d.Operated {
		if said, ok := d.Run("superuser upsert " + OperatorEmail + " " + OperatorPassword); !ok {
			t.Fatalf("superuser upsert: %s", said)
		}
		d.Operated = true
	}
	return d.SignIn(t, core.CollectionNameSuperusers, OperatorEmail, OperatorPassword)
}

// Synced waits until all copies at the provider are there.
func Synced(p *Person) {
	p.T.Helper()
	for _, collection := range []string{collections.Functions, collections.Assistants, collections.PhoneNumbers} {
		Until(p.T, collection+" synced", func() bool {
			all := p.Rows(collection, "", "")
			return len(all) > 0 &&
				!slices.ContainsFunc(all, func(r Row) bool { return r["sync_status"] != collections.SyncSynced })
		})
	}
}

// Practice is the demonstration's first organization; its owner has another one.
func Practice(p *Person) Row {
	p.T.Helper()
	return p.One(collections.Organizations, "name = 'Marlow Dental'")
}

// LineIn is the demonstration's number in a language.
func LineIn(p *Person, language string) Row {
	p.T.Helper()
	return p.One(collections.PhoneNumbers,
		"friendly_name = '"+map[string]string{"en": "Main line", "fr": "Ligne française"}[language]+"'")
}

// Simulate lets the sandbox ring a number and returns the provider's id of the call.
func Simulate(p *Person, number Row, script, language string) string {
	p.T.Helper()
	var answer map[string]string
	p.Ask("POST", "/api/simulate", Row{
		"phone_number": number["id"], "script": script, "language": language,
	}, http.StatusCreated, &answer)
	return answer["vapi_call_id"]
}

// Reported waits for the end of a call and returns its row.
func Reported(p *Person, vapiID string) Row {
	p.T.Helper()
	var call Row
	Until(p.T, "the report of the call", func() bool {
		all := p.Rows(collections.Calls, "vapi_call_id = '"+vapiID+"' && reported_at != ''", "")
		if len(all) == 1 {
			call = all[0]
		}
		return len(all) == 1
	})
	return call
}

// MidCall starts a call in real time and returns once it is being answered.
func MidCall(t T, owner *Person, sandbox string, number Row) string {
	t.Helper()
	var rung struct{ CallID string }
	owner.Ask("POST", sandbox+"/_sandbox/calls", Row{
		"phoneNumberId": number["vapi_phone_id"], "script": "booking", "speed": 1,
	}, http.StatusCreated, &rung)
	Until(t, "the call to be answered", func() bool {
		return len(owner.Rows(collections.Calls, "vapi_call_id = '"+rung.CallID+"' && status = 'in_progress'", "")) == 1
	})
	return rung.CallID
}
