package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// bad are bodies nobody should send.
var bad = map[string][]byte{
	"nothing": nil, "a word": []byte("hello"), "cut": []byte(`{"message":{"type":"status-upd`),
	"trailing": []byte(`{"a":1} {"b":2}`),
	"null":     []byte("null"), "a list": []byte("[1,2,3]"), "a number": []byte("1e400"),
	"a huge number": []byte(`{"message":{"timestamp":1e400}}`),
	"deep":          []byte(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)),
	"twice":         []byte(`{"message":{},"message":{"type":1},"name":"a","name":"b"}`),
	"bad UTF-8":     []byte("{\"name\":\"\xff\xfe\",\"message\":{\"type\":\"\xc3\x28\"}}"),
	"a NUL":         []byte("{\"name\":\"a\\u0000b\",\"x\":\"\x00\"}"),
	"wrong types":   []byte(`{"name":{"a":[1]},"email":7,"message":"text","organization":[],"id":{"$ne":null},"data":1}`),
	"a lone half":   []byte(`{"name":"\ud800","message":{"type":"\udc00"}}`),
}

// route is a line of docs/routes.md.
var route = regexp.MustCompile(`(?m)^### (POST|PUT|PATCH|DELETE) (/\S+)$`)

// malformed sends every bad body to every route that takes one (F14).
func malformed(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	unlimited(operator)
	doors := doorsOf(t, rig.Practice(owner)["id"].(string))
	asked, answers := 0, map[int]int{}
	send := func(o door, body []byte, kind string, header ...string) {
		r, err := http.NewRequestWithContext(t.Context(), o.method, d.Base+o.path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := rig.Client.Do(r)
		asked++
		if err != nil { // it was refused before all of it was read
			answers[http.StatusRequestEntityTooLarge]++
			return
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		answers[res.StatusCode]++
		if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s %s is answered %d for %.60q", o.method, o.path, res.StatusCode, body)
		}
	}
	for _, o := range doors {
		if !strings.Contains(o.path, "logout") &&
			!strings.HasSuffix(o.path, "/restore") { // they would end what the rest needs
			everyBad(t, o, owner.Token, send)
		}
	}
	if status := answers[http.StatusTooManyRequests]; status > asked/2 {
		t.Errorf("most were not looked at: %v", answers)
	}
	// A whole message comes in afterwards.
	owner = d.Owner(t) // some door signed the first one out
	s := rig.NewStorm(d, owner)
	const whole = "00000014-0000-7000-8000-000000000001"
	deliver(t, s, whole)
	rig.Reported(owner, whole)
	t.keeps(d.Dir, s.Acked())
	select {
	case <-d.Ended:
		t.Fatalf("the server ended:\n%s", d.Said)
	default:
	}
	if strings.Contains(d.Said.String(), "panic") {
		t.Errorf("something panicked:\n%.3000s", d.Said)
	}
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d requests at %d routes: %s", asked, len(doors), tally(answers))
}

// door is a route that takes a body.
type door struct{ method, path string }

// doorsOf are the documented routes and those of PocketBase's records.
func doorsOf(t *trial, organization string) (doors []door) {
	page, err := os.ReadFile(filepath.Join(rig.Root(t), "docs", "routes.md"))
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{organization}", organization, "{id}", "nobody000000000", "{name}", "nothing",
		"{slug}", "nothing")
	for _, m := range route.FindAllStringSubmatch(string(page), -1) {
		doors = append(doors, door{m[1], fill.Replace(m[2])})
	}
	for _, c := range []string{
		collections.Assistants, collections.PhoneNumbers, collections.Functions, collections.Contacts, collections.Calls,
		collections.Users,
	} {
		doors = append(doors, door{"POST", "/api/collections/" + c + "/records"},
			door{"PATCH", "/api/collections/" + c + "/records/nobody000000000"})
	}
	return append(doors, door{"POST", "/api/collections/users/auth-with-password"}, door{"POST", "/api/realtime"},
		door{"POST", "/api/batch"})
}

// everyBad sends a door every bad body, and one that is cut off in every dress.
func everyBad(t *trial, o door, token string, send func(o door, body []byte, kind string, header ...string)) {
	kinds := []string{"application/json", "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
	for what, body := range bad {
		if t.short && what != "deep" && what != "wrong types" {
			continue
		}
		send(o, body, kinds[0], "Authorization", token, "X-Vapi-Secret", rig.HookSecret)
		if what != "cut" {
			continue
		}
		for _, kind := range kinds[1:] {
			send(o, body, kind, "Authorization", token, "X-Vapi-Secret", rig.HookSecret)
		}
		send(o, body, kinds[0])
	}
}

// tally is how often each kind of answer came.
func tally(answers map[int]int) string {
	kinds := map[int]int{}
	for status, n := range answers {
		kinds[status/100] += n
	}
	return fmt.Sprintf("%d taken, %d refused, %d failed", kinds[2]+kinds[3], kinds[4], kinds[5])
}
