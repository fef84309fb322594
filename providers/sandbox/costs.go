package sandbox

import (
	"math"
	"time"
	"unicode/utf8"
)

// Prices in US dollars, of the order real calls have.
const (
	transportPerMinute   = 0.0085
	transcriberPerMinute = 0.0098
	vapiPerMinute        = 0.05
	promptPerToken       = 0.00000015
	completionPerToken   = 0.0000006
	voicePerCharacter    = 0.00005
	analysisCost         = 0.0001
	outputCost           = 0.0003
	chatCost             = 0.005
)

// costs are the items of a call, their breakdown and the total, which is their
// sum to the last digit.
func (c *liveCall) costs(endedAt time.Time) (items []any, breakdown object, total float64) {
	if c.started.IsZero() {
		return []any{}, object{}, 0
	}
	minutes := rounded(endedAt.Sub(c.started).Minutes())
	prompt := 0
	for _, v := range c.openAI {
		text, _ := v.(object)["content"].(string)
		prompt += utf8.RuneCountInString(text) / 4
	}
	prompt *= max(c.modelTurns, 1)
	completion := c.characters / 4
	model := object{"provider": str(c.assistant, "model", "provider"), "model": str(c.assistant, "model", "model")}
	transcriber := object{"provider": orElse(str(c.assistant, "transcriber", "provider"), "deepgram"),
		"model": orElse(str(c.assistant, "transcriber", "model"), "nova-3")}
	voice := object{"provider": orElse(str(c.assistant, "voice", "provider"), "vapi"),
		"voiceId": orElse(str(c.assistant, "voice", "voiceId"), "Elliot")}
	transport, stt := rounded(minutes*transportPerMinute), rounded(minutes*transcriberPerMinute)
	llm := modelCost(prompt, completion)
	tts, vapi := rounded(float64(c.characters)*voicePerCharacter), rounded(minutes*vapiPerMinute)
	items = []any{
		object{"type": "transport", "provider": c.carrier(), "minutes": minutes, "cost": transport},
		object{"type": "transcriber", "transcriber": transcriber, "minutes": minutes, "cost": stt},
		object{"type": "model", "model": model, "promptTokens": prompt, "completionTokens": completion,
			"cachedPromptTokens": prompt / 2, "cost": llm},
		object{"type": "voice", "voice": voice, "characters": c.characters, "cost": tts},
		object{"type": "vapi", "subType": "normal", "minutes": minutes, "cost": vapi},
	}
	done, parts := c.analysis(), object{}
	for _, kind := range []string{"summary", "structuredData", "successEvaluation", "structuredOutput"} {
		parts[kind], parts[kind+"PromptTokens"], parts[kind+"CompletionTokens"] = 0.0, 0, 0
	}
	judge := object{"provider": "google", "model": "gemini-2.5-flash-lite"}
	for _, kind := range []string{"summary", "structuredData", "successEvaluation"} {
		if done[kind] == nil {
			continue
		}
		parts[kind] = analysisCost
		parts[kind+"PromptTokens"], parts[kind+"CompletionTokens"] = prompt, 20
		items = append(items, object{"type": "analysis", "analysisType": kind, "model": judge, "promptTokens": prompt,
			"completionTokens": 20, "cost": analysisCost})
	}
	if n := len(list(c.assistant, "artifactPlan", "structuredOutputIds")) +
		len(list(c.assistant, "artifactPlan", "structuredOutputs")); n > 0 {
		cost := rounded(float64(n) * outputCost)
		parts["structuredOutput"], parts["structuredOutputPromptTokens"], parts["structuredOutputCompletionTokens"] = cost,
			prompt, 38
		items = append(items, object{"type": "analysis", "analysisType": "structuredOutput", "model": judge,
			"promptTokens": prompt, "completionTokens": 38, "cost": cost})
	}
	for _, item := range items {
		total += item.(object)["cost"].(float64)
	}
	total = rounded(total)
	return items, object{
		"transport": transport, "stt": stt, "llm": llm, "tts": tts, "vapi": vapi, "chat": 0.0, "total": total,
		"llmPromptTokens":     prompt,
		"llmCompletionTokens": completion, "llmCachedPromptTokens": prompt / 2, "ttsCharacters": c.characters,
		"analysisCostBreakdown": parts,
	}, total
}

// modelCost is at least the smallest amount that is shown.
func modelCost(prompt, completion int) float64 {
	return max(0.0001, rounded(float64(prompt)*promptPerToken+float64(completion)*completionPerToken))
}

func (c *liveCall) carrier() string {
	if provider := str(c.number, "provider"); provider != "" && provider != "byo-phone-number" {
		return provider
	}
	return "twilio"
}

// rounded cuts to four digits, as Vapi's money and minutes are shown.
func rounded(v float64) float64 { return math.Round(v*10000) / 10000 }
