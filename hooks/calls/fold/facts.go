package fold

import (
	"encoding/json"
	"time"
)

// Told is what one message of a source says of a call, in the words of no provider.
// A source is whoever holds the conversation or the line. It is not changed once it
// was made: it may be applied again.
type Told struct {
	// Call is what the source calls the call; without an ID the message is about none.
	Call Source
	// Mark is the name we gave the call when we asked for it; "" for others.
	Mark string
	// Direction is collections.Inbound or Outbound and Channel collections'
	// word for the way; both are empty when the message does not say.
	Direction, Channel string
	// Began is when the call was made, At when the message was; 0 is unknown.
	Began, At Instant
	// Ours and Theirs are the numbers of both ends as they came, Name is what the
	// other end is called. Other is somebody else a message without a call is about.
	Ours, Theirs, Name, Other string
	// ControlURL and ListenURL open the running call to whoever has them.
	ControlURL, ListenURL string
	// Reasons reads the source's words for an end; nil takes each for an ordinary one.
	Reasons Reasons
	// Facts are what happened, in order.
	Facts []Fact
}

// Reasons reads the words a source ends calls with.
type Reasons interface {
	// Outcome is one of collections.Outcomes, "" for no reason. connected says that
	// the call was picked up: a reason nobody knows is then an ordinary end.
	Outcome(reason string, connected bool) string
	// Untaken tells that the call was handed on to somebody and that nobody took it.
	Untaken(reason string) bool
	// Silence tells that the call ended because nobody said a word for too long.
	Silence(reason string) bool
}

// plain are the reasons of a source whose words nobody reads.
type plain struct{}

func (plain) Outcome(string, bool) string { return "" }
func (plain) Untaken(string) bool         { return false }
func (plain) Silence(string) bool         { return false }

// reasons are never nil.
func (t *Told) reasons() Reasons {
	if t.Reasons == nil {
		return plain{}
	}
	return t.Reasons
}

// Reports tells whether a message is the account of a finished call.
func (t *Told) Reports() bool {
	for _, f := range t.Facts {
		if _, is := f.(Reported); is {
			return true
		}
	}
	return false
}

// Fact is one thing that happened in a call.
type Fact interface {
	apply(c *Call, t *Told, home string, ch *Changes)
}

type (
	// Started says how far a call that goes on has come: one of collections'
	// statuses.
	Started struct {
		Status string
		At     Instant
	}
	// Ended says that a call is over and for what reason, in the source's words.
	// The account of the call overrides it.
	Ended struct {
		Reason string
		At     Instant
	}
	// Spoken is what was said and will not change any more.
	Spoken struct {
		Role, Content string // one of collections' roles
		At            Instant
	}
	// Used says that the assistant used a function.
	Used struct {
		Tool Tool
		At   Instant
	}
	// Resulted is what the source says a function answered.
	Resulted struct {
		ID, Name, Result string
		At               Instant
	}
	// Transferred says where a call was sent: a number or an address, and the name
	// of an assistant.
	Transferred struct {
		To, Name string
		At       Instant
	}
	// Hung says that the assistant was slow to answer.
	Hung struct{ At Instant }
	// Switched says that another language is spoken.
	Switched struct {
		Language string
		At       Instant
	}
	// Recorded says that the source has the sound.
	Recorded struct{}
)

// Tool is one use of a function by the assistant.
type Tool struct {
	// ID is what makes a repeat a repeat.
	ID, Name string
	// Arguments are a JSON object.
	Arguments json.RawMessage
	// Unreadable says that what the model wrote was none.
	Unreadable bool
}

// Reported is the account of a finished call. The first one counts.
type Reported struct {
	Answered, Ended Instant // 0 is unknown
	// Duration is how long it was connected, as far as the source says.
	Duration time.Duration
	Reason   string
	// CostMicros is the price in millionths of a US dollar.
	CostMicros int64
	// Success and Summary are the source's judgment in words; Sentiment is one of
	// collections.Sentiments. "" leaves what people wrote.
	Success, Summary, Sentiment string
	// Lines are all that was said; none when nothing is kept of it. Those heard live
	// give way to them.
	Lines []Line
	// Transcript is the same as one text; "" makes it of the lines.
	Transcript string
	// Analysis, Costs and Performance are stored with the report as JSON.
	Analysis, Costs map[string]any
	Performance     any
	// Facts are what it tells of besides.
	Facts []Fact
}
