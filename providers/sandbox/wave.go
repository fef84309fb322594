package sandbox

import (
	"encoding/binary"
	"math"
	"time"
)

const (
	sampleRate = 8000
	// longestRecording bounds the audio of a call; a longer call's recording stops there.
	longestRecording = 60 * time.Second
)

// wave renders a recording: 16-bit PCM WAV at 8 kHz. Kinds: stereo (caller left,
// assistant right), mono (both), customer, assistant. A lane is silent except
// while its side speaks, so waveform and transcript times agree.
func wave(kind string, segments []segment, length time.Duration) []byte {
	length = min(length, longestRecording)
	samples := int(length.Seconds() * sampleRate)
	caller, assistant := lane(true, segments, samples), lane(false, segments, samples)
	channels := 1
	var pcm []int16
	switch kind {
	case "stereo":
		channels = 2
		pcm = make([]int16, 0, 2*samples)
		for i := range samples {
			pcm = append(pcm, caller[i], assistant[i])
		}
	case "customer":
		pcm = caller
	case "assistant":
		pcm = assistant
	default:
		pcm = make([]int16, samples)
		for i := range pcm {
			pcm[i] = int16(max(-32768, min(32767, int(caller[i])+int(assistant[i]))))
		}
	}
	return wavFile(pcm, channels)
}

func wavFile(pcm []int16, channels int) []byte {
	size := 2 * len(pcm)
	out := make([]byte, 0, 44+size)
	le := binary.LittleEndian
	out = append(out, "RIFF"...)
	out = le.AppendUint32(out, uint32(36+size))
	out = append(out, "WAVEfmt "...)
	out = le.AppendUint32(out, 16)
	out = le.AppendUint16(out, 1) // PCM
	out = le.AppendUint16(out, uint16(channels))
	out = le.AppendUint32(out, sampleRate)
	out = le.AppendUint32(out, uint32(sampleRate*2*channels))
	out = le.AppendUint16(out, uint16(2*channels))
	out = le.AppendUint16(out, 16)
	out = append(out, "data"...)
	out = le.AppendUint32(out, uint32(size))
	for _, sample := range pcm {
		out = le.AppendUint16(out, uint16(sample))
	}
	return out
}

// vowels are the first two formants of a, e, i, o, u in hertz.
var vowels = [...][2]float64{{730, 1090}, {530, 1840}, {270, 2290}, {570, 840}, {300, 870}}

// lane renders one side's speech.
func lane(caller bool, segments []segment, samples int) []int16 {
	out := make([]int16, samples)
	pitch := 118.0
	if caller {
		pitch = 196
	}
	for n, s := range segments {
		if s.caller != caller {
			continue
		}
		from, to := int(s.from.Seconds()*sampleRate), int(s.to.Seconds()*sampleRate)
		babble(out, max(from, 0), min(to, samples), pitch, n)
	}
	return out
}

// babble fills a stretch with something like syllables: a buzz at the voice's
// pitch through two resonators, about four vowels a second with a short burst
// of noise before each, and small gaps between words.
func babble(out []int16, from, to int, pitch float64, seed int) {
	const syllable = sampleRate / 4
	var y1, y2, z1, z2, phase float64
	noise := uint32(2463534242 + 7919*seed)
	for i := from; i < to; i++ {
		at := (i - from) % syllable
		index := (i-from)/syllable + seed
		word := float64(at) / syllable
		envelope := math.Sin(math.Pi * math.Min(1, word*1.15))
		if index%5 == 4 {
			envelope *= 0.15 // the breath between words
		}
		noise ^= noise << 13
		noise ^= noise >> 17
		noise ^= noise << 5
		hiss := float64(int32(noise)) / math.MaxInt32
		phase += pitch * (1 + 0.06*math.Sin(float64(i)/1700)) / sampleRate
		source := 0.0
		if phase >= 1 {
			phase--
			source = 1
		}
		if at < syllable/8 {
			source += 0.12 * hiss
		}
		formants := turns[index*7%len(vowels)]
		y := resonate(source, formants[0], &y1, &y2)
		z := resonate(source, formants[1], &z1, &z2)
		out[i] = int16(max(-28000, min(28000, envelope*(7000*y+4000*z))))
	}
}

// radius sets the resonators' bandwidth, about 90 Hz.
const radius = 0.965

// turns are the resonators' coefficients for the formants in vowels.
var turns = func() (t [len(vowels)][2]float64) {
	for i, formants := range vowels {
		for j, frequency := range formants {
			t[i][j] = 2 * radius * math.Cos(2*math.Pi*frequency/sampleRate)
		}
	}
	return t
}()

// resonate is a two-pole filter.
func resonate(in, turn float64, y1, y2 *float64) float64 {
	y := in + turn**y1 - radius*radius**y2
	*y2, *y1 = *y1, y
	return y
}
