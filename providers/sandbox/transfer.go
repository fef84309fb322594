package sandbox

import (
	"encoding/json"
	"time"
)

// transferStep passes the call on by whatever the assistant has: a transferCall
// tool (its destination, or the one our server names when it has none), a
// handoff tool, or a squad member's destinations. An assistant with none of
// these asks our server when its serverMessages name transfer-destination-request.
func (c *liveCall) transferStep(s step) error {
	if err := c.respond(c.line(s.Say), false); err != nil {
		return err
	}
	destination, err := c.findDestination()
	if err != nil {
		return err
	}
	if destination != nil {
		c.facts[s.Outcome] = true
	}
	switch str(destination, "type") {
	case "number", "sip":
		return c.forward(destination, "")
	case "assistant", "squad":
		if c.handOff(destination) {
			return c.respond(c.line(s.Arrived), false)
		}
	}
	delete(c.facts, s.Outcome)
	return c.respond(c.line(s.Lacking), false)
}

func (c *liveCall) findDestination() (object, error) {
	for _, tool := range c.tools() {
		kind := str(tool, "type")
		if kind != "transferCall" && kind != "handoff" {
			continue
		}
		request := "transfer-destination-request"
		if kind == "handoff" {
			request = "handoff-destination-request"
		}
		destinations := list(tool, "destinations")
		if len(destinations) == 0 {
			return c.askDestination(request, tool, nil)
		}
		first, _ := destinations[0].(object)
		if str(first, "type") == "dynamic" {
			return c.askDestination(request, tool, first)
		}
		c.noteTransfer(tool, first)
		return first, nil
	}
	for _, v := range list(c.squad, "members") {
		member, _ := v.(object)
		for _, d := range list(member, "assistantDestinations") {
			if destination, ok := d.(object); ok {
				c.noteTransfer(nil, destination)
				return destination, nil
			}
		}
	}
	if c.asksFor("transfer-destination-request") {
		return c.askDestination("transfer-destination-request", nil, nil)
	}
	return nil, nil
}

// noteTransfer writes the model's use of the transfer tool into the conversation.
func (c *liveCall) noteTransfer(tool, destination object) {
	name := "transferCall"
	if own := str(tool, "function", "name"); own != "" {
		name = own
	} else if str(tool, "type") == "handoff" {
		name = "handoff"
	}
	target := object{"destination": orElse(str(destination, "number"),
		orElse(str(destination, "sipUri"), str(destination, "assistantName")))}
	call := &toolCall{id: "call_transfer" + c.id[:8], name: name, arguments: target}
	c.noteToolCalls([]any{call.documented()})
	c.noteToolResult(call.id, name, "Transfer initiated.")
}

// askDestination asks our server where to send the caller.
func (c *liveCall) askDestination(kind string, tool, dynamic object) (object, error) {
	to := c.s.targetOf(dynamic, tool, c.assistant, c.number)
	if to.url == "" || str(dynamic, "server", "url") == "" && !c.wants(kind) {
		return nil, nil
	}
	fields := object{"type": kind}
	if kind == "handoff-destination-request" {
		fields["parameters"] = object{"reason": c.facts["reason"], "customerTier": "standard"}
	}
	begun := time.Now()
	r := c.ask(to, with(c.common(true), fields))
	c.spend(begun)
	var answer object
	if r.err != nil || r.status < 200 || r.status > 299 || json.Unmarshal(r.body, &answer) != nil {
		return nil, nil
	}
	if text := str(answer, "error"); text != "" {
		return nil, c.respond(text, false)
	}
	destination := obj(answer, "destination")
	if destination == nil {
		return nil, nil
	}
	c.noteTransfer(tool, destination)
	if text := spokenText(answer["message"]); text != "" {
		return destination, c.respond(text, false)
	}
	return destination, nil
}

// spokenText is a message given as text or as {type, content}.
func spokenText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	m, _ := v.(object)
	return str(m, "content")
}

// forward sends the caller to a telephone number or SIP address, which ends
// the assistant's part of the call.
func (c *liveCall) forward(destination object, words string) error {
	if words == "" {
		words = spokenText(destination["message"])
	}
	if words != "" {
		if err := c.utter("assistant", c.fill(words), false); err != nil {
			return err
		}
	}
	c.destination = destination
	c.transfers = append(c.transfers, object{"destination": destination, "status": "completed",
		"transferredAt": stamp(c.now)})
	c.tell("phone-call-control", false, object{"request": "forward", "destination": destination})
	c.update(object{"destination": destination})
	c.tellStatus("forwarding", object{
		"destination": destination, "transcript": c.transcript.String(), "summary": c.summary(),
		"messages": append([]any{}, c.messages...), "messagesOpenAIFormatted": append([]any{}, c.openAI...),
	})
	c.tell("transfer-update", true, object{"destination": destination})
	if err := c.wait(time.Second); err != nil {
		return err
	}
	return ended{"assistant-forwarded-call"}
}

// handOff lets another assistant take over; false when it cannot be found.
func (c *liveCall) handOff(destination object) bool {
	from := c.assistant
	if str(destination, "type") == "squad" {
		squad := obj(destination, "squad")
		if squad == nil {
			squad = c.s.get("squad", str(destination, "squadId"))
		}
		if squad == nil || !c.resolveSquad(squad, obj(destination, "squadOverrides")) {
			return false
		}
	} else {
		next := c.memberNamed(destination)
		if next == nil {
			return false
		}
		c.resolve(next, obj(destination, "assistantOverrides"))
	}
	next := c.assistant
	c.assistant = from // the message goes to whoever had the call
	c.tell("transfer-update", true, object{
		"destination": destination, "fromAssistant": object{"name": str(from, "name")},
		"toAssistant": object{"name": str(next, "name"), "model": next["model"]},
	})
	c.assistant = next
	c.noteSystem(c.systemPrompt())
	c.tellStarted()
	return true
}

// memberNamed looks among the squad's members before all assistants.
func (c *liveCall) memberNamed(destination object) object {
	if str(destination, "assistantId") == "" && obj(destination, "assistant") == nil {
		for _, v := range list(c.squad, "members") {
			member, _ := v.(object)
			if assistant := c.s.member(member); assistant != nil && str(assistant, "name") == str(destination, "assistantName") {
				return with(assistant, without(obj(member, "assistantOverrides"), "variableValues", "tools:append"))
			}
		}
	}
	return c.s.member(destination)
}
