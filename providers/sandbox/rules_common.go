package sandbox

// schemas are the objects that other objects contain, by name.
var schemas map[string]schema

func init() {
	schemas = map[string]schema{
		"server":     serverRules,
		"assistant":  assistantRules,
		"overrides":  overrideRules,
		"squad":      squadRules,
		"customer":   customerRules,
		"structured": structuredRules,
	}
}

const (
	nameLimit        = 40
	functionNameText = `^[a-zA-Z0-9_-]{1,64}$`
)

// serverRules are a server object's properties; secret left the API in May 2025.
var serverRules = schema{
	"url": text(), "timeoutSeconds": between(1, 300), "headers": anyObject(), "credentialId": text(),
	"staticIpAddressesEnabled": yesno(), "encryptedPaths": listOf(text()),
	"backoffPlan": record(schema{
		"type": required(oneOf("fixed", "exponential")), "maxRetries": required(between(0, 10)),
		"baseDelaySeconds": required(between(0, 10)), "excludedStatusCodes": listOf(anything()),
	}),
}

var customerRules = schema{
	"number": sized(3, 40), "name": upTo(nameLimit), "email": upTo(40), "externalId": upTo(40), "extension": upTo(10),
	"numberE164CheckEnabled": yesno(), "sipUri": text(), "assistantOverrides": named("overrides"),
	"squadOverrides": named("overrides"),
}

// spoken is a text, or the custom message object that stands for one.
var spoken = either(anyObject(), text())

var transferPlan = record(schema{
	"mode": required(oneOf("blind-transfer", "blind-transfer-add-summary-to-sip-header", "warm-transfer-say-message",
		"warm-transfer-say-summary", "warm-transfer-twiml",
		"warm-transfer-wait-for-operator-to-speak-first-and-then-say-message",
		"warm-transfer-wait-for-operator-to-speak-first-and-then-say-summary", "warm-transfer-experimental")),
	"message": spoken, "timeout": between(1, 600), "sipVerb": oneOf("refer", "bye", "dial"),
	"dialTimeout":  between(1, 600),
	"holdAudioUrl": text(), "transferCompleteAudioUrl": text(), "contextEngineeringPlan": anyObject(), "twiml": upTo(4096),
	"summaryPlan": anyObject(), "sipHeadersInReferToEnabled": yesno(), "fallbackPlan": anyObject(),
})

var numberDestination = schema{
	"type": text(), "number": required(sized(3, 40)), "numberE164CheckEnabled": yesno(), "extension": sized(1, 10),
	"callerId": upTo(40), "message": spoken, "description": text(), "transferPlan": transferPlan,
}

var sipDestination = schema{
	"type": text(), "sipUri": required(text()), "callerId": upTo(40), "message": spoken, "description": text(),
	"sipHeaders": anyObject(), "transferPlan": transferPlan,
}

// outsideDestination is a number or a SIP address: where a call can leave to.
var outsideDestination = chosen("type", map[string]schema{"number": numberDestination, "sip": sipDestination})

var handoffDestination = schema{
	"type": text(), "assistantId": text(), "assistantName": text(), "assistant": named("assistant"), "message": spoken,
	"transferMode": oneOf("rolling-history", "swap-system-message-in-history",
		"swap-system-message-in-history-and-remove-transfer-tool-messages", "delete-history"),
	"description": text(), "contextEngineeringPlan": anyObject(), "variableExtractionPlan": anyObject(),
	"assistantOverrides": named("overrides"),
}
