package sandbox

var functionRules = record(schema{
	"name": required(matching(functionNameText)), "description": text(), "strict": yesno(),
	"parameters": record(schema{"type": required(oneOf("object")), "properties": required(anyObject()),
		"required":             listOf(text()),
		"additionalProperties": anything(), "description": text(), "title": text()}),
})

var toolMessage = chosen("type", map[string]schema{
	"request-start": {"type": text(), "content": upTo(1000), "contents": listOf(anyObject()),
		"conditions": listOf(anyObject()), "blocking": yesno()},
	"request-complete": {"type": text(), "content": upTo(1000), "contents": listOf(anyObject()),
		"conditions": listOf(anyObject()), "role": oneOf("assistant", "system"), "endCallAfterSpokenEnabled": yesno()},
	"request-failed": {"type": text(), "content": upTo(1000), "contents": listOf(anyObject()),
		"conditions": listOf(anyObject()), "role": oneOf("assistant", "system"), "endCallAfterSpokenEnabled": yesno()},
	"request-response-delayed": {"type": text(), "content": upTo(1000), "contents": listOf(anyObject()),
		"conditions": listOf(anyObject()), "timingMilliseconds": between(100, 120000)},
})

// toolCommon are the properties every tool has.
var toolCommon = schema{"type": text(), "messages": listOf(toolMessage), "rejectionPlan": anyObject()}

// toolVariants are the tools by type.
var toolVariants = map[string]schema{
	"function": join(toolCommon, schema{
		"async": yesno(), "server": named("server"), "function": functionRules, "variableExtractionPlan": anyObject(),
		"parameters": listOf(record(schema{"key": required(text()), "value": required(anything())})),
	}),
	"apiRequest": join(toolCommon, schema{
		"name": matching(`^[a-zA-Z0-9_-]{1,40}$`), "method": required(oneOf("POST", "GET", "PUT", "PATCH", "DELETE")),
		"url":         required(text()),
		"description": text(), "body": anyObject(), "headers": anyObject(), "timeoutSeconds": between(1, 300),
		"credentialId":   text(),
		"encryptedPaths": listOf(text()), "parameters": listOf(anyObject()), "backoffPlan": anyObject(),
		"variableExtractionPlan": anyObject(),
		"function":               functionRules,
	}),
	"transferCall": join(toolCommon, schema{
		"destinations": listOf(chosen("type", map[string]schema{
			"number": numberDestination, "sip": sipDestination,
			"assistant": join(handoffDestination, schema{"assistantName": required(text())}),
		})),
		"function": functionRules,
	}),
	"handoff": join(toolCommon, schema{
		"destinations": listOf(chosen("type", map[string]schema{
			"assistant": handoffDestination,
			"squad": {"type": text(), "squadId": text(), "squad": named("squad"), "entryAssistantName": text(),
				"description":            text(),
				"contextEngineeringPlan": anyObject(), "variableExtractionPlan": anyObject(), "squadOverrides": named("overrides")},
			"dynamic": {"type": text(), "server": named("server"), "description": text()},
		})),
		"defaultResult": text(), "function": functionRules,
	}),
	"query": join(toolCommon, schema{
		"function": functionRules,
		"knowledgeBases": listOf(record(schema{
			"provider": required(oneOf("google")), "name": required(text()), "description": required(text()),
			"fileIds": required(listOf(text())), "model": text(),
		})),
	}),
	"code": join(toolCommon, schema{"code": required(text()), "async": yesno(), "server": named("server"),
		"environmentVariables": listOf(anyObject()),
		"timeoutSeconds":       number(), "credentialId": text(), "variableExtractionPlan": anyObject(),
		"function": functionRules}),
	"endCall":   join(toolCommon, schema{"function": functionRules}),
	"dtmf":      join(toolCommon, schema{"sipInfoDtmfEnabled": yesno(), "function": functionRules}),
	"sms":       join(toolCommon, schema{"function": functionRules, "metadata": anyObject()}),
	"voicemail": join(toolCommon, schema{"beepDetectionEnabled": yesno(), "function": functionRules}),
	"mcp": join(toolCommon, schema{"server": named("server"), "toolMessages": listOf(anyObject()),
		"metadata": anyObject()}),
	"sipRequest": join(toolCommon, schema{"verb": required(oneOf("INFO", "MESSAGE", "NOTIFY")), "headers": anyObject(),
		"body": anything()}),
	"bash": join(toolCommon, schema{"subType": required(text()), "name": required(text()),
		"server": named("server")}),
	"textEditor": join(toolCommon, schema{"subType": required(text()), "name": required(text()),
		"server": named("server")}),
	"computer": join(toolCommon, schema{"subType": required(text()), "name": required(text()), "server": named("server"),
		"displayWidthPx": required(number()), "displayHeightPx": required(number()), "displayNumber": number()}),
}

func init() {
	for _, kind := range []string{"google.calendar.event.create", "google.sheets.row.append",
		"google.calendar.availability.check",
		"slack.message.send", "gohighlevel.calendar.availability.check", "gohighlevel.calendar.event.create",
		"gohighlevel.contact.create", "gohighlevel.contact.get"} {
		toolVariants[kind] = toolCommon
	}
}
