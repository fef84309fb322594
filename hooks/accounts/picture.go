package accounts

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"

	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

const (
	// pictureMost is how much of a picture is fetched.
	pictureMost = 2 << 20
	// picturePatience is how long the person waits for another server.
	picturePatience = 10 * time.Second
	// picturesAtOnce are fetched for everybody together: each is in memory.
	picturesAtOnce = 4
)

// pictureKinds are the formats browsers show, and how their files end.
var pictureKinds = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}

// picture fetches what a person's avatar_url leads to, through the guard, and
// says what is wrong with it, or "".
func (d *domain) picture(e *core.RequestEvent, address string) (*filesystem.File, string) {
	const unreachable = "This picture could not be fetched: it must be at a public https address"
	if d.Pictures == nil {
		return nil, unreachable
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), picturePatience)
	defer cancel()
	select {
	case d.fetching <- struct{}{}:
		defer func() { <-d.fetching }()
	case <-ctx.Done():
		return nil, "Many pictures are being fetched; try again in a moment"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unreachable
	}
	res, err := d.Pictures.Do(req)
	if err != nil {
		e.App.Logger().Info("picture not fetched", "error", err)
		return nil, unreachable
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, unreachable
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, pictureMost+1))
	if err != nil {
		return nil, unreachable
	}
	if len(raw) > pictureMost {
		return nil, "The picture is larger than 2 MB"
	}
	ending, known := pictureKinds[http.DetectContentType(raw)]
	if !known {
		return nil, "Must be a picture: PNG, JPEG or WebP"
	}
	if err := untrusted.WholeImage(ctx, bytes.NewReader(raw)); err != nil {
		return nil, strings.TrimSuffix(err.Error(), ".")
	}
	file, err := filesystem.NewFileFromBytes(raw, "avatar"+ending)
	if err != nil {
		return nil, unreachable
	}
	return file, ""
}

// withoutQuery is an address without what signs it.
func withoutQuery(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}
