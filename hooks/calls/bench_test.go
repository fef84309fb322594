package calls

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/providers/vapi"
)

// BenchmarkReceive takes in whole calls over the route, 64 senders at a time:
// what one message costs, verified, stored, applied and committed.
func BenchmarkReceive(b *testing.B) {
	d := newDesk(b, nil)
	var messages [][]byte
	for _, m := range callskit.Lines(b, "call-inbound.jsonl") {
		// Without a recording: copying it home is another measure.
		for _, name := range []string{"recordingUrl", "stereoRecordingUrl", "recording"} {
			m = bytes.ReplaceAll(m, []byte(`"`+name+`"`), []byte(`"left out: `+name+`"`))
		}
		parsed, err := vapi.ParseMessage(m)
		if err != nil {
			b.Fatal(err)
		}
		switch parsed.Type {
		case vapi.TypeStatusUpdate, vapi.TypeEndOfCallReport:
			messages = append(messages, m)
		case vapi.TypeTranscript:
			if parsed.Final() {
				messages = append(messages, m)
			}
		}
	}
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		n := len(messages)
		var id []byte
		for pb.Next() {
			if n == len(messages) {
				n = 0
				var random [6]byte
				rand.Read(random[:])
				id = fmt.Appendf(nil, "0196b1f4-7c3a-7e21-9d58-%x", random)
			}
			body := bytes.ReplaceAll(messages[n], []byte(callskit.SampleCall), id)
			n++
			req := httptest.NewRequest(http.MethodPost, "/api/webhooks/vapi", bytes.NewReader(body))
			req.Header.Set(vapi.SecretHeader, callskit.Secret)
			rec := httptest.NewRecorder()
			d.Mux.ServeHTTP(rec, req)
			if rec.Code != http.StatusOK {
				b.Fatalf("answered %d: %s", rec.Code, rec.Body)
			}
		}
	})
}
