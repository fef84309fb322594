package vapi

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// The wire types hold the documented place of each value and, beside it, the
// copies that real messages were seen to carry. Conversations are left out:
// every message repeats them, and only two types need them (see wireLines).
type wireMessage struct {
	Type           string          `json:"type"`
	Timestamp      number          `json:"timestamp"`
	Status         string          `json:"status"`
	EndedReason    string          `json:"endedReason"`
	Role           string          `json:"role"`
	TranscriptType string          `json:"transcriptType"`
	Transcript     string          `json:"transcript"`
	Turn           number          `json:"turn"`
	TurnID         string          `json:"turnId"`
	Text           string          `json:"text"`
	SampleRate     number          `json:"sampleRate"`
	Input          string          `json:"input"`
	Language       string          `json:"language"`
	Request        string          `json:"request"`
	Output         json.RawMessage `json:"output"`

	Call        *wireCall          `json:"call"`
	Customer    MessageCustomer    `json:"customer"`
	PhoneNumber MessagePhoneNumber `json:"phoneNumber"`
	AssistantID string             `json:"assistantId"`
	Assistant   MessageAssistant   `json:"assistant"`
	Squad       reducedID          `json:"squad"`

	ToolCallList         []wireToolCall `json:"toolCallList"`
	ToolCalls            []wireToolCall `json:"toolCalls"`
	ToolWithToolCallList []struct {
		ToolCall wireToolCall `json:"toolCall"`
	} `json:"toolWithToolCallList"`
	FunctionCall *wireToolCall   `json:"functionCall"`
	Parameters   json.RawMessage `json:"parameters"`

	Destination   *MessageDestination `json:"destination"`
	FromAssistant MessageAssistant    `json:"fromAssistant"`
	ToAssistant   MessageAssistant    `json:"toAssistant"`

	Summary  string `json:"summary"`
	Analysis struct {
		Summary           string          `json:"summary"`
		SuccessEvaluation json.RawMessage `json:"successEvaluation"`
		StructuredData    json.RawMessage `json:"structuredData"`
	} `json:"analysis"`
	Artifact           wireArtifact     `json:"artifact"`
	Artifacts          []ArtifactUpload `json:"artifacts"`
	RecordingURL       string           `json:"recordingUrl"`
	StereoRecordingURL string           `json:"stereoRecordingUrl"`

	Cost            *number    `json:"cost"`
	Costs           []wireCost `json:"costs"`
	CostBreakdown   *wireBill  `json:"costBreakdown"`
	StartedAt       Time       `json:"startedAt"`
	EndedAt         Time       `json:"endedAt"`
	DurationMs      number     `json:"durationMs"`
	DurationSeconds number     `json:"durationSeconds"`
	DurationMinutes number     `json:"durationMinutes"`
	Debugging       struct {
		Error                 string `json:"error"`
		AssistantRequestError string `json:"assistantRequestError"`
	} `json:"inboundPhoneCallDebuggingArtifacts"`

	Chat       *wireChat        `json:"chat"`
	Session    *MessageSession  `json:"session"`
	CampaignID string           `json:"campaignId"`
	Contact    *CampaignContact `json:"contact"`
}

type wireCall struct {
	ID             string          `json:"id"`
	Type           string          `json:"type"`
	Name           string          `json:"name"`
	Status         string          `json:"status"`
	PhoneNumberID  string          `json:"phoneNumberId"`
	AssistantID    string          `json:"assistantId"`
	SquadID        string          `json:"squadId"`
	CampaignID     string          `json:"campaignId"`
	Customer       MessageCustomer `json:"customer"`
	Transport      Transport       `json:"transport"`
	Provider       string          `json:"phoneCallProvider"`
	ProviderCallID string          `json:"phoneCallProviderId"`
	Monitor        Monitor         `json:"monitor"`
	CreatedAt      Time            `json:"createdAt"`
	StartedAt      Time            `json:"startedAt"`
	EndedAt        Time            `json:"endedAt"`
}

type wireArtifact struct {
	Transcript         string `json:"transcript"`
	RecordingURL       string `json:"recordingUrl"`
	StereoRecordingURL string `json:"stereoRecordingUrl"`
	Recording          struct {
		StereoURL string `json:"stereoUrl"`
		Mono      struct {
			CombinedURL  string `json:"combinedUrl"`
			AssistantURL string `json:"assistantUrl"`
			CustomerURL  string `json:"customerUrl"`
		} `json:"mono"`
	} `json:"recording"`
	StructuredOutputs  json.RawMessage `json:"structuredOutputs"`
	PerformanceMetrics json.RawMessage `json:"performanceMetrics"`
}

// wireLines is the second, rarer pass over a body.
type wireLines struct {
	Messages []wireLine `json:"messages"`
	Artifact struct {
		Messages []wireLine `json:"messages"`
	} `json:"artifact"`
}

type wireLine struct {
	Role             string          `json:"role"`
	Message          string          `json:"message"`
	Content          json.RawMessage `json:"content"`
	Time             number          `json:"time"`
	EndTime          number          `json:"endTime"`
	SecondsFromStart number          `json:"secondsFromStart"`
	Duration         number          `json:"duration"`
	AssistantID      string          `json:"assistantId"`
	AssistantName    string          `json:"assistantName"`
	Name             string          `json:"name"`
	ToolCallID       string          `json:"toolCallId"`
	Result           json.RawMessage `json:"result"`
	ToolCalls        []wireToolCall  `json:"toolCalls"`
}

type wireCost struct {
	Type         string `json:"type"`
	SubType      string `json:"subType"`
	AnalysisType string `json:"analysisType"`
	Provider     string `json:"provider"`
	// Model is text or an object with provider and model; so are the others.
	Model            json.RawMessage `json:"model"`
	Voice            json.RawMessage `json:"voice"`
	Transcriber      json.RawMessage `json:"transcriber"`
	Minutes          number          `json:"minutes"`
	PromptTokens     number          `json:"promptTokens"`
	CompletionTokens number          `json:"completionTokens"`
	Characters       number          `json:"characters"`
	Cost             number          `json:"cost"`
}

type wireBill struct {
	Transport             number `json:"transport"`
	STT                   number `json:"stt"`
	LLM                   number `json:"llm"`
	TTS                   number `json:"tts"`
	Vapi                  number `json:"vapi"`
	Chat                  number `json:"chat"`
	Analysis              number `json:"analysis"`
	Other                 number `json:"other"`
	Total                 number `json:"total"`
	AnalysisCostBreakdown struct {
		Summary           number `json:"summary"`
		StructuredData    number `json:"structuredData"`
		SuccessEvaluation number `json:"successEvaluation"`
		StructuredOutput  number `json:"structuredOutput"`
	} `json:"analysisCostBreakdown"`
}

type wireChat struct {
	ID          string          `json:"id"`
	SessionID   string          `json:"sessionId"`
	AssistantID string          `json:"assistantId"`
	SquadID     string          `json:"squadId"`
	Input       json.RawMessage `json:"input"`
	Output      []ChatMessage   `json:"output"`
	Cost        number          `json:"cost"`
}

// number is a figure of any spelling. One that cannot be held, such as 1e400,
// is 0 and no reason to lose the message.
type number float64

// UnmarshalJSON reads a number or a number in quotes.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		v = 0
	}
	*n = number(v)
	return nil
}
