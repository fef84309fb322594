package vapi

import (
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// exactly reads a body as everybody else reads it: names as they are spelled,
// each once. A reader that takes the last of two equal names, or Call for call,
// acts on another message than the one whoever looked at the body saw.
var exactly = jsonv2.JoinOptions(json.DefaultOptionsV1(), jsontext.AllowDuplicateNames(false),
	jsonv2.MatchCaseInsensitiveNames(false))

// again reads a body that was read exactly: it need not look for equal names twice.
var again = jsonv2.JoinOptions(exactly, jsontext.AllowDuplicateNames(true))

// errCallID says that a call's id is none of the provider's: it is a column and a part of
// keys, so it is as short and plain as theirs are.
var errCallID = errors.New("vapi: the call's id is too long or has characters that ids do not have")

// errNotUTF8 says that a body is not text. Replacing what cannot be read would
// store words nobody said.
var errNotUTF8 = errors.New("vapi: the body is not UTF-8")

// ParseMessage reads a server message. A body that is no JSON object with
// message.type in it is an error, and so is one that is not UTF-8 or has a name
// twice in one object, at any depth. Fields of an unexpected kind, unknown
// fields and unknown types are none. Verify the sender first.
func ParseMessage(raw []byte) (*Message, error) {
	if !utf8.Valid(raw) {
		return nil, errors.Join(ErrNotMessage, errNotUTF8)
	}
	var body struct {
		Message wireMessage `json:"message"`
	}
	if err := lenient(jsonv2.Unmarshal(raw, &body, exactly)); err != nil {
		return nil, errors.Join(ErrNotMessage, err)
	}
	m := body.Message.message()
	if m.Type == "" {
		return nil, ErrNotMessage
	}
	if id := m.CallID(); id != "" && keyPart(id) != id {
		return nil, errors.Join(ErrNotMessage, errCallID)
	}
	if m.Type == TypeEndOfCallReport || m.Type == TypeKnowledgeBaseRequest {
		var second struct {
			Message wireLines `json:"message"`
		}
		if err := lenient(jsonv2.Unmarshal(raw, &second, again)); err != nil {
			return nil, errors.Join(ErrNotMessage, err)
		}
		m.setLines(&second.Message)
	}
	return m, nil
}

// reportFromCall reads the answer to GET /call/{id}, which has the fields of a
// report at its top level.
func reportFromCall(raw []byte) (*Message, error) {
	var w wireMessage
	var call wireCall
	var lines wireLines
	for _, v := range []any{&w, &call, &lines} {
		if err := lenient(json.Unmarshal(raw, v)); err != nil {
			return nil, errors.Join(ErrNotMessage, err)
		}
	}
	if call.ID == "" {
		return nil, ErrNotMessage
	}
	if keyPart(call.ID) != call.ID {
		return nil, errors.Join(ErrNotMessage, errCallID)
	}
	w.Type, w.Status, w.Call = TypeEndOfCallReport, "", &call
	w.Transcript = ""
	if !w.EndedAt.IsZero() {
		w.Timestamp = number(w.EndedAt.UnixMilli())
	}
	m := w.message()
	m.setLines(&lines)
	return m, nil
}

func (w *wireMessage) message() *Message {
	m := &Message{
		Type: w.Type, Timestamp: whole(w.Timestamp), Status: w.Status, EndedReason: w.EndedReason, Role: w.Role,
		TranscriptType: w.TranscriptType, Turn: int(whole(w.Turn)), TurnID: w.TurnID, Text: w.Text, Input: w.Input,
		SampleRate: int(whole(w.SampleRate)),
		Language:   w.Language, Request: w.Request, Output: present(w.Output), Parameters: present(w.Parameters),
		PhoneNumber: w.PhoneNumber,
		Customer:    w.Customer, Assistant: w.Assistant, SquadID: w.Squad.ID, Destination: w.Destination,
		FromAssistant: w.FromAssistant,
		ToAssistant:   w.ToAssistant, Uploads: w.Artifacts, StartedAt: w.StartedAt.Time, EndedAt: w.EndedAt.Time,
		Session: w.Session, CampaignID: w.CampaignID, Contact: w.Contact, Problem: w.Debugging.AssistantRequestError,
	}
	if m.Problem == "" {
		m.Problem = w.Debugging.Error
	}
	// transcript[transcriptType="final"] is how a filtered subscription names
	// its messages.
	if base, filter, ok := strings.Cut(m.Type, "["); ok {
		m.Type = base
		if m.TranscriptType == "" && base == TypeTranscript {
			for _, t := range []string{"final", "partial"} {
				if strings.Contains(filter, t) {
					m.TranscriptType = t
				}
			}
		}
	}
	w.setCall(m)
	w.setTools(m)
	if c := w.Chat; c != nil {
		m.Chat = &MessageChat{ID: c.ID, SessionID: c.SessionID, AssistantID: c.AssistantID, SquadID: c.SquadID,
			Input: chatInput(c.Input), Output: c.Output, Cost: float64(c.Cost)}
	}
	switch m.Type {
	case TypeTranscript:
		m.Transcript = w.Transcript
	case TypeEndOfCallReport, TypeStatusUpdate:
		w.setReport(m)
	}
	return m
}

func (w *wireMessage) setCall(m *Message) {
	m.AssistantID = first(w.AssistantID, w.Assistant.ID)
	if c := w.Call; c != nil {
		m.Call = &MessageCall{ID: c.ID, Type: c.Type, Name: c.Name, Status: c.Status,
			PhoneNumberID: first(c.PhoneNumberID, m.PhoneNumber.ID),
			AssistantID:   c.AssistantID, SquadID: c.SquadID, CampaignID: c.CampaignID, Customer: c.Customer,
			Transport: c.Transport, Monitor: c.Monitor,
			CreatedAt: c.CreatedAt.Time, StartedAt: c.StartedAt.Time, EndedAt: c.EndedAt.Time}
		if m.Call.Transport.Provider == "" {
			m.Call.Transport.Provider = c.Provider
		}
		if m.Call.Transport.CallSid == "" {
			m.Call.Transport.CallSid = c.ProviderCallID
		}
		if m.Customer == (MessageCustomer{}) {
			m.Customer = c.Customer
		}
		if m.Call.Customer == (MessageCustomer{}) {
			m.Call.Customer = m.Customer
		}
		m.PhoneNumber.ID = first(m.PhoneNumber.ID, c.PhoneNumberID)
		m.AssistantID = first(m.AssistantID, c.AssistantID)
		m.SquadID = first(m.SquadID, c.SquadID)
		m.CampaignID = first(m.CampaignID, c.CampaignID)
	}
	m.Assistant.ID = first(m.Assistant.ID, m.AssistantID)
}

// setReport fills what a finished (or forwarded) call leaves behind: the
// documented place first, the copies beside it where that is empty.
func (w *wireMessage) setReport(m *Message) {
	m.Summary = first(w.Analysis.Summary, w.Summary)
	m.Analysis = MessageAnalysis{Summary: m.Summary, SuccessEvaluation: anyText(w.Analysis.SuccessEvaluation),
		StructuredData: present(w.Analysis.StructuredData)}
	a := &m.Artifact
	a.Transcript = first(w.Artifact.Transcript, w.Transcript)
	a.StructuredOutputs = present(w.Artifact.StructuredOutputs)
	a.PerformanceMetrics = present(w.Artifact.PerformanceMetrics)
	r := w.Artifact.Recording
	a.Recordings = Recordings{
		StereoURL:    unsigned(first(r.StereoURL, w.Artifact.StereoRecordingURL, w.StereoRecordingURL)),
		MonoURL:      unsigned(first(r.Mono.CombinedURL, w.Artifact.RecordingURL, w.RecordingURL)),
		AssistantURL: unsigned(r.Mono.AssistantURL),
		CustomerURL:  unsigned(r.Mono.CustomerURL),
	}
	if m.Type != TypeEndOfCallReport {
		return
	}
	if m.Call != nil {
		if m.StartedAt.IsZero() {
			m.StartedAt = m.Call.StartedAt
		}
		if m.EndedAt.IsZero() {
			m.EndedAt = m.Call.EndedAt
		}
	}
	m.Duration = w.duration(m.StartedAt, m.EndedAt)
	w.setCosts(m)
}

// duration computes what it can: the document has no duration field.
func (w *wireMessage) duration(started, ended time.Time) time.Duration {
	if !started.IsZero() && !ended.IsZero() {
		return max(ended.Sub(started), 0)
	}
	ms := float64(w.DurationMs)
	if ms == 0 {
		ms = float64(w.DurationSeconds) * 1000
	}
	if ms == 0 {
		ms = float64(w.DurationMinutes) * 60000
	}
	if !(ms > 0 && ms < 1e10) {
		return 0
	}
	return time.Duration(math.Round(ms)) * time.Millisecond
}

func (m *Message) setLines(w *wireLines) {
	lines := w.Artifact.Messages
	if len(lines) == 0 {
		lines = w.Messages
	}
	for _, l := range lines {
		// The prompt is not part of what was said, and not ours to store twice.
		if l.Role == "system" || l.Role == "developer" {
			continue
		}
		m.Artifact.Messages = append(m.Artifact.Messages, l.line())
		if m.Assistant.Name == "" && l.AssistantName != "" && l.AssistantID == m.Assistant.ID {
			m.Assistant.Name = l.AssistantName
		}
	}
}

func (l *wireLine) line() TranscriptLine {
	out := TranscriptLine{Role: l.Role, Message: first(l.Message, anyText(l.Content)), Time: float64(l.Time),
		EndTime:          float64(l.EndTime),
		SecondsFromStart: float64(l.SecondsFromStart), Duration: float64(l.Duration), AssistantID: l.AssistantID,
		AssistantName: l.AssistantName,
		Name:          l.Name, ToolCallID: l.ToolCallID, Result: anyText(l.Result)}
	for i := range l.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, l.ToolCalls[i].call())
	}
	return out
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// present drops absent and null values.
func present(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// anyText gives a string as it is and any other value as JSON.
func anyText(raw json.RawMessage) string {
	if raw = present(raw); raw == nil {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// chatInput is text or a list.
func chatInput(raw json.RawMessage) []ChatMessage {
	if raw = present(raw); raw == nil {
		return nil
	}
	var list []ChatMessage
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []ChatMessage{{Role: "user", Content: text}}
	}
	return nil
}

// unsigned drops the query of an address: that is where a signature would be.
func unsigned(u string) string {
	u, _, _ = strings.Cut(u, "?")
	return u
}

// whole converts to an integer, 0 when out of range.
func whole(n number) int64 {
	if math.Abs(float64(n)) > 1<<53 {
		return 0
	}
	return int64(n)
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\u2028' ||
			r == '\u2029'
	}), " ")
}

// isKindMismatch reports a value of another kind than expected. The decoder
// skips it and fills everything else.
func isKindMismatch(err error) bool {
	var mismatch *json.UnmarshalTypeError
	return errors.As(err, &mismatch)
}
