package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// takeIncoming decides who answers an incoming call: the number's ringing hook,
// its assistant or squad, or the server that is asked with assistant-request.
func (c *liveCall) takeIncoming() error {
	if c.s.activeCalls() > c.s.concurrency() {
		return ended{"call.start.error-subscription-concurrency-limit-reached"}
	}
	if err := c.ringingHook(); err != nil {
		return err
	}
	if id := str(c.number, "assistantId"); id != "" {
		assistant := c.s.get("assistant", id)
		if assistant == nil {
			return ended{"call.start.error-get-assistant"}
		}
		c.take(assistant, nil)
		return nil
	}
	if id := str(c.number, "squadId"); id != "" {
		squad := c.s.get("squad", id)
		if squad == nil || !c.resolveSquad(squad, nil) {
			return ended{"call.start.error-get-resources-validation"}
		}
		c.taken(object{"squadId": id})
		return nil
	}
	return c.askServer()
}

// take answers the call with an assistant.
func (c *liveCall) take(assistant, overrides object) {
	c.resolve(assistant, overrides)
	c.taken(object{})
}

// taken notes who answers in the snapshot and the stored call.
func (c *liveCall) taken(who object) {
	if id := str(c.assistant, "id"); id != "" {
		who["assistantId"] = id
	}
	who["monitor"] = c.monitor()
	c.snapshot = with(c.snapshot, who)
	c.update(who)
}

// monitor are the live URLs of the call, as far as the assistant allows them.
func (c *liveCall) monitor() object {
	m := object{}
	if !isFalse(c.assistant, "monitorPlan", "listenEnabled") {
		m["listenUrl"] = "ws" + c.s.url[len("http"):] + "/" + c.id + "/listen"
	}
	if !isFalse(c.assistant, "monitorPlan", "controlEnabled") {
		m["controlUrl"] = c.s.url + "/" + c.id + "/control"
	}
	return m
}

// ringingHook runs the first action of the number's call.ringing hook.
func (c *liveCall) ringingHook() error {
	for _, v := range list(c.number, "hooks") {
		hook, _ := v.(object)
		if str(hook, "on") != "call.ringing" {
			continue
		}
		for _, a := range list(hook, "do") {
			action, _ := a.(object)
			switch str(action, "type") {
			case "say":
				c.record("hook", str(action, "exact"))
				return ended{"call.ringing.hook-executed-say"}
			case "transfer":
				c.destination = obj(action, "destination")
				return ended{"call.ringing.hook-executed-transfer"}
			}
		}
	}
	return nil
}

// askServer sends assistant-request and follows the answer. Anything but a
// usable answer within the limit leads to the number's fallback destination,
// or ends the call with the debugging object Vapi adds.
func (c *liveCall) askServer() error {
	to := c.s.targetOf(c.number)
	if to.url == "" {
		return ended{"call-start-error-neither-assistant-nor-server-set"}
	}
	to.timeout = c.s.assistantRequestTimeout()
	begun := time.Now()
	reply := c.ask(to, with(c.common(false), object{"type": "assistant-request"}))
	c.spend(begun)
	switch {
	case reply.timedOut:
		return c.requestFailed("assistant-request-failed", "assistant-request timed out",
			"Your server took longer than "+strconv.FormatFloat(to.timeout.Seconds(), 'g', -1, 64)+" seconds.")
	case reply.err != nil:
		return c.requestFailed("assistant-request-failed", "assistant-request failed", "Your server could not be reached.")
	case reply.status < 200 || reply.status > 299:
		return c.requestFailed("assistant-request-failed", "assistant-request failed",
			"Your server answered "+strconv.Itoa(reply.status)+" "+http.StatusText(reply.status)+".")
	}
	var answer object
	if err := json.Unmarshal(reply.body, &answer); err != nil {
		return c.requestFailed("assistant-request-failed", "assistant-request failed",
			"Your server's answer is not a JSON object.")
	}
	return c.followAnswer(answer)
}

// followAnswer does what the answer says: error wins over all, then destination.
func (c *liveCall) followAnswer(answer object) error {
	overrides := obj(answer, "assistantOverrides")
	switch {
	case answer["error"] != nil:
		text := str(answer, "error")
		if text == "" {
			return ended{"assistant-request-returned-unspeakable-error"}
		}
		c.characters += len(text)
		c.record("assistant", text)
		return ended{"assistant-request-returned-error"}
	case obj(answer, "destination") != nil:
		if found := check(outsideDestination, answer["destination"], "destination"); found != nil {
			return c.requestFailed("assistant-request-failed", "assistant-request returned a destination that is not valid",
				found[0])
		}
		c.destination = obj(answer, "destination")
		c.tellStatus("forwarding", object{"destination": c.destination})
		return ended{"assistant-request-returned-forwarding-phone-number"}
	case str(answer, "assistantId") != "":
		assistant := c.s.get("assistant", str(answer, "assistantId"))
		if assistant == nil {
			return c.requestFailed("assistant-not-found", "assistant-request returned an unknown assistantId",
				"Couldn't find that assistant.")
		}
		c.take(assistant, overrides)
	case obj(answer, "assistant") != nil:
		if err := c.s.checkAssistant(obj(answer, "assistant")); err != nil {
			return c.requestFailed("assistant-request-returned-invalid-assistant",
				"assistant-request returned an invalid assistant", err.Error())
		}
		c.take(obj(answer, "assistant"), overrides)
	case str(answer, "squadId") != "", obj(answer, "squad") != nil:
		squad, who := obj(answer, "squad"), object{}
		if id := str(answer, "squadId"); id != "" {
			squad, who = c.s.get("squad", id), object{"squadId": id}
		}
		if squad == nil || !c.resolveSquad(squad, obj(answer, "squadOverrides")) {
			return c.requestFailed("assistant-request-returned-invalid-assistant",
				"assistant-request returned an unknown or empty squad", "Couldn't find that squad.")
		}
		c.taken(who)
	default:
		return c.requestFailed("assistant-request-returned-no-assistant", "assistant-request returned no assistant",
			"Your server's answer names no assistant.")
	}
	return nil
}

// requestFailed sends the caller to the number's fallback destination, or ends the call.
func (c *liveCall) requestFailed(reason, what, detail string) error {
	c.debugging = object{"error": what, "assistantRequestError": detail}
	if fallback := obj(c.number, "fallbackDestination"); fallback != nil {
		c.destination = fallback
		c.tellStatus("forwarding", object{"destination": fallback})
		return ended{"assistant-forwarded-call"}
	}
	return ended{reason}
}
