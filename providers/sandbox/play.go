package sandbox

import (
	"errors"
	"slices"
	"time"
)

// Times around a conversation, by the call's clock.
const (
	usualRing     = 6 * time.Second
	pickUp        = 800 * time.Millisecond
	analysisTime  = 6 * time.Second // from the end to the report
	hangUpTime    = 800 * time.Millisecond
	outboundQueue = 800 * time.Millisecond
)

// run plays the whole call: who answers, ringing, the conversation, the end
// and the report.
func (c *liveCall) run() {
	err := c.connectAndTalk()
	var end ended
	if !errors.As(err, &end) {
		if err != nil {
			return // the sandbox is closing
		}
		end = ended{c.script.Ended}
	}
	c.finish(end.reason)
}

func (c *liveCall) connectAndTalk() error {
	if c.inbound {
		if err := c.takeIncoming(); err != nil {
			return err
		}
	} else if reason := c.s.refusedOutbound(c); reason != "" {
		return ended{reason}
	}
	c.tellStatus("queued", nil)
	if err := c.wait(outboundQueue); err != nil {
		return err
	}
	c.tellStatus("ringing", nil)
	ring := time.Duration(c.script.Ring * float64(time.Second))
	if ring == 0 {
		ring = pickUp
		if !c.inbound {
			ring = usualRing
		}
	}
	if err := c.wait(ring); err != nil {
		return err
	}
	if c.script.Unanswered != "" {
		return ended{c.script.Unanswered}
	}
	return c.converse()
}

// converse is the conversation: the greeting, then the script's steps.
func (c *liveCall) converse() error {
	c.started = c.now
	c.update(object{"startedAt": stamp(c.started)})
	if prompt := c.systemPrompt(); prompt != "" {
		c.noteSystem(prompt)
	}
	c.tellStatus("in-progress", nil)
	c.tellStarted()
	if err := c.obeyControls(); err != nil {
		return err
	}
	steps := c.script.Steps
	if !steps[0].Machine && str(c.assistant, "firstMessageMode") != "assistant-waits-for-user" {
		if err := c.utter("assistant", c.greeting(), steps[0].Interrupts); err != nil {
			return err
		}
	}
	for i, s := range steps {
		cut := i+1 < len(steps) && steps[i+1].Interrupts
		if err := c.perform(s, cut); err != nil {
			return err
		}
	}
	return nil
}

func (c *liveCall) tellStarted() {
	c.tell("assistant.started", false, object{
		"newAssistant": object{"name": str(c.assistant, "name"), "firstMessage": c.greeting()},
	})
}

// greeting is the assistant's own first message, or a model's when it has none.
func (c *liveCall) greeting() string {
	if first := str(c.assistant, "firstMessage"); first != "" &&
		str(c.assistant, "firstMessageMode") != "assistant-speaks-first-with-model-generated-message" {
		return c.fill(first)
	}
	return c.line(c.script.Greeting)
}

// perform plays one step. cut says that the caller interrupts what the assistant says in it.
func (c *liveCall) perform(s step, cut bool) error {
	switch {
	case s.Machine:
		return c.machine(s)
	case s.User != nil:
		if s.Outcome != "" {
			c.facts[s.Outcome] = true
		}
		c.question = c.line(s.User)
		return c.utter("user", c.question, false)
	case s.Silence > 0:
		return c.wait(time.Duration(s.Silence * float64(c.silenceTimeout())))
	case s.Transfer:
		return c.transferStep(s)
	case s.Knowledge:
		return c.knowledgeStep(s, cut)
	case s.Tool != nil:
		return c.toolStep(s, cut)
	}
	text := c.line(s.Assistant)
	if s.Late {
		if err := c.wait(3 * time.Second); err != nil {
			return err
		}
		c.tell("hang", true, nil)
	}
	if s.Farewell {
		return c.farewell(text)
	}
	if err := c.consultServer(); err != nil {
		return err
	}
	return c.respond(text, cut)
}

// farewell is the assistant taking leave. One that has the endCall tool says its
// endCallMessage and hangs up; so does one whose words hold an endCallPhrase.
// Without either it cannot: the caller does.
func (c *liveCall) farewell(text string) error {
	mayEnd := slices.ContainsFunc(c.tools(), func(tool object) bool { return str(tool, "type") == "endCall" })
	if own := str(c.assistant, "endCallMessage"); own != "" && mayEnd {
		text = c.fill(own)
	}
	if err := c.respond(text, false); err != nil {
		return err
	}
	for _, v := range list(c.assistant, "endCallPhrases") {
		if phrase, _ := v.(string); phrase != "" && containsFold(text, phrase) {
			c.tell("phone-call-control", false, object{"request": "hang-up"})
			return ended{"assistant-said-end-call-phrase"}
		}
	}
	if !mayEnd {
		return ended{"customer-ended-call"}
	}
	c.tell("phone-call-control", false, object{"request": "hang-up"})
	return ended{"assistant-ended-call"}
}

// machine is an answering machine: recognised it gets the voicemailMessage; with
// detection switched off the assistant talks to it until the silence is too long.
func (c *liveCall) machine(s step) error {
	if err := c.utter("user", c.line(s.User), false); err != nil {
		return err
	}
	if str(c.assistant, "voicemailDetection") == "off" {
		if err := c.utter("assistant", c.greeting(), false); err != nil {
			return err
		}
		if err := c.wait(c.silenceTimeout()); err != nil {
			return err
		}
		return ended{"silence-timed-out"}
	}
	if message := str(c.assistant, "voicemailMessage"); message != "" {
		if err := c.utter("assistant", c.fill(message), false); err != nil {
			return err
		}
	}
	return ended{"voicemail"}
}

// finish ends the call, tells so and sends the report when the analysis is done.
func (c *liveCall) finish(reason string) {
	if !c.started.IsZero() && (reason == "customer-ended-call" || reason == "assistant-ended-call") {
		if err := c.sleep(hangUpTime); err != nil && c.ctx.Err() != nil {
			return
		}
	}
	c.endedReason = reason
	c.mu.Lock()
	c.lineDead = true
	c.mu.Unlock()
	endedAt := c.now
	c.update(object{"endedAt": stamp(endedAt), "endedReason": reason})
	fields := object{"endedReason": reason}
	if c.debugging != nil {
		fields["inboundPhoneCallDebuggingArtifacts"] = c.debugging
	}
	c.tellStatus("ended", fields)
	pause := analysisTime
	if c.started.IsZero() {
		pause = 1200 * time.Millisecond
	}
	if err := c.sleep(pause); err != nil && c.ctx.Err() != nil {
		return
	}
	c.report(endedAt)
}
