package vapi

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// Outcomes: what a call came to, whatever the provider's words for it.
const (
	OutcomeCompleted       = "completed"
	OutcomeTransferred     = "transferred"
	OutcomeNoAnswer        = "no_answer"
	OutcomeVoicemail       = "voicemail"
	OutcomeCancelled       = "cancelled"
	OutcomeFailedDesk      = "failed_desk"      // our answer was missing or wrong
	OutcomeFailedAccount   = "failed_account"   // payment, limits, permissions
	OutcomeFailedSetup     = "failed_setup"     // the assistant or the number as Vapi has it
	OutcomeFailedTelephony = "failed_telephony" // the carrier
	OutcomeFailedProvider  = "failed_provider"  // model, voice or transcriber
	OutcomeFailedVapi      = "failed_vapi"      // Vapi itself
)

// Outcomes lists every value that [Outcome] gives.
var Outcomes = []string{
	OutcomeCompleted, OutcomeTransferred, OutcomeNoAnswer, OutcomeVoicemail, OutcomeCancelled, OutcomeFailedDesk,
	OutcomeFailedAccount, OutcomeFailedSetup, OutcomeFailedTelephony, OutcomeFailedProvider, OutcomeFailedVapi,
}

// endedReasons groups the values in Vapi's public API reference of August 2026.
//
//go:embed data/ended-reasons.json
var endedReasons []byte

var outcomeByReason = sync.OnceValue(func() map[string]string {
	var groups map[string][]string
	if err := json.Unmarshal(endedReasons, &groups); err != nil {
		panic("vapi: embedded ended-reasons.json: " + err.Error())
	}
	out := make(map[string]string, 700)
	for outcome, reasons := range groups {
		for _, r := range reasons {
			out[r] = outcome
		}
	}
	return out
})

// Outcome groups an endedReason. connected says that somebody spoke with the
// assistant. Values Vapi has added since are sorted by what they name; of a
// connected call, one that names no fault of somebody is an ordinary end. An
// empty reason, of a call that has not ended, gives "".
func Outcome(endedReason string, connected bool) string {
	if endedReason == "" {
		return ""
	}
	if o, ok := outcomeByReason()[endedReason]; ok {
		return o
	}
	o := guessOutcome(endedReason)
	if o == OutcomeFailedSetup && connected {
		return OutcomeCompleted
	}
	return o
}

// goneReasons are the ends of calls that Vapi could not give to the assistant:
// it does not have it any more, or not as it was.
var goneReasons = []string{
	"assistant-not-found", "assistant-not-valid", "assistant-request-returned-invalid-assistant",
	"call.start.error-get-assistant", "call-start-error-get-assistant", "call.start.assistant-version-error-validation",
}

// CopyGone tells whether a call ended because Vapi's copy of the assistant is gone,
// or not what it was.
func CopyGone(endedReason string) bool { return slices.Contains(goneReasons, endedReason) }

// ReasonSilence is the endedReason of a call that ended because nobody said a word
// for too long.
const ReasonSilence = "silence-timed-out"

// NobodyTook tells whether an endedReason says that the call was handed on to
// somebody and that nobody took it: they were busy, did not answer, or the caller
// left before they did. A reason Vapi has added since is told by what it names.
func NobodyTook(endedReason string) bool {
	return strings.HasPrefix(endedReason, "call.forwarding.") ||
		strings.Contains(endedReason, "-transfer") && !strings.HasSuffix(endedReason, "hook-executed-transfer")
}

// vendors are names of model, voice and transcriber providers as they appear
// between the dashes of a reason.
var vendors = []string{
	"openai", "anthropic", "anthropic-bedrock", "google", "groq", "gemini", "vertex", "azure", "azure-openai",
	"xai", "mistral", "cerebras",
	"deepinfra", "deep-infra", "deep-seek", "deepseek", "inflection-ai", "minimax", "openrouter", "perplexity-ai",
	"together-ai", "runpod",
	"baseten", "custom-llm", "custom-voice", "custom-transcriber", "bedrock", "11labs", "eleven-labs",
	"elevenlabs", "playht", "cartesia",
	"deepgram", "rime-ai", "lmnt", "hume", "inworld", "neuphonic", "sesame", "smallest-ai", "tavus", "wellsaid",
	"microsoft", "assembly-ai",
	"gladia", "soniox", "speechmatics", "talkscriber", "llm", "model", "voice", "transcriber",
}

// faults are in every known reason that is somebody's fault.
var faults = []string{"error", "fail", "fault"}

func guessOutcome(reason string) string {
	reason = strings.ToLower(reason)
	if !slices.ContainsFunc(faults, func(word string) bool { return strings.Contains(reason, word) }) {
		return OutcomeFailedSetup // unless the call was connected
	}
	words := "-" + strings.NewReplacer(".", "-", "_", "-").Replace(reason) + "-"
	for _, v := range vendors {
		if strings.Contains(words, "-"+v+"-") {
			return OutcomeFailedProvider
		}
	}
	switch {
	case strings.Contains(words, "vapifault"):
		return OutcomeFailedVapi
	case strings.Contains(words, "providerfault"), strings.Contains(words, "-pipeline-error-"):
		return OutcomeFailedProvider // of a vendor that is new
	}
	return OutcomeFailedSetup
}
