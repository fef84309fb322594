// Package vapifacts says in the house's words what Vapi's messages tell of a call
// (package fold). It decides nothing: which of two messages counts, and how a text is
// stored, is the fold's.
package vapifacts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Source is Vapi's call with this id.
func Source(id string) fold.Source { return fold.Source{Provider: collections.ProviderVapi, ID: id} }

// Line are Vapi's ids of the number and the assistant a message is about, "" where it
// names none.
func Line(m *vapi.Message) (numberID, assistantID string) {
	numberID = m.PhoneNumber.ID
	if m.Call != nil {
		numberID, assistantID = cmp.Or(m.Call.PhoneNumberID, numberID), m.Call.AssistantID
	}
	assistantID = cmp.Or(assistantID, m.AssistantID, m.Assistant.ID)
	switch {
	case assistantID != "":
	case m.Chat != nil:
		assistantID = m.Chat.AssistantID
	case m.Session != nil:
		assistantID = m.Session.AssistantID
	}
	return numberID, assistantID
}

// Of is what a message says of a call.
func Of(m *vapi.Message) *fold.Told {
	t := &fold.Told{
		Call: Source(m.CallID()), At: fold.Instant(m.Timestamp), Ours: m.PhoneNumber.Number, Theirs: theirNumber(m),
		Name: m.Customer.Name, Other: otherNumber(m), Reasons: Reasons{},
	}
	if m.Call == nil {
		return t
	}
	t.Mark, t.Began = m.Call.Name, fold.At(m.Call.CreatedAt)
	t.ControlURL, t.ListenURL = m.Call.Monitor.ControlURL, m.Call.Monitor.ListenURL
	if m.Call.Type != "" {
		t.Direction, t.Channel = direction(m.Call.Type)
	}
	t.Facts = facts(m, t.At)
	return t
}

// Reasons reads Vapi's words for an end.
type Reasons struct{}

// Outcome implements fold.Reasons.
func (Reasons) Outcome(reason string, connected bool) string { return vapi.Outcome(reason, connected) }

// Untaken implements fold.Reasons.
func (Reasons) Untaken(reason string) bool { return vapi.NobodyTook(reason) }

// Silence implements fold.Reasons.
func (Reasons) Silence(reason string) bool { return reason == vapi.ReasonSilence }

// facts are what a message about a call tells of; most types tell of nothing that is
// kept.
func facts(m *vapi.Message, when fold.Instant) (all []fold.Fact) {
	switch m.Type {
	case vapi.TypeStatusUpdate:
		return states(m, when)
	case vapi.TypeTranscript:
		if m.Final() {
			return []fold.Fact{fold.Spoken{Role: lineRole(m.Role), Content: m.Transcript, At: when}}
		}
	case vapi.TypeToolCalls, vapi.TypeFunctionCall:
		for _, tool := range Tools(m) {
			all = append(all, fold.Used{Tool: tool, At: when})
		}
	case vapi.TypeTransferUpdate:
		return []fold.Fact{transfer(m, when)}
	case vapi.TypeHang:
		return []fold.Fact{fold.Hung{At: when}}
	case vapi.TypeLanguageChanged, vapi.TypeLanguageChangeDetected:
		return []fold.Fact{fold.Switched{Language: m.Language, At: when}}
	case vapi.TypeEndOfCallReport:
		return []fold.Fact{report(m)}
	}
	return all
}

// Speech is who a speech-update says begins or stops to speak, and which; "" where it says
// neither.
func Speech(m *vapi.Message) (role, status string) {
	known := m.Role == collections.RoleUser || m.Role == collections.RoleAssistant
	if !known || m.Status != "started" && m.Status != "stopped" {
		return "", ""
	}
	return m.Role, m.Status
}

// states are the facts of a status-update. Some states are about Vapi's copy and not
// the conversation: not-found, deletion-failed.
func states(m *vapi.Message, when fold.Instant) []fold.Fact {
	if m.Status == "ended" {
		return []fold.Fact{fold.Ended{Reason: m.EndedReason, At: when}}
	}
	status := Status(m.Status)
	if status == "" {
		return nil
	}
	all := []fold.Fact{fold.Started{Status: status, At: when}}
	if status == collections.CallForwarding && m.Destination != nil {
		all = append(all, transfer(m, when))
	}
	return all
}

// Status is collections' word for a state of Vapi's; "" for one that is none of a
// conversation.
func Status(word string) string { return statuses[word] }

