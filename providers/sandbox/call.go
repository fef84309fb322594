package sandbox

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Names of the documented ways to write a tool call; see toolcalls.go.
const (
	shapeDocument   = "document"      // {id, type, function {name, arguments: JSON text}}
	shapeArguments  = "arguments"     // {id, name, arguments: object}
	shapeParameters = "parameters"    // {id, name, parameters: object}
	shapeOld        = "function-call" // the message of before 2025
)

// callOrder is how a scripted call was asked for.
type callOrder struct {
	Script    string   `json:"script"`
	Language  string   `json:"language"`
	Speed     *float64 `json:"speed"`
	ToolShape string   `json:"toolShape"`
	Parallel  bool     `json:"parallel"` // two tool calls in one message where the script has two
}

// liveCall is one call while it plays, and afterwards what is known about how
// it went. Only the goroutine that plays it touches the fields below the line.
type liveCall struct {
	s        *Server
	id       string
	script   *script
	language string
	speed    float64
	order    callOrder
	ctx      context.Context
	done     chan struct{} // closed when the report is delivered and every retry finished
	hangUp   chan string   // an endedReason from outside: live control
	pending  sync.WaitGroup

	mu       sync.Mutex // guards these
	lineDead bool
	speaking string // user, assistant or nobody
	controls []object
	held     *delivery // a message a fault keeps back to send it after the next one
	late     []func()  // deliveries that wait for the end, at speed 0
	outbox   chan func()

	// ---- of the playing goroutine ----
	now, created, started time.Time
	inbound               bool
	snapshot              object // the call as messages show it: as it was made, stale status included
	customer              object
	number                object
	squad                 object
	assistant             object // resolved: squad and overrides applied
	variables             object
	messages              []any
	openAI                []any
	transcript            strings.Builder
	segments              []segment
	log                   []object
	turn                  int
	activations           []any
	transfers             []any
	destination           object
	debugging             object
	facts                 object
	result                string // what the last tool answered
	slot                  string // a time of day found in a result
	question              string
	knowledge             string // what the server answered for the turn under way
	detected              bool   // language-change-detected was sent
	muted                 map[string]bool
	interruptions         int
	characters            int // spoken by the assistant
	modelTurns            int
	endedReason           string
}

// ended stops a conversation: somebody hung up, or time ran out.
type ended struct{ reason string }

func (e ended) Error() string { return "call ended: " + e.reason }

// newCall makes the live side of a call; play starts it.
func (s *Server) newCall(order callOrder, fallback, language string, created time.Time) *liveCall {
	name := order.Script
	if name == "" {
		name = fallback
	}
	if order.Language != "" {
		language = order.Language
	}
	c := &liveCall{
		s: s, id: newCallID(created), script: scripts()[name], language: language, speed: s.cfg.Speed,
		order: order, ctx: s.ctx,
		done: make(chan struct{}), hangUp: make(chan string, 1), now: created, created: created,
		facts: with(scripts()[name].Facts), muted: map[string]bool{}, slot: "09:30",
	}
	if order.Speed != nil {
		c.speed = *order.Speed
	}
	return c
}

// play runs the call in the background.
func (c *liveCall) play() {
	c.s.mu.Lock()
	c.s.live[c.id] = c
	c.s.mu.Unlock()
	c.s.wg.Add(1)
	go func() {
		defer c.s.wg.Done()
		defer close(c.done)
		c.startOutbox()
		c.run()
		c.drainOutbox()
		c.s.save()
	}()
}

// hungUp tells whether the line is dead, even if the report is still to come.
func (c *liveCall) hungUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lineDead
}

// wait lets the call's clock run for d and, at any speed but 0, really waits.
// It returns early with an ended when the call is over from outside or has
// reached the assistant's maxDurationSeconds.
func (c *liveCall) wait(d time.Duration) error {
	limit := time.Duration(0)
	if !c.started.IsZero() {
		limit = c.started.Add(c.maxDuration()).Sub(c.now)
		if limit <= 0 {
			return ended{"exceeded-max-duration"}
		}
		if d >= limit {
			d = limit
		}
	}
	if err := c.sleep(d); err != nil {
		return err
	}
	if limit > 0 && d == limit {
		return ended{"exceeded-max-duration"}
	}
	return nil
}

