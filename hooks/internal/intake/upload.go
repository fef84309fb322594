package intake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/textproto"
	"os"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

const (
	// uploadTimeout is for uploads of people who are signed in: 10 MB over a poor
	// line. Everybody else's body has guestPace.
	uploadTimeout = 5 * time.Minute
	// uploadMemory is what of an upload's files stays in memory; PocketBase's 32 MB
	// twice over would be a small machine's all.
	uploadMemory = 64 << 10
	// partHeader bounds what stands above one field or file of a form.
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
	if _, err = io.Copy(file, r.Body); err != nil {
		return 0, err
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return 0, err
	}
	if _, err = file.Seek(0, io.SeekStart); err == nil {
		if text, err = formText(file, params["boundary"]); err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
	}
	return text, err
}

// formText counts the bytes of a form that its parser keeps in memory: all but
// the content of files. It keeps nothing but one part's header.
func formText(r io.Reader, boundary string) (text int64, err error) {
	lines, delimiter := bufio.NewReaderSize(r, 32<<10), []byte("--"+boundary)
	var header bytes.Buffer
	inHeader, inFile, begins := false, false, true
	for {
		line, err := lines.ReadSlice('\n')
		whole := begins
		begins = err == nil
		switch rest, found := bytes.CutPrefix(line, delimiter); {
		case whole && !inHeader && found && len(bytes.Trim(rest, " \t\r\n")) == 0:
			inHeader, inFile = true, false
			header.Reset()
		case inHeader:
			if header.Len()+len(line) > partHeader {
				return 0, ErrTooLarge
			}
			header.Write(line)
			if whole && len(bytes.Trim(line, "\r\n")) == 0 {
				inHeader, inFile = false, isFile(header.Bytes())
			}
			text += int64(len(line))
		case !inFile:
			text += int64(len(line))
		}
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}

// isFile tells whether a part's header names a file, as Go's parser will.
func isFile(header []byte) bool {
	fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(header))).ReadMIMEHeader()
	if err != nil {
		return false
	}
	_, params, err := mime.ParseMediaType(fields.Get("Content-Disposition"))
	return err == nil && params["filename"] != ""
}
