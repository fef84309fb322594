package notifications

import (
	"cmp"
	"context"
	"fmt"
	"html"
	netmail "net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers/vapi"
)

// listed is how many things a mail spells out.
const listed = 20

// notice is one thing as a mail says it.
type notice struct {
	thing
	place string // the organization's name
	text  string
	page  string // path in the dashboard
}

// send delivers a mail that is owed. What the person may not know any more, or
// turned off, or what has mended itself, is left out; when nothing stays, no
// mail goes.
func (d *domain) send(_ context.Context, r outbox.Row) error {
	var owed letter
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	if !d.mails() {
		return nil
	}
	user, err := d.app.FindRecordById(collections.Users, owed.User)
	if err != nil {
		return rows.IgnoreMissing(err)
	}
	var notices []notice
	for _, t := range owed.Things {
		may, err := d.mayHear(user, t)
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		n, err := d.say(user, t)
		if err != nil {
			return err
		}
		notices = append(notices, n)
	}
	if len(notices) == 0 {
		return nil
	}
	byPlace(notices)
	for kind := range owed.More {
		if !wants(user, kind) {
			delete(owed.More, kind)
		}
	}
	if err := d.app.NewMailClient().Send(d.message(user, notices, owed.More)); err != nil {
		return fmt.Errorf("mail a notice: %w", err)
	}
	return nil
}

// say puts a thing into words, in the organization's time zone.
func (d *domain) say(user *core.Record, t thing) (notice, error) {
	n := notice{thing: t}
	record, err := d.app.FindRecordById(t.Collection, t.Record)
	if err != nil {
		return n, err
	}
	organization := d.organization(user, t)
	zone, language := time.UTC, ""
	if organization != nil {
		language = organization.GetString("language")
		if z, err := time.LoadLocation(organization.GetString("timezone")); err == nil {
			zone = z
		}
	}
	w := wordsFor(user.GetString("language"), language)
	at := fmt.Sprintf(w.zone, t.At.In(zone).Format(w.time), zone)
	base := "/o/" + t.Organization
	if t.Organization != "" && organization != nil {
		n.place = oneLine(organization.GetString("name"))
	}
	switch t.Kind {
	case MissedCall:
		n.page = base + "/calls/" + t.Record
		n.text = fmt.Sprintf(w.missed, d.caller(user, record, w), at)
		if line := record.GetString("recipient_number"); line != "" {
			n.text = fmt.Sprintf(w.missedOn, d.caller(user, record, w), line, at)
		}
		if vapi.CopyGone(record.GetString("ended_reason")) {
			n.text = fmt.Sprintf(w.missedGone, n.text)
		}
	case MemberJoined:
		n.page = base + "/team"
		name := cmp.Or(record.GetString("full_name"), record.GetString("email"))
		n.text = fmt.Sprintf(w.joined, name, w.roles[record.GetString("role")])
	case SyncFailed:
		page, name := pageOf(t.Collection, record)
		n.page = base + "/" + page + "/" + t.Record
		n.text = fmt.Sprintf(w.failed[t.Collection], name)
		if said := record.GetString("sync_error"); said != "" {
			n.text = fmt.Sprintf(w.failedFor, n.text, said)
		}
	case NewDevice:
		n.page = "/me/sessions"
		n.text = fmt.Sprintf(w.device, oneLine(rows.Shorten(record.GetString("user_agent"), 120)), at)
	}
	n.text = oneLine(n.text)
	return n, nil
}

// pageOf is the dashboard's page of a copied row, and the name people know the row by.
func pageOf(collection string, record *core.Record) (page, name string) {
	if collection == collections.PhoneNumbers {
		return "numbers", cmp.Or(record.GetString("phone_number"), record.GetString("friendly_name"))
	}
	return collection, record.GetString("name")
}

// organization is the one whose clock and language a thing is told in: its own,
// and for the person's own business the last they worked in. It may be nil.
func (d *domain) organization(user *core.Record, t thing) *core.Record {
	if t.Organization != "" {
		return tenant.OrganizationOf(d.app, t.Organization)
	}
	return tenant.OrganizationOf(d.app, user.GetString("last_organization"))
}

// caller is who rang: the contact's name and number, as far as they are known.
func (d *domain) caller(user, call *core.Record, w words) string {
	number := call.GetString("caller_number")
	if tenant.Masked(d.app, user, call.GetString("organization")) {
		number = phone.Mask(number)
	}
	if number == "" {
		number = w.unknown
	}
	if contact, err := d.app.FindRecordById(collections.Contacts, call.GetString("contact")); err == nil &&
		contact.GetString("name") != "" {
		return contact.GetString("name") + " (" + number + ")"
	}
	return number
}

