package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sessions is /session; its changes are told to the assistant's server when asked for.
func (s *Server) sessions() resource {
	tell := func(kind string) func(object) {
		return func(row object) { s.tellChat(kind, row, object{"session": row}) }
	}
	return resource{
		path: "/session", kind: "session", paged: true,
		filters: []string{"id", "name", "assistantId", "squadId", "phoneNumberId"},
		create: func(body object) error {
			if err := validate(sessionRules, body); err != nil {
				return err
			}
			if body["assistantId"] != nil && body["squadId"] != nil {
				return refuse(http.StatusBadRequest, "A session belongs to one assistant or one squad.")
			}
			if err := s.mustExist("assistant", body["assistantId"]); err != nil {
				return err
			}
			return s.mustExist("squad", body["squadId"])
		},
		patch: func(_, body object) error { return validate(sessionPatchRules, body) },
		prepare: func(body object) (object, error) {
			return with(object{"status": "active", "expirationSeconds": 86400.0, "messages": []any{}, "cost": 0.0}, body), nil
		},
		created: tell("session.created"), patched: tell("session.updated"), deleted: tell("session.deleted"),
	}
}

// tellChat sends a chat or session message for the object's assistant.
func (s *Server) tellChat(kind string, row, fields object) {
	assistant := s.assistantOf(row)
	if wantsMessage(assistant, kind) {
		s.notify(s.targetOf(assistant), "", with(object{"timestamp": time.Now().UnixMilli(), "type": kind}, fields))
	}
}

func (s *Server) chatDeleted(row object) { s.tellChat("chat.deleted", row, object{"chat": row}) }

// assistantOf is the assistant of a chat or session, a squad's first member included; nil when unknown.
func (s *Server) assistantOf(row object) object {
	if assistant := s.member(row); assistant != nil {
		return assistant
	}
	squad := obj(row, "squad")
	if squad == nil {
		squad = s.get("squad", str(row, "squadId"))
	}
	if members := list(squad, "members"); len(members) > 0 {
		first, _ := members[0].(object)
		return s.member(first)
	}
	return nil
}

// createChat is POST /chat: one turn of text. sessionId, previousChatId and
// assistantId exclude each other as documented.
func (s *Server) createChat(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(chatRules, body)
	}
	if err != nil {
		return err
	}
	chat, err := s.chat(body)
	if err != nil {
		return err
	}
	if !isTrue(body, "stream") {
		writeJSON(w, http.StatusCreated, chat)
		return nil
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, word := range strings.SplitAfter(replyText(chat), " ") {
		chunk, err := json.Marshal(object{"id": chat["id"], "path": "chat.output[0].content", "delta": word})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "data: %s\n\n", chunk)
	}
	return nil
}

// createResponse is POST /chat/responses, the same turn in OpenAI's shape.
func (s *Server) createResponse(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(chatRules, body)
	}
	if err != nil {
		return err
	}
	chat, err := s.chat(body)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, object{
		"id": chat["id"], "object": "response", "created_at": time.Now().Unix(), "status": "completed", "error": nil,
		"output": []any{object{
			"id": "msg_" + str(chat, "id"), "type": "message", "role": "assistant", "status": "completed",
			"content": []any{object{"type": "output_text", "text": replyText(chat), "annotations": []any{}}},
		}},
	})
	return nil
}

func replyText(chat object) string {
	output, _ := list(chat, "output")[0].(object)
	return str(output, "content")
}

func (s *Server) chat(body object) (object, error) {
	owner, history, session, err := s.chatContext(body)
	if err != nil {
		return nil, err
	}
	assistant := s.assistantOf(owner)
	if assistant == nil {
		return nil, refuse(http.StatusBadRequest, "Couldn't find that assistant.")
	}
	input, said, err := chatInput(body["input"])
	if err != nil {
		return nil, err
	}
	answer := s.chatReply(with(assistant, without(obj(body, "assistantOverrides"), "variableValues")),
		obj(body, "assistantOverrides", "variableValues"), said, len(history) == 0)
	output := object{"role": "assistant", "content": answer}
	prompt, completion := 200+len(said)/4, len(answer)/4
	model := modelCost(prompt, completion)
	cost := rounded(model + chatCost)
	row := s.stamped(without(body, "stream", "transport"), newID())
	row = with(row, object{
		"input": input, "messages": append(append([]any{}, history...), input...), "output": []any{output}, "cost": cost,
		"costs": []any{
			object{"type": "model", "model": object{"provider": str(assistant, "model", "provider"),
				"model": str(assistant, "model", "model")},
				"promptTokens": prompt, "completionTokens": completion, "cost": model},
			object{"type": "chat", "cost": chatCost},
		},
	})
	if session != nil {
		row["assistantId"] = session["assistantId"]
		row = plain(row).(object)
		updated := s.merge("session", str(session, "id"), object{
			"messages": append(list(row, "messages"), output), "cost": rounded(num(session, "cost") + cost),
			"updatedAt": stamp(s.tick()),
		})
		if updated != nil {
			s.tellChat("session.updated", updated, object{"session": updated})
		}
	}
	row = plain(row).(object)
	s.put("chat", row)
	s.tellChat("chat.created", owner, object{"chat": row})
	return row, nil
}

