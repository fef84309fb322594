package vapi

import (
	"encoding/json"
	"math"
)

// setCosts reads the bill. The list of items is the documented place, so the
// sums are made from it; costBreakdown counts only where there is no list.
func (w *wireMessage) setCosts(m *Message) {
	for i := range w.Costs {
		m.Costs = append(m.Costs, w.Costs[i].item())
	}
	b := &m.CostBreakdown
	for _, c := range m.Costs {
		switch c.Type {
		case "transport":
			b.Transport += c.Cost
		case "transcriber":
			b.STT += c.Cost
		case "model":
			b.LLM += c.Cost
		case "voice":
			b.TTS += c.Cost
		case "vapi":
			b.Vapi += c.Cost
		case "analysis":
			b.Analysis += c.Cost
		default:
			b.Other += c.Cost
		}
		b.Total += c.Cost
	}
	if old := w.CostBreakdown; old != nil && len(m.Costs) == 0 {
		an := old.AnalysisCostBreakdown
		*b = CostBreakdown{Transport: float64(old.Transport), STT: float64(old.STT), LLM: float64(old.LLM),
			TTS: float64(old.TTS), Vapi: float64(old.Vapi),
			Analysis: float64(old.Analysis + an.Summary + an.StructuredData + an.SuccessEvaluation + an.StructuredOutput),
			Other:    float64(old.Chat + old.Other), Total: float64(old.Total)}
	}
	if w.Cost != nil {
		m.Cost = float64(*w.Cost)
		b.Total = m.Cost
	} else {
		m.Cost = b.Total
	}
	for _, f := range []*float64{&b.Transport, &b.STT, &b.LLM, &b.TTS, &b.Vapi, &b.Analysis, &b.Other, &b.Total, &m.Cost} {
		*f = math.Round(*f*1e6) / 1e6
	}
}

func (w *wireCost) item() CostItem {
	c := CostItem{Type: w.Type, SubType: w.SubType, AnalysisType: w.AnalysisType, Provider: w.Provider,
		Minutes:      float64(w.Minutes),
		PromptTokens: float64(w.PromptTokens), CompletionTokens: float64(w.CompletionTokens),
		Characters: float64(w.Characters), Cost: float64(w.Cost)}
	for _, raw := range []json.RawMessage{w.Model, w.Voice, w.Transcriber} {
		if raw = present(raw); raw == nil {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) == nil {
			c.Model = first(c.Model, text)
			continue
		}
		var who struct{ Provider, Model string }
		if lenient(json.Unmarshal(raw, &who)) == nil {
			c.Provider, c.Model = first(c.Provider, who.Provider), first(c.Model, who.Model)
		}
	}
	return c
}