// message is the mail. more are things that are only counted.
func (d *domain) message(user *core.Record, all []notice, more map[string]int) *mailer.Message {
	settings := d.app.Settings()
	base := d.PublicURL
	if base == "" { // never the Host header of a request: a mail must lead here
		base = strings.TrimRight(settings.Meta.AppURL, "/")
	}
	language := ""
	if organization := d.organization(user, all[0].thing); organization != nil {
		language = organization.GetString("language")
	}
	w := wordsFor(user.GetString("language"), language)
	shown := all[:min(len(all), listed)]
	rest := len(all) - len(shown)
	for _, n := range more {
		rest += n
	}
	name := ""
	if full := oneLine(user.GetString("name")); full != "" {
		name = " " + full
	}
	var body, plain strings.Builder
	say := func(text string) {
		body.WriteString("<p>" + html.EscapeString(text) + "</p>\n")
		plain.WriteString(text + "\n\n")
	}
	link := func(path, text string) {
		body.WriteString(`<p><a href="` + html.EscapeString(base+path) + `">` + html.EscapeString(text) + "</a></p>\n")
		plain.WriteString(text + "\n" + base + path + "\n\n")
	}
	say(fmt.Sprintf(w.hello, name))
	for i := 0; i < len(shown); {
		first := i
		if places(all) > 1 {
			say(shown[i].place)
		}
		body.WriteString("<ul>\n")
		for ; i < len(shown) && shown[i].Organization == shown[first].Organization; i++ {
			body.WriteString(`<li><a href="` + html.EscapeString(base+shown[i].page) + `">` + html.EscapeString(shown[i].text) +
				"</a></li>\n")
			plain.WriteString("- " + shown[i].text + "\n  " + base + shown[i].page + "\n\n")
		}
		body.WriteString("</ul>\n")
	}
	if rest > 0 {
		say(fmt.Sprintf(w.more, rest))
		link(overview(all, more), w.see)
	}
	if all[0].Kind == NewDevice {
		say(w.deviceEnd)
		link("/me/sessions", w.deviceLink)
	} else {
		say(fmt.Sprintf(w.end, int(apart.Minutes())))
		link("/me", w.choose)
	}
	return &mailer.Message{
		From:    netmail.Address{Name: settings.Meta.SenderName, Address: settings.Meta.SenderAddress},
		To:      []netmail.Address{{Name: strings.TrimSpace(name), Address: user.Email()}},
		Subject: subject(w, settings.Meta.AppName, all, more),
		HTML:    body.String(),
		Text:    plain.String(),
		Headers: map[string]string{"Auto-Submitted": "auto-generated"}, // no answers of people on holiday
	}
}

// subject says where and how much, and nothing about callers.
func subject(w words, product string, all []notice, more map[string]int) string {
	counts, total := map[string]int{}, 0
	for _, n := range all {
		counts[n.Kind]++
		total++
	}
	for kind, n := range more {
		counts[kind] += n
		total += n
	}
	where := product
	if n := places(all); n > 1 {
		return fmt.Sprintf(w.about, product, fmt.Sprintf(w.places, total, n))
	} else if all[0].place != "" {
		where = all[0].place
	}
	switch {
	case total == 1:
		return fmt.Sprintf(w.about, where, w.one[all[0].Kind])
	case len(counts) == 1:
		return fmt.Sprintf(w.about, where, fmt.Sprintf(w.many[all[0].Kind], total))
	}
	return fmt.Sprintf(w.about, where, fmt.Sprintf(w.mixed, total))
}

// overview is the page that shows what a mail does not.
func overview(all []notice, more map[string]int) string {
	if places(all) > 1 {
		return "/"
	}
	for _, n := range all {
		if n.Kind != MissedCall {
			return "/o/" + all[0].Organization
		}
	}
	for kind := range more {
		if kind != MissedCall {
			return "/o/" + all[0].Organization
		}
	}
	return "/o/" + all[0].Organization + "/calls"
}

// byPlace puts what happened in one organization together, in the order in
// which they first appear.
func byPlace(all []notice) {
	first := map[string]int{}
	for i, n := range all {
		if _, seen := first[n.Organization]; !seen {
			first[n.Organization] = i
		}
	}
	slices.SortStableFunc(all, func(a, b notice) int { return first[a.Organization] - first[b.Organization] })
}

// places counts the organizations.
func places(all []notice) int {
	seen := map[string]bool{}
	for _, n := range all {
		seen[n.Organization] = true
	}
	return len(seen)
}

// oneLine keeps names and a provider's words out of the headers' next line.
// French needs its no-break spaces.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) && r != '\u00a0' ||
			unicode.IsControl(r)
	}), " ")
}
