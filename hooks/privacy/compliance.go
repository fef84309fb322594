package privacy

import (
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Processor is a company that handles an organization's data for us.
type Processor struct {
	Name string
	// Does is what it does with which data.
	Does string
	// Where is the address data is sent to.
	Where string
}

// Installation is what the compliance pack says of the server itself.
type Installation struct {
	Version string
	// Sandbox tells that no provider is real.
	Sandbox bool
	// KeyFromEnvironment tells that the master key is not in the data directory.
	KeyFromEnvironment bool
	// Processors are the providers that are configured.
	Processors []Processor
	// TrustedProxy is the header the visitor's address is taken from; "" is none.
	TrustedProxy string
}

var compliancePackRoute = facade.Route{
	Method: "GET", Path: "/api/security/compliance-docs", Auth: facade.Admin, System: facade.CoreComm, Item: "S-353",
	Summary: "What is true of this installation and organization, as Markdown: where data lies, who else handles it, how long it is kept, how it is protected.",
	Answer:  "text/markdown",
	Errors:  "403",
}

func (d *domain) compliancePack(e *core.RequestEvent) error {
	t, err := tenant.Require(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	text, err := d.pack(e.App, t)
	if err != nil {
		return err
	}
	if err := audit.Add(e.App, audit.Entry{Organization: t.ID(), Actor: audit.ActorOf(e),
		Action: "compliance.export"}); err != nil {
		return err
	}
	header := e.Response.Header()
	header.Set("Content-Disposition", `attachment; filename="compliance.md"`)
	header.Set("Cache-Control", "private, no-store")
	return e.Blob(http.StatusOK, "text/markdown; charset=utf-8", []byte(text))
}

// pack writes the document: only what can be read from this installation.
func (d *domain) pack(app core.App, t *tenant.Tenant) (string, error) {
	row, err := identity.SettingsRow(app, t.ID())
	if err != nil {
		return "", err
	}
	settings, now := app.Settings(), d.Now().UTC()
	var b strings.Builder
	section := func(title string, lines ...string) {
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		for _, line := range lines {
			if line != "" {
				fmt.Fprintf(&b, "- %s\n", line)
			}
		}
	}
	fmt.Fprintf(&b,
		"# Data protection: %s\n\nWritten by the installation itself on %s, from its settings at that moment. It describes what the software does here; it is no certificate and no legal advice.\n",
		plainLine(t.Organization.GetString("name")), now.Format("2006-01-02 15:04 UTC"))
	section("The installation",
		"Pocketline "+d.Installation.Version+" on "+runtime.GOOS+"/"+runtime.GOARCH+", "+runtime.Version()+".",
		when(d.Installation.Sandbox, "This is a sandbox: no provider is real and no call reaches a telephone network.", ""),
		"Address: "+given(d.PublicURL, "not configured; reached only under its local address")+".",
		when(strings.HasPrefix(d.PublicURL, "https:"), "Visitors reach it over TLS.",
			"The configured address does not say https: traffic may be unencrypted outside this machine."),
	)
	place := "the directory `" + filepath.Base(app.DataDir()) + "` on the server's own disk"
	files := "in the same directory"
	if settings.S3.Enabled {
		files = "in the object storage bucket `" + settings.S3.Bucket + "` at " + settings.S3.Endpoint + " (" +
			given(settings.S3.Region, "no region named") + ")"
	}
	section("Where data lies",
		"Database: one SQLite file in "+place+".",
		"Recordings and other files: "+files+".",
		"Nothing is sent to the makers of the software: no telemetry.",
	)
	section("Who else handles data", d.processors(app)...)
	days := func(field string) string {
		if n := row.GetInt(field); n > 0 {
			return fmt.Sprintf("%d days", n)
		}
		return "for ever"
	}
	section("How long it is kept",
		when(row.GetBool("legal_hold"), "A legal hold is on: nothing is deleted by age until it is lifted.", ""),
		"Recordings: "+days("keep_recordings_days")+"; the provider's copy is deleted with them.",
		"Transcripts: "+days("keep_transcripts_days")+". Single lines: "+days("keep_messages_days")+
			", never longer than transcripts.",
		"Call timelines and providers' messages: "+days("keep_events_days")+".",
		"Audit log: "+days("keep_audit_days")+".",
		"A nightly job deletes what is older and leaves a line in the audit log.",
	)
	section("Rights of callers",
		"Everything kept about a caller can be exported by telephone number.",
		"It can be erased by number as well: calls, transcripts, recordings, search index, stored messages and the provider's copy. A keyed hash of the number stays, so that a late message does not bring the data back.",
		d.requests(app, t.ID()),
	)
	section("Protection",
		"Secrets of providers, tools and authenticator apps are encrypted with AES-256-GCM; "+
			when(d.Installation.KeyFromEnvironment, "the key comes from the environment.",
				"the key is a file in the data directory, so a copy of the whole directory contains it."),
		"The database and recordings themselves are not encrypted by the software: use an encrypted disk.",
		"Passwords are stored as bcrypt hashes, API keys and invitations as SHA-256 hashes.",
		when(row.GetBool("two_factor_enabled"), "This organization requires a second factor of every member.",
			"This organization does not require a second factor."),
		when(d.Identity.Terms.Of(app, t.ID()).Networks != nil, "Members reach this organization from listed networks only.",
			"Members reach this organization from any network."),
		"Rows of different organizations are kept apart by access rules in the database layer, on every interface.",
		"Changes, sign-ins, exports and key use are written to a log nobody can change.",
		when(d.Installation.TrustedProxy != "", "Visitors' addresses are taken from the proxy header "+
			d.Installation.TrustedProxy+".", "Visitors' addresses are those of the connection."),
	)
	section("Backups", backups(app)...)
	return b.String(), nil
}

func (d *domain) processors(app core.App) []string {
	var lines []string
	for _, p := range d.Installation.Processors {
		lines = append(lines, p.Name+" ("+p.Where+"): "+p.Does+".")
	}
	settings := app.Settings()
	if settings.SMTP.Enabled {
		lines = append(lines, "Mail server "+settings.SMTP.Host+": invitations, codes and links by mail.")
	}
	if settings.S3.Enabled {
		lines = append(lines, "Object storage "+settings.S3.Endpoint+": files.")
	}
	if settings.Backups.S3.Enabled {
		lines = append(lines, "Object storage "+settings.Backups.S3.Endpoint+": backups.")
	}
	if users, err := app.FindCachedCollectionByNameOrId(collections.Users); err == nil && users.OAuth2.Enabled {
		var names []string
		for _, p := range users.OAuth2.Providers {
			names = append(names, p.Name)
		}
		if slices.Sort(names); len(names) > 0 {
			lines = append(lines, "Sign-in with accounts at "+strings.Join(names, ", ")+".")
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "Nobody: no provider is configured.")
	}
	return lines
}

func (d *domain) requests(app core.App, organization string) string {
	exports, err := rows.Count(atomic.Reads(app),
		"SELECT count(*) FROM privacy_requests WHERE organization = ? AND kind = 'export' AND status = 'done'", organization)
	if err != nil {
		return ""
	}
	erasures, err := rows.Count(atomic.Reads(app),
		"SELECT count(*) FROM privacy_requests WHERE organization = ? AND kind = 'erase' AND status = 'done'", organization)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("So far: %d exports and %d erasures, each with a certificate.", exports, erasures)
}

func backups(app core.App) []string {
	b := app.Settings().Backups
	lines := []string{"Scheduled by the server: " + when(b.Cron != "",
		"yes (`"+b.Cron+"` UTC), the newest "+fmt.Sprint(b.CronMaxKeep)+" are kept.", "no.")}
	if b.S3.Enabled {
		lines = append(lines, "They go to the bucket `"+b.S3.Bucket+"` at "+b.S3.Endpoint+".")
	} else {
		lines = append(lines, "They lie beside the data, on the same disk, unless somebody copies them.")
	}
	return append(lines,
		"A backup holds everything, what was erased since included: erased data leaves backups as they age out.")
}

func when(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func given(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// plainLine keeps a name from becoming Markdown.
func plainLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "<", "‹", ">", "›", "[", "(", "]", ")", "#", "", "*",
		"", "`", "'").Replace(text)
}
