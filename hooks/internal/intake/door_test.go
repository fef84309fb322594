package intake

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// stalled is a body that sends some bytes and then waits.
type stalled struct {
	size    int
	sent    chan struct{} // closed when all bytes were taken
	release chan struct{}
}

func newStalled(size int) *stalled {
	return &stalled{size: size, sent: make(chan struct{}), release: make(chan struct{})}
}

func (s *stalled) Read(p []byte) (int, error) {
	if s.size == 0 {
		close(s.sent)
		<-s.release
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), s.size)
	s.size -= n
	return n, nil
}

func request(body io.Reader) *http.Request { return httptest.NewRequest("POST", "/", body) }

func TestDoor_keeps_room_for_proven_messages(t *testing.T) {
	d := NewDoor(Limits{ProviderBody: 1 << 20, ProviderBodies: 3 << 20, ProvenBodies: 1 << 20})
	var held []*stalled
	for range 40 { // strangers send almost a megabyte each and stop
		s := newStalled(1<<20 - 1)
		held = append(held, s)
		ended := make(chan error, 1)
		go func() {
			_, _, err := d.Read(request(s), false)
			ended <- err
		}()
		select {
		case <-s.sent:
		case err := <-ended:
			if !errors.Is(err, ErrBusy) {
				t.Fatalf("got %v, want ErrBusy", err)
			}
			held = held[:len(held)-1]
		}
	}
	if n := len(held); n == 0 || n > 2 {
		t.Errorf("%d strangers hold a megabyte each, want at most 2 MB in all", n)
	}
	if _, _, err := d.Read(request(bytes.NewReader(make([]byte, 1<<20))), false); !errors.Is(err, ErrBusy) {
		t.Errorf("one more stranger: got %v, want ErrBusy", err)
	}
	body, done, err := d.Read(request(bytes.NewReader(make([]byte, 900<<10))), true)
	if err != nil || len(body) != 900<<10 {
		t.Fatalf("a proven message: got %d bytes and %v", len(body), err)
	}
	done()
	for _, s := range held {
		close(s.release)
	}
}

func TestDoor_gives_everything_back(t *testing.T) {
	d := NewDoor(Limits{ProviderBody: 64 << 10, ProviderBodies: 256 << 10, ProvenBodies: 64 << 10})
	for _, one := range []struct {
		name string
		r    *http.Request
		want error
	}{
		{"whole", request(bytes.NewReader(make([]byte, 60<<10))), nil},
		{"announced too large", request(bytes.NewReader(make([]byte, 65<<10))), ErrTooLarge},
		{"too large as it comes", request(io.MultiReader(bytes.NewReader(make([]byte, 65<<10)))), ErrTooLarge},
		{"cut", request(io.MultiReader(bytes.NewReader(make([]byte, 10)), broken{})), errBroken},
		{"empty", request(nil), nil},
	} {
		for _, proven := range []bool{false, true} {
			_, done, err := d.Read(one.r, proven)
			if !errors.Is(err, one.want) {
				t.Errorf("%s, proven %t: got %v, want %v", one.name, proven, err, one.want)
			}
			if err == nil {
				done()
			}
			one.r.Body = io.NopCloser(bytes.NewReader(nil)) // read already
			one.r.ContentLength, one.want = 0, nil
		}
	}
	if !d.all.TryAcquire(256<<10) || !d.strangers.TryAcquire(192<<10) {
		t.Error("some of the budget was not given back")
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// A body costs what was sent of it: announcing much holds nothing.
func TestHold_takes_what_came_not_what_was_announced(t *testing.T) {
	d := NewDoor(Limits{ProviderBody: 4 << 20, ProviderBodies: 1 << 20, ProvenBodies: 512 << 10})
	s := newStalled(10)
	r := request(s)
	r.ContentLength = 4 << 20
	go d.Read(r, false)
	<-s.sent
	if !d.strangers.TryAcquire(512<<10 - signedPrefix) {
		t.Error("ten bytes hold more than the prefix")
	}
	close(s.release)
}

// Five megabytes of "{}," are hundreds once they are parsed; the report of two
// hours has its words twice.
func TestDoor_counts_what_parsing_makes_of_a_message(t *testing.T) {
	words := bytes.Repeat([]byte(`{"word":"hello","start":12.3,"end":12.7,"confidence":0.98},`), 2*18_000)
	d := NewDoor(Limits{})
	body, done, err := d.Read(request(bytes.NewReader(words)), true)
	if err != nil || len(body) != len(words) {
		t.Fatalf("a long report: got %d bytes and %v", len(body), err)
	}
	if _, _, err := d.Read(request(bytes.NewReader(bytes.Repeat([]byte("{},"), 49_000))), true); !errors.Is(err, ErrBusy) {
		t.Errorf("as many objects at the same time: got %v, want ErrBusy", err)
	}
	done()
	for _, one := range []string{"{},", "[],"} {
		body, done, err := d.Read(request(bytes.NewReader(bytes.Repeat([]byte(one), 1_600_000))), true)
		if !errors.Is(err, ErrManyValues) || len(body) == 0 { // to be kept as it is
			t.Fatalf("%q: got %d bytes and %v, want ErrManyValues", one, len(body), err)
		}
		done()
	}
	if most := Defaults().ProviderBodies; !d.all.TryAcquire(most) {
		t.Error("some of the budget was not given back")
	}
}
