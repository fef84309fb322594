package peoplekit

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// OpenMailed opens OpenAt's desk with mail, whose outbox is delivered by hand (Got, One);
// one person of it, testkit.AcmeAgent, reads French.
func OpenMailed(t testing.TB) *Desk {
	t.Helper()
	d := OpenAt(t)
	d.Set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"language": "fr"})
	d.WithMail()
	d.ByHand()
	return d
}

// WithMail turns mail on, as an operator does.
func (d *Desk) WithMail() {
	d.T.Helper()
	settings := d.Settings()
	settings.SMTP.Enabled, settings.SMTP.Host, settings.SMTP.Port = true, "mail.example.com", 587
	if err := d.Save(settings); err != nil {
		d.T.Fatal(err)
	}
}

var eightDigits = regexp.MustCompile(`\b\d{8}\b`)

// Mailed is the code in the newest mail.
func (d *Desk) Mailed() string {
	d.T.Helper()
	late := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := d.TestMailer.LastMessage(); m.HTML != "" {
			if code := eightDigits.FindString(m.HTML); code != "" {
				d.TestMailer.Reset()
				return code
			}
		}
		select {
		case <-tick.C:
		case <-late:
			d.T.Fatal("no mail with a code came")
		}
	}
}

// Got are the mails to an address, subject and text.
func (d *Desk) Got(address string) (all []string) {
	d.T.Helper()
	d.Deliver()
	for _, m := range d.TestMailer.Messages() {
		for _, to := range m.To {
			if to.Address == address {
				all = append(all, m.Subject+"\n"+m.HTML)
			}
		}
	}
	return all
}

// One fails when an address did not get exactly one mail with each of the texts.
func (d *Desk) One(address string, texts ...string) {
	d.T.Helper()
	all := d.Got(address)
	if len(all) != 1 {
		d.T.Fatalf("%s got %d mails, want 1: %q", address, len(all), all)
	}
	for _, text := range texts {
		if !strings.Contains(all[0], text) {
			d.T.Errorf("mail without %q:\n%s", text, all[0])
		}
	}
	d.TestMailer.Reset()
}

// CodesSent waits until PocketBase wrote down where its codes went, which it
// does in the background.
func (d *Desk) CodesSent() {
	d.T.Helper()
	late, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for d.Count("SELECT count(*) FROM _otps WHERE sentTo = ''") > 0 {
		select {
		case <-tick.C:
		case <-late:
			d.T.Fatal("a code was not sent")
		}
	}
}

// MailWith waits for a mail that holds a text.
func (d *Desk) MailWith(text string) {
	d.T.Helper()
	late, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		for _, m := range d.TestMailer.Messages() {
			if strings.Contains(m.HTML, text) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			d.T.Fatalf("no mail with %q came", text)
		}
	}
}
