package vapi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// ErrNotMessage says that a body is not a server message of Vapi.
var ErrNotMessage = errors.New("vapi: the body is not a server message")

// Message is a server message, reduced to the fields Pocketline uses. Every
// field may be empty: which ones are filled depends on Type, and Vapi does not
// always send all that it documents.
//
// A Message belongs to one goroutine and is not changed once EventKey or
// Reduced has been called. It holds secrets (the control URL); what may be
// stored is Reduced.
// https://docs.vapi.ai/server-url/events
type Message struct {
	// Type is one of the Type… constants; a filter such as
	// [transcriptType="final"] is taken off.
	Type string
	// Timestamp is in milliseconds since 1970, 0 when absent.
	Timestamp int64
	// Status belongs to status-update and speech-update. Never read the state
	// of a call from Call.Status: that is a snapshot from its creation.
	Status      string
	EndedReason string

	// Role is user or assistant.
	Role           string
	TranscriptType string // partial or final
	Transcript     string
	Turn           int
	TurnID         string
	Text           string // assistant.speechStarted, voice-request
	SampleRate     int    // voice-request
	Input          string // voice-input
	Language       string
	Request        string          // phone-call-control: forward or hang-up
	Output         json.RawMessage // model-output: text or tool calls

	Call        *MessageCall
	Customer    MessageCustomer
	PhoneNumber MessagePhoneNumber
	AssistantID string
	Assistant   MessageAssistant
	SquadID     string

	ToolCalls []ToolCall
	// Parameters are what the model gave with a handoff request.
	Parameters json.RawMessage

	Destination   *MessageDestination
	FromAssistant MessageAssistant
	ToAssistant   MessageAssistant

	Summary  string
	Analysis MessageAnalysis
	Artifact MessageArtifact
	// Uploads are the results of call.artifact.upload.
	Uploads []ArtifactUpload

	// Cost is in US dollars; see Micros.
	Cost          float64
	Costs         []CostItem
	CostBreakdown CostBreakdown
	StartedAt     time.Time
	EndedAt       time.Time
	// Duration is EndedAt minus StartedAt, or what Vapi says when one of them
	// is missing; 0 for a call that never connected.
	Duration time.Duration
	// Problem is what Vapi says about an incoming call it could not take.
	Problem string

	Chat       *MessageChat
	Session    *MessageSession
	CampaignID string
	Contact    *CampaignContact

	reduced []byte
	key     string
}

// MessageCall is the call a message is about, as it was when Vapi made it.
type MessageCall struct {
	ID            string
	Type          string
	Name          string
	Status        string
	PhoneNumberID string
	AssistantID   string
	SquadID       string
	CampaignID    string
	Customer      MessageCustomer
	Transport     Transport
	Monitor       Monitor
	CreatedAt     time.Time
	StartedAt     time.Time
	EndedAt       time.Time
}

// Transport is the carrier's side of a call. The carrier's token is never read.
type Transport struct {
	Provider string `json:"provider,omitempty"`
	CallSid  string `json:"callSid,omitempty"`
}

// Monitor holds the two URLs that open a call in progress to anybody who has
// them. Store them sealed, send them nowhere.
type Monitor struct {
	ListenURL  string `json:"listenUrl,omitempty"`
	ControlURL string `json:"controlUrl,omitempty"`
}

// MessageCustomer is the other end of the line.
type MessageCustomer struct {
	Number string `json:"number,omitempty"`
	SIPURI string `json:"sipUri,omitempty"`
	Name   string `json:"name,omitempty"`
}

// MessagePhoneNumber is our end of the line.
type MessagePhoneNumber struct {
	ID       string `json:"id,omitempty"`
	Number   string `json:"number,omitempty"`
	Provider string `json:"provider,omitempty"`
}

// MessageAssistant names an assistant.
type MessageAssistant struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// MessageDestination is where a call was sent.
type MessageDestination struct {
	Type          string `json:"type,omitempty"`
	Number        string `json:"number,omitempty"`
	SIPURI        string `json:"sipUri,omitempty"`
	AssistantID   string `json:"assistantId,omitempty"`
	AssistantName string `json:"assistantName,omitempty"`
	SquadID       string `json:"squadId,omitempty"`
	Message       string `json:"message,omitempty"`
	Description   string `json:"description,omitempty"`
}

// MessageAnalysis is what Vapi's model made of a finished call.
type MessageAnalysis struct {
	Summary string `json:"summary,omitempty"`
	// SuccessEvaluation is text: "true", "8", a word; by the rubric.
	SuccessEvaluation string          `json:"successEvaluation,omitempty"`
	StructuredData    json.RawMessage `json:"structuredData,omitempty"`
}

// MessageArtifact is what is left of a finished call.
type MessageArtifact struct {
	// Messages is the conversation without system prompts; only in reports.
	// In a knowledge-base-request it is the conversation so far.
	Messages   []TranscriptLine
	Transcript string
	// Recordings tell which kinds exist. Their plain URLs do not download;
	// use Calls.Recording.
	Recordings         Recordings
	StructuredOutputs  json.RawMessage // {id: {name, result}}
	PerformanceMetrics json.RawMessage
}

