package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// report stores the finished call and sends end-of-call-report. Beside the
// documented fields it carries the copies real reports do.
func (c *liveCall) report(endedAt time.Time) {
	talked := !c.started.IsZero()
	analysis, artifact := object{}, object{"messages": orEmpty(c.messages), "messagesOpenAIFormatted": orEmpty(c.openAI)}
	fields := object{"endedAt": stamp(endedAt), "endedReason": c.endedReason}
	if talked {
		analysis = c.analysis()
		artifact = c.artifact(artifact)
	}
	costs, breakdown, total := c.costs(endedAt)
	fields["analysis"], fields["artifact"], fields["cost"], fields["costs"] = analysis, artifact, total, costs
	if c.destination != nil {
		fields["destination"] = c.destination
	}
	if c.debugging != nil {
		fields["inboundPhoneCallDebuggingArtifacts"] = c.debugging
	}
	stored := with(fields, object{"status": "ended", "updatedAt": stamp(c.now)})
	if talked {
		seconds := endedAt.Sub(c.started).Seconds()
		fields["startedAt"] = stamp(c.started)
		stored["startedAt"], stored["costBreakdown"] = fields["startedAt"], breakdown
		stored["messages"], stored["transcript"] = artifact["messages"], artifact["transcript"]
		for k, v := range (object{
			"costBreakdown": breakdown, "durationMs": endedAt.Sub(c.started).Milliseconds(), "durationSeconds": rounded(seconds),
			"durationMinutes": rounded(seconds / 60), "summary": analysis["summary"], "transcript": artifact["transcript"],
			"messages": artifact["messages"], "recordingUrl": artifact["recordingUrl"],
			"stereoRecordingUrl": artifact["stereoRecordingUrl"],
		}) {
			if v != nil {
				fields[k] = v
			}
		}
	}
	c.storeMedia(endedAt)
	c.update(plain(stored).(object))
	if !c.wants("end-of-call-report") {
		return
	}
	c.inform(with(c.common(false), object{"type": "end-of-call-report"}, fields))
}

// artifact adds what a conversation leaves behind: transcript, recordings, logs, results.
func (c *liveCall) artifact(base object) object {
	a := with(base, object{
		"assistantActivations": c.activations, "performanceMetrics": c.performance(), "variableValues": with(c.variables),
	})
	plan := obj(c.assistant, "artifactPlan")
	if !isFalse(plan, "transcriptPlan", "enabled") {
		a["transcript"] = c.transcript.String()
	}
	if len(c.transfers) > 0 {
		a["transfers"] = c.transfers
	}
	if c.recorded() {
		plainURL := func(kind string) string { return c.s.url + "/storage/" + c.id + "/" + kind + ".wav" }
		a["recordingUrl"], a["stereoRecordingUrl"] = plainURL("mono"), plainURL("stereo")
		a["recording"] = object{"stereoUrl": plainURL("stereo"), "mono": object{
			"combinedUrl": plainURL("mono"), "assistantUrl": plainURL("assistant"), "customerUrl": plainURL("customer"),
		}}
		expires := time.Now().Add(signedURLLife)
		a["presignedMonoUrl"], a["presignedStereoUrl"] = c.s.signed(c.id, "mono.wav", expires),
			c.s.signed(c.id, "stereo.wav", expires)
		a["presignedUrlsExpiresAt"] = stamp(expires)
	}
	if !isFalse(plan, "loggingEnabled") {
		a["logUrl"] = c.s.url + "/storage/" + c.id + "/log.jsonl.gz"
	}
	outputs := object{}
	for _, v := range list(plan, "structuredOutputIds") {
		id, _ := v.(string)
		if row := c.s.get("structured-output", id); row != nil {
			outputs[id] = object{"name": str(row, "name"), "result": fillOutput(row, c.known())}
		}
	}
	for _, v := range list(plan, "structuredOutputs") {
		if inline, ok := v.(object); ok {
			outputs[newID()] = object{"name": str(inline, "name"), "result": fillOutput(inline, c.known())}
		}
	}
	if len(outputs) > 0 {
		a["structuredOutputs"] = outputs
	}
	return a
}

func (c *liveCall) recorded() bool {
	return !c.started.IsZero() && !isFalse(c.assistant, "artifactPlan", "recordingEnabled")
}

// known is everything the analysis can know about the call.
func (c *liveCall) known() object {
	good := c.successful()
	return with(c.facts, object{
		"success": good, "resolved": good, "name": c.fill("{{name}}"), "phone": str(c.customer, "number"),
		"service": c.script.Service[c.language],
		"slot":    c.slot, "time": c.slot, "date": c.fill("{{tomorrow}}"), "summary": c.summary(), "language": c.language,
		"outcome": c.outcome(),
	})
}

