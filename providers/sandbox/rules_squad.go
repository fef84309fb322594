package sandbox

var memberRules = record(schema{
	"assistantId": text(), "assistant": named("assistant"), "assistantVersion": text(),
	"assistantOverrides":    named("overrides"),
	"assistantDestinations": listOf(record(join(handoffDestination, schema{"type": required(oneOf("assistant"))}))),
})

// squadRules are a squad's properties. It is membersOverrides: the spelling of
// the migration guide, memberOverrides, is refused.
var squadRules = schema{"name": text(), "members": required(listOf(memberRules)),
	"membersOverrides": named("overrides")}
