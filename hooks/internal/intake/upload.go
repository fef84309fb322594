package intake

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

const (
	// uploadTimeout is for uploads of people who are signed in: 10 MB over a poor
	// line. Everybody else's body has the server's read timeout.
	uploadTimeout = 5 * time.Minute
	// uploadMemory is what of an upload stays in memory; PocketBase's 32 MB twice
	// over would be a small machine's all.
	uploadMemory = 64 << 10
)

// beginUpload gives an upload its time, and takes it out of PocketBase's copy.
func beginUpload(e *core.RequestEvent) error {
	// Not every ResponseWriter of a test can do this, and nothing is lost then.
	if err := http.NewResponseController(e.Response).SetReadDeadline(time.Now().Add(uploadTimeout)); err != nil {
		e.App.Logger().Debug("read deadline not changed", slog.Any("error", err))
	}
	e.Request.Body = below(e.Request.Body)
	return e.Next()
}

// toDisk reads an upload: its files go to disk as they come. Whoever parses the
// form afterwards finds it parsed.
func toDisk(e *core.RequestEvent) error {
	r := e.Request
	if e.Auth == nil || r.Body == nil || r.Body == http.NoBody || !isUpload(r) {
		return e.Next()
	}
	err := r.ParseMultipartForm(uploadMemory)
	if r.MultipartForm != nil {
		defer r.MultipartForm.RemoveAll() // the server removes those of its own request only
	}
	var refused *router.ApiError
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return Refuse(e, http.StatusBadRequest, "invalid_request", "The body could not be read.")
	}
	return e.Next()
}
