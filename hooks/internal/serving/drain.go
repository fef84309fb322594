package serving

import (
	"context"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
)

// drain lets requests under way finish: no new ones are taken, realtime streams
// are told to end (their clients reconnect elsewhere or later), and everything
// else gets the time. Streams of our own end through http.Server's
// RegisterOnShutdown, which calls back twice: PocketBase shuts down once more.
func drain(app core.App, server *http.Server, patience time.Duration) {
	broker := app.SubscriptionsBroker()
	for id := range broker.Clients() {
		broker.Unregister(id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && app.IsBootstrapped() {
		app.Logger().Warn("some requests were cut off while stopping", "error", err)
	}
}
