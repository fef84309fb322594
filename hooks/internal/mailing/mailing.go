// Package mailing sees to it that nobody waits long for a mail server. PocketBase's
// client knows no deadline: a server that takes the connection and says nothing
// would hold whoever mails, a worker of the outbox or the end of the program, for
// as long as it likes.
package mailing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/outbox"
)

const (
	// patience is how long one mail may take. Servers that make strangers wait on
	// purpose do so for up to twenty seconds.
	patience = 30 * time.Second
	// grace is how long the end of the program waits for mails under way, as the
	// outbox does for what it delivers.
	grace = 10 * time.Second
	// most is how many conversations with one server may be open, those given up
	// included: a server that lives and says nothing keeps its connections.
	most = 64
	// first is before everybody who waits for what is under way.
	first = -200_000
	// last puts us behind everybody who changes a mail, right before it is sent.
	last = 10_000
)

var (
	// ErrSilent says that the mail server did not answer in time. The mail may still
	// go out.
	ErrSilent = errors.New("the mail server does not answer")
	// ErrEnding says that the program ends and the mail waits for its next start.
	ErrEnding = errors.New("the program ends")
)

type conversations struct {
	patience, grace time.Duration
	ending          context.Context // is over when the program ends
	cut             context.Context // is over when the grace is

	mu   sync.Mutex
	open map[string]int // by the server's address, as it is set
}

// Register gives every mail of the app a deadline, and lets nobody who signs in wait
// for the mail that tells of it.
func Register(app core.App) { register(app, patience, grace) }

func register(app core.App, patience, grace time.Duration) {
	ending, end := context.WithCancel(context.Background())
	cut, cutOff := context.WithCancel(context.Background())
	c := &conversations{patience: patience, grace: grace, ending: ending, cut: cut, open: map[string]int{}}
	app.OnMailerSend().Bind(&hook.Handler[*core.MailerEvent]{Id: "pocketlineMailing", Priority: last, Func: c.send})
	app.OnMailerRecordAuthAlertSend().Bind(&hook.Handler[*core.MailerRecordEvent]{
		Id: "pocketlineMailing", Priority: last, Func: c.alert,
	})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		Id: "pocketlineMailing", Priority: first,
		Func: func(te *core.TerminateEvent) error {
			end()
			time.AfterFunc(c.grace, cutOff)
			return te.Next()
		},
	})
}

// Kind is how promised mails are kept: all of them wait for one server.
var Kind = outbox.Kind{Lane: func(outbox.Row) string { return "mail" }}

// send hands a mail over and waits until it is sent, but not for ever.
func (c *conversations) send(e *core.MailerEvent) error {
	if c.ending.Err() != nil {
		return outbox.In(time.Second, ErrEnding)
	}
	smtp := e.App.Settings().SMTP
	server := net.JoinHostPort(smtp.Host, strconv.Itoa(smtp.Port))
	if !c.begin(server) {
		return ErrSilent
	}
	sent := make(chan error, 1)
	go func() {
		defer c.over(server)
		defer func() {
			if r := recover(); r != nil {
				sent <- fmt.Errorf("send a mail: panic: %v", r)
			}
		}()
		sent <- e.Next()
	}()
	late := time.NewTimer(c.patience)
	defer late.Stop()
	select {
	case err := <-sent:
		return err
	case <-late.C:
		return ErrSilent
	case <-c.cut.Done():
		return outbox.In(time.Second, ErrEnding)
	}
}

// begin counts a conversation, unless the server keeps too many open.
func (c *conversations) begin(server string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[server] >= most {
		return false
	}
	c.open[server]++
	return true
}

func (c *conversations) over(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[server]--; c.open[server] == 0 {
		delete(c.open, server)
	}
}

// alert sends the mail that tells of a sign-in, after the answer to it.
func (c *conversations) alert(e *core.MailerRecordEvent) error {
	go func() {
		if err := e.Next(); err != nil {
			e.App.Logger().Warn("nobody was told of a sign-in", "error", err)
		}
	}()
	return nil
}
