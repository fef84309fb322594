package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// noResult is what the model gets when the server's answer holds nothing usable.
const noResult = "No result returned."

// toolCall is one use of a function by the model.
type toolCall struct {
	id        string
	tool      object
	name      string
	arguments object
	failed    bool
	result    string
	message   string // what the server wants said in place of the model's words
}

// tools are the assistant's tools: inline ones and those named by toolIds.
func (c *liveCall) tools() []object {
	var found []object
	for _, v := range list(c.assistant, "model", "tools") {
		if tool, ok := v.(object); ok {
			found = append(found, tool)
		}
	}
	for _, v := range list(c.assistant, "model", "toolIds") {
		id, _ := v.(string)
		if tool := c.s.get("tool", id); tool != nil {
			found = append(found, tool)
		}
	}
	return found
}

// functionNamed finds a function tool; "*" is the first one. A script whose own
// functions the assistant lacks altogether uses the first other one, so that a
// user's own function is seen at work.
func (c *liveCall) functionNamed(names []string) object {
	var functions []object
	for _, tool := range c.tools() {
		if str(tool, "type") == "function" && str(tool, "function", "name") != "" {
			functions = append(functions, tool)
		}
	}
	for _, name := range names {
		for _, tool := range functions {
			if name == "*" || str(tool, "function", "name") == name {
				return tool
			}
		}
	}
	return nil
}

// namedFunctions are all functions the script would use.
func (c *liveCall) namedFunctions() []string {
	var names []string
	for _, s := range c.script.Steps {
		names = append(names, s.Tool...)
	}
	return names
}

// toolStep uses a function and speaks about its result, or says what there is
// to say without it.
func (c *liveCall) toolStep(s step, cut bool) error {
	if err := c.consultServer(); err != nil {
		return err
	}
	tool := c.functionNamed(s.Tool)
	if tool == nil && c.functionNamed(c.namedFunctions()) == nil && !isTrue(c.facts, "generic") {
		tool = c.functionNamed([]string{"*"})
		c.facts["generic"] = true
	}
	if tool == nil {
		return c.respond(c.line(s.Lacking), cut)
	}
	sets := []object{s.Arguments}
	if c.order.Parallel && s.Also != nil {
		sets = append(sets, s.Also)
	}
	calls := make([]*toolCall, len(sets))
	for i, arguments := range sets {
		calls[i] = c.newToolCall(tool, c.argumentsOf(arguments))
	}
	if err := c.callTools(calls); err != nil {
		return err
	}
	first := calls[0]
	c.result = sentence(first.result)
	if first.failed {
		return c.respond(orElse(first.message, c.line(s.Failed)), cut)
	}
	if s.Outcome != "" {
		c.facts[s.Outcome] = true
		c.facts["reference"] = reference(first.result)
	}
	if at := clockTime().FindString(first.result); at != "" {
		c.slot = at
	}
	return c.respond(orElse(first.message, c.line(s.Say)), cut)
}

var (
	clockTime     = regex(`\b\d{1,2}[:h]\d{2}\b`)
	referenceText = regex(`\b[A-Z]{2,4}-\d{2,6}\b`)
)

func reference(text string) string { return referenceText().FindString(text) }

// sentence makes a result fit to be spoken between others.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

func (c *liveCall) newToolCall(tool, facts object) *toolCall {
	name := str(tool, "function", "name")
	arguments := c.argumentsFor(obj(tool, "function", "parameters"), facts)
	for _, v := range list(tool, "parameters") { // constants the model never sees
		constant, _ := v.(object)
		arguments[str(constant, "key")] = constant["value"]
	}
	c.modelTurns++
	sum := sha256.Sum256([]byte(c.id + name + fmt.Sprint(len(c.messages), arguments)))
	id := "call_" + strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(sum[:18]))
	return &toolCall{id: id, tool: tool, name: name, arguments: arguments}
}

// callTools says the tools' request-start message, sends tool-calls to the
// tool's own server or the call's, and reads the results.
func (c *liveCall) callTools(calls []*toolCall) error {
	var documented []any
	for _, call := range calls {
		documented = append(documented, call.documented())
	}
	c.tell("model-output", false, object{"output": documented, "turnId": c.turnID()})
	if text := toolMessageText(calls[0].tool, "request-start"); text != "" {
		if err := c.utter("assistant", c.fill(text), false); err != nil {
			return err
		}
	} else if err := c.wait(modelPause); err != nil {
		return err
	}
	message := c.toolMessage(calls, documented)
	c.noteToolCalls(documented)
	own := obj(calls[0].tool, "server")
	switch {
	case str(own, "url") == "" && !c.wants(str(message, "type")):
		markFailed(calls, noResult)
	case isTrue(calls[0].tool, "async"):
		c.inform(message)
		for _, call := range calls {
			call.result = "Success."
		}
	default:
		begun := time.Now()
		r := c.ask(c.s.targetOf(calls[0].tool, c.assistant, c.number), message)
		c.spend(begun)
		c.readResults(calls, r, str(message, "type"))
	}
	for _, call := range calls {
		c.noteToolResult(call.id, call.name, call.result)
		if own := toolMessageText(call.tool,
			map[bool]string{true: "request-failed", false: "request-complete"}[call.failed]); own != "" && call.message == "" {
			call.message = c.fill(own)
		}
	}
	c.tellConversation()
	return c.obeyControls()
}

