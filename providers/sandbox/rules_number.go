package sandbox

var numberCommon = schema{
	"provider": text(), "name": upTo(nameLimit), "assistantId": text(), "squadId": text(), "server": named("server"),
	"fallbackDestination": outsideDestination,
	"hooks": listOf(record(schema{
		"on": required(oneOf("call.ringing", "call.ending")), "do": listOf(anyObject()), "filters": listOf(anyObject()),
	})),
}

// numberVariants are the phone numbers by provider.
var numberVariants = map[string]schema{
	"vapi": join(numberCommon, schema{
		"numberDesiredAreaCode": sized(3, 3), "sipUri": text(),
		"authentication": record(schema{"realm": text(), "username": required(sized(20, 40)),
			"password": required(sized(20, 40))}),
	}),
	"twilio": join(numberCommon, schema{
		"number": required(text()), "twilioAccountSid": required(text()), "twilioAuthToken": text(), "twilioApiKey": text(),
		"twilioApiSecret": text(), "smsEnabled": yesno(),
	}),
	"vonage": join(numberCommon, schema{"number": required(text()), "credentialId": required(text())}),
	"telnyx": join(numberCommon, schema{"number": required(text()), "credentialId": required(text())}),
	"byo-phone-number": join(numberCommon, schema{"number": sized(3, 40), "credentialId": required(text()),
		"numberE164CheckEnabled": yesno()}),
}
