package untrusted

import (
	"errors"
	"image"
	_ "image/gif" // what an image's size can be read of
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/webp"
)

// MaxPixels bounds images: decoding one takes about ten bytes a pixel. A
// photograph of a telephone has twelve million.
const MaxPixels = 20_000_000

// What is wrong with an image.
var (
	ErrPixels  = errors.New("The image has more than 20 million pixels.")
	ErrNoImage = errors.New("The image cannot be read.")
)

// Image looks at the head of an image, without decoding it, and says whether it
// is too large or none.
func Image(r io.Reader) error {
	head, _, err := image.DecodeConfig(r)
	switch {
	case err != nil || head.Width <= 0 || head.Height <= 0:
		return ErrNoImage
	case head.Width > MaxPixels/head.Height:
		return ErrPixels
	}
	return nil
}
