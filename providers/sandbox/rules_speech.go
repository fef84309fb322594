package sandbox

// voiceCommon are the properties every voice has.
var voiceCommon = schema{
	"provider": text(), "cachingEnabled": yesno(), "chunkPlan": anyObject(), "fallbackPlan": anyObject(),
}

// transcriberCommon are the properties every transcriber has.
var transcriberCommon = schema{"provider": text(), "fallbackPlan": anyObject()}

// voiceVariants are the voices by provider, each with its own limits: a speed
// of 1.5 is fine for Azure and refused by ElevenLabs.
var voiceVariants = map[string]schema{
	"azure":        join(voiceCommon, schema{"voiceId": required(text()), "speed": between(0.5, 2)}),
	"cartesia":     join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "language": text(), "experimentalControls": anything(), "generationConfig": anything(), "pronunciationDictId": text()}),
	"custom-voice": join(voiceCommon, schema{"voiceId": text(), "server": required(named("server"))}),
	"deepgram":     join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "mipOptOut": yesno()}),
	"11labs":       join(voiceCommon, schema{"voiceId": required(text()), "stability": between(0, 1), "similarityBoost": between(0, 1), "style": between(0, 1), "useSpeakerBoost": yesno(), "speed": between(0.7, 1.2), "optimizeStreamingLatency": between(0, 4), "enableSsmlParsing": yesno(), "autoMode": yesno(), "model": text(), "language": text(), "pronunciationDictionaryLocators": listOf(anything())}),
	"hume":         join(voiceCommon, schema{"model": text(), "voiceId": required(text()), "isCustomHumeVoice": yesno(), "description": text()}),
	"lmnt":         join(voiceCommon, schema{"voiceId": required(text()), "speed": between(0.25, 2), "language": anything()}),
	"neuphonic":    join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "language": required(anything()), "speed": between(0.25, 2)}),
	"openai":       join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "instructions": upTo(10000), "speed": between(0.25, 4)}),
	"playht":       join(voiceCommon, schema{"voiceId": required(text()), "speed": between(0.1, 5), "temperature": between(0.1, 2), "emotion": oneOf("female_happy", "female_sad", "female_angry", "female_fearful", "female_disgust", "female_surprised", "male_happy", "male_sad", "male_angry", "male_fearful", "male_disgust", "male_surprised"), "voiceGuidance": between(1, 6), "styleGuidance": between(1, 30), "textGuidance": between(1, 2), "model": text(), "language": text()}),
	"wellsaid":     join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "enableSsml": yesno(), "libraryIds": listOf(text())}),
	"rime-ai":      join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "speed": atLeast(0.1), "pauseBetweenBrackets": yesno(), "phonemizeBetweenBrackets": yesno(), "reduceLatency": yesno(), "inlineSpeedAlpha": text(), "language": text()}),
	"smallest-ai":  join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "speed": number()}),
	"tavus":        join(voiceCommon, schema{"voiceId": required(text()), "personaId": text(), "callbackUrl": text(), "conversationName": text(), "conversationalContext": text(), "customGreeting": text(), "properties": anything()}),
	"vapi":         join(voiceCommon, schema{"voiceId": required(text()), "version": anything(), "speed": between(0.25, 2), "language": text(), "pronunciationDictionary": listOf(anything())}),
	"sesame":       join(voiceCommon, schema{"voiceId": required(text()), "model": required(text())}),
	"inworld":      join(voiceCommon, schema{"voiceId": required(upTo(120)), "model": text(), "languageCode": text(), "temperature": between(0.1, 2), "speakingRate": between(0.5, 1.5)}),
	"minimax":      join(voiceCommon, schema{"voiceId": required(text()), "model": text(), "emotion": text(), "subtitleType": oneOf("word", "sentence"), "pitch": between(-12, 12), "speed": between(0.5, 2), "volume": between(0.5, 2), "region": oneOf("worldwide", "china"), "languageBoost": text(), "textNormalizationEnabled": yesno()}),
	"xai":          join(voiceCommon, schema{"voiceId": required(upTo(120)), "language": text(), "speed": between(0.7, 1.5)}),
	"microsoft":    join(voiceCommon, schema{"voiceId": required(text()), "style": text(), "styleDegree": between(0.01, 2), "role": oneOf("Girl", "Boy", "YoungAdultFemale", "YoungAdultMale", "OlderAdultFemale", "OlderAdultMale", "SeniorFemale", "SeniorMale"), "speed": between(0.5, 2)}),
}

