package sound

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// errNotWAV says that a file is not plain PCM sound; the player then shows no
// waveform.
var errNotWAV = errors.New("not 16-bit PCM")

// maxPeaks is how many points a lane's waveform has at most.
const maxPeaks = 800

// lanes are the loudest samples of equal stretches of sound, 0 to 100: the
// caller on the left, the assistant on the right.
type lanes struct {
	Left  []int `json:"left"`
	Right []int `json:"right"`
}

// peaksOf reads a WAV file once, in pieces, and returns its waveform and its
// length in milliseconds.
func peaksOf(path string) (lanes, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return lanes{}, 0, err
	}
	defer file.Close()
	format, size, err := wavHeader(file)
	if err != nil {
		return lanes{}, 0, err
	}
	frame := int64(format.Channels) * 2
	frames := size / frame
	if frames == 0 {
		return lanes{}, 0, errNotWAV
	}
	points := int(min(int64(maxPeaks), frames))
	p := lanes{Left: make([]int, points)}
	if format.Channels > 1 {
		p.Right = make([]int, points)
	}
	in := bufio.NewReaderSize(io.LimitReader(file, size), 1<<16)
	buffer := make([]byte, frame)
	for n := range frames {
		if _, err := io.ReadFull(in, buffer); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break // cut short; what is there is drawn
			}
			return lanes{}, 0, err
		}
		point := int(n * int64(points) / frames)
		p.Left[point] = max(p.Left[point], level(buffer))
		if p.Right != nil {
			p.Right[point] = max(p.Right[point], level(buffer[2:]))
		}
	}
	return p, frames * 1000 / int64(format.Rate), nil
}

func level(b []byte) int {
	v := int(int16(binary.LittleEndian.Uint16(b)))
	if v < 0 {
		v = -v
	}
	return min(100, v*100/32767)
}

type wavFormat struct {
	Format, Channels uint16
	Rate             uint32
	BytesPerSecond   uint32
	BlockAlign, Bits uint16
}

// wavHeader reads to the beginning of the samples and returns their size in
// bytes.
func wavHeader(file io.ReadSeeker) (f wavFormat, size int64, err error) {
	var riff [12]byte
	if _, err := io.ReadFull(file, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return f, 0, errNotWAV
	}
	for {
		var head struct {
			ID   [4]byte
			Size uint32
		}
		if err := binary.Read(file, binary.LittleEndian, &head); err != nil {
			return f, 0, errNotWAV
		}
		switch string(head.ID[:]) {
		case "fmt ":
			if err := binary.Read(file, binary.LittleEndian, &f); err != nil {
				return f, 0, fmt.Errorf("wav format: %w", err)
			}
			if _, err := file.Seek(int64(head.Size)-16+int64(head.Size&1), io.SeekCurrent); err != nil {
				return f, 0, err
			}
		case "data":
			if !f.readable() {
				return f, 0, errNotWAV
			}
			return f, int64(head.Size), nil
		default:
			if _, err := file.Seek(int64(head.Size)+int64(head.Size&1), io.SeekCurrent); err != nil {
				return f, 0, err
			}
		}
	}
}

// readable tells whether the samples are 16 bits of PCM (1; 0xFFFE with an extended header).
func (f wavFormat) readable() bool {
	return (f.Format == 1 || f.Format == 0xFFFE) && f.Bits == 16 && f.Channels >= 1 && f.Channels <= 8 && f.Rate > 0
}
