package intake

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"golang.org/x/sync/semaphore"
)

const (
	// uploadTimeout is for uploads of people who are signed in: 10 MB over a poor
	// line. Everybody else's body has guestPace.
	uploadTimeout = 5 * time.Minute
	// uploadMemory is what of an upload's files stays in memory; PocketBase's 32 MB
	// twice over would be a small machine's all.
	uploadMemory = 64 << 10
	// partHeader bounds what stands above one field or file of a form, and what its
	// reader takes in ahead.
	partHeader = 16 << 10
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

// toDisk reads an upload: it goes to disk as it comes, and its files stay there.
// Its texts have what bodies of members have, a size and a budget. Whoever parses
// the form afterwards finds it parsed.
func (b *bodies) toDisk(e *core.RequestEvent) error {
	r := e.Request
	if e.Auth == nil || r.Body == nil || r.Body == http.NoBody || !isUpload(r) {
		return e.Next()
	}
	came, err := os.CreateTemp("", "upload-")
	if err != nil {
		return e.InternalServerError("", err)
	}
	defer os.Remove(came.Name())
	defer came.Close()
	text, err := b.keep(r, came)
	if err == nil && text > memberBody {
		err = ErrTooLarge
	}
	if err == nil && !b.members.TryAcquire(text) {
		err = ErrBusy
	}
	if err == nil {
		defer b.members.Release(text)
		r.Body = came
		err = r.ParseMultipartForm(uploadMemory)
		came.Close()
		os.Remove(came.Name()) // its files lie beside it now
		if r.MultipartForm != nil {
			defer r.MultipartForm.RemoveAll() // the server removes those of its own request only
			if !e.HasSuperuserAuth() {
				h := &held{values: memberValues, budgets: []*semaphore.Weighted{b.members}}
				defer h.uncount()
				err = errors.Join(err, h.parsed(payload(r.MultipartForm.Value)))
			}
		}
	}
	var refused *router.ApiError
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return refuseBody(e, err)
	}
	return e.Next()
}

// keep writes an upload to a file, to be read from its beginning, and counts what
// of it is not the content of files.
func (b *bodies) keep(r *http.Request, file *os.File) (text int64, err error) {
	size, err := io.Copy(file, r.Body)
	if err != nil {
		return 0, err
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return 0, err
	}
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	files, err := fileBytes(file, params["boundary"])
	if err != nil {
		return 0, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return size - files, err
}

// fileBytes counts the content of a form's files, which its parser keeps on disk. It
// reads the form with that parser's reader, and keeps nothing but one part's header.
func fileBytes(r io.Reader, boundary string) (files int64, err error) {
	source := &io.LimitedReader{R: r}
	parts := multipart.NewReader(source, boundary)
	for {
		source.N = partHeader
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && source.N > 0:
			return files, nil
		case err != nil && source.N <= 0:
			return 0, ErrTooLarge
		case err != nil:
			return 0, err
		}
		source.N = math.MaxInt64
		content, err := io.Copy(io.Discard, part)
		if err != nil {
			return 0, err
		}
		if part.FileName() != "" {
			files += content
		}
	}
}
