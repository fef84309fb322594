package sandbox

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// How fast people talk and how long they take to begin.
const (
	charactersPerSecond = 15
	shortestUtterance   = 700 * time.Millisecond
	userPause           = 700 * time.Millisecond // before the caller begins
	modelPause          = 800 * time.Millisecond // endpointing, model and voice together
)

// segment is a stretch of speech, for the recording.
type segment struct {
	caller   bool
	from, to time.Duration // from the start of the conversation
}

// speakingTime is how long a text takes to say.
func speakingTime(text string) time.Duration {
	d := time.Duration(utf8.RuneCountInString(text)) * time.Second / charactersPerSecond
	return max(d, shortestUtterance).Round(100 * time.Millisecond)
}

// utter is one turn of speech with all its messages: speech-update, partial and
// final transcripts, conversation-update, and what goes with the assistant's
// voice. cut says that the caller interrupts at the end of it.
func (c *liveCall) utter(role, text string, cut bool) error {
	if text == "" || c.muted[role] {
		return c.wait(speakingTime(text))
	}
	pause := userPause
	if role == "assistant" {
		pause = modelPause
		if len(c.openAI) <= 1 {
			pause = 500 * time.Millisecond // a first message is not thought up
		}
	}
	if err := c.wait(pause); err != nil {
		return err
	}
	from := c.now
	if role == "assistant" {
		c.characters += utf8.RuneCountInString(text)
		c.tell("voice-input", false, object{"input": text})
		c.tell("assistant.speechStarted", false, object{
			"text": text, "turn": c.turn, "source": "model", "timing": wordTiming(text),
		})
	}
	c.tell("speech-update", true, object{"status": "started", "role": role, "turn": c.turn})
	c.speaks(role)
	said, err := c.pronounce(role, text)
	c.speaks("")
	c.finishUtterance(role, said, from, err == nil && cut)
	if err != nil {
		return err
	}
	c.turn++
	return c.obeyControls()
}

// pronounce lets the time of an utterance pass, sending partial transcripts on
// the way. When the call ends in the middle it answers the words said so far.
func (c *liveCall) pronounce(role, text string) (said string, err error) {
	words := strings.Fields(text)
	total, spent := speakingTime(text), time.Duration(0)
	if len(words) > 4 {
		for _, share := range []int{2, 3} {
			part := total * time.Duration(share) / 4
			if err := c.wait(part - spent); err != nil {
				return strings.Join(words[:len(words)*(share-1)/4], " "), err
			}
			spent = part
			c.tellTranscript(role, "partial", strings.Join(words[:len(words)*share/4], " "))
		}
	}
	if err := c.wait(total - spent); err != nil {
		return strings.Join(words[:len(words)*3/4], " "), err
	}
	return text, nil
}

func (c *liveCall) finishUtterance(role, text string, from time.Time, cut bool) {
	if text == "" {
		c.tell("speech-update", true, object{"status": "stopped", "role": role, "turn": c.turn})
		return
	}
	if role == "user" && !c.detected && c.languageDiffers() {
		c.detected = true
		c.tell("language-change-detected", false, object{"language": c.language})
	}
	c.tellTranscript(role, "final", text)
	entry := object{
		"message": text, "time": from.UnixMilli(), "endTime": c.now.UnixMilli(),
		"secondsFromStart": c.since(from), "duration": c.now.Sub(from).Milliseconds(),
	}
	speaker, openAIRole, prefix := "user", "user", "User: "
	if role == "assistant" {
		speaker, openAIRole, prefix = "bot", "assistant", "AI: "
		entry["source"], entry["assistantName"] = "", str(c.assistant, "name")
		if id := str(c.assistant, "id"); id != "" {
			entry["assistantId"] = id
		}
	}
	if renamed := str(c.assistant, "artifactPlan", "transcriptPlan",
		map[string]string{"assistant": "assistantName", "user": "userName"}[role]); renamed != "" {
		prefix = renamed + ": "
	}
	entry["role"] = speaker
	c.messages = append(c.messages, entry)
	c.openAI = append(c.openAI, object{"role": openAIRole, "content": text})
	c.transcript.WriteString(prefix + text + "\n")
	c.segments = append(c.segments, segment{caller: role == "user", from: from.Sub(c.started), to: c.now.Sub(c.started)})
	c.record(role, text)
	if cut {
		c.interruptions++
		c.tell("user-interrupted", true, object{"turnId": c.turnID()})
	}
	c.tell("speech-update", true, object{"status": "stopped", "role": role, "turn": c.turn})
	c.tellConversation()
}

func (c *liveCall) turnID() string { return fmt.Sprintf("turn_%s_%d", c.id[len(c.id)-6:], c.turn) }

// languageDiffers tells whether the caller speaks something else than the transcriber was set to.
func (c *liveCall) languageDiffers() bool {
	set := str(c.assistant, "transcriber", "language")
	if set == "" {
		set = "en"
	}
	return !strings.HasPrefix(set, c.language)
}

// wordTiming spreads the words of a text evenly over its time.
func wordTiming(text string) object {
	words := strings.Fields(text)
	var shown, starts, ends []any
	if len(words) > 0 {
		each := speakingTime(text).Milliseconds() / int64(len(words))
		for i, word := range words {
			shown, starts, ends = append(shown, word), append(starts, int64(i)*each), append(ends, int64(i+1)*each-5)
		}
	}
	return object{"type": "word-alignment", "words": shown, "wordsStartTimesMs": starts, "wordsEndTimesMs": ends}
}

// respond is a turn of the model: knowledge is fetched, output is told, and the
// text is spoken.
func (c *liveCall) respond(text string, cut bool) error {
	c.modelTurns++
	c.tell("model-output", false, object{"output": text, "turnId": c.turnID()})
	return c.utter("assistant", text, cut)
}
