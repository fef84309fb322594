package untrusted

import (
	"slices"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

const (
	thumbnailParameter = "thumb"
	thumbnailKey       = "pocketline.thumbnail"
	// afterGate is where a download stands once the rule and the gate were asked.
	afterGate = 100
	// refusedMost bounds how many images without a thumbnail are remembered.
	refusedMost = 10_000
)

// thumbnails makes the small pictures of images. PocketBase makes them before the
// gate is asked, of every size of its own, and of images that were stored before
// their size was looked at.
type thumbnails struct {
	mu      sync.Mutex
	refused map[string]bool // by path: a stored file never changes
}

func bindThumbnails(app core.App) {
	t := &thumbnails{refused: map[string]bool{}}
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(chain.Middleware(chain.Thumbnail, takeThumbnail))
		return se.Next()
	})
	app.OnFileDownloadRequest().Bind(&hook.Handler[*core.FileDownloadRequestEvent]{
		Id: "pocketlineThumbnail", Priority: afterGate, Func: t.serve,
	})
}

// takeThumbnail keeps the size that is asked for from PocketBase, which answers the
// image itself then.
func takeThumbnail(e *core.RequestEvent) error {
	address := e.Request.URL
	if !strings.HasPrefix(address.Path, "/api/files/") || address.RawQuery == "" {
		return e.Next()
	}
	if query := address.Query(); query.Has(thumbnailParameter) {
		e.Set(thumbnailKey, query.Get(thumbnailParameter))
		query.Del(thumbnailParameter)
		address.RawQuery = query.Encode()
	}
	return e.Next()
}

// serve answers with the thumbnail where the column lists the size; the image itself
// where it does not, or must not be decoded.
func (t *thumbnails) serve(e *core.FileDownloadRequestEvent) error {
	size, _ := e.Get(thumbnailKey).(string)
	if !slices.Contains(e.FileField.Thumbs, size) || t.refuses(e.ServedPath) {
		return e.Next()
	}
	files, err := e.App.NewFilesystem()
	if err != nil {
		return e.InternalServerError("", err)
	}
	defer files.Close()
	at := strings.LastIndexByte(e.ServedPath, '/') + 1
	name := size + "_" + e.ServedPath[at:]
	thumbnail := e.ServedPath[:at] + "thumbs_" + e.ServedPath[at:] + "/" + name
	made, err := files.Exists(thumbnail)
	if err == nil && !made {
		if err := decoding.Acquire(e.Request.Context(), 1); err != nil {
			return e.NotFoundError("", err) // the client has left
		}
		err = makeThumbnail(files, e.ServedPath, thumbnail, size)
		decoding.Release(1)
	}
	if err != nil {
		t.refuse(e.ServedPath)
		e.App.Logger().Info("thumbnail not made", "collection", e.Collection.Name, "record", e.Record.Id, "error", err)
		return e.Next()
	}
	e.ServedPath, e.ServedName = thumbnail, name
	return e.Next()
}

// makeThumbnail makes one unless the image is too large; it is called while nothing
// else is decoded.
func makeThumbnail(files *filesystem.System, image, thumbnail, size string) error {
	if made, err := files.Exists(thumbnail); err != nil || made { // whoever came first made it
		return err
	}
	content, err := files.GetReader(image)
	if err != nil {
		return err
	}
	takes, err := measure(content)
	if closed := content.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return decode(takes, func() error { return files.CreateThumb(image, thumbnail, size) })
}

func (t *thumbnails) refuses(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused[path]
}

// refuse remembers that an image has no thumbnail, so that it is not looked at each
// time. A restart looks again.
func (t *thumbnails) refuse(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) >= refusedMost {
		clear(t.refused)
	}
	t.refused[path] = true
}
