package phone

import (
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// maxRemembered bounds the memory to some hundred kilobytes; the callers of an
// hour are far fewer.
const maxRemembered = 2048

// maxSpelling is how long a text may be to be remembered.
const maxSpelling = 64

// spelling is a question.
type spelling struct{ text, home string }

// readings are answers given before: a call's messages all carry the same
// number, and reading one takes microseconds.
type readings struct {
	mu    sync.RWMutex
	known map[spelling]Number
}

var memory = readings{known: map[spelling]Number{}}

func (r *readings) read(s spelling) Number {
	r.mu.RLock()
	n, found := r.known[s]
	r.mu.RUnlock()
	if found {
		return n
	}
	n = read(s.text, s.home)
	if len(s.text) <= maxSpelling {
		r.mu.Lock()
		if len(r.known) >= maxRemembered {
			clear(r.known)
		}
		r.known[s] = n
		r.mu.Unlock()
	}
	return n
}

// rings tells whether a number in E.164 can be one that was given out.
func rings(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	return err == nil && phonenumbers.IsValidNumber(n)
}
