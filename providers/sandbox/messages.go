package sandbox

import (
	"slices"
	"strings"
)

// Strings that stand where Vapi sends live credentials. A program that stores,
// logs or forwards them has stored, logged or forwarded a secret.
const (
	markerToken     = "example-token-that-must-never-be-stored"
	markerCallToken = "example-call-token-that-must-never-be-stored"
)

// common are the fields every message carries, secrets included, as real
// messages do. The call is the snapshot of its making: its status is stale.
func (c *liveCall) common(artifact bool) object {
	m := object{"timestamp": c.now.UnixMilli(), "call": c.snapshot, "customer": c.customer}
	if c.number != nil {
		m["phoneNumber"] = with(object{"twilioAuthToken": markerToken}, c.number)
	}
	if c.assistant != nil {
		m["assistant"] = c.assistant
	}
	if artifact {
		m["artifact"] = object{"messages": slices.Clone(c.messages), "messagesOpenAIFormatted": slices.Clone(c.openAI)}
	}
	return m
}

// wants tells whether the assistant asked for a message type. Before an
// assistant is known the documented default holds.
func (c *liveCall) wants(kind string) bool { return wantsMessage(c.assistant, kind) }

func wantsMessage(assistant object, kind string) bool {
	asked, set := assistant["serverMessages"].([]any)
	if !set {
		return slices.Contains(defaultServerMessages, kind)
	}
	return slices.Contains(asked, any(kind))
}

// asksFor tells whether the assistant's own list names the type, the default not counting.
func (c *liveCall) asksFor(kind string) bool {
	return slices.Contains(list(c.assistant, "serverMessages"), any(kind))
}

// tell sends a message nobody answers, when the assistant asked for its type.
func (c *liveCall) tell(kind string, artifact bool, fields object) {
	if !c.wants(kind) {
		return
	}
	c.inform(with(c.common(artifact), object{"type": kind}, fields))
}

// tellTranscript sends a transcript under whichever of its two names was asked
// for; the filtered name has the final ones only.
func (c *liveCall) tellTranscript(role, kind, text string) {
	fields := object{"role": role, "transcriptType": kind, "transcript": text}
	if role == "assistant" {
		fields["assistantName"] = str(c.assistant, "name")
		if id := str(c.assistant, "id"); id != "" {
			fields["assistantId"] = id
		}
	} else {
		fields["isFiltered"], fields["detectedThreats"] = false, []any{}
	}
	const filtered = `transcript[transcriptType="final"]`
	switch {
	case c.wants("transcript"):
		c.inform(with(c.common(true), object{"type": "transcript"}, fields))
	case kind == "final" && c.wants(filtered):
		c.inform(with(c.common(true), object{"type": filtered}, fields))
	}
}

func (c *liveCall) tellStatus(status string, fields object) {
	c.update(object{"status": status, "updatedAt": stamp(c.now)})
	c.tell("status-update", !c.started.IsZero(), with(object{"status": status}, fields))
}

func (c *liveCall) tellConversation() {
	c.tell("conversation-update", true, object{
		"messages": slices.Clone(c.messages), "messagesOpenAIFormatted": slices.Clone(c.openAI),
	})
}

// systemPrompt is the assistant's instructions with the variables filled in.
func (c *liveCall) systemPrompt() string {
	var parts []string
	for _, v := range list(c.assistant, "model", "messages") {
		if m, _ := v.(object); str(m, "role") == "system" {
			parts = append(parts, str(m, "content"))
		}
	}
	return c.fill(strings.Join(parts, "\n"))
}

// Entries of the conversation so far, in Vapi's form and in OpenAI's.

func (c *liveCall) noteSystem(text string) {
	c.messages = append(c.messages, object{"role": "system", "message": text, "time": c.now.UnixMilli(),
		"secondsFromStart": c.since(c.now)})
	c.openAI = append(c.openAI, object{"role": "system", "content": text})
}

func (c *liveCall) noteToolCalls(calls []any) {
	c.messages = append(c.messages, object{
		"role": "tool_calls", "message": "", "time": c.now.UnixMilli(), "secondsFromStart": c.since(c.now),
		"toolCalls": calls,
	})
	c.openAI = append(c.openAI, object{"role": "assistant", "content": "", "tool_calls": calls})
}

func (c *liveCall) noteToolResult(id, name, result string) {
	c.messages = append(c.messages, object{
		"role": "tool_call_result", "name": name, "toolCallId": id, "result": result,
		"time": c.now.UnixMilli(), "secondsFromStart": c.since(c.now),
	})
	c.openAI = append(c.openAI, object{"role": "tool", "content": result, "tool_call_id": id})
}

// record notes something for the call's log file.
func (c *liveCall) record(category, text string) {
	c.log = append(c.log, object{"time": c.now.UnixMilli(), "level": "info", "category": category,
		"callId": c.id, "body": text})
}
