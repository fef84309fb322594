package vapi

import (
	"encoding/json"
	"time"
)

// Server is where Vapi sends messages, and how.
// https://docs.vapi.ai/server-url
type Server struct {
	URL string `json:"url,omitempty"`
	// TimeoutSeconds is 1 to 300, default 20. assistant-request has a fixed
	// limit of 7.5 s instead.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
	// Headers travel as set; ours carry the shared secret in X-Vapi-Secret.
	Headers                  map[string]string `json:"headers,omitempty"`
	CredentialID             string            `json:"credentialId,omitempty"`
	StaticIPAddressesEnabled *bool             `json:"staticIpAddressesEnabled,omitempty"`
	// BackoffPlan is needed for any retry at all: without one a message that
	// fails is lost.
	BackoffPlan *BackoffPlan   `json:"backoffPlan,omitempty"`
	Extra       map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (s Server) MarshalJSON() ([]byte, error) {
	type plain Server
	return withExtra(plain(s), s.Extra)
}

// BackoffPlan says how Vapi repeats a message that was not answered with 2xx.
type BackoffPlan struct {
	// Type is "fixed" or "exponential".
	Type string `json:"type"`
	// MaxRetries is 0 to 10.
	MaxRetries int `json:"maxRetries"`
	// BaseDelaySeconds is 0 to 10.
	BaseDelaySeconds    float64 `json:"baseDelaySeconds"`
	ExcludedStatusCodes []int   `json:"excludedStatusCodes,omitempty"`
}

// DefaultBackoff is what every server object of ours asks for.
func DefaultBackoff() *BackoffPlan {
	return &BackoffPlan{Type: "exponential", MaxRetries: 3, BaseDelaySeconds: 1}
}

// NewServer is a server object as Pocketline makes them: 20 s, retries, and
// the shared secret in a header.
func NewServer(url, secret string) *Server {
	return &Server{URL: url, TimeoutSeconds: 20, BackoffPlan: DefaultBackoff(),
		Headers: map[string]string{SecretHeader: secret}}
}

// Types of the messages Vapi sends.
// https://docs.vapi.ai/server-url/events
const (
	TypeAssistantRequest           = "assistant-request"
	TypeAssistantStarted           = "assistant.started"
	TypeAssistantSpeechStarted     = "assistant.speechStarted"
	TypeConversationUpdate         = "conversation-update"
	TypeEndOfCallReport            = "end-of-call-report"
	TypeFunctionCall               = "function-call"
	TypeHang                       = "hang"
	TypeLanguageChanged            = "language-changed"
	TypeLanguageChangeDetected     = "language-change-detected"
	TypeModelOutput                = "model-output"
	TypePhoneCallControl           = "phone-call-control"
	TypeSpeechUpdate               = "speech-update"
	TypeStatusUpdate               = "status-update"
	TypeTranscript                 = "transcript"
	TypeTranscriptFinal            = `transcript[transcriptType="final"]`
	TypeToolCalls                  = "tool-calls"
	TypeTransferDestinationRequest = "transfer-destination-request"
	TypeHandoffDestinationRequest  = "handoff-destination-request"
	TypeTransferUpdate             = "transfer-update"
	TypeUserInterrupted            = "user-interrupted"
	TypeVoiceInput                 = "voice-input"
	TypeVoiceRequest               = "voice-request"
	TypeKnowledgeBaseRequest       = "knowledge-base-request"
	TypeCampaignPredial            = "campaign.predial"
	TypeCallEndpointingRequest     = "call.endpointing.request"
	TypeChatCreated                = "chat.created"
	TypeChatDeleted                = "chat.deleted"
	TypeSessionCreated             = "session.created"
	TypeSessionUpdated             = "session.updated"
	TypeSessionDeleted             = "session.deleted"
	TypeCallDeleted                = "call.deleted"
	TypeCallDeleteFailed           = "call.delete.failed"
	TypeCallArtifactUpload         = "call.artifact.upload"
)

// ServerMessages are all values Vapi allows in an assistant's serverMessages.
var ServerMessages = []string{
	TypeAssistantStarted, TypeAssistantSpeechStarted, TypeConversationUpdate, TypeEndOfCallReport,
	TypeFunctionCall, TypeHang,
	TypeLanguageChanged, TypeLanguageChangeDetected, TypeModelOutput, TypePhoneCallControl, TypeSpeechUpdate,
	TypeStatusUpdate,
	TypeTranscript, TypeTranscriptFinal, TypeToolCalls, TypeTransferDestinationRequest, TypeHandoffDestinationRequest,
	TypeTransferUpdate, TypeUserInterrupted, TypeVoiceInput, TypeChatCreated, TypeChatDeleted, TypeSessionCreated,
	TypeSessionUpdated, TypeSessionDeleted, TypeCallDeleted, TypeCallDeleteFailed, TypeCallArtifactUpload,
}

// RequestMessages come without being subscribed to, where a number, tool,
// model or campaign is set up so.
var RequestMessages = []string{
	TypeAssistantRequest, TypeKnowledgeBaseRequest, TypeCampaignPredial, TypeVoiceRequest, TypeCallEndpointingRequest,
}

// AssistantRequestReply answers assistant-request. Set exactly one of
// AssistantID, Assistant, SquadID, Squad, Destination and Error.
// NB! Vapi waits 7.5 s in all; ask nobody else before answering.
type AssistantRequestReply struct {
	AssistantID        string              `json:"assistantId,omitempty"`
	Assistant          *AssistantDTO       `json:"assistant,omitempty"`
	AssistantOverrides *AssistantOverrides `json:"assistantOverrides,omitempty"`
	SquadID            string              `json:"squadId,omitempty"`
	Squad              *SquadDTO           `json:"squad,omitempty"`
	SquadOverrides     *AssistantOverrides `json:"squadOverrides,omitempty"`
	// Destination forwards the call at once and wins over an assistant.
	Destination *Destination `json:"destination,omitempty"`
	// Error is spoken to the caller and wins over everything.
	Error string `json:"error,omitempty"`
}

// ToolCallsReply answers tool-calls: one result per call, in request order,
// always with HTTP 200; any other status is ignored.
type ToolCallsReply struct {
	Results []ToolResult `json:"results"`
}

// ToolResult is what one tool call came to: Result or Error, both on a single
// line (the encoder sees to that).
type ToolResult struct {
	ToolCallID string        `json:"toolCallId"`
	Name       string        `json:"name"`
	Result     string        `json:"result,omitempty"`
	Error      string        `json:"error,omitempty"`
	Message    *ReplyMessage `json:"message,omitempty"`
}

// MarshalJSON puts Result and Error on one line each: Vapi drops results with
// line breaks. Without either an empty result is sent, as one must be there.
func (r ToolResult) MarshalJSON() ([]byte, error) {
	type plain ToolResult
	p := plain(r)
	p.Result, p.Error = oneLine(r.Result), oneLine(r.Error)
	if p.Error != "" {
		p.Result = ""
		return json.Marshal(p)
	}
	return json.Marshal(struct {
		plain
		Result string `json:"result"`
	}{p, p.Result})
}

// ReplyMessage is said to the caller with a result.
type ReplyMessage struct {
	// Type is request-complete, request-failed or custom-message.
	Type    string `json:"type"`
	Content string `json:"content,omitempty"`
}

// FunctionCallReply answers the older function-call.
type FunctionCallReply struct {
	Result string `json:"result"`
}

// TransferReply answers transfer-destination-request.
type TransferReply struct {
	Destination *Destination  `json:"destination,omitempty"`
	Message     *ReplyMessage `json:"message,omitempty"`
	Error       string        `json:"error,omitempty"`
}

// HandoffReply answers handoff-destination-request.
type HandoffReply struct {
	Destination *Destination `json:"destination,omitempty"`
	Result      string       `json:"result,omitempty"`
	Error       string       `json:"error,omitempty"`
}

// KnowledgeReply answers knowledge-base-request: documents for the model, or
// words to say instead of asking the model.
type KnowledgeReply struct {
	Documents []KnowledgeDocument `json:"documents,omitzero"`
	Message   *ReplyMessage       `json:"message,omitempty"`
}

// KnowledgeDocument is one passage.
type KnowledgeDocument struct {
	Content string `json:"content"`
	// Similarity is 0 to 1.
	Similarity float64 `json:"similarity"`
	UUID       string  `json:"uuid,omitempty"`
}

// EndpointingReply answers call.endpointing.request: how long to wait before the
// caller is taken to have finished.
type EndpointingReply struct {
	// TimeoutSeconds is 0 to 15.
	TimeoutSeconds float64 `json:"timeoutSeconds"`
}

// Silence answers voice-request: raw sound of one channel, 16 bits a sample, as
// many samples a second as the message asks for.
func Silence(sampleRate int, length time.Duration) []byte {
	if sampleRate < 8_000 || sampleRate > 48_000 {
		sampleRate = 24_000 // as documented
	}
	return make([]byte, 2*int(int64(sampleRate)*length.Milliseconds()/1_000))
}

// PredialReply answers campaign.predial. Anything but eligible leaves the
// contact uncalled.
type PredialReply struct {
	Eligible bool `json:"eligible"`
}
