package sandbox

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestListen_streams_the_call_and_closes_with_it(t *testing.T) {
	b := newBenchAt(t, 4)
	_, number := b.desk(nil)
	id := str(b.must("POST", "/_sandbox/calls", object{"script": "price", "phoneNumberId": number["id"]}), "callId")
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn,
		"GET /%s/listen HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", id)
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("handshake: %v %v", res, err)
	}
	loud, frames, events := 0, 0, ""
	for {
		var head [2]byte
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			t.Fatal(err)
		}
		if head[0] == 0x88 {
			break
		}
		if head[0] == 0x81 {
			event := make([]byte, head[1])
			if _, err := io.ReadFull(reader, event); err != nil {
				t.Fatal(err)
			}
			events += string(event)
			continue
		}
		var size uint16
		if err := binary.Read(reader, binary.BigEndian, &size); err != nil || head[0] != 0x82 || head[1] != 126 {
			t.Fatalf("frame %v: %v", head, err)
		}
		sound := make([]byte, size)
		if _, err := io.ReadFull(reader, sound); err != nil {
			t.Fatal(err)
		}
		if frames++; len(sound) != 2*16_000/10 {
			t.Fatalf("a tenth of a second in %d bytes", len(sound))
		}
		if strings.Trim(string(sound), "\x00") != "" {
			loud++
		}
	}
	if frames < 10 || loud == 0 || loud == frames {
		t.Errorf("%d of %d frames have sound", loud, frames)
	}
	for _, want := range []string{
		`"role":"assistant","status":"started","type":"speech-update"`, `"role":"user","status":"started"`, `"status":"stopped"`,
	} {
		if !strings.Contains(events, want) {
			t.Errorf("no %s in %s", want, events)
		}
	}
	b.waitFor(id)
	if res, err := http.Get(b.URL() + "/" + id + "/listen"); err != nil || res.StatusCode != 404 {
		t.Errorf("listening after the end: %v %v", res.StatusCode, err)
	}
}
