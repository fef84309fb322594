package messaging_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/messaging"
)

const path = "/api/saved-replies"

var one = path + "/" + testkit.Row(testkit.Acme, "reply")

type reply struct {
	ID, Shortcut, Text, Language string
}

func open(t *testing.T) *deskkit.Desk {
	t.Helper()
	return deskkit.Open(t, func(d *deskkit.Desk) { messaging.Register(d, d.Tools) })
}

func TestReplies_are_refused_to_who_may_not(t *testing.T) {
	d := open(t)
	bye := map[string]any{"shortcut": "bye", "text": "Goodbye."}
	for _, tt := range []struct {
		person              string
		read, create, write int
	}{
		{testkit.Guest, 401, 401, 401},
		{testkit.BoltOwner, 404, 201, 404}, // writes its own organization's
		{testkit.Nobody, 403, 403, 403},
		{testkit.AcmeSuspended, 403, 403, 403},
		{testkit.AcmeTrainee, 200, 403, 403}, // an agent who may not see messages
		{testkit.AcmeViewer, 200, 403, 403},
		{testkit.AcmeDeveloper, 200, 403, 403},
	} {
		d.Do("GET", one, tt.person, nil).Want(tt.read)
		if tt.create != 201 {
			d.Do("POST", path, tt.person, bye).Want(tt.create).Nothing()
		}
		d.Do("PATCH", one, tt.person, bye).Want(tt.write).Nothing()
		d.Do("DELETE", one, tt.person, nil).Want(tt.write).Nothing()
	}
	const records = "/api/collections/" + collections.SavedReplies + "/records"
	d.Do("POST", records, testkit.BoltOwner, map[string]any{"organization": testkit.Acme, "shortcut": "bye",
		"text": "x"}).Want(400).Nothing()
}

func TestReplies_name_what_is_wrong(t *testing.T) {
	d := open(t)
	for _, tt := range []struct {
		body map[string]any
		says string
	}{
		{map[string]any{"text": "Hello"}, `"shortcut":"Required"`},
		{map[string]any{"shortcut": "hello"}, `"text":"Required"`},
		{map[string]any{"shortcut": strings.Repeat("x", 41), "text": "Hello"},
			`"shortcut":"Must have at most 40 characters"`},
		{map[string]any{"shortcut": "hello", "text": strings.Repeat("é", collections.ReplyMax+1)},
			`"text":"Must have at most 4000 characters"`},
		{map[string]any{"shortcut": "hello", "text": "Hello", "language": "de"}, `"language":"Must be one of en, fr"`},
		{map[string]any{"shortcut": "two words", "text": "Hello"},
			`"shortcut":"Must be one word: no spaces, no slash, nothing that is not seen"`},
		{map[string]any{"shortcut": "two\u00a0words", "text": "Hello"}, `"shortcut":"Must be one word`},
		{map[string]any{"shortcut": "blank", "text": "\u200b\u2800 "}, `"text":`},
		{map[string]any{"shortcut": " /HOURS ", "text": "Hello"},
			`"shortcut":"Value must be unique"`}, // the fixtures have "hours"
		{map[string]any{"shortcut": "// hours", "text": "Hello"}, `"shortcut":"Value must be unique"`},
		// All at once, in the order of the fields.
		{map[string]any{"text": strings.Repeat("x", collections.ReplyMax+1), "shortcut": "two words"},
			`{"shortcut":"Must be one word: no spaces, no slash, nothing that is not seen","text":"Must have at most 4000 characters"}`},
		{map[string]any{"language": "de", "text": "\u200b", "shortcut": "a/b"},
			`,"text":"Required","language":"Must be one of en, fr"}`},
		// What is stored counts: a large dotted I has two letters when it is small.
		{map[string]any{"shortcut": strings.Repeat("İ", 21), "text": "Hello"},
			`"details":{"shortcut":"Must have at most 40 characters"}`},
	} {
		if a := d.Do("POST", path, testkit.AcmeAgent, tt.body).Want(400).Nothing(); !strings.Contains(string(a.Body),
			tt.says) {
			t.Errorf("%v: got %s, want %s", tt.body, a.Body, tt.says)
		}
	}
}

// PocketBase's own routes say all of it at once as well.
func TestReplies_by_record_are_told_all_that_is_wrong(t *testing.T) {
	d := open(t)
	a := d.Do("POST", "/api/collections/"+collections.SavedReplies+"/records", testkit.AcmeAgent, map[string]any{
		"organization": testkit.Acme, "shortcut": "two words", "text": strings.Repeat("x", collections.ReplyMax+1),
		"language": "de"}).Want(400).Nothing()
	for _, column := range []string{"shortcut", "text", "language"} {
		if !strings.Contains(string(a.Body), `"`+column+`":{`) {
			t.Errorf("%s is not named: %s", column, a.Body)
		}
	}
}

// A shortcut in parts is as long as the word it makes.
func TestReplies_count_a_shortcut_as_it_is_stored(t *testing.T) {
	d := open(t)
	long := map[string]any{"shortcut": strings.Repeat("e\u0301", collections.ShortcutMax), "text": "Hello"}
	d.Do("POST", path, testkit.AcmeAgent, long).Want(201)
}

func TestReplies_are_kept_changed_and_deleted(t *testing.T) {
	d := open(t)
	var made struct{ Data reply }
	d.Do("POST", path, testkit.AcmeAgent, map[string]any{"shortcut": "/Fermé", "text": "Nous sommes fermés.",
		"language": "fr"}).Want(201).JSON(&made)
	want := reply{made.Data.ID, "fermé", "Nous sommes fermés.", "fr"}
	if made.Data != want {
		t.Errorf("made: got %+v, want %+v", made.Data, want)
	}
	// Another organization has words of its own.
	d.Do("POST", path, testkit.BoltOwner, map[string]any{"shortcut": "fermé", "text": "x"}).Want(201)

	var got struct{ Data reply }
	d.Do("PATCH", path+"/"+want.ID, testkit.AcmeManager,
		map[string]any{"text": "Closed.", "language": ""}).Want(200).JSON(&got)
	if want.Text, want.Language = "Closed.", ""; got.Data != want {
		t.Errorf("changed: got %+v, want %+v", got.Data, want)
	}
	got.Data = reply{}
	if d.Do("GET", path+"/"+want.ID, testkit.AcmeViewer, nil).Want(200).JSON(&got); got.Data != want {
		t.Errorf("read: got %+v, want %+v", got.Data, want)
	}
	for query, shortcuts := range map[string]string{
		"": "fermé hours", "?language=en": "hours", "?limit=1&page=2": "hours",
		"?search=clos": "fermé", "?search=/hou": "hours", "?search=//fe": "fermé",
	} {
		var page struct {
			Data       []reply
			Pagination struct{ Total int }
		}
		d.Do("GET", path+query, testkit.AcmeViewer, nil).Want(200).JSON(&page)
		var found []string
		for _, r := range page.Data {
			found = append(found, r.Shortcut)
		}
		if fmt.Sprint(found) != "["+shortcuts+"]" {
			t.Errorf("%q: got %v, want %s", query, found, shortcuts)
		}
	}
	d.Do("DELETE", path+"/"+want.ID, testkit.AcmeAgent, nil).Want(200)
	d.Do("GET", path+"/"+want.ID, testkit.AcmeAgent, nil).Want(404)
}
