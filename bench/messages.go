package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What one call sends: 3 states, 7 lines, the report. Bodies have the size and
// shape of Vapi's (https://docs.vapi.ai/server-url/events).
const (
	messagesPerCall = 11
	linesPerCall    = 7
)

var spoken = []string{
	"Marlow Dental, good morning. How can I help?",
	"Hi, I'd like to book a cleaning for tomorrow morning, please, I only moved here last month.",
	"I have nine thirty or eleven tomorrow morning. Which suits you?",
	"Nine thirty, please. It's Priya Raman, and my daughter comes along as well.",
	"Done. You are booked for nine thirty tomorrow, Priya. Anything else I can do for you today?",
	"No, that's all. Thanks a lot for your help.",
	"See you tomorrow. Goodbye!",
}

// place is a number a call can come in on.
type place struct{ number, assistant string }

// callsNamed counts the ids that were made.
var callsNamed atomic.Uint32

// newCallID is an id that sorts by when it was made, as Vapi's are (UUIDs of
// version 7), below a prefix of this run.
func newCallID(run string) string {
	var b [8]byte
	rand.Read(b[:])
	n, h := fmt.Sprintf("%07x", callsNamed.Add(1)&0xfffffff), hex.EncodeToString(b[:])
	return run + "-" + n[:4] + "-7" + n[4:] + "-8" + h[:3] + "-" + h[3:15]
}

func callObject(id string, p place, caller string, created time.Time) string {
	at := created.UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf(`{"id":%q,"orgId":"5f0c1d7e-2b84-4a6d-9c31-7d20b4e6a901","createdAt":%q,"updatedAt":%q,"type":"inboundPhoneCall","status":"ringing",`+
		`"phoneCallProvider":"twilio","phoneCallProviderId":"CAexample0000000000000000000000042","phoneCallTransport":"pstn","phoneNumberId":%q,`+
		`"customer":{"number":%q},"transport":{"provider":"twilio","conversationType":"voice","accountSid":"ACexample0000000000000000000000000",`+
		`"callSid":"CAexample0000000000000000000000042","callToken":"example"},"cost":0,"assistantId":%q,`+
		`"monitor":{"listenUrl":"wss://phone-call-websocket.example-region.vapi.ai/%s/listen","controlUrl":"https://phone-call-websocket.example-region.vapi.ai/%s/control"}}`,
		id, at, at, p.number, caller, p.assistant, id, id)
}

func numberObject(p place) string {
	return fmt.Sprintf(`{"id":%q,"orgId":"5f0c1d7e-2b84-4a6d-9c31-7d20b4e6a901","createdAt":"2026-10-02T08:11:40.000Z","updatedAt":"2026-11-01T10:20:05.000Z",`+
		`"provider":"twilio","number":"+14155550100","name":"Main line","status":"active","twilioAccountSid":"ACexample0000000000000000000000000",`+
		`"smsEnabled":false,"server":{"url":"https://desk.example.com/api/webhooks/vapi","timeoutSeconds":20}}`, p.number)
}

// newCall writes the messages of one call, in order.
func newCall(id string, p place, now time.Time) [][]byte {
	caller := fmt.Sprintf("+1415555%04d", mathrand.IntN(10_000))
	begin := now.Add(-time.Minute)
	call, number := callObject(id, p, caller, begin), numberObject(p)
	rest := `,"call":` + call + `,"customer":{"number":"` + caller + `"},"phoneNumber":` + number +
		`,"assistant":{"id":"` + p.assistant + `","name":"Front desk"}}}`
	var all [][]byte
	at := begin
	add := func(kind, fields string) {
		at = at.Add(1500 * time.Millisecond)
		all = append(all, fmt.Appendf(nil, `{"message":{"timestamp":%d,"type":%q%s%s`, at.UnixMilli(), kind, fields, rest))
	}
	add("status-update", `,"status":"ringing"`)
	add("status-update", `,"status":"in-progress"`)
	var said strings.Builder
	var lines []string
	for i, text := range spoken {
		role, label, lineRole := "assistant", "AI: ", "bot"
		if i%2 == 1 {
			role, label, lineRole = "user", "User: ", "user"
		}
		add("transcript",
			fmt.Sprintf(`,"role":%q,"transcriptType":"final","transcript":%q,"isFiltered":false,"detectedThreats":[]`,
				role, text))
		said.WriteString(label + text + "\n")
		lines = append(lines,
			fmt.Sprintf(`{"role":%q,"message":%q,"time":%d,"endTime":%d,"secondsFromStart":%.1f,"duration":1200}`,
				lineRole, text,
				at.UnixMilli(), at.UnixMilli()+1200, at.Sub(begin).Seconds()-1.5))
	}
	add("status-update", `,"status":"ended","endedReason":"customer-ended-call"`)
	artifact := fmt.Sprintf(`{"messages":[%s],"transcript":%q,"performanceMetrics":{"turnLatencyAverage":1018.5,"modelLatencyAverage":433.5}}`,
		strings.Join(lines, ","), said.String())
	add("end-of-call-report",
		fmt.Sprintf(`,"startedAt":%q,"endedAt":%q,"endedReason":"customer-ended-call","cost":0.0501,`+
			`"costBreakdown":{"transport":0.0044,"stt":0.0053,"llm":0.0004,"tts":0.0137,"vapi":0.0258,"total":0.0501},`+
			`"costs":[{"type":"transport","provider":"twilio","minutes":0.5167,"cost":0.0044},{"type":"vapi","subType":"normal","minutes":0.5167,"cost":0.0258}],`+
			`"durationMs":31000,"analysis":{"summary":"Priya Raman called to book a cleaning and was given half past nine on the next morning.","successEvaluation":"true"},"artifact":%s`,
			begin.Add(time.Second).UTC().Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano), artifact))
	return all
}

