package sandbox

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
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

// listen is monitor.listenUrl: a websocket with the call's sound while it runs,
// 16-bit PCM at 8 kHz, caller left and assistant right, 100 ms a message.
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
		sound := c.frame(frame)
		header := binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(len(sound)))
		if _, err := buffer.Write(append(header, sound...)); err != nil {
			return
		}
		if err := buffer.Flush(); err != nil {
			return
		}
	}
}

// frame renders the next stretch of whoever is speaking.
func (c *liveCall) frame(n int) []byte {
	const samples = sampleRate / 10
	c.mu.Lock()
	speaker := c.speaking
	c.mu.Unlock()
	var lanes [2][]int16
	for i, who := range []string{"user", "assistant"} {
		lanes[i] = make([]int16, samples)
		if who == speaker {
			babble(lanes[i], 0, samples, []float64{196, 118}[i], n)
		}
	}
	out := make([]byte, 0, 4*samples)
	for i := range samples {
		out = binary.LittleEndian.AppendUint16(out, uint16(lanes[0][i]))
		out = binary.LittleEndian.AppendUint16(out, uint16(lanes[1][i]))
	}
	return out
}

// speaks notes who is speaking, for listeners; "" is nobody.
func (c *liveCall) speaks(role string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speaking = role
}
