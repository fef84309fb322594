package sandbox

var filePatchRules = schema{"name": sized(1, 40)}

var filePurposes = []string{"assistant", "composer-attachment", "knowledge-base-v2"}

var baseRules = schema{"name": required(sized(1, 80)), "description": upTo(1000)}

var attachRules = schema{"fileId": required(text())}

var structuredRules = schema{
	"name": required(sized(1, 40)), "schema": required(jsonSchema()), "type": oneOf("ai", "regex"),
	"regex":       sized(1, 1000),
	"description": text(), "model": anyObject(), "compliancePlan": record(schema{"forceStoreOnHipaaEnabled": yesno()}),
	"conditions": listOf(chosen("type", map[string]schema{
		"minMessages":     {"type": text(), "count": required(atLeast(0))},
		"minCallDuration": {"type": text(), "seconds": required(atLeast(0))},
		"endedReason": {"type": text(), "operator": required(oneOf("oneOf", "notOneOf")),
			"values": required(listOf(text()))},
	})),
	"assistantIds": listOf(text()), "workflowIds": listOf(text()),
}

var structuredRunRules = schema{
	"callIds": required(listOf(text())), "structuredOutputId": text(), "structuredOutput": named("structured"),
	"previewEnabled": yesno(),
}

var analyticsRules = schema{"queries": required(listOf(record(schema{
	"name": required(upTo(40)), "table": required(oneOf("call", "subscription")),
	"groupBy":              listOf(oneOf("type", "assistantId", "endedReason", "analysis.successEvaluation", "status")),
	"groupByVariableValue": listOf(anyObject()),
	"operations": required(listOf(record(schema{
		"operation": required(oneOf("sum", "avg", "count", "min", "max", "history")),
		"column": required(oneOf("id", "cost", "costBreakdown.llm", "costBreakdown.stt", "costBreakdown.tts",
			"costBreakdown.vapi",
			"costBreakdown.transport", "costBreakdown.analysisBreakdown.summary", "costBreakdown.transcriber",
			"costBreakdown.ttsCharacters", "costBreakdown.llmPromptTokens", "costBreakdown.llmCompletionTokens",
			"costBreakdown.llmCachedPromptTokens", "duration", "concurrency", "minutesUsed")),
		"alias": upTo(40),
	}))),
	"timeRange": record(schema{
		"start": date(), "end": date(), "timezone": text(),
		"step": oneOf("second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
			"century", "millennium"),
	}),
})))}