// successful tells whether the script reached its own outcome.
func (c *liveCall) successful() bool {
	wanted := false
	for _, s := range c.script.Steps {
		if s.Outcome != "" {
			wanted = true
			if isTrue(c.facts, s.Outcome) {
				return true
			}
		}
	}
	return !wanted && c.endedReason == "voicemail"
}

func (c *liveCall) outcome() string {
	if c.successful() {
		return c.line(c.script.Good)
	}
	return c.line(c.script.Bad)
}

func (c *liveCall) summary() string {
	return strings.TrimSpace(strings.ReplaceAll(c.line(c.script.Summary), "{{outcome}}", c.outcome()))
}

// analysis is the assistant's analysisPlan carried out; summary and evaluation are on by default.
func (c *liveCall) analysis() object {
	plan, a := obj(c.assistant, "analysisPlan"), object{}
	if !isFalse(plan, "summaryPlan", "enabled") {
		a["summary"] = c.summary()
	}
	if !isFalse(plan, "successEvaluationPlan", "enabled") {
		a["successEvaluation"] = evaluation(str(plan, "successEvaluationPlan", "rubric"), c.successful())
	}
	if isTrue(plan, "structuredDataPlan", "enabled") || obj(plan, "structuredDataPlan", "schema") != nil &&
		!isFalse(plan, "structuredDataPlan", "enabled") {
		a["structuredData"] = fillSchema(obj(plan, "structuredDataPlan", "schema"), c.known())
	}
	return a
}

// evaluation is always text, whatever the rubric.
func evaluation(rubric string, good bool) string {
	marks := map[string][2]string{
		"NumericScale": {"9", "3"}, "DescriptiveScale": {"Excellent", "Poor"}, "PercentageScale": {"90%", "30%"},
		"LikertScale": {"Agree", "Disagree"}, "Checklist": {"All criteria met", "Criteria missing"},
	}[rubric]
	switch {
	case marks[0] == "":
		return strconv.FormatBool(good)
	case good:
		return marks[0]
	}
	return marks[1]
}

// fillSchema makes a value for a JSON schema from known facts, and from the types where nothing is known.
func fillSchema(s, known object) any {
	properties := obj(s, "properties")
	if properties == nil {
		return sample(s)
	}
	filled := object{}
	for name, v := range properties {
		property, _ := v.(object)
		value, ok := known[name]
		choices := list(property, "enum")
		switch {
		case obj(property, "properties") != nil:
			value = fillSchema(property, known)
		case choices != nil && slices.Contains(choices, value):
		case choices != nil || !ok || !fits(value, str(property, "type")):
			value = sample(property)
			if str(property, "type") == "boolean" {
				value = false
			}
		}
		filled[name] = value
	}
	return filled
}

// fillOutput makes the result of a structured output. Of a single value the name
// says what it is about: "Call summary".
func fillOutput(output, known object) any {
	s := obj(output, "schema")
	if obj(s, "properties") != nil {
		return fillSchema(s, known)
	}
	for word := range strings.FieldsSeq(strings.ToLower(str(output, "name"))) {
		value, ok := known[word]
		if choices := list(s, "enum"); ok && fits(value, str(s, "type")) &&
			(choices == nil || slices.Contains(choices, value)) {
			return value
		}
	}
	return sample(s)
}

func fits(v any, kind string) bool {
	switch v.(type) {
	case string:
		return kind == "string" || kind == ""
	case bool:
		return kind == "boolean" || kind == ""
	case float64, int:
		return kind == "number" || kind == "integer" || kind == ""
	}
	return false
}

// performance are the latencies of the assistant's turns; the same for every call but for their number.
func (c *liveCall) performance() object {
	turns := []any{}
	for i := range c.modelTurns {
		model, voice, transcriber, endpointing := 400+15*(i%5), 180+7*(i%4), 140-5*(i%3), 255+3*(i%4)
		turns = append(turns, object{
			"modelLatency": model, "voiceLatency": voice, "transcriberLatency": transcriber, "endpointingLatency": endpointing,
			"turnLatency": model + voice + transcriber + endpointing,
		})
	}
	m := object{"turnLatencies": turns, "numUserInterrupted": 0, "numAssistantInterrupted": c.interruptions}
	for _, part := range []string{"model", "voice", "transcriber", "endpointing", "turn"} {
		sum := 0
		for _, t := range turns {
			sum += t.(object)[part+"Latency"].(int)
		}
		if len(turns) > 0 {
			m[part+"LatencyAverage"] = rounded(float64(sum) / float64(len(turns)))
		}
	}
	return m
}
