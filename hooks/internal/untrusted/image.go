package untrusted

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	_ "image/gif" // what an image's size can be read of
	_ "image/jpeg"
	_ "image/png"
	"io"
	"runtime/debug"

	_ "golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// MaxPixels bounds images. A photograph of a telephone has twelve million.
	MaxPixels = 20_000_000
	// MaxDecoded bounds the bytes an image and the copies made of it take until
	// its thumbnail is there: a machine of 256 MB lives on. That is 15 million
	// pixels of a photograph or of 8-bit RGBA.
	MaxDecoded = 120_000_000

	// large is from how many bytes an image is worth a collection of its own.
	large = 8_000_000

	// headMost is how far into a file its size may stand.
	headMost = 2 << 20
	// thumbnailCopy are the bytes a pixel of the copy a thumbnail is cut from.
	thumbnailCopy = 4
)

// What is wrong with an image.
var (
	ErrPixels = errors.New("The image has more than 15 million pixels.")
	ErrMemory = errors.New("The image takes too much memory to show: use at most 15 million pixels, 8 bits per color, not interlaced or progressive.")
	// ErrNoImage is the only one that says nothing of the size.
	ErrNoImage = errors.New("The image cannot be read.")
)

// Image looks at the head of an image, without decoding it, and says whether it
// is too large or none.
func Image(r io.Reader) error {
	_, err := measure(r)
	return err
}

// measure is Image, and says how many bytes it will take.
func measure(r io.Reader) (takes float64, err error) {
	var seen bytes.Buffer
	rest := &io.LimitedReader{R: r, N: headMost}
	head, format, err := image.DecodeConfig(io.TeeReader(rest, &seen))
	switch {
	case err != nil && rest.N <= 0:
		return 0, ErrMemory // what a decoder would find further on is not known
	case err != nil || head.Width <= 0 || head.Height <= 0:
		return 0, ErrNoImage
	case head.Width > MaxPixels/head.Height:
		return 0, ErrPixels
	}
	if takes = float64(head.Width*head.Height) * bytesPerPixel(format, head, seen.Bytes()); takes > MaxDecoded {
		return takes, ErrMemory
	}
	return takes, nil
}

// decoding is held while an image is decoded: one takes MaxDecoded at most.
var decoding = semaphore.NewWeighted(1)

// decode runs what decodes an image that takes so many bytes, while decoding is held.
// What the image before a large one left, and what it leaves itself, goes back to the
// machine at once: two of them do not fit into a small one.
func decode(takes float64, do func() error) error {
	if takes > large {
		debug.FreeOSMemory()
		defer debug.FreeOSMemory()
	}
	return do()
}

// WholeImage is Image for a picture that will be shown: it is decoded to its end,
// so that a file which only begins like one is refused. It takes long and may wait
// for another: never call it inside a transaction.
func WholeImage(ctx context.Context, r io.ReadSeeker) (err error) {
	takes, err := measure(r)
	if err != nil {
		return err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return ErrNoImage
	}
	if err := decoding.Acquire(ctx, 1); err != nil {
		return ErrNoImage // whoever sent it has left
	}
	defer decoding.Release(1)
	defer func() {
		if recover() != nil { // decoders have broken off before
			err = ErrNoImage
		}
	}()
	return decode(takes, func() error {
		if _, _, err := image.Decode(r); err != nil {
			return ErrNoImage
		}
		return nil
	})
}

// TooLarge tells whether Image said that an image must not be decoded.
func TooLarge(err error) bool { return errors.Is(err, ErrPixels) || errors.Is(err, ErrMemory) }

// bytesPerPixel is what the decoder of a format and the copies after it take. It
// follows the decoders of Go's library; where a head leaves something open it is
// the most that can come.
func bytesPerPixel(format string, head image.Config, seen []byte) float64 {
	switch format {
	case "png":
		return pngBytes(seen) + thumbnailCopy
	case "jpeg":
		// A camera's orientation is undone in a copy before the thumbnail's.
		return max(jpegBytes(head, seen), thumbnailCopy) + thumbnailCopy
	case "webp":
		if bytes.HasPrefix(seen[min(len(seen), 12):], []byte("VP8 ")) {
			return 1.5 + thumbnailCopy // half as many samples of each color as of light
		}
		return 2*4 + thumbnailCopy // lossless, or a lossless mask: a palette is resolved into a second image
	case "gif":
		return 2 + thumbnailCopy // lines are sorted into a second image
	}
	return 16 + thumbnailCopy // no other is registered
}

// pngBytes reads the header chunk: depth, color type and interlacing. The seven
// passes of an interlaced image are images beside it.
func pngBytes(seen []byte) float64 {
	const depth, kind, interlace = 24, 25, 28
	if len(seen) <= interlace {
		return 16
	}
	each := 4.0 // gray as well: a transparent gray makes it RGBA
	switch {
	case seen[depth] == 16:
		each = 8
	case seen[kind] == 3:
		each = 1
	}
	if seen[interlace] != 0 {
		each *= 2
	}
	return each
}

// jpegBytes looks for the frame header, which names the size that was read. A
// progressive image keeps four bytes for each sample until its last scan.
func jpegBytes(head image.Config, seen []byte) float64 {
	const progressive, most = 0xC2, 12 + 4*4
	size := binary.BigEndian.AppendUint16([]byte{8}, uint16(head.Height))
	size = binary.BigEndian.AppendUint16(size, uint16(head.Width))
	found := 0.0
	for at := 0; ; at++ {
		next := bytes.Index(seen[at:], size)
		if next < 0 {
			break
		}
		at += next
		if at < 4 || seen[at-4] != 0xFF || seen[at-3] < 0xC0 || seen[at-3] > progressive {
			continue
		}
		components := seen[min(at+len(size), len(seen)):]
		image, samples := jpegSamples(components)
		if seen[at-3] == progressive {
			image += 4 * samples
		}
		found = max(found, image)
	}
	if found == 0 {
		return most
	}
	return found
}

// jpegSamples are the bytes a pixel of the decoded image, and the samples a
// pixel of its components: their number, then three bytes for each.
func jpegSamples(components []byte) (image, samples float64) {
	if len(components) == 0 || len(components) < 1+3*int(components[0]) {
		return 12, 4
	}
	n := int(components[0])
	wide, high, sum := 1, 1, 0
	for i := range n {
		h, v := int(components[2+3*i]>>4), int(components[2+3*i]&15)
		wide, high, sum = max(wide, h), max(high, v), sum+h*v
	}
	samples = float64(sum) / float64(wide*high)
	switch n {
	case 1:
		return 1, 1
	case 3:
		return 3, samples
	}
	return 12, samples // CMYK: its colors, RGBA of them, and the whole
}
