package sandbox

import "github.com/pocketline/pocketline/providers/catalog"

// serverMessageTypes are the values serverMessages may hold.
var serverMessageTypes = []string{
	"assistant.started", "assistant.speechStarted", "conversation-update", "end-of-call-report", "function-call", "hang",
	"language-changed", "language-change-detected", "model-output", "phone-call-control", "speech-update", "status-update",
	"transcript", `transcript[transcriptType="final"]`, "tool-calls", "transfer-destination-request",
	"handoff-destination-request", "transfer-update", "user-interrupted", "voice-input", "chat.created", "chat.deleted",
	"session.created", "session.updated", "session.deleted", "call.deleted", "call.delete.failed", "call.artifact.upload",
}

// defaultServerMessages are sent when an assistant does not say. Transcripts are not among them.
var defaultServerMessages = []string{
	"conversation-update", "end-of-call-report", "function-call", "hang", "speech-update", "status-update", "tool-calls",
	"transfer-destination-request", "handoff-destination-request", "user-interrupted", "assistant.started",
}

var analysisRules = record(schema{
	"minMessagesThreshold": atLeast(0),
	"summaryPlan": record(schema{"enabled": yesno(), "messages": listOf(anyObject()),
		"timeoutSeconds": number()}),
	"structuredDataPlan": record(schema{"enabled": yesno(), "schema": anyObject(), "messages": listOf(anyObject()),
		"timeoutSeconds": number()}),
	"successEvaluationPlan": record(schema{
		"rubric": oneOf("NumericScale", "DescriptiveScale", "Checklist", "Matrix", "PercentageScale", "LikertScale",
			"AutomaticRubric", "PassFail"),
		"enabled": yesno(), "messages": listOf(anyObject()), "timeoutSeconds": number(),
	}),
	"structuredDataMultiPlan": listOf(anyObject()), "outcomeIds": listOf(text()),
})

var artifactRules = record(schema{
	"recordingEnabled": yesno(), "recordingFormat": oneOf("wav;l16", "mp3"), "recordingUseCustomStorageEnabled": yesno(),
	"videoRecordingEnabled": yesno(), "fullMessageHistoryEnabled": yesno(), "pcapEnabled": yesno(),
	"pcapS3PathPrefix":            text(),
	"pcapUseCustomStorageEnabled": yesno(), "loggingEnabled": yesno(), "loggingUseCustomStorageEnabled": yesno(),
	"transcriptPlan":      record(schema{"enabled": yesno(), "assistantName": text(), "userName": text()}),
	"structuredOutputIds": listOf(text()), "structuredOutputs": listOf(named("structured")),
	"scorecardIds": listOf(text()), "scorecards": listOf(anyObject()), "recordingPath": text(), "loggingPath": text(),
})

// assistantRules are an assistant's properties. silenceTimeoutSeconds stands in
// the guides only and is accepted, as the live API does.
var assistantRules = schema{
	"name": upTo(nameLimit), "firstMessage": text(), "firstMessageInterruptionsEnabled": yesno(),
	"firstMessageMode": oneOf("assistant-speaks-first", "assistant-speaks-first-with-model-generated-message",
		"assistant-waits-for-user"),
	"model": looked("provider", modelVariants), "voice": looked("provider", voiceVariants),
	"transcriber":        looked("provider", transcriberVariants),
	"voicemailDetection": either(oneOf("off"), chosen("provider", voicemailVariants)),
	"clientMessages":     listOf(text()), "serverMessages": listOf(oneOf(serverMessageTypes...)),
	"server":             named("server"),
	"maxDurationSeconds": between(10, 43200), "silenceTimeoutSeconds": between(5, 3600), "backgroundSound": text(),
	"modelOutputInMessagesEnabled": yesno(), "transportConfigurations": listOf(anyObject()),
	"observabilityPlan": anyObject(),
	"credentials":       listOf(anyObject()), "credentialIds": listOf(text()), "hooks": listOf(anyObject()),
	"voicemailMessage": upTo(1000), "endCallMessage": upTo(1000), "endCallPhrases": listOf(sized(2, 140)),
	"compliancePlan": record(schema{
		"hipaaEnabled": yesno(), "pciEnabled": yesno(), "securityFilterPlan": anyObject(),
		"recordingConsentPlan": anyObject(),
	}),
	"metadata": anyObject(), "backgroundSpeechDenoisingPlan": anyObject(), "analysisPlan": analysisRules,
	"artifactPlan": artifactRules,
	"startSpeakingPlan": record(schema{
		"waitSeconds": between(0, 5), "smartEndpointingEnabled": anything(), "smartEndpointingPlan": anyObject(),
		"customEndpointingRules": listOf(anyObject()), "transcriptionEndpointingPlan": anyObject(),
	}),
	"stopSpeakingPlan": record(schema{
		"numWords": between(0, 10), "voiceSeconds": between(0, 0.5), "backoffSeconds": between(0, 10),
		"acknowledgementPhrases": listOf(upTo(240)), "interruptionPhrases": listOf(upTo(240)),
	}),
	"monitorPlan": record(schema{
		"listenEnabled": yesno(), "listenAuthenticationEnabled": yesno(), "controlEnabled": yesno(),
		"controlAuthenticationEnabled": yesno(), "monitorIds": listOf(text()),
	}),
	"keypadInputPlan": record(schema{"enabled": yesno(), "timeoutSeconds": between(0, 10),
		"delimiters": oneOf("#", "*", "")}),
}

// overrideRules are what assistantOverrides may hold.
var overrideRules = join(assistantRules,
	schema{"variableValues": anyObject(), "tools:append": listOf(chosen("type", toolVariants))})

var voicemailVariants = map[string]schema{}

// modelCommon are properties of every model whose insides are other tables here.
var modelCommon = schema{
	"messages": listOf(record(schema{
		"role": required(oneOf("assistant", "function", "user", "system", "tool")), "content": required(text()),
	})),
	"tools": listOf(chosen("type", toolVariants)), "toolRefs": listOf(anyObject()),
	"knowledgeBase": record(schema{"provider": required(oneOf("custom-knowledge-base")),
		"server": required(named("server"))}),
}

// modelVariants are the models by provider.
var modelVariants = variants(catalog.Models, modelCommon)

func init() {
	for _, provider := range []string{"vapi", "google", "openai", "twilio"} {
		voicemailVariants[provider] = schema{
			"provider": text(), "backoffPlan": anyObject(), "beepMaxAwaitSeconds": between(0, 60),
			"type":    oneOf("audio", "transcript"),
			"enabled": yesno(), "machineDetectionTimeout": between(3, 59),
			"machineDetectionSpeechThreshold":    between(1000, 6000),
			"machineDetectionSpeechEndThreshold": between(500, 5000), "machineDetectionSilenceTimeout": between(2000, 10000),
			"voicemailDetectionTypes": listOf(text()),
		}
	}
}
