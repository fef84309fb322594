package providers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Who may create an account.
const (
	SignUpOpen       = "open"
	SignUpInviteOnly = "invite-only"
)

// Who reaches the operator's panel.
const (
	AdminPanelLocal = "local"
	AdminPanelOn    = "on"
	AdminPanelOff   = "off"
)

// Backups are the settings of backups.
type Backups struct {
	// Dir is where they go; "" is the folder backups in the data directory, and
	// none at night.
	Dir string
	// Keep is how many of the night stay; 0 makes none.
	Keep int
	// BeforeUpdate makes one before a new version changes the database.
	BeforeUpdate bool
}

// Config is everything the environment says, checked. Make one with Load.
type Config struct {
	// Key is the master key as given, "" when one has to be found or made.
	Key string
	// KeyBefore is the master key that is being replaced by Key; "" when none is.
	KeyBefore string
	// PublicURL has no slash at the end; "" when it is not known.
	PublicURL string
	// HTTPAddr is host:port.
	HTTPAddr string
	DataDir  string
	// Backups says where backups go and which are made without being asked for.
	Backups Backups
	// DrainTimeout is what requests under way get when the server stops.
	DrainTimeout time.Duration
	// LogLevel is debug, info, warn or error; LogFormat is text or json.
	LogLevel, LogFormat string
	// LogSize is what the stored log may take, in bytes.
	LogSize int64

	// SignUp is SignUpOpen or SignUpInviteOnly.
	SignUp string
	// OrganizationsPerPerson is how many one person may create; 0 is no limit.
	OrganizationsPerPerson int
	// AdminPanel is AdminPanelLocal, AdminPanelOn or AdminPanelOff.
	AdminPanel string
	// AllowedOrigins are scheme://host[:port], without the server's own.
	AllowedOrigins []string
	// TrustedProxyHeader is "" when the peer's address is the visitor's.
	TrustedProxyHeader string

	// MetricsToken opens the metrics; "" leaves them closed.
	MetricsToken string
	// HelpContact is whom people of this installation ask for help.
	HelpContact string
	// AlertMail and AlertWebhook are where the operator hears of trouble.
	AlertMail, AlertWebhook string

	// Limits bound what one request, one address or all of them may take.
	Limits Limits

	// AllowedHosts are host:port values exempt from the outbound guard.
	AllowedHosts []string
	// AllowHTTP lets customers' addresses be plain http.
	AllowHTTP bool

	VapiAPIKey  string
	VapiBaseURL string
	// ControlHosts may receive live call control beside vapi.ai.
	ControlHosts      []string
	VapiWebhookSecret string
	// WebhookRate is how many messages a second one organization may send.
	WebhookRate int
	VapiHMAC    HMAC

	// Sandbox puts stand-ins in the place of every provider.
	Sandbox bool
	// SandboxSpeed is 1 for real time and 0 for no waiting at all.
	SandboxSpeed float64
}

// Limits are sizes in bytes and numbers. What each is for stands in Options.
type Limits struct {
	GuestBody, GuestBodies, MemberBodies          int64
	ProviderBody, ProviderBodies, ProvenBodies    int64
	ExpandedRows                                  int
	AnswerBytes                                   int64
	GuestStreams, AddressConnections, Connections int
}

// HMAC says how signed messages of Vapi are checked; the zero Secret means that
// no such credential exists. See docs.vapi.ai/server-url/server-authentication.
type HMAC struct {
	Secret          string
	Header          string
	TimestampHeader string
	// Algorithm is sha256, sha512 or sha1.
	Algorithm string
	// Format has {body} and may have {timestamp}, {method}, {url}, {svix-id}.
	Format string
	// Encoding is hex or base64.
	Encoding string
	// Prefix may stand before the signature or be absent.
	Prefix string
}

// Load reads the configuration: getenv is os.Getenv and readFile os.ReadFile
// outside tests. The error names every variable that is wrong and says what is
// accepted; it never contains the value of a secret.
func Load(getenv func(string) string, readFile func(string) ([]byte, error)) (Config, error) {
	var c Config
	var wrong []error
	for _, o := range Options() {
		value, err := o.value(getenv, readFile)
		if err == nil && value != "" {
			err = o.read(&c, value)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", o.Name, err))
		}
	}
	return c, errors.Join(wrong...)
}

// value is what the variable, its file or its default says.
func (o Option) value(getenv func(string) string, readFile func(string) ([]byte, error)) (string, error) {
	value := strings.TrimSpace(getenv(o.Name))
	if o.Secret {
		if path := getenv(o.FileName()); path != "" {
			if value != "" {
				return "", fmt.Errorf("it and %s are both set, choose one", o.FileName())
			}
			data, err := readFile(path)
			if err != nil {
				return "", fmt.Errorf("%s: %w", o.FileName(), err)
			}
			value = strings.TrimSpace(string(data))
			if value == "" {
				return "", fmt.Errorf("%s: the file is empty", o.FileName())
			}
		}
	}
	if value == "" {
		value = o.Default
	}
	return value, nil
}

// Unknown returns the names in environ (as of os.Environ) that look like ours
// and are not: most often a spelling mistake, worth a warning at the start.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for _, o := range Options() {
		known[o.Name] = true
		if o.Secret {
			known[o.FileName()] = true
		}
	}
	var unknown []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if (strings.HasPrefix(name, "POCKETLINE_") || strings.HasPrefix(name, "VAPI_")) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
