package vapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// ErrCallOver says that the call does not take commands any more.
var ErrCallOver = errors.New("the call has ended and cannot be controlled any more")

// Control message types.
const (
	controlSay        = "say"
	controlAddMessage = "add-message"
	controlCommand    = "control"
	controlEnd        = "end-call"
	controlTransfer   = "transfer"
	controlHandoff    = "handoff"
)

// ControlMessage is one command to a call in progress.
// https://docs.vapi.ai/calls/call-features
type ControlMessage struct {
	// Type is say, add-message, control, end-call, transfer or handoff.
	Type                      string       `json:"type"`
	Content                   string       `json:"content,omitempty"`
	EndCallAfterSpoken        bool         `json:"endCallAfterSpoken,omitempty"`
	InterruptionsEnabled      *bool        `json:"interruptionsEnabled,omitempty"`
	InterruptAssistantEnabled *bool        `json:"interruptAssistantEnabled,omitempty"`
	Message                   *ChatMessage `json:"message,omitempty"`
	TriggerResponseEnabled    *bool        `json:"triggerResponseEnabled,omitempty"`
	// Control is mute-assistant, unmute-assistant, mute-customer,
	// unmute-customer or say-first-message.
	Control     string       `json:"control,omitempty"`
	Destination *Destination `json:"destination,omitempty"`
}

// Control sends a command to the control URL of a call. The URL alone opens the
// call, so it is a secret: it appears in no error, and the account's key is not
// sent to it. See [Client.CheckControl] for where it may lead.
func (s *Calls) Control(ctx context.Context, controlURL string, m *ControlMessage) error {
	if err := s.c.CheckControl(controlURL); err != nil {
		return err
	}
	_, err := s.c.do(ctx, httpjson.Request{Method: http.MethodPost, URL: controlURL, Body: m}, nil)
	var e *Error
	if errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusGone ||
		e.Status == http.StatusBadRequest && len(e.Messages) == 0) {
		over := *e
		if len(over.Messages) == 0 {
			over.Messages = []string{ErrCallOver.Error()}
		}
		over.cause = errors.Join(ErrCallOver, e.cause)
		return &over
	}
	return err
}

// Say makes the assistant speak; afterwards it may hang up.
func (s *Calls) Say(ctx context.Context, controlURL, content string, endAfter bool) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlSay, Content: content, EndCallAfterSpoken: endAfter})
}

// AddMessage puts a message into the conversation, by role system, user or
// assistant; respond makes the assistant react to it at once.
func (s *Calls) AddMessage(ctx context.Context, controlURL, role, content string, respond bool) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlAddMessage,
		Message: &ChatMessage{Role: role, Content: content}, TriggerResponseEnabled: &respond})
}

// Mute sends one of the control words: mute-assistant, unmute-assistant,
// mute-customer, unmute-customer, say-first-message.
func (s *Calls) Mute(ctx context.Context, controlURL, word string) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlCommand, Control: word})
}

// End hangs up.
func (s *Calls) End(ctx context.Context, controlURL string) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlEnd})
}

// Transfer sends the caller to a number or a SIP address; content is said
// first.
func (s *Calls) Transfer(ctx context.Context, controlURL string, to *Destination, content string) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlTransfer, Destination: to, Content: content})
}

// Handoff gives the call to another assistant.
func (s *Calls) Handoff(ctx context.Context, controlURL string, to *Destination, content string) error {
	return s.Control(ctx, controlURL, &ControlMessage{Type: controlHandoff, Destination: to, Content: content})
}
