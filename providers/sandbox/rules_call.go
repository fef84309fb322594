package sandbox

// callRules are what POST /call takes. Calls have no metadata, and workflows
// were retired in August 2026, so both are refused.
var callRules = schema{
	"name": upTo(nameLimit), "assistantId": text(), "assistant": named("assistant"), "assistantVersion": text(),
	"assistantOverrides": named("overrides"), "squadId": text(), "squad": named("squad"),
	"squadOverrides": named("overrides"),
	"phoneNumberId":  text(), "customerId": text(), "customer": named("customer"), "customers": listOf(named("customer")),
	"phoneNumber": record(schema{
		"twilioPhoneNumber": required(text()), "twilioAccountSid": required(text()), "twilioAuthToken": text(),
		"twilioApiKey":    text(),
		"twilioApiSecret": text(), "smsEnabled": yesno(), "name": upTo(nameLimit), "server": named("server"),
		"fallbackDestination": outsideDestination, "hooks": listOf(anyObject()), "assistantId": text(), "squadId": text(),
	}),
	"schedulePlan": record(schema{"earliestAt": required(date()), "latestAt": date()}), "transport": anyObject(),
}

// callPatchRules: only the name of a call can be changed.
var callPatchRules = schema{"name": upTo(nameLimit)}