// Recordings are the addresses of a call's recordings at Vapi, empty when there
// is none. Addresses that carry a signature are never read.
type Recordings struct {
	StereoURL    string
	MonoURL      string
	AssistantURL string
	CustomerURL  string
}

// Any reports whether anything was recorded.
func (r Recordings) Any() bool {
	return r.StereoURL != "" || r.MonoURL != "" || r.AssistantURL != "" || r.CustomerURL != ""
}

// TranscriptLine is one entry of a conversation. Role is bot, user, tool_calls
// or tool_call_result.
type TranscriptLine struct {
	Role    string `json:"role"`
	Message string `json:"message,omitempty"`
	// Time and EndTime are in milliseconds since 1970.
	Time    float64 `json:"time,omitempty"`
	EndTime float64 `json:"endTime,omitempty"`
	// SecondsFromStart is in seconds, Duration in milliseconds.
	SecondsFromStart float64 `json:"secondsFromStart,omitempty"`
	Duration         float64 `json:"duration,omitempty"`
	AssistantID      string  `json:"assistantId,omitempty"`
	AssistantName    string  `json:"assistantName,omitempty"`
	// Name, ToolCallID and Result belong to tool_call_result.
	Name       string     `json:"name,omitempty"`
	ToolCallID string     `json:"toolCallId,omitempty"`
	Result     string     `json:"result,omitempty"`
	ToolCalls  []ToolCall `json:"toolCalls,omitempty"`
}

// ArtifactUpload is one file Vapi tried to put into the account's own storage.
type ArtifactUpload struct {
	Type    string `json:"type,omitempty"`
	Success bool   `json:"success"`
}

// CostItem is one line of a call's bill. Cost is in US dollars.
type CostItem struct {
	Type             string  `json:"type,omitempty"`
	SubType          string  `json:"subType,omitempty"`
	AnalysisType     string  `json:"analysisType,omitempty"`
	Provider         string  `json:"provider,omitempty"`
	Model            string  `json:"model,omitempty"`
	Minutes          float64 `json:"minutes,omitempty"`
	PromptTokens     float64 `json:"promptTokens,omitempty"`
	CompletionTokens float64 `json:"completionTokens,omitempty"`
	Characters       float64 `json:"characters,omitempty"`
	Cost             float64 `json:"cost"`
}

// CostBreakdown sums a bill by what it paid for, in US dollars.
type CostBreakdown struct {
	Transport float64 `json:"transport"`
	STT       float64 `json:"stt"`
	LLM       float64 `json:"llm"`
	TTS       float64 `json:"tts"`
	Vapi      float64 `json:"vapi"`
	Analysis  float64 `json:"analysis,omitempty"`
	Other     float64 `json:"other,omitempty"`
	Total     float64 `json:"total"`
}

// MessageChat is an exchange in writing.
type MessageChat struct {
	ID          string        `json:"id,omitempty"`
	SessionID   string        `json:"sessionId,omitempty"`
	AssistantID string        `json:"assistantId,omitempty"`
	SquadID     string        `json:"squadId,omitempty"`
	Input       []ChatMessage `json:"input,omitempty"`
	Output      []ChatMessage `json:"output,omitempty"`
	Cost        float64       `json:"cost,omitempty"`
}

// Reply is what the assistant wrote.
func (c *MessageChat) Reply() string { return replyText(c.Output) }

// MessageSession is the frame around exchanges.
type MessageSession struct {
	ID            string          `json:"id,omitempty"`
	Status        string          `json:"status,omitempty"`
	Name          string          `json:"name,omitempty"`
	AssistantID   string          `json:"assistantId,omitempty"`
	SquadID       string          `json:"squadId,omitempty"`
	PhoneNumberID string          `json:"phoneNumberId,omitempty"`
	Customer      MessageCustomer `json:"customer,omitzero"`
}

// CampaignContact is whom a campaign is about to call.
type CampaignContact struct {
	ID     string `json:"id,omitempty"`
	Number string `json:"number,omitempty"`
	Name   string `json:"name,omitempty"`
}

// CallID is the provider's id of the call, empty for messages without one.
func (m *Message) CallID() string {
	if m.Call == nil {
		return ""
	}
	return m.Call.ID
}

// At is the message's time, zero when it carries none.
func (m *Message) At() time.Time { return fromMillis(float64(m.Timestamp)) }

// Final reports a transcript that will not change any more.
func (m *Message) Final() bool { return m.Type == TypeTranscript && m.TranscriptType == "final" }

// NeedsAnswer reports that Vapi reads the body of our answer.
func (m *Message) NeedsAnswer() bool {
	switch m.Type {
	case TypeAssistantRequest, TypeToolCalls, TypeFunctionCall, TypeTransferDestinationRequest,
		TypeHandoffDestinationRequest,
		TypeKnowledgeBaseRequest, TypeCampaignPredial, TypeVoiceRequest, TypeCallEndpointingRequest:
		return true
	}
	return false
}

// LastUserText is the last thing the caller said in the conversation that came
// with a report or a knowledge-base-request.
func (m *Message) LastUserText() string {
	for i := len(m.Artifact.Messages) - 1; i >= 0; i-- {
		if l := m.Artifact.Messages[i]; l.Role == "user" && strings.TrimSpace(l.Message) != "" {
			return l.Message
		}
	}
	return ""
}
