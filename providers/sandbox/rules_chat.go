package sandbox

var chatMessages = listOf(record(schema{
	"role": required(oneOf("system", "user", "assistant", "tool", "developer")), "content": anything(), "name": text(),
	"tool_calls": listOf(anyObject()), "tool_call_id": text(), "refusal": text(), "metadata": anyObject(),
}))

var chatRules = schema{
	"input": required(anything()), "assistantId": text(), "assistant": named("assistant"),
	"assistantOverrides": named("overrides"),
	"squadId":            text(), "squad": named("squad"), "name": upTo(nameLimit), "sessionId": text(),
	"previousChatId": text(),
	"stream":         yesno(),
	"transport": record(schema{
		"type": required(oneOf("twilio.sms")), "conversationType": oneOf("chat"), "phoneNumberId": text(),
		"customer":   named("customer"),
		"customerId": text(), "useLLMGeneratedMessageForOutbound": yesno(),
	}),
}

var sessionPatchRules = schema{
	"name": upTo(nameLimit), "status": oneOf("active", "completed"), "expirationSeconds": between(60, 2592000),
	"messages": chatMessages,
}

var sessionRules = join(sessionPatchRules, schema{
	"assistantId": text(), "assistant": named("assistant"), "assistantOverrides": named("overrides"), "squadId": text(),
	"squad": named("squad"), "customer": named("customer"), "customerId": text(), "phoneNumberId": text(),
	"phoneNumber": anyObject(),
})
