package hooks_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Of several who delete the same row at once one does, and the log has one line.
func TestDelete_at_once_succeeds_once(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	contact, reply := testkit.Row(testkit.Acme, "contact"), testkit.Row(testkit.Acme, "reply")
	for path, id := range map[string]string{
		"/api/collections/contacts/records/" + contact: contact,
		"/api/saved-replies/" + reply:                  reply,
	} {
		got := p.deleteAtOnce(mux, path)
		if got[200]+got[204] != 1 || got[404] != 7 {
			t.Errorf("%s: got %v, want one success and seven 404", path, got)
		}
		if n := p.deletions(id); n != 1 {
			t.Errorf("%s: the log has %d lines", path, n)
		}
	}
}

// A row with a copy at the provider goes when that agrees; asking again while it does
// not is no second deletion.
func TestDelete_of_a_row_with_a_copy_is_one_line_however_often_it_is_asked_for(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	for path, id := range map[string]string{
		record("functions", testkit.AcmeFunction):           testkit.AcmeFunction,
		"/functions/v1/assistants/" + testkit.AcmeAssistant: testkit.AcmeAssistant,
	} {
		if got := p.deleteAtOnce(mux, path); got[200]+got[204] < 1 || got[200]+got[204]+got[404] != 8 {
			t.Errorf("%s: got %v", path, got)
		}
		if n := p.deletions(id); n != 1 {
			t.Errorf("%s: the log has %d lines", path, n)
		}
	}
	p.exec(`UPDATE phone_numbers SET sync_status = 'deleting' WHERE id = '` + testkit.AcmeNumber + `'`)
	r := httptest.NewRequest("DELETE", record("phone_numbers", testkit.AcmeNumber), strings.NewReader(""))
	r.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
	w := httptest.NewRecorder()
	if mux.ServeHTTP(w, r); w.Code != 204 {
		t.Fatalf("asked again: got %d %s", w.Code, w.Body)
	}
	if n := p.deletions(testkit.AcmeNumber); n != 0 {
		t.Errorf("asked again: the log has %d lines more", n)
	}
}

// deleteAtOnce deletes a row eight times at once; how many got which status.
func (p *product) deleteAtOnce(mux http.Handler, path string) map[int]int {
	codes := make(chan int, 8)
	var wait sync.WaitGroup
	for range cap(codes) {
		r := httptest.NewRequest("DELETE", path+"?force=true", strings.NewReader(""))
		r.Header.Set("Authorization", testkit.As(p.t, testkit.AcmeOwner)["Authorization"])
		wait.Go(func() {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			codes <- w.Code
		})
	}
	wait.Wait()
	close(codes)
	got := map[int]int{}
	for code := range codes {
		got[code]++
	}
	return got
}

// deletions are the lines of the log that tell of a row's.
func (p *product) deletions(id string) int {
	return p.count(`SELECT count(*) FROM audit_logs WHERE action LIKE '%.delete' AND record = '` + id + `'`)
}

// What is refused because somebody has it already is told of fields a person sent.
func TestUnique_value_is_refused_by_the_field_that_was_sent(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	for _, path := range []string{"/api/saved-replies", "/api/collections/saved_replies/records"} {
		r := httptest.NewRequest("POST", path, strings.NewReader(`{"shortcut": "hours", "text": "x"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != 400 || !strings.Contains(body, `"shortcut"`) ||
			strings.Contains(body, `"organization"`) {
			t.Errorf("%s: got %d %s", path, w.Code, body)
		}
	}
}
