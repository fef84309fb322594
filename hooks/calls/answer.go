package calls

import (
	"context"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/providers/vapi"
)

// answerLimit bounds the one indexed read an answer may need. Vapi gives up
// after 7.5 s.
const answerLimit = 3 * time.Second

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

// answerRequest says who takes an incoming call: from memory, without a write.
// The message itself is stored after the answer.
func (e *engine) answerRequest(re *core.RequestEvent, m *vapi.Message, p place) error {
	ctx, cancel := context.WithTimeout(re.Request.Context(), answerLimit)
	defer cancel()
	id := m.PhoneNumber.ID
	if m.Call != nil && m.Call.PhoneNumberID != "" {
		id = m.Call.PhoneNumberID
	}
	number, err := e.directory.number(ctx, id)
	if err != nil {
		// A caller hears a sentence, never silence.
		e.app.Logger().Error("assistant-request not looked up", "error", err)
	}
	reply, data := decide(number)
	if reply.Destination != nil && !e.mayDial(number.Organization, reply.Destination.Number) {
		silent := *number
		silent.FallbackNumber = ""
		reply, data = decide(&silent)
	}
	e.storeLater(m, p)
	return re.JSON(http.StatusOK, requestAnswer{reply, data})
}

// mayDial asks the policy for a number that stands in a row, which may be older.
// Answers that name none do not ask.
func (e *engine) mayDial(organization, number string) bool {
	_, problem := dialing.Of(e.app, organization).Check(number)
	if problem != "" {
		e.app.Logger().Warn("stored number is not dialled", "organization", organization, "reason", problem)
	}
	return problem == ""
}

// Messages that are stored after their answer.
const (
	// lateWriters is how many of them enter the inbox at once: one stores some
	// hundred a second and leaves the processor to answering.
	lateWriters = 1
	// lateMax is how many may wait for that.
	lateMax = 1024
)

// late is an answered message that is still to be stored.
type late struct {
	message *vapi.Message
	place   place
}

// storeLater keeps an answered message. When more calls ring than can be written
// it is dropped: the call's next message brings the same facts.
func (e *engine) storeLater(m *vapi.Message, p place) {
	e.later.Add(1)
	select {
	case e.late <- late{m, p}:
		e.wakeLate()
	default:
		e.later.Done()
		if e.dropped.Add(1)%lateMax == 1 { // one line, not one a call
			e.app.Logger().Warn("answered messages are not stored: too many at once", "dropped", e.dropped.Load())
		}
	}
}

// wakeLate sees to it that what waits is written, by lateWriters at most.
func (e *engine) wakeLate() {
	select {
	case e.lateSlots <- struct{}{}:
		go e.writeLate()
	default: // enough are at it, and they look once more before they leave
	}
}

// writeLate stores answered messages until none waits.
func (e *engine) writeLate() {
	for {
		select {
		case l := <-e.late:
			if _, err := e.store(context.Background(), l.message, l.place, nil, nil); err != nil {
				e.untaken(err)
				e.vitals.Messages.Note(http.StatusServiceUnavailable)
				e.app.Logger().Warn("answered message not stored", "error", err)
			}
			e.later.Done()
			continue
		default:
		}
		<-e.lateSlots
		if len(e.late) > 0 {
			e.wakeLate()
		}
		return
	}
}

// decide is pure: the number's configuration → who answers. Each refusal leads to
// the number's fallback destination, or else to a spoken sentence.
func decide(n *numberEntry) (vapi.AssistantRequestReply, answerData) {
	switch {
	case n == nil:
		return spoken("", "unknown")
	case n.State != collections.OrganizationActive && n.State != "":
		return fallback(n, "closed")
	case n.Status == collections.NumberInactive || n.Status == collections.NumberSuspended:
		return fallback(n, "number") // a pending one that rings is ready, whatever we have heard of it
	case n.Balance == collections.BalanceEmpty:
		return fallback(n, "balance")
	case n.Assistant == "" || n.AssistantVapiID == "" || n.AssistantSync == collections.SyncDeleting:
		return fallback(n, "assistant")
	case n.AssistantStatus != collections.AssistantActive && n.AssistantStatus != "":
		return fallback(n, "assistant")
	}
	return vapi.AssistantRequestReply{AssistantID: n.AssistantVapiID},
		answerData{Assistant: &answerAssistant{n.AssistantVapiID, n.AssistantName}}
}

