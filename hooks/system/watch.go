package system

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"
)

const (
	// watchEvery is how often somebody looks; badAfter looks in a row make it
	// worth a word, wellAfter make it over: what comes and goes is one alert.
	watchEvery = 30 * time.Second
	badAfter   = 2
	wellAfter  = 4
	// alertTime bounds one try to tell; the next look tries again.
	alertTime = 20 * time.Second
)

// watch looks after the installation while it serves and tells the operator once
// when something turns bad and once when all is well again. It needs no database
// to do so: that may be what is broken.
type watch struct {
	look func(context.Context) report
	tell func(ctx context.Context, subject, text string, r report) error
	// failed hears of alerts that did not get out.
	failed func(error)

	bad, well int
	told      bool // the operator knows that something is bad
}

// step looks once.
func (w *watch) step(ctx context.Context) {
	r := w.look(ctx)
	if r.Status == healthy {
		w.bad, w.well = 0, w.well+1
	} else {
		w.bad, w.well = w.bad+1, 0
	}
	switch {
	case !w.told && w.bad >= badAfter:
		w.say(ctx, "needs attention", r)
	case w.told && w.well >= wellAfter:
		w.say(ctx, "is well again", r)
	}
}

func (w *watch) say(ctx context.Context, what string, r report) {
	ctx, cancel := context.WithTimeout(ctx, alertTime)
	defer cancel()
	if err := w.tell(ctx, what, r.words(), r); err != nil {
		w.failed(err)
		return // the next look tries again
	}
	w.told = !w.told
}

// words are the checks that did not pass, a line each.
func (r report) words() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		if c := r.Checks[name]; c.Status != pass {
			fmt.Fprintf(&b, "%s: %s\n", name, c.Message)
		}
	}
	return b.String()
}

// watching is the watch under way: it begins with the server and is over before the
// database closes.
type watching struct {
	s    *system
	ctx  context.Context
	stop context.CancelFunc
	over sync.WaitGroup
}

func newWatching(s *system) *watching {
	ctx, stop := context.WithCancel(context.Background())
	return &watching{s: s, ctx: ctx, stop: stop}
}

func (w *watching) begin(se *core.ServeEvent) error {
	if err := se.Next(); err != nil {
		return err
	}
	watch := w.s.newWatch()
	w.over.Go(func() {
		w.s.health.look(w.ctx) // what is wrong from the beginning is in the log at once
		timer := time.NewTicker(watchEvery)
		defer timer.Stop()
		for {
			select {
			case <-w.ctx.Done():
				return
			case <-timer.C:
				watch.step(w.ctx)
			}
		}
	})
	return nil
}

func (w *watching) end(te *core.TerminateEvent) error {
	w.stop()
	w.over.Wait()
	return te.Next()
}

// newWatch is the watch of this installation. Whom to tell is read while the database
// answers and remembered for when it does not.
func (s *system) newWatch() *watch {
	address := s.AlertMail
	return &watch{
		look: func(ctx context.Context) report {
			r := s.health.look(ctx)
			if s.AlertMail == "" && r.Checks["database"].Status == pass {
				if found, err := s.operatorAddress(ctx); err == nil {
					address = found
				} else if ctx.Err() == nil {
					s.app.Logger().Error("the operator's address could not be read", "error", err)
				}
			}
			return r
		},
		tell: func(ctx context.Context, subject, text string, r report) error {
			return s.alert(ctx, address, subject, text, r)
		},
		failed: func(err error) { s.app.Logger().Error("the operator was not told", "error", err) },
	}
}

// operatorAddress is where the operator gets mails, "" until somebody set the
// installation up.
func (s *system) operatorAddress(ctx context.Context) (address string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err = s.app.ConcurrentDB().NewQuery("SELECT email FROM users WHERE is_active AND json_valid(metadata) AND json_extract(metadata, '$." +
		operatorKey + "') LIMIT 1").WithContext(ctx).Row(&address)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return address, err
}

// alert tells by every way there is. One that gets through is enough.
func (s *system) alert(ctx context.Context, address, subject, text string, r report) error {
	name := s.PublicURL
	if name == "" {
		name, _ = os.Hostname()
	}
	subject = strings.TrimSpace(appName + " " + name + " " + subject)
	s.app.Logger().Warn(subject, "checks", strings.TrimSpace(text))
	ways, told := 0, 0
	var failure error
	if s.AlertWebhook != "" {
		ways++
		if err := s.alertHook(ctx, subject, text, r); err != nil {
			failure = fmt.Errorf("webhook: %w", err)
		} else {
			told++
		}
	}
	if address != "" && s.app.Settings().SMTP.Enabled {
		ways++
		if err := s.alertMail(ctx, address, subject, text); err != nil {
			failure = fmt.Errorf("mail: %w", err)
		} else {
			told++
		}
	}
	if ways > 0 && told == 0 {
		return failure
	}
	return nil
}

func (s *system) alertHook(ctx context.Context, subject, text string, r report) error {
	// "text" is what the usual chats show.
	body, err := json.Marshal(map[string]any{"text": strings.TrimSpace(subject + "\n" + text), "status": r.Status,
		"checks": r.Checks, "version": r.Version})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.AlertWebhook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the address answers %d", res.StatusCode)
	}
	return nil
}

func (s *system) alertMail(ctx context.Context, address, subject, text string) error {
	if text == "" {
		text = "All checks pass.\n"
	}
	meta := s.app.Settings().Meta
	return send(ctx, s.app.NewMailClient(), &mailer.Message{
		From: mail.Address{Name: meta.SenderName, Address: meta.SenderAddress}, To: []mail.Address{{Address: address}},
		Subject: subject, Text: text, HTML: "<pre>" + html.EscapeString(text) + "</pre>\n",
	}, func() {})
}