// toolMessageText is the text a tool has for a moment of its use.
func toolMessageText(tool object, kind string) string {
	for _, v := range list(tool, "messages") {
		if m, _ := v.(object); str(m, "type") == kind {
			return str(m, "content")
		}
	}
	return ""
}

func (t *toolCall) documented() object {
	text, err := json.Marshal(t.arguments)
	if err != nil {
		panic("sandbox: arguments are not JSON: " + err.Error()) // made from JSON values
	}
	return object{"id": t.id, "type": "function", "function": object{"name": t.name, "arguments": string(text)}}
}

// toolMessage is the message in the shape that was asked for.
func (c *liveCall) toolMessage(calls []*toolCall, documented []any) object {
	if c.order.ToolShape == shapeOld {
		return with(c.common(true), object{
			"type": "function-call", "functionCall": object{"name": calls[0].name, "parameters": calls[0].arguments},
		})
	}
	var shown, withTools []any
	for i, call := range calls {
		function := obj(call.tool, "function")
		flat := object{
			"type": "function", "name": call.name, "description": str(function, "description"),
			"parameters": function["parameters"],
			"server":     call.tool["server"], "messages": orEmpty(list(call.tool, "messages")),
			"toolCall": object{"id": call.id, "type": "function",
				"function": object{"name": call.name, "parameters": call.arguments}},
		}
		switch c.order.ToolShape {
		case shapeArguments:
			shown = append(shown, object{"id": call.id, "name": call.name, "arguments": call.arguments})
			withTools = append(withTools, flat)
		case shapeParameters:
			shown = append(shown, object{"id": call.id, "name": call.name, "parameters": call.arguments})
			withTools = append(withTools, flat)
		default:
			shown = documented
			withTools = append(withTools, with(without(call.tool, "id", "orgId", "createdAt", "updatedAt"), object{
				"async": isTrue(call.tool, "async"), "messages": orEmpty(list(call.tool, "messages")), "toolCall": documented[i],
			}))
		}
	}
	fields := object{"type": "tool-calls", "toolCallList": shown, "toolWithToolCallList": withTools}
	if c.order.ToolShape == "" || c.order.ToolShape == shapeDocument {
		fields["toolCalls"] = documented
	}
	return with(c.common(true), fields)
}

func orEmpty(items []any) []any {
	if items == nil {
		return []any{}
	}
	return items
}

func markFailed(calls []*toolCall, result string) {
	for _, call := range calls {
		call.failed, call.result = true, result
	}
}

// readResults follows Vapi's rules: status 200, results under the top-level
// key, each with its toolCallId, each a string on one line. What breaks a rule
// is ignored and noted in /_sandbox/deliveries.
func (c *liveCall) readResults(calls []*toolCall, r reply, kind string) {
	markFailed(calls, noResult)
	if r.err != nil {
		return
	}
	if r.status != 200 {
		c.s.problem(r.sent, fmt.Sprintf("status %d: tool results are read from 200 only", r.status))
		return
	}
	var answer object
	if err := json.Unmarshal(r.body, &answer); err != nil {
		c.s.problem(r.sent, "the answer is not a JSON object")
		return
	}
	if kind == "function-call" {
		if result, ok := answer["result"]; ok {
			calls[0].failed, calls[0].result = false, fmt.Sprint(result)
		}
		return
	}
	results := list(answer, "results")
	for _, call := range calls {
		i := slices.IndexFunc(results, func(v any) bool { m, _ := v.(object); return str(m, "toolCallId") == call.id })
		if i < 0 {
			c.s.problem(r.sent, "no result for tool call "+call.id)
			continue
		}
		given := results[i].(object)
		call.message = str(given, "message", "content")
		text, isText := given["result"].(string)
		switch failure, isFailure := given["error"].(string); {
		case isFailure:
			call.result = failure
		case !isText:
			c.s.problem(r.sent, "result is not a string")
		case strings.ContainsAny(text, "\r\n"):
			c.s.problem(r.sent, "result has line breaks")
		default:
			call.failed, call.result = false, text
		}
	}
}
