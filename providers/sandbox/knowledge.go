package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

// consultServer sends knowledge-base-request before a turn of the model when
// the assistant has a custom knowledge base. The answer is kept for the turn.
func (c *liveCall) consultServer() error {
	c.knowledge = ""
	base := obj(c.assistant, "model", "knowledgeBase")
	if str(base, "provider") != "custom-knowledge-base" || str(base, "server", "url") == "" {
		return nil
	}
	to := asTarget(obj(base, "server"))
	to.timeout = min(to.timeout, 10*time.Second) // Vapi's cap
	begun := time.Now()
	r := c.ask(to, with(c.common(false), object{
		"type": "knowledge-base-request", "messages": slices.Clone(c.messages),
		"messagesOpenAIFormatted": slices.Clone(c.openAI),
	}))
	c.spend(begun)
	var answer object
	if r.err != nil || r.status < 200 || r.status > 299 || json.Unmarshal(r.body, &answer) != nil {
		return nil // the model goes on without
	}
	if text := str(answer, "message", "content"); text != "" {
		c.knowledge = text
		return nil
	}
	best := -1.0
	for _, v := range list(answer, "documents") {
		document, _ := v.(object)
		if content := str(document, "content"); content != "" && num(document, "similarity") > best {
			best, c.knowledge = num(document, "similarity"), content
		}
	}
	return nil
}

// knowledgeStep answers the caller's question from what the assistant has: its
// custom knowledge base, a function, files behind a query tool, the prompt.
func (c *liveCall) knowledgeStep(s step, cut bool) error {
	if err := c.consultServer(); err != nil {
		return err
	}
	if c.knowledge == "" {
		if c.functionNamed(s.Tool) != nil {
			return c.toolStep(s, cut)
		}
		c.knowledge = bestSentence(c.fileText(), c.question)
	}
	if c.knowledge == "" {
		c.knowledge = bestSentence(c.systemPrompt(), c.question)
	}
	if c.knowledge == "" {
		return c.respond(c.line(s.Lacking), cut)
	}
	c.facts[s.Outcome] = true
	c.result = sentence(c.knowledge)
	return c.respond(c.line(s.Say), cut)
}

// fileText is the text of all files the assistant's query tools and knowledge bases reach.
func (c *liveCall) fileText() string {
	var b strings.Builder
	for _, tool := range c.tools() {
		for _, v := range list(tool, "knowledgeBases") {
			base, _ := v.(object)
			for _, id := range list(base, "fileIds") {
				name, _ := id.(string)
				b.WriteString(c.s.fileContent(name) + "\n")
			}
		}
	}
	return b.String()
}

func (s *Server) fileContent(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.blobs[id])
}

var (
	sentenceEnd = regex(`[.!?]\s+|\n+`)
	money       = regex(`[$€£]|\d\s?(?i:eur|usd|dollar|xof|fcfa)`)
	priceWords  = []string{"price", "cost", "much", "prix", "tarif", "coute", "combien"}
)

// bestSentence finds the sentence of a text that shares most words with a
// question; a sentence with an amount counts more when a price is asked. It
// answers "" when nothing fits.
func bestSentence(text, question string) string {
	asked := words(question)
	forPrice := slices.ContainsFunc(asked, func(w string) bool { return slices.Contains(priceWords, w) })
	best, found := 0, ""
	for _, candidate := range sentenceEnd().Split(text, -1) {
		score := 0
		for _, w := range words(candidate) {
			if len(w) > 3 && slices.Contains(asked, w) && !slices.Contains(priceWords, w) {
				score++
			}
		}
		if forPrice && score > 0 && money().MatchString(candidate) {
			score += 3
		} else if forPrice {
			score = 0
		}
		if score > best {
			best, found = score, strings.TrimSpace(candidate)
		}
	}
	return found
}

// words are the words of a text in lower case, accents folded, plural s cut.
func words(text string) []string {
	folded := strings.NewReplacer("é", "e", "è", "e", "ê", "e", "à", "a", "â", "a", "û", "u", "ù", "u",
		"î", "i", "ï", "i", "ô", "o", "ç", "c").
		Replace(strings.ToLower(text))
	found := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range found {
		if len(w) > 4 {
			found[i] = strings.TrimSuffix(w, "s")
		}
	}
	return found
}

func containsFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