// transcriberVariants are the transcribers by provider.
var transcriberVariants = map[string]schema{
	"assembly-ai":        join(transcriberCommon, schema{"language": text(), "confidenceThreshold": between(0, 1), "formatTurns": yesno(), "endOfTurnConfidenceThreshold": between(0, 1), "minEndOfTurnSilenceWhenConfident": atLeast(0), "wordFinalizationMaxWaitTime": atLeast(0), "maxTurnSilence": atLeast(0), "vadAssistedEndpointingEnabled": yesno(), "mode": oneOf("max_accuracy", "min_latency", "balanced"), "prompt": upTo(1750), "agentContext": upTo(1750), "languageCodes": listOf(text()), "speechModel": oneOf("universal-streaming-english", "universal-streaming-multilingual", "universal-3-5-pro"), "realtimeUrl": text(), "wordBoost": listOf(text()), "keytermsPrompt": listOf(text()), "endUtteranceSilenceThreshold": number(), "disablePartialTranscripts": yesno()}),
	"azure":              join(transcriberCommon, schema{"language": text(), "segmentationStrategy": oneOf("Default", "Time", "Semantic"), "segmentationSilenceTimeoutMs": between(100, 5000), "segmentationMaximumTimeMs": between(20000, 70000)}),
	"custom-transcriber": join(transcriberCommon, schema{"server": required(named("server"))}),
	"deepgram":           join(transcriberCommon, schema{"model": text(), "language": text(), "smartFormat": yesno(), "mipOptOut": yesno(), "numerals": yesno(), "profanityFilter": yesno(), "redaction": listOf(text()), "confidenceThreshold": between(0, 1), "eotThreshold": between(0.5, 0.9), "eotTimeoutMs": between(500, 10000), "languages": listOf(text()), "keywords": listOf(text()), "keyterm": listOf(text()), "endpointing": between(10, 500)}),
	"11labs":             join(transcriberCommon, schema{"model": text(), "language": text(), "silenceThresholdSeconds": between(0.3, 3), "confidenceThreshold": between(0.1, 0.9), "minSpeechDurationMs": between(50, 2000), "minSilenceDurationMs": between(50, 2000)}),
	"gladia":             join(transcriberCommon, schema{"model": text(), "languageBehaviour": anything(), "language": text(), "languages": listOf(text()), "transcriptionHint": upTo(600), "prosody": yesno(), "audioEnhancer": yesno(), "confidenceThreshold": between(0, 1), "endpointing": between(0.01, 10), "speechThreshold": between(0, 1), "customVocabularyEnabled": yesno(), "customVocabularyConfig": anything(), "region": oneOf("us-west", "eu-west"), "receivePartialTranscripts": yesno()}),
	"google":             join(transcriberCommon, schema{"model": text(), "language": text()}),
	"speechmatics":       join(transcriberCommon, schema{"model": text(), "language": text(), "operatingPoint": oneOf("standard", "enhanced"), "region": oneOf("eu", "us"), "enableDiarization": yesno(), "maxDelay": between(500, 10000), "customVocabulary": required(listOf(anything())), "numeralStyle": oneOf("written", "spoken"), "endOfTurnSensitivity": between(0, 1), "removeDisfluencies": yesno(), "minimumSpeechDuration": between(0, 5)}),
	"talkscriber":        join(transcriberCommon, schema{"model": text(), "language": text()}),
	"openai":             join(transcriberCommon, schema{"model": required(text()), "language": text()}),
	"cartesia":           join(transcriberCommon, schema{"model": text(), "language": text()}),
	"soniox":             join(transcriberCommon, schema{"model": text(), "language": text(), "languages": listOf(text()), "languageHintsStrict": yesno(), "maxEndpointDelayMs": between(500, 3000), "customVocabulary": listOf(text()), "contextGeneral": listOf(anything())}),
	"xai":                join(transcriberCommon, schema{"model": text(), "language": text()}),
	"vapi":               join(transcriberCommon, schema{"version": oneOf("latest", "1"), "language": text(), "languages": listOf(text()), "keywords": listOf(text()), "turnTaking": oneOf("intelligent", "manual")}),
}
