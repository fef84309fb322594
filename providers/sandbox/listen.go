package sandbox

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// listenFrame is how much audio a websocket message of the listen URL holds.
	listenFrame = 100 * time.Millisecond
	// listenWrite is how long a listener may take to accept a frame.
	listenWrite = 5 * time.Second
	// websocketGUID is the constant of RFC 6455, section 1.3.
	websocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// listen is monitor.listenUrl: a websocket with the call's sound while it runs, both
// parties in one lane of 16-bit PCM at 16 kHz, 100 ms a message, and between them what
// happens as JSON: who begins and stops to speak.
func (s *Server) listen(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.live[r.PathValue("id")]
	s.mu.Unlock()
	if c == nil || c.hungUp() {
		writeError(w, notFound("call"))
		return
	}
	key := r.Header.Get("Sec-WebSocket-Key")
	hijacker, ok := w.(http.Hijacker)
	if !ok || key == "" || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		writeError(w, refuse(http.StatusUpgradeRequired, "This address is a websocket."))
		return
	}
	conn, buffer, err := hijacker.Hijack()
	if err != nil {
		s.log.Warn("sandbox listen", "error", err)
		return
	}
	s.wg.Add(1)
	defer s.wg.Done()
	defer conn.Close()
	sum := sha1.Sum([]byte(key + websocketGUID))
	_, err = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	if err == nil {
		err = buffer.Flush()
	}
	if err == nil {
		c.stream(conn, buffer)
	}
}

// stream sends sound until the line is dead or the listener is gone.
func (c *liveCall) stream(conn net.Conn, buffer *bufio.ReadWriter) {
	ticker := time.NewTicker(listenFrame)
	defer ticker.Stop()
	before := ""
	for frame := 0; ; frame++ {
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			return
		case <-c.done:
		}
		if err := conn.SetWriteDeadline(time.Now().Add(listenWrite)); err != nil {
			return
		}
		if c.hungUp() {
			_, _ = buffer.Write([]byte{0x88, 2, 0x03, 0xe8}) // close, 1000: we are leaving either way
			_ = buffer.Flush()
			return
		}
		who := c.speaker()
		if err := sendFrames(buffer, spokenBetween(before, who), c.frame(who, frame)); err != nil {
			return
		}
		before = who
	}
}

// spokenBetween is what a listener is told when who speaks has changed.
func spokenBetween(before, now string) []byte {
	if before == now {
		return nil
	}
	said := object{"type": "speech-update", "status": "started", "role": now}
	if now == "" {
		said["status"], said["role"] = "stopped", before
	}
	raw, _ := json.Marshal(said) // texts alone: it cannot fail
	return raw
}

// sendFrames writes an event, when there is one, and a stretch of sound.
func sendFrames(buffer *bufio.ReadWriter, event, sound []byte) error {
	if len(event) > 0 {
		if _, err := buffer.Write(append([]byte{0x81, byte(len(event))}, event...)); err != nil {
			return err
		}
	}
	header := binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(len(sound)))
	if _, err := buffer.Write(append(header, sound...)); err != nil {
		return err
	}
	return buffer.Flush()
}

// frame renders the next stretch of who is speaking, at twice the rate recordings have.
func (c *liveCall) frame(speaker string, n int) []byte {
	const samples = sampleRate / 10
	lane := make([]int16, samples)
	if pitch, speaks := pitches[speaker]; speaks {
		babble(lane, 0, samples, pitch, n)
	}
	out := make([]byte, 0, 4*samples)
	for i, sample := range lane {
		between := (int(sample) + int(lane[min(i+1, samples-1)])) / 2
		out = binary.LittleEndian.AppendUint16(out, uint16(sample))
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(between)))
	}
	return out
}

// pitches are how high the two sides of a call speak, in hertz.
var pitches = map[string]float64{"user": 196, "assistant": 118}

// speaker is who is speaking; "" is nobody.
func (c *liveCall) speaker() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speaking
}

// speaks notes who is speaking, for listeners; "" is nobody.
func (c *liveCall) speaks(role string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speaking = role
}
