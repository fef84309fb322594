package calls

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

// numberMax is what a column for a number holds.
const numberMax = 80

// apply says what a message of the provider means for a call. It is pure, and
// any order and any number of repeats of the same messages end in the same
// call:
//
//   - the state only moves forward;
//   - facts that every message carries fill what is empty, and a number takes the
//     place of the word that it is hidden;
//   - of two sources of a fact one always wins, whichever comes first: the
//     report over a state, and among states the earliest;
//   - lines heard live are replaced by the report's, and not added after it;
//   - timeline entries have a key, and merging them is commutative.
//
// home is where the organization is: numbers without a country's code are its own
// (phone.Read).
func apply(c call, m *vapi.Message, home string) (call, changes) {
	var ch changes
	fillFacts(&c, m, home, &ch)
	switch m.Type {
	case vapi.TypeStatusUpdate:
		applyStatus(&c, m, home, &ch)
	case vapi.TypeTranscript:
		if text := someLines(m.Transcript, 20_000); m.Final() && strings.TrimSpace(text) != "" {
			ch.lines = []line{{
				Role: lineRole(m.Role), Content: text, Position: instant(m.Timestamp),
				OffsetMS: offset(c, instant(m.Timestamp)),
			}}
		}
	case vapi.TypeToolCalls, vapi.TypeFunctionCall:
		for _, tool := range identified(m) {
			ch.events = append(ch.events, toolEvent(tool, instant(m.Timestamp)))
		}
	case vapi.TypeTransferUpdate:
		ch.events = append(ch.events, transferEvent(m, home))
	case vapi.TypeHang:
		ch.add(collections.EventHang, "hang", "hang:"+stamp(m.Timestamp), instant(m.Timestamp), nil)
	case vapi.TypeLanguageChanged, vapi.TypeLanguageChangeDetected:
		ch.add(collections.EventLanguage, oneLine(m.Language, 255), "language:"+stamp(m.Timestamp), instant(m.Timestamp), nil)
	case vapi.TypeEndOfCallReport:
		applyReport(&c, m, home, &ch)
	}
	if c.over() {
		// The capability ends with the call.
		c.ControlURL, c.ListenURL = "", ""
	}
	return c, ch
}

