package intake_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/intake"
)

// slow is a body of which the most part came, and nothing more for now.
type slow struct {
	left    int
	waiting chan<- struct{}
	end     <-chan struct{}
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		s.waiting <- struct{}{}
		<-s.end
		return 0, io.EOF
	}
	n := min(len(p), s.left)
	s.left -= n
	return n, nil
}

// security.md S61: what one network sends slowly keeps no other guest out.
func TestBodies_of_one_network_have_a_share_of_the_budget(t *testing.T) {
	_, mux := desk(t, intake.Limits{}, nil)
	send := func(from, path string, body io.Reader) int {
		r := httptest.NewRequest("POST", path, body)
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	const signIn = "/api/collections/users/auth-with-password"
	small := func() io.Reader { return strings.NewReader(`{"identity":"a@b.test","password":"not the password"}`) }
	const senders = 70 // more than the whole budget holds
	waiting, end, answers := make(chan struct{}, senders), make(chan struct{}), make(chan int, senders)
	for n := range senders {
		from := []string{"[2001:db8::1]:1", "[2001:db8::2:3]:1"}[n%2]
		go func() { answers <- send(from, "/api/realtime", &slow{left: 65_500, waiting: waiting, end: end}) }()
	}
	held := 0
	for range senders {
		select {
		case <-waiting:
			held++
		case status := <-answers:
			if status != http.StatusServiceUnavailable {
				t.Errorf("got %d, want 503", status)
			}
		}
	}
	if held < 1 || held > 8 {
		t.Errorf("%d bodies of one network are held, want at most 8", held)
	}
	for _, from := range []string{"192.0.2.1:1", "[2001:db8:0:1::1]:1"} {
		if status := send(from, signIn, small()); status != http.StatusBadRequest {
			t.Errorf("another network: got %d, want 400", status)
		}
	}
	close(end)
	for range held {
		<-answers
	}
	if status := send("[2001:db8::1]:1", signIn, small()); status != http.StatusBadRequest {
		t.Errorf("the same network afterwards: got %d, want 400", status)
	}
}
