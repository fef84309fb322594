package collections

import "github.com/pocketbase/pocketbase/core"

// Functions are what an assistant can do during a call besides talking: each
// has a copy at Vapi as a tool.
const Functions = "functions"

// FunctionHTTP posts the arguments to a URL of the organization's own.
const FunctionHTTP = "http"

func functions() *core.Collection {
	name := required(text("name", 64)).(*core.TextField)
	// What language models accept as a function's name.
	name.Pattern = `^[a-zA-Z0-9_-]{1,64}$`
	fields := []core.Field{
		name,
		text("description", 1_000),
		choice("type", FunctionHTTP),
		object("parameters", SmallJSON),
		url("webhook_url"),
		secret("headers"),
		between("timeout_ms", 0, 60_000),
		boolean("async"),
		boolean("is_active"),
		text("code", promptMax),
		object("messages", SmallJSON),
		object("metadata", SmallJSON),
	}
	c := tenant(Functions, append(fields, mirrored("vapi_tool_id")...)...)
	unique(c, "vapi_tool_id", "vapi_tool_id != ''")
	unique(c, "organization, name", "")
	manage := RoleOrCan("organization", CanManageAgents, Developer)
	server := mirrorColumns("vapi_tool_id")
	access(c, Member("organization"), Member("organization"), Create(manage, server...), Update(manage, server...), manage)
	return c
}

var _ = declare(Functions, functions, Traits{
	Personal: []string{"metadata"},
	Plain:    []string{"name", "description", "parameters", "webhook_url", "code", "messages", "vapi_tool_id"},
	Keys:     KeysWrite,
	Logged:   true,
})