// fillFacts takes what the snapshot of the call says and the row lacks.
func fillFacts(c *call, m *vapi.Message, home string, ch *changes) {
	if c.Direction == "" || m.Call.Type != "" {
		c.Direction, c.Channel = direction(m.Call.Type)
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
	created := at(m.Call.CreatedAt)
	if created == 0 {
		created = instant(m.Timestamp)
	}
	c.StartedAt = c.StartedAt.earlier(created)
	caller, recipient := theirNumber(m), m.PhoneNumber.Number
	if c.Direction == collections.Outbound {
		caller, recipient = recipient, caller
	}
	fillNumber(&c.Caller, &c.CallerRaw, caller, home)
	fillNumber(&c.Recipient, &c.RecipientRaw, recipient, home)
	ch.customerName = oneLine(m.Customer.Name, 100)
}

// theirNumber is what a message says of the other end.
func theirNumber(m *vapi.Message) string {
	if m.Customer.Number == "" {
		return m.Customer.SIPURI
	}
	return m.Customer.Number
}

// fillNumber sets a number that is not known yet, and keeps what was said beside
// it when that is something else.
func fillNumber(number, raw *string, said, home string) {
	if said == *number || *number != "" && !phone.IsHidden(*number) {
		return
	}
	if read := phone.Read(said, home); read.Kind != phone.None && (*number == "" || read.Someone()) {
		*number, *raw = clip(read.Text, numberMax), ""
		if *number != said {
			*raw = clip(said, numberMax)
		}
	}
}

func fill(into *string, value string) {
	if *into == "" {
		*into = value
	}
}

func direction(kind string) (direction, channel string) {
	switch kind {
	case "outboundPhoneCall":
		return collections.Outbound, "phone"
	case "webCall":
		return collections.Inbound, "web"
	case "vapi.websocketCall":
		return collections.Inbound, "websocket"
	}
	return collections.Inbound, "phone"
}

var statuses = map[string]string{
	"scheduled": collections.CallScheduled, "queued": collections.CallQueued, "ringing": collections.CallRinging,
	"in-progress": collections.CallInProgress, "forwarding": collections.CallForwarding,
}

func applyStatus(c *call, m *vapi.Message, home string, ch *changes) {
	when := instant(m.Timestamp)
	if m.Status == "ended" {
		end(c, m.EndedReason, when)
		ch.status("ended", when)
		return
	}
	status, known := statuses[m.Status]
	if !known {
		return // not-found, deletion-failed: about Vapi's copy, not the conversation
	}
	if rank(status) > rank(c.Status) {
		c.Status = status
	}
	if status == collections.CallInProgress && c.ReportedAt == 0 {
		c.AnsweredAt = c.AnsweredAt.earlier(when)
		c.measure()
		if c.Outcome == vapi.OutcomeFailedSetup {
			c.close() // it had ended for a reason nobody knows, and was connected after all
		}
	}
	ch.status(status, when)
	if m.Status == "forwarding" && m.Destination != nil {
		ch.events = append(ch.events, transferEvent(m, home))
	}
}

// end closes the call from a state, which the report overrides.
func end(c *call, reason string, when instant) {
	if c.ReportedAt != 0 {
		return
	}
	if first := c.EndedAt.earlier(when); c.EndedReason == "" || reason != "" && first != c.EndedAt {
		c.EndedReason = oneLine(reason, 255)
	}
	c.EndedAt = c.EndedAt.earlier(when)
	c.measure()
	c.close()
}

// close sets the final state from the reason the call ended for, and from
// whether it was ever connected.
func (c *call) close() {
	c.Outcome = vapi.Outcome(c.EndedReason, c.AnsweredAt != 0 || c.DurationSeconds > 0)
	c.Status = collections.CallCompleted
	if strings.HasPrefix(c.Outcome, "failed") {
		c.Status = collections.CallFailed
	}
	if c.Outcome == "" {
		c.Outcome = vapi.OutcomeCompleted
	}
}

// measure computes the duration: Vapi gives none.
func (c *call) measure() {
	c.DurationSeconds = 0
	if c.AnsweredAt != 0 && c.EndedAt > c.AnsweredAt {
		c.DurationSeconds = int64(math.Round(float64(c.EndedAt-c.AnsweredAt) / 1000))
	}
}

func applyReport(c *call, m *vapi.Message, home string, ch *changes) {
	if c.ReportedAt != 0 {
		return // the same report again
	}
	c.ReportedAt = reportedAt(m)
	c.EndedReason = oneLine(m.EndedReason, 255)
	c.AnsweredAt = at(m.StartedAt)
	c.EndedAt = endedAt(m)
	c.measure()
	if c.DurationSeconds == 0 && m.Duration > 0 {
		c.DurationSeconds = int64(math.Round(m.Duration.Seconds()))
	}
	c.close()
	c.CostMicros = micros(m.Cost)
	told := readOutputs(m)
	c.Success = someLines(told.success, 500)
	// Without an analysis what people wrote meanwhile stays.
	if told.summary != "" {
		c.Summary = someLines(told.summary, 10_000)
	}
	if felt := sentiment(told.data); felt != "" {
		c.Sentiment = felt
	}
	if c.Resolution == collections.ResolutionPending {
		c.Resolution = resolution(c)
	}
	c.HasRecording = m.Artifact.Recordings.Any()
	ch.lines = reportLines(m)
	ch.replace = len(ch.lines) > 0
	ch.report = &report{
		Transcript:  someLines(m.Artifact.Transcript, 1<<20),
		Analysis:    told.analysis(),
		Costs:       costs(m),
		Performance: rawOrNil(m.Artifact.PerformanceMetrics),
	}
	if ch.report.Transcript == "" {
		ch.report.Transcript = transcriptText(ch.lines)
	}
	if c.AnsweredAt != 0 {
		ch.status(collections.CallInProgress, c.AnsweredAt)
	}
	ch.status("ended", c.EndedAt)
	ch.events = append(ch.events, reportTools(m)...)
	if m.Destination != nil {
		ch.events = append(ch.events, transferEvent(m, home))
	}
}

// reportedAt is when a report was made. It is never 0, which would mean that
// there is none.
func reportedAt(m *vapi.Message) instant {
	for _, when := range []instant{instant(m.Timestamp), at(m.EndedAt), at(m.Call.CreatedAt)} {
		if when > 0 {
			return when
		}
	}
	return 1
}

// endedAt is when a reported call ended, from the report alone: what a state
// said before must not matter, it may come later as well.
func endedAt(m *vapi.Message) instant {
	switch ended, answered := at(m.EndedAt), at(m.StartedAt); {
	case ended != 0:
		return ended
	case answered != 0 && m.Duration > 0:
		return answered + instant(m.Duration.Milliseconds())
	}
	return reportedAt(m)
}

// resolution is what a finished call suggests; people change it.
func resolution(c *call) string {
	switch {
	case c.Outcome == vapi.OutcomeTransferred:
		return collections.ResolutionEscalated
	case c.Status == collections.CallFailed:
		return collections.ResolutionFailed
	case c.Outcome == vapi.OutcomeCompleted && strings.EqualFold(c.Success, "true"):
		return collections.ResolutionResolved
	}
	return collections.ResolutionPending
}

// sentiment reads the structured data an assistant may ask for.
func sentiment(data json.RawMessage) string {
	var s struct {
		Sentiment string `json:"sentiment"`
	}
	if len(data) == 0 || json.Unmarshal(data, &s) != nil {
		return "" // free-form data without our field
	}
	for _, known := range collections.Sentiments {
		if strings.EqualFold(s.Sentiment, known) {
			return known
		}
	}
	return ""
}

// reportLines are the words of the conversation, each with a position of its
// own.
func reportLines(m *vapi.Message) []line {
	var lines []line
	var last instant
	for _, l := range m.Artifact.Messages {
		text := someLines(l.Message, 20_000)
		if l.Role != "bot" && l.Role != "assistant" && l.Role != "user" || strings.TrimSpace(text) == "" {
			continue
		}
		position := max(instant(l.Time), last+1)
		last = position
		duration := int64(l.Duration)
		if duration == 0 && l.EndTime > l.Time {
			duration = int64(l.EndTime - l.Time)
		}
		lines = append(lines, line{
			Role: lineRole(l.Role), Content: text, Position: position,
			OffsetMS: max(0, int64(math.Round(l.SecondsFromStart*1000))), Duration: max(0, duration),
		})
	}
	return lines
}

// reportTools are the functions a report tells of, with what they answered.
func reportTools(m *vapi.Message) []event {
	var events []event
	for _, l := range m.Artifact.Messages {
		for _, tool := range l.ToolCalls {
			events = append(events, toolEvent(tool, instant(l.Time)))
		}
		if l.ToolCallID != "" {
			events = append(events, event{
				Type: collections.EventToolCall, Name: oneLine(l.Name, 255), Key: toolKey(l.ToolCallID), Position: instant(l.Time),
				Data: map[string]any{"reported": clip(l.Result, maxToolOutput)},
			})
		}
	}
	return events
}

func toolEvent(tool vapi.ToolCall, when instant) event {
	data := map[string]any{}
	if len(tool.Arguments) > 0 && len(tool.Arguments) <= maxToolOutput {
		data["arguments"] = tool.Arguments
	}
	return event{Type: collections.EventToolCall, Name: oneLine(tool.Name, 255), Key: toolKey(tool.ID), Position: when, Data: data}
}

func toolKey(id string) string { return clip("tool:"+id, 255) }

// transferEvent is keyed by where the call went, so that the state, the update
// and the report of one transfer are one entry.
func transferEvent(m *vapi.Message, home string) event {
	to, name := "", m.ToAssistant.Name
	if d := m.Destination; d != nil {
		to = d.Number
		fill(&to, d.SIPURI)
		if to != "" {
			to = clip(phone.Read(to, home).Text, numberMax)
		}
		fill(&name, d.AssistantName)
	}
	fill(&to, name)
	when := instant(m.Timestamp)
	if m.Type == vapi.TypeEndOfCallReport {
		when = at(m.EndedAt)
	}
	return event{
		Type: collections.EventTransfer, Name: oneLine(name, 255), Key: clip("transfer:"+to, 255), Position: when,
		Data: map[string]any{"to": clip(to, numberMax)},
	}
}

func (ch *changes) add(kind, name, key string, when instant, data map[string]any) {
	ch.events = append(ch.events, event{Type: kind, Name: clip(name, 255), Key: clip(key, 255), Position: when, Data: data})
}

func (ch *changes) status(status string, when instant) {
	ch.add(collections.EventStatus, status, "status:"+status, when, nil)
}

// offset is a live line's time into the call, counted from its beginning: the one
// instant every message of a call agrees on. The report brings the places in the
// recording.
func offset(c call, when instant) int64 { return max(0, int64(when-c.StartedAt)) }

func lineRole(role string) string {
	if role == "user" {
		return collections.RoleUser
	}
	return collections.RoleAssistant
}

func transcriptText(lines []line) string {
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

// costs keeps the old system's names of the breakdown beside the bill's lines,
// all in US dollars.
func costs(m *vapi.Message) map[string]any {
	b := m.CostBreakdown
	return map[string]any{
		"breakdown": map[string]float64{
			"transcription": b.STT, "llm": b.LLM, "tts": b.TTS, "vapi": b.Vapi, "transport": b.Transport,
			"analysis": b.Analysis, "other": b.Other, "total": b.Total,
		},
		"items": m.Costs,
	}
}

func rawOrNil(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

func micros(dollars float64) int64 {
	if dollars < 0 || math.IsNaN(dollars) || dollars > 1e6 {
		return 0
	}
	return int64(math.Round(dollars * 1e6))
}

func stamp(ms int64) string { return instant(ms).Time().Format("20060102T150405.000") }

// oneLine is a provider's name or label as it is stored, someLines a text.
func oneLine(s string, max int) string   { return clip(untrusted.CleanLine(s), max) }
func someLines(s string, max int) string { return clip(untrusted.CleanText(s), max) }

// clip cuts a text to at most max bytes, between characters.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.ToValidUTF8(s[:max], "")
}