// chatContext finds whose chat it is and what was said before.
func (s *Server) chatContext(body object) (owner object, history []any, session object, err error) {
	sessionID, previousID := str(body, "sessionId"), str(body, "previousChatId")
	named := body["assistantId"] != nil || body["assistant"] != nil || body["squadId"] != nil || body["squad"] != nil
	switch {
	case sessionID != "":
		if other := besideSession(body, named); other != "" {
			return nil, nil, nil, refuse(http.StatusBadRequest, "sessionId and "+other+" are mutually exclusive.")
		}
		if session, err = s.openSession(sessionID); err != nil {
			return nil, nil, nil, err
		}
		return session, list(session, "messages"), session, nil
	case previousID != "":
		previous := s.get("chat", previousID)
		if previous == nil {
			return nil, nil, nil, notFound("chat")
		}
		history = append(append([]any{}, list(previous, "messages")...), list(previous, "output")...)
		if !named {
			return previous, history, nil, nil
		}
	case !named:
		return nil, nil, nil,
			refuse(http.StatusBadRequest, "Need one of assistantId, assistant, squadId, squad, sessionId or previousChatId.")
	}
	return body, history, nil, nil
}

// besideSession is what a chat of a session may not name beside it, "" for nothing.
func besideSession(body object, named bool) string {
	switch {
	case str(body, "previousChatId") != "":
		return "previousChatId"
	case named:
		return "assistantId"
	case body["transport"] != nil:
		return "transport"
	}
	return ""
}

// openSession is a session that still takes messages.
func (s *Server) openSession(id string) (object, error) {
	session := s.get("session", id)
	if session == nil {
		return nil, notFound("session")
	}
	made, err := time.Parse(time.RFC3339, str(session, "updatedAt"))
	if err == nil && time.Since(made).Seconds() > num(session, "expirationSeconds") ||
		str(session, "status") == "completed" {
		return nil, refuse(http.StatusBadRequest, "The session has expired or is completed.")
	}
	return session, nil
}

// chatInput reads text or a list of messages, and the last thing the user said.
func chatInput(v any) (input []any, said string, err error) {
	if text, ok := v.(string); ok && text != "" {
		return []any{object{"role": "user", "content": text}}, text, nil
	}
	items, ok := v.([]any)
	if !ok || len(items) == 0 {
		return nil, "", invalid("input must be a string or an array of messages")
	}
	if found := check(chatMessages, v, "input"); found != nil {
		return nil, "", invalid(found...)
	}
	for _, item := range items {
		if m := item.(object); str(m, "role") == "user" {
			said = str(m, "content")
		}
	}
	return items, said, nil
}

// chatReply answers from the assistant's instructions and files: the sentence
// that fits the question best, else a greeting or a promise to call back.
func (s *Server) chatReply(assistant, variables object, said string, first bool) string {
	c := &liveCall{s: s, assistant: assistant, variables: variables, script: scripts()["generic"], language: "en"}
	if looksFrench(said) || strings.HasPrefix(str(assistant, "transcriber", "language"), "fr") {
		c.language = "fr"
	}
	if answer := bestSentence(c.fileText(), said); answer != "" {
		return sentence(answer)
	}
	if answer := bestSentence(c.systemPrompt(), said); answer != "" {
		return sentence(answer)
	}
	if first && len(words(said)) <= 3 {
		return c.greeting()
	}
	return phrase{
		"en": "I do not have that information here. Shall I ask someone to call you back?",
		"fr": "Je n'ai pas cette information ici. Souhaitez-vous que quelqu'un vous rappelle ?",
	}[c.language]
}

func looksFrench(text string) bool {
	for _, w := range words(text) {
		switch w {
		case "bonjour", "merci", "vous", "est", "quel", "quelle", "prix", "combien", "je", "le", "la",
			"les", "etes", "ouvert":
			return true
		}
	}
	return false
}
