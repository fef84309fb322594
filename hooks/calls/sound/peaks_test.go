package sound

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// wav is sound of 16 bits at 8 kHz: each lane a function of the frame.
func wav(frames int, lanes ...func(frame int) int16) []byte {
	var data bytes.Buffer
	for n := range frames {
		for _, lane := range lanes {
			binary.Write(&data, binary.LittleEndian, lane(n))
		}
	}
	channels := uint16(len(lanes))
	var b bytes.Buffer
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, uint32(36+data.Len()))
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, uint32(16))
	binary.Write(&b, binary.LittleEndian, [2]uint16{1, channels})
	binary.Write(&b, binary.LittleEndian, [2]uint32{8000, 8000 * 2 * uint32(channels)})
	binary.Write(&b, binary.LittleEndian, [2]uint16{2 * channels, 16})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, uint32(data.Len()))
	b.Write(data.Bytes())
	return b.Bytes()
}

func silence(int) int16 { return 0 }

// growing becomes louder until full.
func growing(frames int) func(int) int16 {
	return func(n int) int16 { return int16(float64(n+1) / float64(frames) * 32767) }
}

func TestPeaks_of_sound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sound.wav")
	odd := wav(10, silence)
	withList := append(append(append([]byte{}, odd[:12]...), "LIST\x03\x00\x00\x00abc\x00"...), odd[12:]...)
	for _, one := range []struct {
		name        string
		sound       []byte
		left, right int // points
		loudest     [2]int
		duration    int64
		err         error
	}{
		{"two lanes", wav(8000, growing(8000), silence), 800, 800, [2]int{100, 0}, 1000, nil},
		{"one lane", wav(4000, growing(4000)), 800, 0, [2]int{100, 0}, 500, nil},
		{"short", wav(10, silence, growing(10)), 10, 10, [2]int{0, 100}, 1, nil},
		{"the loudest negative value", wav(10, func(int) int16 { return math.MinInt16 }), 10, 0, [2]int{100, 0}, 1,
			nil},
		{"another chunk before the sound", withList, 10, 0, [2]int{0, 0}, 1, nil},
		{"cut short", wav(8000, growing(8000))[:8044], 800, 0, [2]int{49, 0}, 1000, nil},
		{"no sound", wav(0, silence), 0, 0, [2]int{}, 0, errNotWAV},
		{"not WAV", []byte("ID3 something else"), 0, 0, [2]int{}, 0, errNotWAV},
		{"empty", nil, 0, 0, [2]int{}, 0, errNotWAV},
		{"only a head", odd[:20], 0, 0, [2]int{}, 0, nil},
		{"8 bits", func() []byte { b := bytes.Clone(odd); b[34] = 8; return b }(), 0, 0, [2]int{}, 0, errNotWAV},
		{"no rate", func() []byte { b := bytes.Clone(odd); clear(b[24:28]); return b }(), 0, 0, [2]int{}, 0, errNotWAV},
		{"no lanes", func() []byte { b := bytes.Clone(odd); clear(b[22:24]); return b }(), 0, 0, [2]int{}, 0,
			errNotWAV},
	} {
		if err := os.WriteFile(file, one.sound, 0o600); err != nil {
			t.Fatal(err)
		}
		p, duration, err := peaksOf(file)
		if one.name == "only a head" {
			if err == nil {
				t.Error("a head alone is sound")
			}
			continue
		}
		if !errors.Is(err, one.err) {
			t.Errorf("%s: got %v, want %v", one.name, err, one.err)
			continue
		}
		loudest := [2]int{}
		for i, lane := range [][]int{p.Left, p.Right} {
			for _, v := range lane {
				loudest[i] = max(loudest[i], v)
				if v < 0 || v > 100 {
					t.Errorf("%s: a peak of %d", one.name, v)
				}
			}
		}
		if len(p.Left) != one.left || len(p.Right) != one.right || loudest != one.loudest || duration != one.duration {
			t.Errorf("%s: got %d and %d points, loudest %v, %d ms", one.name, len(p.Left), len(p.Right), loudest,
				duration)
		}
	}
}

func FuzzPeaks(f *testing.F) {
	f.Add(wav(100, silence, silence))
	f.Add(wav(1, growing(1)))
	f.Add([]byte("RIFF....WAVEdata"))
	file := filepath.Join(f.TempDir(), "sound.wav")
	f.Fuzz(func(t *testing.T, sound []byte) {
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, _, err := peaksOf(file); err == nil &&
			(len(p.Left) == 0 || len(p.Left) > maxPeaks || len(p.Right) > maxPeaks) {
			t.Errorf("%d and %d points", len(p.Left), len(p.Right))
		}
	})
}
