// Package serving is how the HTTP server is held: which visitors it believes,
// how long it waits for slow ones, who reaches the operator's panel, how it
// stops without cutting anybody off, and that it is alone with its data.
package serving

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

const (
	// headerTimeout and bodyTimeout free sockets of clients that drip their
	// requests (300 of them held the stock server's for a minute and for five).
	headerTimeout = 5 * time.Second
	bodyTimeout   = 15 * time.Second
	// headerBytes bounds the request line and the headers, which each connection may
	// hold before anybody knows whose it is: the query string package intake allows,
	// a token, a cookie and as much again.
	headerBytes = 24 << 10

	// early is before everything of PocketBase's own.
	early = -100_100
	// beforePocketBase is before its graceful shutdown (-9999), which cancels
	// every request and waits one second.
	beforePocketBase = -99_999

	// BeforeDrain is the priority of what has to end before requests under way are
	// waited for.
	BeforeDrain = beforePocketBase - 1
)

// Options say how the server is held.
type Options struct {
	// AdminPanel is "local", "on" or "off"; see panel.go.
	AdminPanel string
	// TrustedProxyHeader replaces what the settings say; "" trusts nothing.
	TrustedProxyHeader string
	// Serving is false for commands other than `serve`: they may work beside a
	// running server.
	Serving bool
	// Drain is how long requests under way may take when the server stops.
	Drain time.Duration
	// Connections is how many may be open at all, and AddressConnections how many
	// from one address; 0 is no limit.
	Connections, AddressConnections int
}

// Held is the server that is held.
type Held struct {
	// Gate is closed while data are replaced.
	Gate Gate

	patience time.Duration
	server   *http.Server
	again    atomic.Bool
}

// Again tells whether the program is to start again once it has ended.
func (h *Held) Again() bool { return h.again.Load() }

// StartAgain ends the server as a signal would: no new requests, those under way
// finish. The program starts again then.
func (h *Held) StartAgain(app core.App) {
	h.again.Store(true)
	if h.server != nil {
		go drain(app, h.server, h.patience) // the command ends when nothing is taken any more
	}
}

// Bind holds the server of app that way. Call it once.
func Bind(app core.App, o Options) *Held {
	held := &Held{patience: o.Drain}
	var unlock func()
	requests, cancel := context.WithCancel(context.Background())
	app.OnBootstrap().Bind(&hook.Handler[*core.BootstrapEvent]{Id: "pocketlineLock", Priority: early,
		Func: func(e *core.BootstrapEvent) error {
			if o.Serving && unlock == nil {
				release, err := Lock(e.App.DataDir())
				if err != nil {
					return err
				}
				unlock = release
				if err := database.SetAside(e.App.DataDir()); err != nil {
					return err
				}
			}
			if err := keepPrivate(e.App.DataDir()); err != nil {
				return err
			}
			if err := writable(e.App.DataDir()); err != nil {
				return err
			}
			return e.Next()
		}})
	app.OnServe().Bind(&hook.Handler[*core.ServeEvent]{Id: "pocketlineServing", Priority: early,
		Func: func(se *core.ServeEvent) error {
			if se.Server != nil { // there is none in tests that call the routes directly
				server := se.Server
				held.server = server
				server.ReadHeaderTimeout, server.ReadTimeout, server.MaxHeaderBytes = headerTimeout, bodyTimeout, headerBytes
				server.ConnState = newConnections(fitting(o.Connections, openFiles()), o.AddressConnections,
					o.TrustedProxyHeader != "").watch
				// PocketBase's own base context ends as soon as Shutdown begins, and
				// with it every query of the requests that are meant to finish.
				server.BaseContext = func(net.Listener) context.Context { return requests }
			}
			if err := trustProxy(se.App, o.TrustedProxyHeader); err != nil {
				return err
			}
			se.Router.Bind(chain.Middleware(chain.ReadDeadline, giveTime))
			se.Router.Bind(chain.Middleware(chain.Panel, guardPanel(o.AdminPanel)))
			se.Router.Bind(chain.Middleware(chain.Restoring, held.Gate.guard))
			return se.Next()
		}})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{Id: "pocketlineDrain", Priority: beforePocketBase,
		Func: func(te *core.TerminateEvent) error {
			if held.server != nil {
				drain(te.App, held.server, o.Drain)
			}
			cancel()
			err := te.Next()
			if unlock != nil {
				unlock()
			}
			return err
		}})
	return held
}

// trustProxy makes the settings say what the environment says: a header left
// over from earlier would be believed from anybody.
func trustProxy(app core.App, header string) error {
	var want []string
	if header != "" {
		want = []string{header}
	}
	proxy := &app.Settings().TrustedProxy
	if len(proxy.Headers) == len(want) && (len(want) == 0 || proxy.Headers[0] == want[0]) {
		return nil
	}
	proxy.Headers = want
	if err := app.Save(app.Settings()); err != nil {
		return fmt.Errorf("store the trusted proxy header: %w", err)
	}
	return nil
}

// giveTime takes the server's read deadline off requests that end with their
// headers: they may be the beginning of a stream. Uploads get more time once it
// is known whose they are (package intake).
func giveTime(e *core.RequestEvent) error {
	if r := e.Request; r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		return e.Next()
	}
	// Not every ResponseWriter of a test can do this, and nothing is lost then.
	if err := http.NewResponseController(e.Response).SetReadDeadline(time.Time{}); err != nil {
		e.App.Logger().Debug("read deadline not changed", slog.Any("error", err))
	}
	return e.Next()
}