func (c *liveCall) sleep(d time.Duration) error {
	select {
	case reason := <-c.hangUp:
		return ended{reason}
	case <-c.ctx.Done():
		return c.ctx.Err()
	default:
	}
	if c.speed == 0 {
		c.now = c.now.Add(d)
		return nil
	}
	begun := time.Now()
	timer := time.NewTimer(time.Duration(float64(d) / c.speed))
	defer timer.Stop()
	select {
	case <-timer.C:
		c.now = c.now.Add(d)
		return nil
	case reason := <-c.hangUp:
		c.now = c.now.Add(min(d, time.Duration(float64(time.Since(begun))*c.speed)).Truncate(time.Millisecond))
		return ended{reason}
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// spend moves the call's clock over real time that passed while a server was
// answering, at least as long as a real answer takes.
func (c *liveCall) spend(begun time.Time) {
	d := 300 * time.Millisecond
	if c.speed > 0 {
		d = max(d, time.Duration(float64(time.Since(begun))*c.speed))
	}
	c.now = c.now.Add(d.Truncate(time.Millisecond))
}

func (c *liveCall) maxDuration() time.Duration {
	seconds := num(c.assistant, "maxDurationSeconds")
	if seconds == 0 {
		seconds = 600
	}
	return time.Duration(seconds * float64(time.Second))
}

func (c *liveCall) silenceTimeout() time.Duration {
	seconds := num(c.assistant, "silenceTimeoutSeconds")
	if seconds == 0 {
		seconds = 30
	}
	return time.Duration(seconds * float64(time.Second))
}

// since is seconds from the start of the conversation.
func (c *liveCall) since(t time.Time) float64 {
	if c.started.IsZero() {
		return 0
	}
	return float64(t.Sub(c.started).Milliseconds()) / 1000
}

// update changes the stored record, which GET /call answers.
func (c *liveCall) update(change object) { c.s.merge("call", c.id, change) }

// resolve takes over an assistant: inline or stored, with overrides on top.
func (c *liveCall) resolve(assistant object, overrides ...object) {
	for _, o := range overrides {
		if o == nil {
			continue
		}
		c.variables = with(c.variables, obj(o, "variableValues"))
		assistant = with(assistant, without(o, "variableValues", "tools:append"))
		if extra := list(o, "tools:append"); extra != nil {
			model := obj(assistant, "model")
			assistant = with(assistant,
				object{"model": with(model, object{"tools": append(append([]any{}, list(model, "tools")...), extra...)})})
		}
	}
	c.assistant = assistant
	id, name := str(assistant, "id"), str(assistant, "name")
	activation := object{"assistantName": name}
	if id != "" {
		activation["assistantId"] = id
	}
	c.activations = append(c.activations, activation)
}

// resolveSquad takes over a squad: its first member answers.
func (c *liveCall) resolveSquad(squad object, overrides object) bool {
	members := list(squad, "members")
	if len(members) == 0 {
		return false
	}
	first, _ := members[0].(object)
	assistant := c.s.member(first)
	if assistant == nil {
		return false
	}
	c.squad = squad
	c.resolve(assistant, obj(squad, "membersOverrides"), obj(first, "assistantOverrides"), overrides)
	return true
}

// member answers the assistant of a squad member or handoff destination, or nil.
func (s *Server) member(m object) object {
	if inline := obj(m, "assistant"); inline != nil {
		return inline
	}
	if id := str(m, "assistantId"); id != "" {
		return s.get("assistant", id)
	}
	if name := str(m, "assistantName"); name != "" {
		for _, row := range s.all("assistant") {
			if str(row, "name") == name {
				return row
			}
		}
	}
	return nil
}

// line picks the language of a phrase and fills its blanks.
func (c *liveCall) line(p phrase) string { return c.fill(p[c.language]) }

func (c *liveCall) fill(s string) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	who := c.script.Caller[c.language]
	name := who.Name
	if given := str(c.customer, "name"); given != "" {
		name = given
	}
	pairs := []string{
		"{{name}}", name, "{{phone}}", str(c.customer, "number"), "{{service}}", c.script.Service[c.language],
		"{{tomorrow}}", c.created.AddDate(0, 0, 1).Format("2006-01-02"), "{{time}}", c.slot, "{{question}}",
		c.question, "{{result}}", c.result,
		"{{customer.number}}", str(c.customer, "number"), "{{date}}", c.created.Format("2006-01-02"),
	}
	for k, v := range c.variables {
		pairs = append(pairs, "{{"+k+"}}", fmt.Sprint(v), "{{ "+k+" }}", fmt.Sprint(v))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// argumentsOf fills the blanks in the values of an arguments object.
func (c *liveCall) argumentsOf(o object) object {
	filled := object{}
	for k, v := range o {
		if s, ok := v.(string); ok {
			v = c.fill(s)
		}
		filled[k] = v
	}
	return filled
}
