package providers

import (
	"slices"
	"time"
)

// Option is one environment variable: a row of the only list there is.
// docs/env.md is printed from it, Load reads by it.
type Option struct {
	// Name is the variable, for example POCKETLINE_HTTP_ADDR.
	Name string
	// Default is the text used when the variable is empty; "" means none.
	Default string
	// Secret values are never printed, and may come from a file named by the
	// variable Name + "_FILE".
	Secret bool
	// Kind says what is accepted, for example "URL" or "true or false".
	Kind string
	// About is one sentence for whoever runs the program.
	About string

	group string
	read  func(c *Config, value string) error
}

// FileName is the name of the variable that points at a file with the value.
// Only secrets have one.
func (o Option) FileName() string {
	if !o.Secret {
		return ""
	}
	return o.Name + "_FILE"
}

const (
	// defaultHTTPAddr listens on this machine only: reaching it from elsewhere
	// is a decision (a proxy with TLS, or a container's network).
	defaultHTTPAddr = "127.0.0.1:8090"
	// defaultDataDir is where the command is run, not where the binary lies:
	// the binary is often in a directory that nobody may write to.
	defaultDataDir = "./pb_data"
	// defaultDrain is longer than any answer a caller waits for and shorter than
	// the 30 s that fly.toml and docs/deploy.md give the process to end.
	defaultDrain = "20s"
	maxDrain     = 10 * time.Minute
	// maxSandboxSpeed keeps a scripted minute longer than a few milliseconds.
	maxSandboxSpeed = 10_000
	// kindSize, leastSize and mostSize are of limits in bytes.
	kindSize  = "size, for example 64KB or 4MB"
	leastSize = 1 << 10
	mostSize  = 1 << 30
	// maxNumber bounds the limits that count something.
	maxNumber = 1_000_000
	kindMany  = "whole number from 1 to 1000000"
	// mostBackups is nearly three years of nights.
	mostBackups = 1_000
	// maxPerPerson is more than anybody runs; beyond it, say 0.
	maxPerPerson = 100_000
)

const (
	groupServer  = "The server"
	groupAccess  = "Who gets in"
	groupLimits  = "How much at once"
	groupWatch   = "Watching over it"
	groupOut     = "Requests to addresses customers choose"
	groupVapi    = "Vapi"
	groupSandbox = "Sandbox"
)

// Options returns every environment variable Pocketline reads, in the order of
// docs/env.md. The slice is fresh on each call.
func Options() []Option {
	return slices.Concat(serverOptions(), accessOptions(), limitOptions(), watchOptions(), outOptions(), vapiOptions(), sandboxOptions())
}

func serverOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_PUBLIC_URL", Kind: "URL", group: groupServer,
			About: "The address under which the internet reaches this server; providers send their messages there, so without it no real call is answered.",
			read:  readURL(func(c *Config) *string { return &c.PublicURL })},
		{Name: "FLY_APP_NAME", Kind: "name", group: groupServer,
			About: "Set by Fly on its machines; when POCKETLINE_PUBLIC_URL is empty, the public address is then https://NAME.fly.dev.",
			read:  readFlyApp},
		{Name: "POCKETLINE_HTTP_ADDR", Default: defaultHTTPAddr, Kind: "host:port", group: groupServer,
			About: "Where `serve` listens; its flag --http wins.",
			read:  readHostPort(func(c *Config) *string { return &c.HTTPAddr })},
		{Name: "POCKETLINE_DATA_DIR", Default: defaultDataDir, Kind: "directory", group: groupServer,
			About: "The one directory that holds everything; the flag --dir wins.",
			read:  readText(func(c *Config) *string { return &c.DataDir })},
		{Name: "POCKETLINE_KEY", Secret: true, Kind: "32 bytes: as they are, as 64 hex digits or as 44 characters of base64",
			group: groupServer,
			About: "The master key that seals stored secrets; without it one is made at the first start and kept in the data directory as .pocketline_key.",
			read:  readText(func(c *Config) *string { return &c.Key })},
		{Name: "POCKETLINE_KEY_BEFORE", Secret: true, Kind: "as POCKETLINE_KEY", group: groupServer,
			About: "The master key before, while stored secrets move to a new one: `pocketline rotate-key` says when it can go (docs/backup.md).",
			read:  readText(func(c *Config) *string { return &c.KeyBefore })},
		{Name: "POCKETLINE_DRAIN_TIMEOUT", Default: defaultDrain, Kind: "duration from 0s to 10m", group: groupServer,
			About: "How long requests that are under way may take to finish when the server is told to stop.",
			read:  readDuration(func(c *Config) *time.Duration { return &c.DrainTimeout }, 0, maxDrain)},
		{Name: "POCKETLINE_BACKUP_DIR", Kind: "directory", group: groupServer,
			About: "Where backups go, best on another disk: a folder that is there; one is made there each night, and without it those that are asked for " +
				"go to the folder backups in the data directory.",
			read: readText(func(c *Config) *string { return &c.Backups.Dir })},
		{Name: "POCKETLINE_BACKUP_KEEP", Default: "7", Kind: "whole number from 0 to 1000", group: groupServer,
			About: "How many backups of the night are kept; 0 makes none.",
			read:  readInteger(func(c *Config) *int { return &c.Backups.Keep }, 0, mostBackups)},
		{Name: "POCKETLINE_BACKUP_BEFORE_UPDATE", Default: "true", Kind: "true or false", group: groupServer,
			About: "Whether the first start of a new version copies the database before it changes it; the last two copies are kept.",
			read:  readBool(func(c *Config) *bool { return &c.Backups.BeforeUpdate })},
		{Name: "POCKETLINE_LOG_LEVEL", Default: "warn", Kind: "debug, info, warn or error", group: groupServer,
			About: "What is written to the terminal; the log in the operator's panel has its own setting.",
			read:  readOneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
		{Name: "POCKETLINE_LOG_FORMAT", Default: "text", Kind: "text or json", group: groupServer,
			About: "How lines on the terminal are written.",
			read:  readOneOf(func(c *Config) *string { return &c.LogFormat }, "text", "json")},
		{Name: "POCKETLINE_LOG_SIZE", Default: "256MB", Kind: kindSize, group: groupServer,
			About: "What the log of requests in the operator's panel may take on the disk; its oldest lines go first.",
			read:  readSize(func(c *Config) *int64 { return &c.LogSize }, leastSize, mostSize)},
	}
}

func accessOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_SIGN_UP", Default: SignUpInviteOnly, Kind: SignUpOpen + " or " + SignUpInviteOnly,
			group: groupAccess,
			About: "Whether a stranger may create an account; the very first account can be created either way.",
			read:  readOneOf(func(c *Config) *string { return &c.SignUp }, SignUpOpen, SignUpInviteOnly)},
		{Name: "POCKETLINE_ORGANIZATIONS_PER_PERSON", Default: "10", Kind: "whole number from 0 to 100000",
			group: groupAccess,
			About: "How many organizations one person may create; 0 means as many as they like.",
			read:  readInteger(func(c *Config) *int { return &c.OrganizationsPerPerson }, 0, maxPerPerson)},
		{Name: "POCKETLINE_ADMIN_PANEL", Default: AdminPanelLocal, Kind: "local, on or off", group: groupAccess,
			About: "Who reaches the operator's panel at /_/: local means browsers on this machine or in its private network (docs/security.md), on means everybody who can reach the server.",
			read:  readOneOf(func(c *Config) *string { return &c.AdminPanel }, AdminPanelLocal, AdminPanelOn, AdminPanelOff)},
		{Name: "POCKETLINE_ALLOWED_ORIGINS", Kind: "origins, comma-separated", group: groupAccess,
			About: "Web pages on other hosts that may use the API from a browser, for example https://app.example.com; the server's own origin is always allowed.",
			read:  readOrigins(func(c *Config) *[]string { return &c.AllowedOrigins })},
		{Name: "POCKETLINE_TRUSTED_PROXY_HEADER", Kind: "header name", group: groupAccess,
			About: "The header in which your proxy puts the visitor's address (Fly-Client-IP on Fly); set it only when nobody can reach the server around the proxy, because it is then believed.",
			read:  readHeaderName(func(c *Config) *string { return &c.TrustedProxyHeader })},
	}
}

func limitOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_GUEST_BODY", Default: "64KB", Kind: kindSize, group: groupLimits,
			About: "The largest body of a request by somebody who is not signed in; more is answered 413.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.GuestBody }, leastSize, mostSize)},
		{Name: "POCKETLINE_GUEST_BODIES", Default: "4MB", Kind: kindSize, group: groupLimits,
			About: "What all bodies of people who are not signed in may hold in memory at once; when it is spent, more are answered 503.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.GuestBodies }, leastSize, mostSize)},
		{Name: "POCKETLINE_MEMBER_BODIES", Default: "16MB", Kind: kindSize, group: groupLimits,
			About: "The same for people who are signed in, whose bodies may have 2 MB each; their uploads go to disk and are not counted.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.MemberBodies }, leastSize, mostSize)},
		{Name: "POCKETLINE_PROVIDER_BODY", Default: "5MB", Kind: kindSize, group: groupLimits,
			About: "The largest message of a provider.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.ProviderBody }, leastSize, mostSize)},
		{Name: "POCKETLINE_PROVIDER_BODIES", Default: "12MB", Kind: kindSize, group: groupLimits,
			About: "What all messages of providers that are being taken in may hold in memory at once.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.ProviderBodies }, leastSize, mostSize)},
		{Name: "POCKETLINE_PROVEN_BODIES", Default: "4MB", Kind: kindSize, group: groupLimits,
			About: "How much of that is kept for messages whose header proved who sends them, so that strangers cannot use it up.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.ProvenBodies }, leastSize, mostSize)},
		{Name: "POCKETLINE_EXPANDED_ROWS", Default: "2000", Kind: kindMany, group: groupLimits,
			About: "How many related rows one answer of the record routes may show (expand); more is answered 400.",
			read:  readInteger(func(c *Config) *int { return &c.Limits.ExpandedRows }, 1, maxNumber)},
		{Name: "POCKETLINE_ANSWER_SIZE", Default: "16MB", Kind: kindSize, group: groupLimits,
			About: "The largest JSON answer; files, exports and backups are not meant.",
			read:  readSize(func(c *Config) *int64 { return &c.Limits.AnswerBytes }, leastSize, mostSize)},
		{Name: "POCKETLINE_GUEST_STREAMS", Default: "20", Kind: kindMany, group: groupLimits,
			About: "How many realtime streams an address (for IPv6 a /64 network) may hold open before somebody signs in on them.",
			read:  readInteger(func(c *Config) *int { return &c.Limits.GuestStreams }, 1, maxNumber)},
		{Name: "POCKETLINE_ADDRESS_CONNECTIONS", Default: "200", Kind: kindMany, group: groupLimits,
			About: "How many connections one address may hold open; not asked of this machine, nor when POCKETLINE_TRUSTED_PROXY_HEADER is set, because all come from the proxy then.",
			read:  readInteger(func(c *Config) *int { return &c.Limits.AddressConnections }, 1, maxNumber)},
		{Name: "POCKETLINE_CONNECTIONS", Default: "2000", Kind: kindMany, group: groupLimits,
			About: "How many connections may be open at all.",
			read:  readInteger(func(c *Config) *int { return &c.Limits.Connections }, 1, maxNumber)},
	}
}

func watchOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_METRICS_TOKEN", Secret: true, Kind: "text of at least 16 characters", group: groupWatch,
			About: "Opens GET /api/metrics for Prometheus, which sends it as a bearer token; without one there are no metrics.",
			read:  readSecret(func(c *Config) *string { return &c.MetricsToken })},
		{Name: "POCKETLINE_HELP_CONTACT", Kind: "text", group: groupWatch,
			About: "Whom people ask when they need help: a mail address, a phone number or a web address, shown on the page of help to who is signed in.",
			read:  readText(func(c *Config) *string { return &c.HelpContact })},
		{Name: "POCKETLINE_ALERT_MAIL", Kind: "mail address", group: groupWatch,
			About: "Who gets a mail when something turns bad and when it is well again; without one it is the operator, once mail is set up.",
			read:  readMail(func(c *Config) *string { return &c.AlertMail })},
		{Name: "POCKETLINE_ALERT_WEBHOOK", Secret: true, Kind: "URL", group: groupWatch,
			About: "An address of your choice, also in your own network, that gets the same as JSON by POST: text, status, checks, version; " +
				"redirects are not followed.",
			read: readHook(func(c *Config) *string { return &c.AlertWebhook })},
	}
}

func outOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_ALLOWED_HOSTS", Kind: "host:port, comma-separated", group: groupOut,
			About: "Services in your own network that functions and webhooks may call although private addresses are refused.",
			read:  readHostPorts(func(c *Config) *[]string { return &c.AllowedHosts })},
		{Name: "POCKETLINE_ALLOW_HTTP", Default: "false", Kind: "true or false", group: groupOut,
			About: "Whether functions and webhooks may use plain http to public addresses.",
			read:  readBool(func(c *Config) *bool { return &c.AllowHTTP })},
	}
}

func vapiOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_WEBHOOK_RATE", Default: "1000", Kind: "whole number from 1 to 1000000", group: groupVapi,
			About: "How many messages a second the provider may send for one organization; more are answered 429 and come again.",
			read:  readInteger(func(c *Config) *int { return &c.WebhookRate }, 1, 1_000_000)},
		{Name: "VAPI_API_KEY", Secret: true, Kind: "text", group: groupVapi,
			About: "Your private key from Vapi's dashboard; without it nothing is copied to Vapi and no call can be placed.",
			read:  readText(func(c *Config) *string { return &c.VapiAPIKey })},
		{Name: "VAPI_BASE_URL", Default: "https://api.vapi.ai", Kind: "URL", group: groupVapi,
			About: "Where Vapi's API is; https://api.eu.vapi.ai is its European deployment.",
			read:  readURL(func(c *Config) *string { return &c.VapiBaseURL })},
		{Name: "VAPI_CONTROL_HOSTS", Kind: "host or host:port, comma-separated", group: groupVapi,
			About: "Hosts beyond vapi.ai to which live call control may be sent; only needed for a stand-in.",
			read:  readHosts(func(c *Config) *[]string { return &c.ControlHosts })},
		{Name: "VAPI_WEBHOOK_SECRET", Secret: true, Kind: "text of at least 16 characters", group: groupVapi,
			About: "A secret of your own that is accepted in X-Vapi-Secret for every organization; not needed, because each organization has its own, which Vapi is given with every assistant, function and number.",
			read:  readSecret(func(c *Config) *string { return &c.VapiWebhookSecret })},
		{Name: "VAPI_WEBHOOK_HMAC_SECRET", Secret: true, Kind: "text of at least 16 characters", group: groupVapi,
			About: "The key of an HMAC credential made in Vapi's dashboard; when set, messages signed with it are accepted too, for every organization.",
			read:  readSecret(func(c *Config) *string { return &c.VapiHMAC.Secret })},
		{Name: "VAPI_WEBHOOK_HMAC_HEADER", Default: "x-signature", Kind: "header name", group: groupVapi,
			About: "The header that carries the signature.",
			read:  readHeaderName(func(c *Config) *string { return &c.VapiHMAC.Header })},
		{Name: "VAPI_WEBHOOK_HMAC_TIMESTAMP_HEADER", Default: "x-timestamp", Kind: "header name", group: groupVapi,
			About: "The header that carries the time of signing; a message more than five minutes off is refused.",
			read:  readHeaderName(func(c *Config) *string { return &c.VapiHMAC.TimestampHeader })},
		{Name: "VAPI_WEBHOOK_HMAC_ALGORITHM", Default: "sha256", Kind: "sha256, sha512 or sha1", group: groupVapi,
			About: "The hash of the signature, as chosen for the credential.",
			read:  readOneOf(func(c *Config) *string { return &c.VapiHMAC.Algorithm }, "sha256", "sha512", "sha1")},
		{Name: "VAPI_WEBHOOK_HMAC_FORMAT", Default: "{timestamp}.{body}", Kind: "text with {body}", group: groupVapi,
			About: "What is signed; {timestamp}, {body}, {method}, {url} and {svix-id} stand for the parts of the message.",
			read:  readSignedFormat(func(c *Config) *string { return &c.VapiHMAC.Format })},
		{Name: "VAPI_WEBHOOK_HMAC_ENCODING", Default: "hex", Kind: "hex or base64", group: groupVapi,
			About: "How the signature is written.",
			read:  readOneOf(func(c *Config) *string { return &c.VapiHMAC.Encoding }, "hex", "base64")},
		{Name: "VAPI_WEBHOOK_HMAC_PREFIX", Kind: "text", group: groupVapi,
			About: "What stands before the signature, for example sha256=.",
			read:  readText(func(c *Config) *string { return &c.VapiHMAC.Prefix })},
	}
}

func sandboxOptions() []Option {
	return []Option{
		{Name: "POCKETLINE_SANDBOX", Default: "false", Kind: "true or false", group: groupSandbox,
			About: "The same as `serve --sandbox`: stand-ins on this machine take the place of every provider.",
			read:  readBool(func(c *Config) *bool { return &c.Sandbox })},
		{Name: "POCKETLINE_SANDBOX_SPEED", Default: "1", Kind: "number from 0 to 10000", group: groupSandbox,
			About: "How fast the sandbox's callers talk: 1 is real time, 10 ten times faster, 0 without any waiting.",
			read:  readNumber(func(c *Config) *float64 { return &c.SandboxSpeed }, 0, maxSandboxSpeed)},
	}
}
