package untrusted

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/tools/filesystem"
)

// pngHead is the beginning of a PNG.
func pngHead(width, height int, depth, kind, interlace byte) []byte {
	ihdr := binary.BigEndian.AppendUint32([]byte("IHDR"), uint32(width))
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, uint32(height)), depth, kind, 0, 0, interlace)
	head := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(ihdr))
}

// jpegHead is the beginning of a JPEG: start is the marker of its frame, before
// what stands between, sampling one byte for each component.
func jpegHead(width, height int, start byte, before string, sampling ...byte) []byte {
	head := append([]byte("\xff\xd8"), before...)
	head = append(head, 0xFF, start, 0, byte(8+3*len(sampling)), 8)
	head = binary.BigEndian.AppendUint16(head, uint16(height))
	head = append(binary.BigEndian.AppendUint16(head, uint16(width)), byte(len(sampling)))
	for i, s := range sampling {
		head = append(head, byte(i+1), s, 0)
	}
	return append(head, "\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"...)
}

func TestImage_counts_what_decoding_takes(t *testing.T) {
	webp := func(kind string, width, height int) []byte {
		w, h := width-1, height-1
		return append([]byte("RIFF\x16\x00\x00\x00WEBP"+kind+"\x0a\x00\x00\x00\x10\x00\x00\x00"), byte(w), byte(w>>8),
			byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
	}
	exif := "\xff\xe1\x00\x0aExif\x00\x00\xff\xc0"
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"15 MP of RGBA":                {pngHead(3_872, 3_872, 8, 6, 0), nil},
		"20 MP of RGBA":                {pngHead(4_472, 4_472, 8, 6, 0), ErrMemory},
		"12 MP interlaced":             {pngHead(4_000, 3_000, 8, 6, 1), ErrMemory},
		"10 MP interlaced":             {pngHead(3_160, 3_160, 8, 6, 1), nil},
		"12 MP of 16 bits":             {pngHead(4_000, 3_000, 16, 2, 0), ErrMemory},
		"10 MP of 16 bits":             {pngHead(3_160, 3_160, 16, 2, 0), nil},
		"12 MP of 16 bits gray":        {pngHead(4_000, 3_000, 16, 0, 0), ErrMemory},
		"20 MP of 16 bits, interlaced": {pngHead(4_472, 4_472, 16, 6, 1), ErrMemory},
		"6 MP of 16 bits, interlaced":  {pngHead(2_448, 2_448, 16, 6, 1), nil},
		"12 MP of a telephone":         {jpegHead(4_032, 3_024, 0xC0, exif, 0x22, 0x11, 0x11), nil},
		"12 MP of a telephone, 4:4:4":  {jpegHead(4_032, 3_024, 0xC0, exif, 0x11, 0x11, 0x11), nil},
		"8 MP progressive":             {jpegHead(3_264, 2_448, 0xC2, exif, 0x22, 0x11, 0x11), nil},
		"12 MP progressive":            {jpegHead(4_032, 3_024, 0xC2, exif, 0x22, 0x11, 0x11), ErrMemory},
		"8 MP progressive, 4:4:4":      {jpegHead(3_264, 2_448, 0xC2, "", 0x11, 0x11, 0x11), ErrMemory},
		"12 MP progressive, fill bytes": {jpegHead(4_032, 3_024, 0xC2, "\xff\xff\xff", 0x22, 0x11, 0x11),
			ErrMemory},
		"8 MP of CMYK":  {jpegHead(3_264, 2_448, 0xC0, "", 0x11, 0x11, 0x11, 0x11), ErrMemory},
		"12 MP of WebP": {webp("VP8X", 4_000, 3_000), ErrMemory},
		"9 MP of WebP":  {webp("VP8X", 3_000, 3_000), nil},
		"a head that does not come to an end": {append([]byte("\xff\xd8"),
			bytes.Repeat([]byte("\xff\xe1\xff\xff"+string(make([]byte, 65_533))), 40)...), ErrMemory},
		"no image": {[]byte("\x89PNG\r\n\x1a\nnothing more"), ErrNoImage},
	} {
		if got := Image(bytes.NewReader(tt.file)); !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	var real bytes.Buffer
	if err := jpeg.Encode(&real, image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420),
		nil); err != nil {
		t.Fatal(err)
	}
	if got := jpegBytes(image.Config{Width: 640, Height: 480}, real.Bytes()); got != 3 {
		t.Errorf("a real photograph takes %v bytes a pixel, want 3", got)
	}
}

func TestWholeImage_is_one_to_its_end(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 90, 60))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * i)
	}
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, picture), jpeg.Encode(&asJPEG, picture, nil)); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"png": asPNG.Bytes(), "jpeg": asJPEG.Bytes()} {
		if err := WholeImage(t.Context(), bytes.NewReader(file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, cut := range []int{len(file) / 8, len(file) / 2, len(file) - 40} {
			if err := WholeImage(t.Context(), bytes.NewReader(file[:cut])); !errors.Is(err, ErrNoImage) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, cut, len(file), err)
			}
		}
	}
	if err := WholeImage(t.Context(), bytes.NewReader(pngHead(20_000, 20_000, 8, 6, 0))); !errors.Is(err, ErrPixels) {
		t.Errorf("a large one: %v", err)
	}
}

// Large images are decoded one after the other, in the room of one: what one left is
// gone before the next begins, also where Go would collect it later.
func TestDecoding_large_images_takes_the_room_of_one(t *testing.T) {
	const width, height = 2_500, 2_000
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := filesystem.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	if err := os.WriteFile(filepath.Join(dir, "picture.png"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapSys)
	}
	debug.FreeOSMemory()
	before := heap()
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			if err := WholeImage(t.Context(), bytes.NewReader(file.Bytes())); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := decoding.Acquire(t.Context(), 1); err != nil {
				t.Error(err)
				return
			}
			defer decoding.Release(1)
			if err := makeThumbnail(files, "picture.png", fmt.Sprint("thumbs/", n), "100x100"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// As it is counted: the image, and the copy its thumbnail is cut from.
	if took, most := heap()-before, int64(2*width*height*(4+thumbnailCopy)); took > most {
		t.Errorf("twelve took %d MB, want at most %d", took>>20, most>>20)
	}
}