var statuses = map[string]string{
	"scheduled": collections.CallScheduled, "queued": collections.CallQueued, "ringing": collections.CallRinging,
	"in-progress": collections.CallInProgress, "forwarding": collections.CallForwarding,
}

func direction(kind string) (direction, channel string) {
	switch kind {
	case "outboundPhoneCall":
		return collections.Outbound, collections.ChannelPhone
	case "webCall":
		return collections.Inbound, "web"
	case "vapi.websocketCall":
		return collections.Inbound, "websocket"
	}
	return collections.Inbound, collections.ChannelPhone
}

// theirNumber is what a message says of the other end.
func theirNumber(m *vapi.Message) string {
	if m.Customer.Number == "" {
		return m.Customer.SIPURI
	}
	return m.Customer.Number
}

// otherNumber is whom a message without a call is about.
func otherNumber(m *vapi.Message) string {
	switch {
	case m.Contact != nil:
		return m.Contact.Number
	case m.Session == nil:
		return ""
	case m.Session.Customer.Number != "":
		return m.Session.Customer.Number
	}
	return m.Session.Customer.SIPURI
}

func lineRole(role string) string {
	if role == "user" {
		return collections.RoleUser
	}
	return collections.RoleAssistant
}

// transfer is where a message says the call goes.
func transfer(m *vapi.Message, when fold.Instant) fold.Transferred {
	f := fold.Transferred{Name: m.ToAssistant.Name, At: when}
	if d := m.Destination; d != nil {
		if f.To = d.Number; f.To == "" {
			f.To = d.SIPURI
		}
		if f.Name == "" {
			f.Name = d.AssistantName
		}
	}
	return f
}

// Tools are the tool calls of a message, each with an id to recognize a repeat
// by: the older function-call has none, but the message itself has.
func Tools(m *vapi.Message) []fold.Tool {
	tools := make([]fold.Tool, len(m.ToolCalls))
	for i, one := range m.ToolCalls {
		tools[i] = tool(one)
		if one.ID == "" {
			_, event, _ := strings.Cut(m.EventKey(), ":")
			tools[i].ID = fmt.Sprintf("%s:%d", event, i)
		}
	}
	return tools
}

func tool(t vapi.ToolCall) fold.Tool {
	return fold.Tool{ID: t.ID, Name: t.Name, Arguments: t.Arguments, Unreadable: t.Err != nil}
}

// report is an end-of-call-report, or a finished call read from the API.
func report(m *vapi.Message) fold.Reported {
	found := readOutputs(m)
	return fold.Reported{
		Answered: fold.At(m.StartedAt), Ended: fold.At(m.EndedAt), Duration: m.Duration, Reason: m.EndedReason,
		CostMicros: micros(m.Cost),
		Success:    found.success, Summary: found.summary, Sentiment: sentiment(found.data),
		Lines: reportLines(m), Transcript: m.Artifact.Transcript,
		Analysis: found.analysis(), Costs: costs(m), Performance: rawOrNil(m.Artifact.PerformanceMetrics),
		Facts: besides(m),
	}
}

// reportLines are the words of the conversation.
func reportLines(m *vapi.Message) []fold.Line {
	lines := make([]fold.Line, 0, len(m.Artifact.Messages))
	for _, l := range m.Artifact.Messages {
		if l.Role != "bot" && l.Role != "assistant" && l.Role != "user" {
			continue
		}
		duration := int64(l.Duration)
		if duration == 0 && l.EndTime > l.Time {
			duration = int64(l.EndTime - l.Time)
		}
		lines = append(lines, fold.Line{
			Role: lineRole(l.Role), Content: l.Message, Position: fold.Instant(l.Time),
			OffsetMS: max(0, int64(math.Round(l.SecondsFromStart*1000))), Duration: max(0, duration),
		})
	}
	return lines
}

// besides are the recording, the functions with what they answered, and where the
// call went, as a report tells of them.
func besides(m *vapi.Message) (all []fold.Fact) {
	if m.Artifact.Recordings.Any() {
		all = append(all, fold.Recorded{})
	}
	for _, l := range m.Artifact.Messages {
		when := fold.Instant(l.Time)
		for _, one := range l.ToolCalls {
			all = append(all, fold.Used{Tool: tool(one), At: when})
		}
		if l.ToolCallID != "" {
			all = append(all, fold.Resulted{ID: l.ToolCallID, Name: l.Name, Result: l.Result, At: when})
		}
	}
	if m.Destination != nil {
		all = append(all, transfer(m, fold.At(m.EndedAt)))
	}
	return all
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
