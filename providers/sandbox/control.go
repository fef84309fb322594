package sandbox

import (
	"net/http"
	"slices"
)

var controlRules = map[string]schema{
	"say": {"type": text(), "content": text(), "message": text(), "endCallAfterSpoken": yesno(),
		"interruptionsEnabled": yesno(), "interruptAssistantEnabled": yesno()},
	"add-message": {"type": text(),
		"message":                required(record(schema{"role": required(text()), "content": required(text())})),
		"triggerResponseEnabled": yesno()},
	"control": {"type": text(),
		"control": required(oneOf("mute-assistant", "unmute-assistant", "mute-customer",
			"unmute-customer", "say-first-message")),
		"videoRecordingStartDelaySeconds": number()},
	"end-call": {"type": text()},
	"transfer": {"type": text(), "destination": required(outsideDestination), "content": text()},
	"handoff":  {"type": text(), "destination": required(record(handoffDestination)), "content": text()},
}

// control is the call's monitor.controlUrl. The URL itself is the permission,
// unless the assistant's monitorPlan asks for the key too. What is asked for
// happens when the turn under way is over; hanging up happens at once.
func (s *Server) control(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	c := s.live[r.PathValue("id")]
	s.mu.Unlock()
	if c == nil {
		return notFound("call")
	}
	who := s.get("call", c.id)
	if plan := obj(s.get("assistant", str(who, "assistantId")), "monitorPlan"); isFalse(plan, "controlEnabled") {
		return notFound("call")
	} else if isTrue(plan, "controlAuthenticationEnabled") && !s.authorized(r) {
		return refuse(http.StatusUnauthorized, "Invalid Key.")
	}
	body, err := readObject(w, r)
	if err == nil {
		err = validateChoice("type", controlRules, body, "")
	}
	if err != nil {
		return err
	}
	if c.hungUp() {
		return refuse(http.StatusBadRequest, "Call has ended.")
	}
	if str(body, "type") == "end-call" {
		select {
		case c.hangUp <- "manually-canceled":
		default: // somebody hung up already
		}
	} else {
		c.mu.Lock()
		c.controls = append(c.controls, body)
		c.mu.Unlock()
	}
	writeJSON(w, http.StatusOK, object{"success": true})
	return nil
}

// obeyControls does what live control asked for since the last turn.
func (c *liveCall) obeyControls() error {
	for {
		c.mu.Lock()
		if len(c.controls) == 0 || c.started.IsZero() {
			c.mu.Unlock()
			return c.wait(0)
		}
		order := c.controls[0]
		c.controls = slices.Delete(c.controls, 0, 1)
		c.mu.Unlock()
		if err := c.obey(order); err != nil {
			return err
		}
	}
}

func (c *liveCall) obey(order object) error {
	switch str(order, "type") {
	case "say":
		if err := c.utter("assistant", orElse(str(order, "content"), str(order, "message")), false); err != nil {
			return err
		}
		if isTrue(order, "endCallAfterSpoken") {
			return ended{"assistant-ended-call-after-message-spoken"}
		}
	case "add-message":
		role, content := str(order, "message", "role"), str(order, "message", "content")
		shown := map[string]string{"assistant": "bot"}[role]
		c.messages = append(c.messages, object{
			"role": orElse(shown, role), "message": content, "time": c.now.UnixMilli(), "secondsFromStart": c.since(c.now),
		})
		c.openAI = append(c.openAI, object{"role": role, "content": content})
		c.tellConversation()
		if !isFalse(order, "triggerResponseEnabled") {
			opening := phrase{"en": "One more thing: ", "fr": "Encore une chose : "}[c.language]
			return c.respond(opening+content, false)
		}
	case "control":
		return c.switched(str(order, "control"))
	case "transfer":
		c.facts["transferred"] = true
		return c.forward(obj(order, "destination"), str(order, "content"))
	case "handoff":
		if content := str(order, "content"); content != "" {
			if err := c.utter("assistant", content, false); err != nil {
				return err
			}
		}
		if c.handOff(with(object{"type": "assistant"}, obj(order, "destination"))) {
			return c.utter("assistant", c.greeting(), false)
		}
	}
	return nil
}

// switched obeys an order that has no words of its own.
func (c *liveCall) switched(what string) error {
	switch what {
	case "mute-assistant":
		c.muted["assistant"] = true
	case "unmute-assistant":
		delete(c.muted, "assistant")
	case "mute-customer":
		c.muted["user"] = true
	case "unmute-customer":
		delete(c.muted, "user")
	case "say-first-message":
		return c.utter("assistant", c.greeting(), false)
	}
	return nil
}
