// Package fold is what messages mean for a call: the row, its lines, its timeline and
// its report, from what was there and what is said now. It is pure: no database, no
// network, no clock.
package fold

import (
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Call is a row of calls as the engine sees it: what messages decide.
// It is comparable, so "did anything change" is ==.
type Call struct {
	ID, Organization string
	Source           Source // none for one that people wrote down

	Status, Outcome     string
	Direction, Channel  string
	Caller, Recipient   string // as package phone reads them
	CallerRaw           string // as it came, when that is something else
	RecipientRaw        string
	Contact             string
	Assistant           string // our record's id
	PhoneNumber         string // our record's id
	StartedAt           Instant
	AnsweredAt          Instant
	EndedAt             Instant
	ReportedAt          Instant
	DurationSeconds     int64
	CostMicros          int64
	EndedReason         string
	Summary             string
	Resolution          string
	Sentiment, Priority string
	Success             string
	HasRecording        bool
	Answered, Missed    bool   // package reach says what they mean
	Test                bool   // people say so
	ControlURL          string // sealed
	ListenURL           string // sealed
}

// Source is who holds the conversation, or the line, and what it calls the call.
type Source struct {
	Provider string // one of collections' Provider names
	ID       string // "" for no call of its
}

// String is the same for nothing else.
func (s Source) String() string { return s.Provider + ":" + s.ID }

// Instant is a time in milliseconds since 1970; 0 is none. Providers speak
// milliseconds, and unlike time.Time it compares with ==.
type Instant int64

// At is a time as an instant; 0 for the zero time.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time is the instant as a time in UTC; the zero time for none.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// DateTime is the instant as records hold it.
func (i Instant) DateTime() types.DateTime {
	d, _ := types.ParseDateTime(i.Time()) // a time always parses
	return d
}

// Date is the instant as columns hold it, "" for none.
func (i Instant) Date() string { return rows.Stamp(i.Time()) }

// earlier returns the smaller of two instants that are set.
func (i Instant) earlier(o Instant) Instant {
	if i == 0 || (o != 0 && o < i) {
		return o
	}
	return i
}

// Over tells whether the call has ended.
func (c Call) Over() bool {
	return c.Status == collections.CallCompleted || c.Status == collections.CallFailed
}

// Customer is the number at the other end.
func (c Call) Customer() string {
	if c.Direction == collections.Outbound {
		return c.Recipient
	}
	return c.Caller
}

// CustomerRaw is that number as it came, when it was something else.
func (c Call) CustomerRaw() string {
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

// Line is one line of a transcript.
type Line struct {
	ID       string // given when it is stored
	Again    bool   // it takes the place of a line that was there
	Role     string
	Content  string
	Position Instant // when it was said
	OffsetMS int64
	Duration int64 // ms
}

// LinePlace is unique in a call.
type LinePlace struct {
	position Instant
	role     string
}

// Place is where the line stands.
func (l Line) Place() LinePlace { return LinePlace{l.Position, l.Role} }

// Event is one entry of a timeline. Data of the same key is merged, and the
// earliest position wins, so that order and repetition do not matter.
type Event struct {
	Type, Name, Key string
	Position        Instant
	Data            map[string]any
}

// Report is what is big about a finished call.
type Report struct {
	Transcript  string
	Analysis    map[string]any
	Costs       map[string]any
	Performance any
}

// Changes are what a message adds beside the call's own row.
type Changes struct {
	Lines   []Line
	Replace bool // lines are the whole conversation and replace what was heard live
	Events  []Event
	Report  *Report

	CustomerName string // for a contact met for the first time
}

// Reached says whether the call was answered and whether it was missed. What the
// report said about the first stays: it alone knows whether they were silent.
func (c *Call) Reached(reasons Reasons) {
	if c.ReportedAt == 0 {
		c.Answered = c.reach(reasons).Answered()
	}
	c.Missed = c.reach(reasons).Missed(c.Answered)
}

// reach is what a row decides.
func (c *Call) reach(reasons Reasons) reach.Call {
	return reach.Call{
		Direction: c.Direction, Channel: c.Channel, Outcome: c.Outcome, Over: c.Over(), Test: c.Test,
		Connected: c.AnsweredAt != 0 || c.DurationSeconds > 0, Untaken: reasons.Untaken(c.EndedReason),
	}
}

// answeredIn tells whether a reported call was answered, lines being all that was
// said in it. Without any it is known only of a call that silence ended.
func (c *Call) answeredIn(lines []Line, reasons Reasons) bool {
	r := c.reach(reasons)
	r.Silent = len(lines) > 0 || reasons.Silence(c.EndedReason)
	for _, l := range lines {
		if l.Role == collections.RoleUser {
			r.Silent = false
		}
	}
	return r.Answered()
}
