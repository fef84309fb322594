package calls

import (
	"context"
	"time"

	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/tools"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// requestAnswer is Vapi's shape with the documented envelope beside it.
type requestAnswer struct {
	vapi.AssistantRequestReply
	Data answerData `json:"data"`
}

type answerData struct {
	Assistant *answerAssistant `json:"assistant,omitempty"`
	Error     string           `json:"error,omitempty"`
}

type answerAssistant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// reply is the answer in Vapi's shape.
func (a answer) reply() requestAnswer {
	switch {
	case a.assistant != "":
		return requestAnswer{
			vapi.AssistantRequestReply{AssistantID: a.assistant}, answerData{Assistant: &answerAssistant{a.assistant, a.name}},
		}
	case a.forward != "":
		to := &vapi.Destination{Type: "number", Number: a.forward, Message: a.say}
		return requestAnswer{AssistantRequestReply: vapi.AssistantRequestReply{Destination: to}}
	}
	return requestAnswer{vapi.AssistantRequestReply{Error: a.say}, answerData{Error: a.say}}
}

// answerOther answers the requests that are neither the first nor a function.
func (e *engine) answerOther(ctx context.Context, m *vapi.Message) inbox.Reply {
	switch m.Type {
	case vapi.TypeTransferDestinationRequest:
		return inbox.Reply{Value: e.transferReply(ctx, m)}
	case vapi.TypeHandoffDestinationRequest:
		return inbox.Reply{Value: vapi.HandoffReply{Error: "There is nobody to hand this call to."}}
	case vapi.TypeKnowledgeBaseRequest:
		// Knowledge is given to assistants as a function; nothing is asked here.
		return inbox.Reply{Value: vapi.KnowledgeReply{Documents: []vapi.KnowledgeDocument{}}}
	case vapi.TypeCampaignPredial:
		// No campaign of ours exists, so nobody agreed to be called by one.
		return inbox.Reply{Value: vapi.PredialReply{Eligible: false}}
	case vapi.TypeVoiceRequest:
		// A voice of one's own: we have none, and the body is sound as it is. Words in it
		// would be heard as noise.
		return inbox.Reply{Type: "application/octet-stream", Bytes: vapi.Silence(m.SampleRate, voiceless)}
	}
	// call.endpointing.request: no model of ours tells when a caller has finished, so
	// what Vapi would wait.
	return inbox.Reply{Value: vapi.EndpointingReply{TimeoutSeconds: endpointing}}
}

const (
	// endpointing is how long Vapi's documentation waits for more of a sentence, in
	// seconds.
	endpointing = 0.5
	// voiceless is how much silence is sent: long enough to be sound, too short to
	// be a pause.
	voiceless = 100 * time.Millisecond
)

// transferReply sends a call to the number the assistant may forward to, never
// to one the caller named.
func (e *engine) transferReply(ctx context.Context, m *vapi.Message) vapi.TransferReply {
	_, assistantID := vapifacts.Line(m)
	number := e.forwarding(ctx, assistantID)
	if number == "" {
		return vapi.TransferReply{Error: "There is no number to transfer this call to."}
	}
	return vapi.TransferReply{Destination: &vapi.Destination{Type: "number", Number: number}}
}

type toolsAnswer struct {
	vapi.ToolCallsReply
	Data toolsData `json:"data"`
}

type functionAnswer struct {
	vapi.FunctionCallReply
	Data toolsData `json:"data"`
}

type toolsData struct {
	Result string `json:"result"`
}

// answerTools runs the functions of a message and answers each, in order, with
// HTTP 200 whatever came of it: Vapi ignores any other status.
func (e *engine) answerTools(ctx context.Context, m *vapi.Message, p place) (inbox.Reply, []fold.Event) {
	by := tools.Caller{
		Organization: p.organization, Call: vapifacts.Source(m.CallID()), Customer: m.Customer.Number,
	}
	used := vapifacts.Tools(m)
	results, events := e.use(ctx, by, used, fold.Instant(m.Timestamp))
	reply := toolsAnswer{ToolCallsReply: vapi.ToolCallsReply{Results: []vapi.ToolResult{}}}
	for i, r := range results {
		reply.Results = append(reply.Results, vapi.ToolResult{
			ToolCallID: m.ToolCalls[i].ID, Name: used[i].Name, Result: r.Result, Error: r.Error,
		})
		if i == 0 {
			reply.Data.Result = r.Result + r.Error
		}
	}
	if m.Type == vapi.TypeFunctionCall {
		return inbox.Reply{Value: functionAnswer{vapi.FunctionCallReply{Result: reply.Data.Result}, reply.Data}}, events
	}
	return inbox.Reply{Value: reply}, events
}
