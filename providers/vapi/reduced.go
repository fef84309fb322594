package vapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// reducedMessage is the allow-list: what may be stored of a message. It has the
// documented names, so that ParseMessage reads it back when an event has to be
// applied again. Nothing gets in by accident: a field that is not here is not
// stored. No credentials, no server objects, no control or listen URL, no
// carrier token, no signed address, no prompt.
type reducedMessage struct {
	Timestamp      int64           `json:"timestamp,omitempty"`
	Type           string          `json:"type"`
	Status         string          `json:"status,omitempty"`
	EndedReason    string          `json:"endedReason,omitempty"`
	Role           string          `json:"role,omitempty"`
	TranscriptType string          `json:"transcriptType,omitempty"`
	Transcript     string          `json:"transcript,omitempty"`
	Turn           int             `json:"turn,omitempty"`
	TurnID         string          `json:"turnId,omitempty"`
	Text           string          `json:"text,omitempty"`
	Input          string          `json:"input,omitempty"`
	Language       string          `json:"language,omitempty"`
	Request        string          `json:"request,omitempty"`
	Output         json.RawMessage `json:"output,omitempty"`

	Call        *reducedCall       `json:"call,omitempty"`
	Customer    MessageCustomer    `json:"customer,omitzero"`
	PhoneNumber MessagePhoneNumber `json:"phoneNumber,omitzero"`
	AssistantID string             `json:"assistantId,omitempty"`
	Assistant   MessageAssistant   `json:"assistant,omitzero"`
	Squad       *reducedID         `json:"squad,omitempty"`

	ToolCallList []ToolCall      `json:"toolCallList,omitempty"`
	Parameters   json.RawMessage `json:"parameters,omitempty"`

	Destination   *MessageDestination `json:"destination,omitempty"`
	FromAssistant MessageAssistant    `json:"fromAssistant,omitzero"`
	ToAssistant   MessageAssistant    `json:"toAssistant,omitzero"`

	Analysis  *MessageAnalysis `json:"analysis,omitempty"`
	Artifact  *reducedArtifact `json:"artifact,omitempty"`
	Artifacts []ArtifactUpload `json:"artifacts,omitempty"`

	Cost          *float64          `json:"cost,omitempty"`
	Costs         []CostItem        `json:"costs,omitempty"`
	CostBreakdown *CostBreakdown    `json:"costBreakdown,omitempty"`
	StartedAt     string            `json:"startedAt,omitempty"`
	EndedAt       string            `json:"endedAt,omitempty"`
	DurationMs    int64             `json:"durationMs,omitempty"`
	Debugging     map[string]string `json:"inboundPhoneCallDebuggingArtifacts,omitempty"`

	Chat       *MessageChat     `json:"chat,omitempty"`
	Session    *MessageSession  `json:"session,omitempty"`
	CampaignID string           `json:"campaignId,omitempty"`
	Contact    *CampaignContact `json:"contact,omitempty"`
}

type reducedID struct {
	ID string `json:"id"`
}

type reducedCall struct {
	ID            string          `json:"id,omitempty"`
	Type          string          `json:"type,omitempty"`
	Name          string          `json:"name,omitempty"`
	Status        string          `json:"status,omitempty"`
	PhoneNumberID string          `json:"phoneNumberId,omitempty"`
	AssistantID   string          `json:"assistantId,omitempty"`
	SquadID       string          `json:"squadId,omitempty"`
	CampaignID    string          `json:"campaignId,omitempty"`
	Customer      MessageCustomer `json:"customer,omitzero"`
	Transport     Transport       `json:"transport,omitzero"`
	CreatedAt     string          `json:"createdAt,omitempty"`
	StartedAt     string          `json:"startedAt,omitempty"`
	EndedAt       string          `json:"endedAt,omitempty"`
}

type reducedArtifact struct {
	Messages           []TranscriptLine  `json:"messages,omitempty"`
	Transcript         string            `json:"transcript,omitempty"`
	Recording          *reducedRecording `json:"recording,omitempty"`
	StructuredOutputs  json.RawMessage   `json:"structuredOutputs,omitempty"`
	PerformanceMetrics json.RawMessage   `json:"performanceMetrics,omitempty"`
}

// reducedRecording keeps the fact that a recording exists, not its address.
type reducedRecording struct {
	StereoURL string `json:"stereoUrl,omitempty"`
	Mono      struct {
		CombinedURL  string `json:"combinedUrl,omitempty"`
		AssistantURL string `json:"assistantUrl,omitempty"`
		CustomerURL  string `json:"customerUrl,omitempty"`
	} `json:"mono,omitzero"`
}

// recorded stands where an address was.
const recorded = "recorded"

