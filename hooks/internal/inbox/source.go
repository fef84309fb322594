package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/keyring"
)

// Source is one provider's door, as a value: how its messages are proven and what
// they mean. Receiving, refusing, storing once, answering, trying again, parking and
// packing are the same for all of them (Doors).
type Source struct {
	// Provider is its name in the stored messages (collections.ProviderEvents).
	Provider string
	// Paths are where it posts, each with the type of what comes there (Incoming.Type);
	// "" where a message says itself what it is. Rooms document them; a key of an
	// organization never reaches them.
	Paths map[string]string
	// Probe is what a GET of a path is answered, for providers that look first; with ""
	// there is no GET.
	Probe string
	// Limit is how large a message may be, in bytes; 0 is the installation's limit,
	// which holds for every source.
	Limit int64
	// Rate is how many messages a second one organization may send; 0 is any number.
	Rate int
	// Refusal is the status of a message without proof, 401 or 403; 0 is 401.
	Refusal int
	// Received is the answer to a message that asks for none.
	Received Reply
	// Trace is a query that finds one row, 1, while the thing is there that messages are
	// about, by its id, which their keys begin with (Subject); "" when nothing is left of
	// a message but itself.
	Trace string
	// Packing is how messages about what is finished are folded: a message told so
	// (Message.Last).
	Packing Packing

	// Verify looks at the head of a request, before anything of its body is read, and
	// says for whom it may speak: keyring.ErrUnknown refuses it, any other error has it
	// sent again. Where the proof is a signature, which needs the body, it returns how
	// to check that instead; until then the message counts as a stranger's.
	Verify func(r *http.Request) (keyring.Proof, Signed, error)
	// Read says what a message is. The error is ErrUnread, ErrForeign, or the
	// database's: then it is sent again. It is called anew for a stored message that is
	// to be applied later.
	Read func(ctx context.Context, in Incoming) (*Letter, error)
}

// Signed checks a signature over a body, as it was sent. The error is
// keyring.ErrUnknown for a wrong one, or why it could not be checked.
type Signed func(body []byte) (keyring.Proof, error)

// Incoming is a message to be read.
type Incoming struct {
	// Request brought it; nil when it was stored before.
	Request *http.Request
	// Body is what was sent, or the payload that was stored of it.
	Body []byte
	// Type is what it was stored as, and of one that has just come what its path says.
	Type string
	// Proof says for whom it may speak.
	Proof keyring.Proof
}

// Form is a message's fields by their names.
type Form map[string]string

// Form reads the fields with these names, the only ones that are kept: from the form
// that was sent, its first value each, or from what was stored of it (Form.Payload).
func (in Incoming) Form(names ...string) (Form, error) {
	kept := Form{}
	if in.Request == nil {
		return kept, json.Unmarshal(in.Body, &kept)
	}
	sent, err := url.ParseQuery(string(in.Body))
	for _, name := range names {
		if sent.Has(name) {
			kept[name] = strings.ToValidUTF8(sent.Get(name), "\uFFFD")
		}
	}
	return kept, err
}

// Payload is what is stored of a form.
func (f Form) Payload() []byte {
	text, _ := json.Marshal(f) // texts alone: it cannot fail
	return text
}

// Errors of Source.Read.
var (
	// ErrUnread says that a body is no message of the provider's. It is proven, so it
	// is kept, and answered as if it had been read.
	ErrUnread = errors.New("inbox: the body is not a message that can be read")
	// ErrForeign says that a message names what its proof does not speak for. It is
	// refused as if it had none.
	ErrForeign = errors.New("inbox: the message speaks of another organization than its proof does")
)

// Letter is a message that was read.
type Letter struct {
	// Organization is whose it is, by what we know of the things it names: if the proof
	// does not speak for that one, the message is refused. While nobody has them it is
	// "", and the message waits until they appear.
	Organization string
	// Message makes what is stored: Key, Type, Last, Payload and Gone; the doors know the
	// rest. It is called once, after the answer if there is one.
	Message func() Message
	// Passing does what a message means that is worth nothing a moment later: it is told to
	// who looks on and is not stored. Everything else is nil then.
	Passing func(ctx context.Context)
	// Apply does what it means; nil where it means nothing to us.
	Apply Apply
	// Answer makes the answer the provider waits for; nil sends Source.Received.
	// It comes before anything is written, so that no disk keeps somebody waiting.
	Answer func(ctx context.Context) Reply
	// Acts says that Answer did something: what came of it is stored before the answer
	// leaves. Without it the message is stored afterwards, and is dropped when more are
	// answered than can be written.
	Acts bool
}

// Reply is what a provider is answered, with status 200: Value as JSON, or Bytes of a
// type.
type Reply struct {
	Value any
	Type  string // of Bytes, such as text/xml
	Bytes []byte
}

func (r Reply) send(re *core.RequestEvent) error {
	if r.Type != "" {
		return re.Blob(http.StatusOK, r.Type, r.Bytes)
	}
	return re.JSON(http.StatusOK, r.Value)
}
