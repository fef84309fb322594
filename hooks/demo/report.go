package demo

import (
	"encoding/json"
	"math"
	"math/rand/v2"
)

// report is what a provider would tell of a past call besides its words. Without
// random it tells what the call cost and nothing else.
type report struct {
	story    story
	random   *rand.Rand
	duration int64 // seconds
	cost     int64 // millionths of a US dollar
	letters  int   // of the transcript
}

// parts are who gets which share of a call's cost, in hundredths; lines of the bill
// name them in the provider's words.
var parts = []struct {
	name, line, provider, model string
	share                       float64
}{
	{"vapi", "vapi", "", "", 38},
	{"tts", "voice", "vapi", "", 26},
	{"llm", "model", "openai", "gpt-4.1-mini", 14},
	{"transport", "transport", "vapi", "", 12},
	{"transcription", "transcriber", "deepgram", "nova-3", 10},
}

// costs is {"breakdown": {part: dollars}, "items": [a line of the bill]}.
func (r report) costs() any {
	total := float64(r.cost) / 1e6
	breakdown := map[string]float64{"total": total}
	if r.random == nil || r.cost == 0 {
		return map[string]any{"breakdown": breakdown}
	}
	items, left := []map[string]any{}, r.cost
	for i, p := range parts {
		cost := int64(math.Round(float64(r.cost) * p.share / 100))
		if i == len(parts)-1 {
			cost = left // so that the bill adds up
		}
		left -= cost
		breakdown[p.name] = float64(cost) / 1e6
		item := map[string]any{"type": p.line, "cost": float64(cost) / 1e6}
		if p.provider != "" {
			item["provider"] = p.provider
		}
		switch p.line {
		case "model":
			item["model"], item["promptTokens"], item["completionTokens"] = p.model, 900+r.letters/2, r.letters/8
		case "voice":
			item["characters"] = r.letters / 2
		case "transcriber":
			item["model"] = p.model
			fallthrough
		default:
			item["minutes"] = math.Round(float64(r.duration)/60*100) / 100
		}
		items = append(items, item)
	}
	return map[string]any{"breakdown": breakdown, "items": items}
}

// waits are the milliseconds between a caller's last word and the answer, on average;
// nil where nobody spoke.
func (r report) waits() any {
	if r.random == nil || len(r.story.said) < 2 {
		return nil
	}
	around := func(middle int) int { return middle + r.random.IntN(middle/2) - middle/4 }
	waits, turn := map[string]any{}, 0
	for _, part := range []struct {
		name   string
		middle int
	}{{"endpointing", 240}, {"transcriber", 130}, {"model", 420}, {"voice", 190}} {
		took := around(part.middle)
		waits[part.name+"LatencyAverage"], turn = took, turn+took
	}
	waits["turnLatencyAverage"] = turn
	return waits
}

// findings are what the provider's model found in the conversation.
func (r report) findings() any {
	if r.random == nil || len(r.story.said) < 2 {
		return nil
	}
	found := map[string]any{"success_evaluation": "false"}
	if r.story.resolution == "resolved" {
		found["success_evaluation"] = "true"
	}
	if r.story.wanted != "" {
		found["structured_data"] = map[string]any{"intent": r.story.wanted, "sentiment": r.story.sentiment}
	}
	return found
}

// encoded is the value as a JSON column holds it.
func encoded(v any) string {
	raw, _ := json.Marshal(v) // numbers, texts and maps of them always encode
	return string(raw)
}
