package vapi

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOutcome_covers_every_documented_reason(t *testing.T) {
	data, err := os.ReadFile("data/ended-reasons.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string][]string
	if err := json.Unmarshal(data, &groups); err != nil {
		t.Fatal(err)
	}
	total, guessed := 0, 0
	for outcome, reasons := range groups {
		if !slices.Contains(Outcomes, outcome) {
			t.Errorf("unknown outcome %q", outcome)
		}
		for _, r := range reasons {
			total++
			if got := Outcome(r, false); got != outcome {
				t.Errorf("%s: got %s, want %s", r, got, outcome)
			}
			if outcome == OutcomeFailedProvider && guessOutcome(r) == OutcomeFailedProvider {
				guessed++
			}
		}
	}
	if total != 603 || len(groups) != len(Outcomes) || len(outcomeByReason()) != 603 {
		t.Errorf("%d reasons in %d groups", total, len(groups))
	}
	// The rule for reasons to come has to fit those that are known.
	if provider := len(groups[OutcomeFailedProvider]); guessed < provider*95/100 {
		t.Errorf("the rule finds %d of %d", guessed, provider)
	}
}

func TestOutcome_of_reasons_to_come(t *testing.T) {
	for reason, want := range map[string]string{
		"": "",
		"call.in-progress.error-providerfault-openai-599-brand-new":  OutcomeFailedProvider,
		"call.in-progress.error-vapifault-cartesia-socket-hang-up-2": OutcomeFailedProvider,
		"pipeline-error-eleven-labs-something-new":                   OutcomeFailedProvider,
		"call.in-progress.error-vapifault-new-worker-trouble":        OutcomeFailedVapi,
		"call.in-progress.error-providerfault-vendor-of-next-year":   OutcomeFailedProvider,
		"pipeline-error-vendor-of-next-year":                         OutcomeFailedProvider,
		"call.in-progress.error-something-new":                       OutcomeFailedSetup,
		"toggle-openaiish":                                           OutcomeFailedSetup,
		"assistant-left-for-voice-mailbox":                           OutcomeFailedSetup, // names a vendor's word, but no fault
		strings.Repeat("x", 10000):                                   OutcomeFailedSetup,
		"customer-ended-call":                                        OutcomeCompleted,
		"voicemail":                                                  OutcomeVoicemail,
		"assistant-request-failed":                                   OutcomeFailedDesk,
		"call.start.error-subscription-concurrency-limit-reached":    OutcomeFailedAccount,
	} {
		if got := Outcome(reason, false); got != want {
			t.Errorf("%.60s: got %s, want %s", reason, got, want)
		}
		if want == OutcomeFailedSetup {
			want = OutcomeCompleted
		}
		if got := Outcome(reason, true); got != want {
			t.Errorf("%.60s, connected: got %s, want %s", reason, got, want)
		}
	}
}

func TestNobodyTook_of_every_known_reason(t *testing.T) {
	want := []string{
		"call.forwarding.no-answer", "call.forwarding.operator-busy", "call.in-progress.error-transfer-failed",
		"call.in-progress.error-warm-transfer-assistant-cancelled", "call.in-progress.error-warm-transfer-max-duration",
		"call.in-progress.error-warm-transfer-microphone-timeout", "call.in-progress.error-warm-transfer-silence-timeout",
		"customer-ended-call-after-warm-transfer-attempt", "customer-ended-call-before-warm-transfer",
		"customer-ended-call-during-transfer",
	}
	var got []string
	for reason := range outcomeByReason() {
		if NobodyTook(reason) {
			got = append(got, reason)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if Outcome(ReasonSilence, true) != OutcomeCompleted {
		t.Error("silence is not among the reasons")
	}
	for _, text := range []string{"", "Transferred to the practice", "transfer"} {
		if NobodyTook(text) {
			t.Errorf("%q: somebody's own words are no reason of the provider", text)
		}
	}
}
