package hooks

import "github.com/pocketline/pocketline/hooks/privacy"

// installed is what the compliance pack says of this server: from the
// configuration, never from a list of what could be.
func installed(d Deps) privacy.Installation {
	i := privacy.Installation{
		Version: d.Version, Sandbox: d.SandboxURL != "", KeyFromEnvironment: d.Config.Key != "",
		TrustedProxy: d.Config.TrustedProxyHeader,
	}
	if d.SandboxURL == "" && d.Config.VapiAPIKey != "" {
		i.Processors = append(i.Processors, privacy.Processor{
			Name: "Vapi", Where: d.Config.VapiBaseURL,
			Does: "carries calls, turns speech into text and text into speech, and runs the assistants: telephone numbers, voices, what is said",
		})
	}
	return i
}
