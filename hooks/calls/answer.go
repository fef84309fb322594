package calls

import (
	"context"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/tools"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// answerLimit bounds the one indexed read an answer may need. Vapi gives up
// after 7.5 s.
const answerLimit = 3 * time.Second

// whoAnswers says who takes an incoming call of a caller, as the provider has it, on a
// number, by the provider's id of it: from memory, without a write. The message itself
// is stored after the answer.
func (e *engine) whoAnswers(ctx context.Context, numberID, caller string) answer {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	number, err := e.directory.number(ctx, numberID)
	if err != nil {
		// A caller hears a sentence, never silence.
		e.app.Logger().Error("who answers a call not looked up", "error", err)
	}
	if number != nil && e.isBlocked(ctx, number, caller) {
		return answer{say: spoken(number.Language, "blocked")}
	}
	who := decide(number)
	if who.forward != "" && !e.mayDial(number.Organization, who.forward) {
		silent := *number
		silent.FallbackNumber = ""
		who = decide(&silent)
	}
	return who
}

// isBlocked tells whether an organization takes no calls of a caller.
func (e *engine) isBlocked(ctx context.Context, number *numberEntry, caller string) bool {
	from := phone.Read(caller, number.Home)
	if !from.Someone() {
		return false
	}
	blocked, err := e.directory.isBlocked(ctx, number.Organization, from.Text)
	if err != nil { // a nuisance is answered rather than a customer turned away
		e.app.Logger().Error("blocked callers not looked up", "error", err)
	}
	return blocked
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

// answer is who takes an incoming call: an assistant, by the provider's id, or the
// number it is sent to, or nobody.
type answer struct {
	assistant, name string
	forward         string
	say             string // what the caller hears before it is sent on, or instead
}

// decide is pure: the number's configuration → who answers. Each refusal leads to
// the number's fallback destination, or else to a spoken sentence.
func decide(n *numberEntry) answer {
	switch {
	case n == nil:
		return answer{say: spoken("", "unknown")}
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
	return answer{assistant: n.AssistantVapiID, name: n.AssistantName}
}

func fallback(n *numberEntry, reason string) answer {
	if n.FallbackNumber == "" && n.FallbackMessage == "" {
		return answer{say: spoken(n.Language, reason)}
	}
	return answer{forward: n.FallbackNumber, say: n.FallbackMessage}
}

// spoken is the sentence for a reason, in English where there is none in a language.
func spoken(language, reason string) string {
	if s, ok := sentences[language]; ok {
		return s[reason]
	}
	return sentences["en"][reason]
}

// sentences are what a caller hears when nobody can answer. None of them tells
// the caller about the organization's money, or that they are blocked.
var sentences = map[string]map[string]string{
	"en": {
		"unknown":   "This number is not in service. Goodbye.",
		"blocked":   "We cannot take your call. Goodbye.",
		"closed":    "We cannot take your call at the moment. Please try again later.",
		"number":    "We cannot take your call on this number at the moment. Please try again later.",
		"balance":   "We cannot take your call at the moment. Please try again later.",
		"assistant": "Nobody can answer right now. Please call again later.",
	},
	"fr": {
		"unknown":   "Ce numéro n'est pas en service. Au revoir.",
		"blocked":   "Nous ne pouvons pas prendre votre appel. Au revoir.",
		"closed":    "Nous ne pouvons pas prendre votre appel pour le moment. Merci de rappeler plus tard.",
		"number":    "Nous ne pouvons pas prendre votre appel sur ce numéro pour le moment. Merci de rappeler plus tard.",
		"balance":   "Nous ne pouvons pas prendre votre appel pour le moment. Merci de rappeler plus tard.",
		"assistant": "Personne ne peut vous répondre pour l'instant. Merci de rappeler plus tard.",
	},
}

// forwarding is the number an assistant, by the provider's id of it, sends calls to;
// "" when there is none that may be dialled.
func (e *engine) forwarding(ctx context.Context, assistantID string) string {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	assistant, err := e.directory.assistant(ctx, assistantID)
	if err != nil {
		e.app.Logger().Error("transfer not looked up", "error", err)
	}
	if assistant == nil || assistant.Forwarding == "" || !e.mayDial(assistant.Organization, assistant.Forwarding) {
		return ""
	}
	return assistant.Forwarding
}

// use runs the functions of a message; the results are in their order. The events are
// what the timeline keeps of it: a result that could not be stored is remembered in
// memory for a repeat, and the report brings the timeline.
func (e *engine) use(
	ctx context.Context, by tools.Caller, used []fold.Tool, when fold.Instant,
) ([]tools.Outcome, []fold.Event) {
	results := e.tools.Run(ctx, by, used)
	events := make([]fold.Event, len(results))
	for i, r := range results {
		events[i] = fold.Used{Tool: used[i], At: when}.Event()
		events[i].Data = r.Data(events[i].Data)
	}
	return results, events
}
