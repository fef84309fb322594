package fold

import (
	"math"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

const (
	// NumberMax is what a column for a number holds, in characters.
	NumberMax = 80
	// ResultMax is how much of a function's result reaches the assistant and is
	// kept, in bytes.
	ResultMax = 8 << 10
)

// Apply says what a message means for a call. It is pure, and any order and any
// number of repeats of the same messages end in the same call:
//
//   - the state only moves forward;
//   - what every message carries fills what is empty, and a number takes the
//     place of the word that it is hidden;
//   - of two sources of a fact one always wins, whichever comes first: the
//     report over a state, and among states the earliest;
//   - lines heard live are replaced by the report's, and not added after it;
//   - timeline entries have a key, and merging them is commutative;
//   - whether it was answered, and missed, follows from all that (Reached).
//
// home is where the organization is: numbers without a country's code are its own
// (phone.Read).
func Apply(c Call, t *Told, home string) (Call, Changes) {
	var ch Changes
	fillFacts(&c, t, home, &ch)
	for _, f := range t.Facts {
		f.apply(&c, t, home, &ch)
	}
	if c.Over() {
		// The capability ends with the call.
		c.ControlURL, c.ListenURL = "", ""
	}
	c.Reached(t.reasons())
	return c, ch
}

// fillFacts takes what the snapshot of the call says and the row lacks.
func fillFacts(c *Call, t *Told, home string, ch *Changes) {
	if t.Direction != "" {
		c.Direction, c.Channel = t.Direction, t.Channel
	} else if c.Direction == "" {
		c.Direction, c.Channel = collections.Inbound, collections.ChannelPhone
	}
	if c.Status == "" {
		c.Status = collections.CallQueued
	}
	if c.Resolution == "" {
		c.Resolution = collections.ResolutionPending
	}
	if c.Priority == "" {
		c.Priority = "medium"
	}
	began := t.Began
	if began == 0 {
		began = t.At
	}
	c.StartedAt = c.StartedAt.earlier(began)
	caller, recipient := t.Theirs, t.Ours
	if c.Direction == collections.Outbound {
		caller, recipient = recipient, caller
	}
	fillNumber(&c.Caller, &c.CallerRaw, caller, home)
	fillNumber(&c.Recipient, &c.RecipientRaw, recipient, home)
	ch.CustomerName = OneLine(t.Name, 100)
}

// fillNumber sets a number that is not known yet, and keeps what was said beside
// it when that is something else.
func fillNumber(number, raw *string, said, home string) {
	if said == *number || *number != "" && !phone.IsHidden(*number) {
		return
	}
	if read := phone.Read(said, home); read.Kind != phone.None && (*number == "" || read.Someone()) {
		*number, *raw = rows.Clip(read.Text, NumberMax), ""
		if *number != said {
			*raw = rows.Clip(said, NumberMax)
		}
	}
}

func (f Started) apply(c *Call, t *Told, _ string, ch *Changes) {
	if rank(f.Status) > rank(c.Status) {
		c.Status = f.Status
	}
	if f.Status == collections.CallInProgress && c.ReportedAt == 0 {
		c.AnsweredAt = c.AnsweredAt.earlier(f.At)
		c.Measure()
		if c.Outcome == collections.OutcomeFailedSetup {
			c.close(t.reasons()) // it had ended for a reason nobody knows, and was connected after all
		}
	}
	ch.Reach(f.Status, f.At)
}

// apply closes the call from a state, which the report overrides.
func (f Ended) apply(c *Call, t *Told, _ string, ch *Changes) {
	ch.Reach("ended", f.At)
	if c.ReportedAt != 0 {
		return
	}
	if first := c.EndedAt.earlier(f.At); c.EndedReason == "" || f.Reason != "" && first != c.EndedAt {
		c.EndedReason = OneLine(f.Reason, 255)
	}
	c.EndedAt = c.EndedAt.earlier(f.At)
	c.Measure()
	c.close(t.reasons())
}

func (f Spoken) apply(c *Call, _ *Told, _ string, ch *Changes) {
	if text := someLines(f.Content, 20_000); strings.TrimSpace(text) != "" {
		ch.Lines = append(ch.Lines, Line{Role: f.Role, Content: text, Position: f.At, OffsetMS: offset(*c, f.At)})
	}
}

func (f Used) apply(_ *Call, _ *Told, _ string, ch *Changes) {
	ch.Events = append(ch.Events, f.Event())
}

// Event is the use on the timeline.
func (f Used) Event() Event {
	data := map[string]any{}
	if len(f.Tool.Arguments) > 0 && len(f.Tool.Arguments) <= ResultMax {
		data["arguments"] = f.Tool.Arguments
	}
	return Event{
		Type: collections.EventToolCall, Name: OneLine(f.Tool.Name, 255), Key: ToolKey(f.Tool.ID), Position: f.At, Data: data,
	}
}

func (f Resulted) apply(_ *Call, _ *Told, _ string, ch *Changes) {
	ch.Events = append(ch.Events, Event{
		Type: collections.EventToolCall, Name: OneLine(f.Name, 255), Key: ToolKey(f.ID), Position: f.At,
		Data: map[string]any{"reported": rows.Clip(f.Result, ResultMax)},
	})
}

// ToolKey is the key on the timeline of a function's use, by its id.
func ToolKey(id string) string { return rows.Clip("tool:"+id, 255) }

// apply keys a transfer by where the call went, so that the state, the update and
// the report of one are one entry.
func (f Transferred) apply(_ *Call, _ *Told, home string, ch *Changes) {
	to := f.To
	if to != "" {
		to = rows.Clip(phone.Read(to, home).Text, NumberMax)
	}
	if to == "" {
		to = f.Name
	}
	ch.Events = append(ch.Events, Event{
		Type: collections.EventTransfer, Name: OneLine(f.Name, 255), Key: rows.Clip("transfer:"+to, 255), Position: f.At,
		Data: map[string]any{"to": rows.Clip(to, NumberMax)},
	})
}

func (f Hung) apply(_ *Call, _ *Told, _ string, ch *Changes) {
	ch.add(collections.EventHang, "hang", "hang:"+stamp(f.At), f.At)
}

func (f Switched) apply(_ *Call, _ *Told, _ string, ch *Changes) {
	ch.add(collections.EventLanguage, OneLine(f.Language, 255), "language:"+stamp(f.At), f.At)
}

func (Recorded) apply(c *Call, _ *Told, _ string, _ *Changes) { c.HasRecording = true }

// close sets the final state from the reason the call ended for, and from
// whether it was ever connected.
func (c *Call) close(reasons Reasons) {
	c.Outcome = reasons.Outcome(c.EndedReason, c.AnsweredAt != 0 || c.DurationSeconds > 0)
	c.Status = collections.CallCompleted
	if strings.HasPrefix(c.Outcome, "failed") {
		c.Status = collections.CallFailed
	}
	if c.Outcome == "" {
		c.Outcome = collections.OutcomeCompleted
	}
}

// Measure computes the duration from when the call was answered and ended.
func (c *Call) Measure() {
	c.DurationSeconds = 0
	if c.AnsweredAt != 0 && c.EndedAt > c.AnsweredAt {
		c.DurationSeconds = int64(math.Round(float64(c.EndedAt-c.AnsweredAt) / 1000))
	}
}

func (f Reported) apply(c *Call, t *Told, home string, ch *Changes) {
	if c.ReportedAt != 0 {
		return // the same report again
	}
	c.ReportedAt = f.at(t)
	c.EndedReason = OneLine(f.Reason, 255)
	c.AnsweredAt = f.Answered
	c.EndedAt = f.endedAt(t)
	c.Measure()
	if c.DurationSeconds == 0 && f.Duration > 0 {
		c.DurationSeconds = int64(math.Round(f.Duration.Seconds()))
	}
	c.close(t.reasons())
	c.CostMicros = f.CostMicros
	c.Success = someLines(f.Success, 500)
	// Without an analysis what people wrote meanwhile stays.
	if f.Summary != "" {
		c.Summary = someLines(f.Summary, 10_000)
	}
	if f.Sentiment != "" {
		c.Sentiment = f.Sentiment
	}
	if c.Resolution == collections.ResolutionPending {
		c.Resolution = resolution(c)
	}
	ch.Lines = reportLines(f.Lines)
	ch.Replace = len(ch.Lines) > 0
	c.Answered = c.answeredIn(ch.Lines, t.reasons())
	ch.Report = &Report{
		Transcript:  someLines(f.Transcript, 1<<20),
		Analysis:    f.Analysis,
		Costs:       f.Costs,
		Performance: f.Performance,
	}
	if ch.Report.Transcript == "" {
		ch.Report.Transcript = transcriptText(ch.Lines)
	}
	if c.AnsweredAt != 0 {
		ch.Reach(collections.CallInProgress, c.AnsweredAt)
	}
	ch.Reach("ended", c.EndedAt)
	for _, besides := range f.Facts {
		besides.apply(c, t, home, ch)
	}
}

// at is when a report was made. It is never 0, which would mean that there is none.
func (f Reported) at(t *Told) Instant {
	for _, when := range []Instant{t.At, f.Ended, t.Began} {
		if when > 0 {
			return when
		}
	}
	return 1
}

// endedAt is when a reported call ended, from the report alone: what a state
// said before must not matter, it may come later as well.
func (f Reported) endedAt(t *Told) Instant {
	switch {
	case f.Ended != 0:
		return f.Ended
	case f.Answered != 0 && f.Duration > 0:
		return f.Answered + Instant(f.Duration.Milliseconds())
	}
	return f.at(t)
}

// resolution is what a finished call suggests; people change it.
func resolution(c *Call) string {
	switch {
	case c.Outcome == collections.OutcomeTransferred:
		return collections.ResolutionEscalated
	case c.Status == collections.CallFailed:
		return collections.ResolutionFailed
	case c.Outcome == collections.OutcomeCompleted && strings.EqualFold(c.Success, "true"):
		return collections.ResolutionResolved
	}
	return collections.ResolutionPending
}

// reportLines are the words of a conversation, each with a position of its own.
func reportLines(said []Line) []Line {
	lines := make([]Line, 0, len(said))
	var last Instant
	for _, l := range said {
		l.Content = someLines(l.Content, 20_000)
		if strings.TrimSpace(l.Content) == "" {
			continue
		}
		l.Position = max(l.Position, last+1)
		last = l.Position
		lines = append(lines, l)
	}
	return lines
}

func (ch *Changes) add(kind, name, key string, when Instant) {
	ch.Events = append(ch.Events, Event{Type: kind, Name: rows.Clip(name, 255), Key: rows.Clip(key, 255), Position: when})
}

// Reach puts a state on the timeline.
func (ch *Changes) Reach(status string, when Instant) {
	ch.add(collections.EventStatus, status, "status:"+status, when)
}

// offset is a live line's time into the call, counted from its beginning: the one
// instant every message of a call agrees on. The report brings the places in the
// recording.
func offset(c Call, when Instant) int64 { return max(0, int64(when-c.StartedAt)) }

func transcriptText(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.Role == collections.RoleUser {
			b.WriteString("User: ")
		} else {
			b.WriteString("AI: ")
		}
		b.WriteString(l.Content)
		b.WriteByte('\n')
	}
	return b.String()
}

func stamp(at Instant) string { return at.Time().Format("20060102T150405.000") }

// OneLine is a source's name or label as it is stored, at most max characters.
func OneLine(s string, max int) string { return rows.Clip(untrusted.CleanLine(s), max) }

// someLines is a source's text as it is stored.
func someLines(s string, max int) string { return rows.Clip(untrusted.CleanText(s), max) }