// newRequest writes an assistant-request.
func newRequest(id string, p place, now time.Time) []byte {
	return fmt.Appendf(nil, `{"message":{"timestamp":%d,"type":"assistant-request","call":%s,"phoneNumber":%s}}`,
		now.UnixMilli(), callObject(id, p, "+14155550142", now), numberObject(p))
}

// signer signs messages the way Vapi's HMAC credentials do.
type signer struct {
	mac hash.Hash
	buf bytes.Buffer
}

func newSigner() *signer { return &signer{mac: hmac.New(sha256.New, []byte(webhookSecret))} }

// request writes a signed POST; it is good until the next one.
func (s *signer) request(addr, path string, body []byte) []byte {
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	s.mac.Reset()
	s.mac.Write([]byte(stamp))
	s.mac.Write([]byte{'.'})
	s.mac.Write(body)
	s.buf.Reset()
	s.buf.WriteString("POST " + path + " HTTP/1.1\r\nHost: " + addr +
		"\r\nContent-Type: application/json\r\nX-Timestamp: " + stamp + "\r\nX-Signature: ")
	s.buf.WriteString(hex.EncodeToString(s.mac.Sum(nil)))
	s.buf.WriteString("\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n")
	s.buf.Write(body)
	return s.buf.Bytes()
}

// stock are calls written ahead, so that the generator only signs and sends.
type stock struct {
	mu    sync.Mutex
	calls [][][]byte
	ids   []string
	used  int
}

func newStock(run string, places []place, n int) *stock {
	s := &stock{}
	now := time.Now()
	for i := range n {
		id := newCallID(run)
		s.ids = append(s.ids, id)
		s.calls = append(s.calls, newCall(id, places[i%len(places)], now))
	}
	return s
}

func (s *stock) take() ([][]byte, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used == len(s.calls) {
		return nil, ""
	}
	s.used++
	return s.calls[s.used-1], s.ids[s.used-1]
}

// duplicates is how many of a hundred messages are sent twice.
const duplicates = 2

// caller plays whole calls; a call that began is played to its end.
type caller struct {
	addr, path string
	stock      *stock
	sign       *signer
	call       [][]byte
	at         int
	again      bool
	acked      int // messages answered 200, repeats not counted
	calls      int // calls played to the end
	lost       int // messages that were not acknowledged in three attempts
	tries      int
}

func newCaller(addr, path string, s *stock) *caller {
	return &caller{addr: addr, path: path, stock: s, sign: newSigner()}
}

func (c *caller) next(over bool) []byte {
	if c.at == len(c.call) && !c.again {
		if over {
			return nil
		}
		if c.call, _ = c.stock.take(); c.call == nil {
			return nil
		}
		c.at = 0
	}
	at := c.at
	if c.again {
		at = c.at - 1
	}
	return c.sign.request(c.addr, c.path, c.call[at])
}

func (c *caller) got(status int, _ []byte) {
	if c.again {
		c.again = false
		return
	}
	if status != 200 {
		if c.tries++; c.tries < 3 {
			return // as a provider would: once more
		}
		c.lost++
	} else {
		c.acked++
	}
	c.tries = 0
	c.at++
	if c.at == len(c.call) {
		c.calls++
	}
	c.again = status == 200 && mathrand.IntN(100) < duplicates
}