func fallback(n *numberEntry, reason string) (vapi.AssistantRequestReply, answerData) {
	if n.FallbackNumber != "" {
		return vapi.AssistantRequestReply{Destination: &vapi.Destination{
			Type: "number", Number: n.FallbackNumber, Message: n.FallbackMessage,
		}}, answerData{}
	}
	if n.FallbackMessage != "" {
		return vapi.AssistantRequestReply{Error: n.FallbackMessage}, answerData{Error: n.FallbackMessage}
	}
	return spoken(n.Language, reason)
}

func spoken(language, reason string) (vapi.AssistantRequestReply, answerData) {
	text := sentences["en"][reason]
	if s, ok := sentences[language]; ok {
		text = s[reason]
	}
	return vapi.AssistantRequestReply{Error: text}, answerData{Error: text}
}

// sentences are what a caller hears when nobody can answer. None of them tells
// the caller about the organization's money.
var sentences = map[string]map[string]string{
	"en": {
		"unknown":   "This number is not in service. Goodbye.",
		"closed":    "We cannot take your call at the moment. Please try again later.",
		"number":    "We cannot take your call on this number at the moment. Please try again later.",
		"balance":   "We cannot take your call at the moment. Please try again later.",
		"assistant": "Nobody can answer right now. Please call again later.",
	},
	"fr": {
		"unknown":   "Ce numéro n'est pas en service. Au revoir.",
		"closed":    "Nous ne pouvons pas prendre votre appel pour le moment. Merci de rappeler plus tard.",
		"number":    "Nous ne pouvons pas prendre votre appel sur ce numéro pour le moment. Merci de rappeler plus tard.",
		"balance":   "Nous ne pouvons pas prendre votre appel pour le moment. Merci de rappeler plus tard.",
		"assistant": "Personne ne peut vous répondre pour l'instant. Merci de rappeler plus tard.",
	},
}

// answerOther answers the requests that are neither the first nor a function.
func (e *engine) answerOther(re *core.RequestEvent, m *vapi.Message, p place) error {
	var reply any
	switch m.Type {
	case vapi.TypeTransferDestinationRequest:
		reply = e.transferReply(re.Request.Context(), m)
	case vapi.TypeHandoffDestinationRequest:
		reply = vapi.HandoffReply{Error: "There is nobody to hand this call to."}
	case vapi.TypeKnowledgeBaseRequest:
		// Knowledge is given to assistants as a function; nothing is asked here.
		reply = vapi.KnowledgeReply{Documents: []vapi.KnowledgeDocument{}}
	case vapi.TypeCampaignPredial:
		// No campaign of ours exists, so nobody agreed to be called by one.
		reply = vapi.PredialReply{Eligible: false}
	case vapi.TypeCallEndpointingRequest:
		// No model of ours tells when a caller has finished: what Vapi would wait.
		reply = vapi.EndpointingReply{TimeoutSeconds: endpointing}
	}
	e.storeLater(m, p)
	return re.JSON(http.StatusOK, reply)
}

const (
	// endpointing is how long Vapi's documentation waits for more of a sentence, in
	// seconds.
	endpointing = 0.5
	// voiceless is how much silence is sent: long enough to be sound, too short to
	// be a pause.
	voiceless = 100 * time.Millisecond
)

// answerVoice answers for a voice of one's own. We have none, and the body is
// sound as it is: words in it would be heard as noise.
func (e *engine) answerVoice(re *core.RequestEvent, m *vapi.Message, p place) error {
	e.storeLater(m, p)
	return re.Blob(http.StatusOK, "application/octet-stream", vapi.Silence(m.SampleRate, voiceless))
}

// transferReply sends a call to the number the assistant may forward to, never
// to one the caller named.
func (e *engine) transferReply(ctx context.Context, m *vapi.Message) vapi.TransferReply {
	id := m.AssistantID
	if m.Call != nil && m.Call.AssistantID != "" {
		id = m.Call.AssistantID
	}
	if id == "" {
		id = m.Assistant.ID
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	assistant, err := e.directory.assistant(ctx, id)
	if err != nil {
		e.app.Logger().Error("transfer not looked up", "error", err)
	}
	if assistant == nil || assistant.Forwarding == "" || !e.mayDial(assistant.Organization, assistant.Forwarding) {
		return vapi.TransferReply{Error: "There is no number to transfer this call to."}
	}
	return vapi.TransferReply{Destination: &vapi.Destination{Type: "number", Number: assistant.Forwarding}}
}