// Reduced is what may be stored of the message: an allow-list of fields as
// {"message": {…}}, free of secrets, that ParseMessage reads back. The same
// message always gives the same bytes.
func (m *Message) Reduced() []byte {
	if m.reduced == nil {
		data, err := json.Marshal(struct {
			Message *reducedMessage `json:"message"`
		}{m.reduce()})
		if err != nil {
			// Every raw part has been through the decoder, so this is not
			// reached; a stored event must carry its type all the same.
			data = []byte(`{"message":{"type":` + strconv.Quote(m.Type) + `}}`)
		}
		m.reduced = data
	}
	return m.reduced
}

func (m *Message) reduce() *reducedMessage {
	r := &reducedMessage{
		Timestamp: m.Timestamp, Type: m.Type, Status: m.Status, EndedReason: m.EndedReason, Role: m.Role,
		TranscriptType: m.TranscriptType,
		Transcript:     m.Transcript, Turn: m.Turn, TurnID: m.TurnID, Text: m.Text, Input: m.Input, Language: m.Language,
		Request: m.Request,
		Output:  m.Output, Customer: m.Customer, PhoneNumber: m.PhoneNumber, AssistantID: m.AssistantID,
		Assistant:    m.Assistant,
		ToolCallList: m.ToolCalls, Parameters: m.Parameters, Destination: m.Destination, FromAssistant: m.FromAssistant,
		ToAssistant: m.ToAssistant, Artifacts: m.Uploads, Costs: m.Costs, StartedAt: stamp(m.StartedAt),
		EndedAt:    stamp(m.EndedAt),
		DurationMs: m.Duration.Milliseconds(), Chat: m.Chat, Session: m.Session, CampaignID: m.CampaignID, Contact: m.Contact,
	}
	if m.Type == TypeEndOfCallReport {
		r.Cost = &m.Cost
	}
	if m.SquadID != "" {
		r.Squad = &reducedID{m.SquadID}
	}
	if m.Problem != "" {
		r.Debugging = map[string]string{"assistantRequestError": m.Problem}
	}
	if c := m.Call; c != nil {
		r.Call = &reducedCall{ID: c.ID, Type: c.Type, Name: c.Name, Status: c.Status, PhoneNumberID: c.PhoneNumberID,
			AssistantID: c.AssistantID,
			SquadID:     c.SquadID, CampaignID: c.CampaignID, Customer: c.Customer, Transport: c.Transport,
			CreatedAt: stamp(c.CreatedAt), StartedAt: stamp(c.StartedAt), EndedAt: stamp(c.EndedAt)}
	}
	if a := m.Analysis; a.Summary != "" || a.SuccessEvaluation != "" || a.StructuredData != nil {
		r.Analysis = &a
	}
	if m.CostBreakdown != (CostBreakdown{}) {
		r.CostBreakdown = &m.CostBreakdown
	}
	r.Artifact = m.Artifact.reduce()
	return r
}

func (a *MessageArtifact) reduce() *reducedArtifact {
	r := &reducedArtifact{Messages: a.Messages, Transcript: a.Transcript, StructuredOutputs: a.StructuredOutputs,
		PerformanceMetrics: a.PerformanceMetrics}
	if a.Recordings.Any() {
		r.Recording = &reducedRecording{StereoURL: mark(a.Recordings.StereoURL)}
		r.Recording.Mono.CombinedURL = mark(a.Recordings.MonoURL)
		r.Recording.Mono.AssistantURL = mark(a.Recordings.AssistantURL)
		r.Recording.Mono.CustomerURL = mark(a.Recordings.CustomerURL)
	}
	if len(r.Messages) == 0 && r.Transcript == "" && r.Recording == nil && r.StructuredOutputs == nil &&
		r.PerformanceMetrics == nil {
		return nil
	}
	return r
}

func mark(url string) string {
	if url == "" {
		return ""
	}
	return recorded
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// maxKeyPart bounds an id inside an event key; Vapi's have 36 characters.
const maxKeyPart = 64

// EventKey names the event: the provider's call id (or the id of the chat,
// session, contact or campaign), the type, the timestamp, and a hash of what is
// kept. A repeated delivery has the same key, whatever else in it has changed;
// keys of one call sort together.
func (m *Message) EventKey() string {
	if m.key == "" {
		sum := sha256.Sum256(m.Reduced())
		m.key = m.subject() + ":" + keyPart(m.Type) + ":" + strconv.FormatInt(m.Timestamp, 10) + ":" +
			hex.EncodeToString(sum[:8])
	}
	return m.key
}

func (m *Message) subject() string {
	id := m.CallID()
	if id == "" && m.Chat != nil {
		id = m.Chat.ID
	}
	if id == "" && m.Session != nil {
		id = m.Session.ID
	}
	if id == "" && m.Contact != nil {
		id = m.Contact.ID
	}
	if id == "" {
		id = m.CampaignID
	}
	if id == "" {
		return "none"
	}
	return keyPart(id)
}

// keyPart keeps a part of the key short and free of the separator.
func keyPart(s string) string {
	if len(s) > maxKeyPart || strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' }) >= 0 {
		sum := sha256.Sum256([]byte(s))
		return "h" + hex.EncodeToString(sum[:16])
	}
	return s
}
