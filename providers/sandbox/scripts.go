package sandbox

import (
	"embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed scripts/*.json
var scriptFiles embed.FS

// phrase is a text by language, "en" and "fr".
type phrase map[string]string

// script is one scripted conversation: a file in scripts/. Texts may hold
// {{name}}, {{phone}}, {{service}}, {{tomorrow}}, {{time}}, {{question}},
// {{result}} (what the last tool answered) and {{outcome}}.
type script struct {
	Name       string            `json:"name"`
	Title      phrase            `json:"title"`
	Outbound   bool              `json:"outbound"` // made for calls we place
	Caller     map[string]person `json:"caller"`
	Greeting   phrase            `json:"greeting"` // when the assistant has no firstMessage
	Ring       float64           `json:"ring"`     // seconds, 0 is the usual time
	Unanswered string            `json:"unanswered"`
	Steps      []step            `json:"steps"`
	Ended      string            `json:"ended"` // endedReason of a call that runs to its end
	Facts      object            `json:"facts"` // what structured data is filled from
	Service    phrase            `json:"service"`
	Summary    phrase            `json:"summary"`
	Good       phrase            `json:"good"` // {{outcome}} when the script's outcome was reached
	Bad        phrase            `json:"bad"`
}

// person is who a script's caller is.
type person struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

// step is one turn: somebody speaks, a tool is used, the call is passed on, or nobody speaks.
type step struct {
	User       phrase  `json:"user"`
	Interrupts bool    `json:"interrupts"` // the caller cuts the assistant short
	Machine    bool    `json:"machine"`    // an answering machine is speaking
	Assistant  phrase  `json:"assistant"`
	Late       bool    `json:"late"`     // the model is slow: hang is sent
	Farewell   bool    `json:"farewell"` // the assistant's endCallMessage is said instead, when it has one
	Silence    float64 `json:"silence"`  // part of the assistant's silence timeout

	Tool      []string `json:"tool"` // the first of these the assistant has; "*" is any function
	Knowledge bool     `json:"knowledge"`
	Arguments object   `json:"arguments"`
	Also      object   `json:"also"` // arguments of a second call in the same message, when parallel calls are asked for
	Transfer  bool     `json:"transfer"`
	Say       phrase   `json:"say"`
	Failed    phrase   `json:"failed"`
	Lacking   phrase   `json:"lacking"` // said when the assistant has nothing to use
	Arrived   phrase   `json:"arrived"` // first words of the assistant a call is passed to
	Outcome   string   `json:"outcome"` // the fact that becomes true when the step works
}

// scripts are all conversations by name. They are read when they are asked for
// first: a server with real providers never does.
var scripts = sync.OnceValue(loadScripts)

// languages are those every script is written in.
var languages = []string{"en", "fr"}

func loadScripts() map[string]*script {
	entries, err := scriptFiles.ReadDir("scripts")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	all := map[string]*script{}
	for _, entry := range entries {
		raw, err := scriptFiles.ReadFile("scripts/" + entry.Name())
		if err != nil {
			panic(err)
		}
		var s script
		if err := json.Unmarshal(raw, &s); err != nil {
			panic("sandbox: " + entry.Name() + ": " + err.Error())
		}
		all[s.Name] = &s
	}
	return all
}

// outboundByNumber says which script answers an outgoing call, by the last two
// digits of the customer's number; every other number answers a reminder.
var outboundByNumber = []struct{ ending, script string }{
	{"00", "no-answer"}, {"01", "voicemail"}, {"02", "busy"}, {"03", "angry"}, {"04", "silence"},
	{"05", "booking"}, {"06", "price"},
}

func outboundScript(number string) string {
	for _, row := range outboundByNumber {
		if strings.HasSuffix(number, row.ending) {
			return row.script
		}
	}
	return "reminder"
}

// outboundTable prints outboundByNumber for people.
func outboundTable() string {
	var b strings.Builder
	for _, row := range outboundByNumber {
		b.WriteString("  …" + row.ending + "  " + row.script + "\n")
	}
	return b.String() + "  else reminder\n"
}

// scriptNames are the names, sorted.
func scriptNames() []string { return slices.Sorted(maps.Keys(scripts())) }

// frenchPrefixes are country codes where an outgoing call is answered in French.
var frenchPrefixes = []string{"+33", "+32", "+221", "+223", "+224", "+225", "+226", "+228", "+229",
	"+237", "+241", "+242", "+243"}

func languageOf(number string, assistant object) string {
	if strings.HasPrefix(str(assistant, "transcriber", "language"), "fr") {
		return "fr"
	}
	if str(assistant, "transcriber", "language") == "" || str(assistant, "transcriber", "language") == "multi" {
		if slices.ContainsFunc(frenchPrefixes, func(prefix string) bool { return strings.HasPrefix(number, prefix) }) {
			return "fr"
		}
	}
	return "en"
}
