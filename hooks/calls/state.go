package calls

import (
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
)

// call is a row of calls as the engine sees it: what provider messages decide.
// It is comparable, so "did anything change" is ==.
type call struct {
	ID, Organization, VapiID string

	Status, Outcome     string
	Direction, Channel  string
	Caller, Recipient   string // as package phone reads them
	CallerRaw           string // as it came, when that is something else
	RecipientRaw        string
	Contact             string
	Assistant           string // our record's id
	PhoneNumber         string // our record's id
	StartedAt           instant
	AnsweredAt          instant
	EndedAt             instant
	ReportedAt          instant
	DurationSeconds     int64
	CostMicros          int64
	EndedReason         string
	Summary             string
	Resolution          string
	Sentiment, Priority string
	Success             string
	HasRecording        bool
	ControlURL          string // sealed
	ListenURL           string // sealed
}

// instant is a time in milliseconds since 1970; 0 is none. Providers speak
// milliseconds, and unlike time.Time it compares with ==.
type instant int64

func at(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixMilli())
}

func (i instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// dateTime is the instant as records hold it.
func (i instant) dateTime() types.DateTime {
	d, _ := types.ParseDateTime(i.Time()) // a time always parses
	return d
}

// earlier returns the smaller of two instants that are set.
func (i instant) earlier(o instant) instant {
	if i == 0 || (o != 0 && o < i) {
		return o
	}
	return i
}

// over tells whether the call has ended.
func (c call) over() bool {
	return c.Status == collections.CallCompleted || c.Status == collections.CallFailed
}

// customer is the number at the other end.
func (c call) customer() string {
	if c.Direction == collections.Outbound {
		return c.Recipient
	}
	return c.Caller
}

// customerRaw is that number as it came, when it was something else.
func (c call) customerRaw() string {
	if c.Direction == collections.Outbound {
		return c.RecipientRaw
	}
	return c.CallerRaw
}

// rank orders states; both ends share the last rank.
func rank(status string) int {
	switch status {
	case collections.CallScheduled:
		return 1
	case collections.CallQueued:
		return 2
	case collections.CallRinging:
		return 3
	case collections.CallInProgress:
		return 4
	case collections.CallForwarding:
		return 5
	case collections.CallCompleted, collections.CallFailed:
		return 6
	}
	return 0
}

// line is one line of a transcript.
type line struct {
	ID       string // given when it is stored
	Again    bool   // it takes the place of a line that was there
	Role     string
	Content  string
	Position instant // when it was said
	OffsetMS int64
	Duration int64 // ms
}

// linePlace is unique in a call.
type linePlace struct {
	position instant
	role     string
}

func (l line) place() linePlace { return linePlace{l.Position, l.Role} }

// event is one entry of a timeline. Data of the same key is merged, and the
// earliest position wins, so that order and repetition do not matter.
type event struct {
	Type, Name, Key string
	Position        instant
	Data            map[string]any
}

// report is what is big about a finished call.
type report struct {
	Transcript  string
	Analysis    map[string]any
	Costs       map[string]any
	Performance any
}

// changes are what a message adds beside the call's own row.
type changes struct {
	lines   []line
	replace bool // lines are the whole conversation and replace what was heard live
	events  []event
	report  *report

	customerName string // for a contact met for the first time
}
