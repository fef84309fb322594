package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"time"
)

const (
	defaultTimeout = 20 * time.Second
	keptDeliveries = 5000
	maxAnswer      = 1 << 20
)

// target is where messages go: a server object with its defaults filled in.
type target struct {
	url        string
	timeout    time.Duration
	headers    object
	credential string
	backoff    object
}

// delivery is one message and how sending it went. Attempts are guarded by Server.mu.
type delivery struct {
	ID       int       `json:"id"`
	CallID   string    `json:"callId,omitempty"`
	Type     string    `json:"type"`
	Status   string    `json:"status,omitempty"` // of a status-update
	URL      string    `json:"url"`
	Bytes    int       `json:"bytes"`
	Fault    string    `json:"fault,omitempty"`
	Attempts []attempt `json:"attempts"`
	Problem  string    `json:"problem,omitempty"` // what was wrong with the answer

	body []byte
	to   target
}

type attempt struct {
	Status       int    `json:"status"` // 0 when there was no answer
	Error        string `json:"error,omitempty"`
	Milliseconds int64  `json:"ms"`
}

// reply is a server's answer to the last attempt.
type reply struct {
	status   int
	body     []byte
	err      error
	timedOut bool
	sent     *delivery
}

// targetOf picks the server of the first object that has one, then the account's.
func (s *Server) targetOf(owners ...object) target {
	for _, owner := range owners {
		if server := obj(owner, "server"); str(server, "url") != "" {
			return asTarget(server)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return asTarget(s.settings.server)
}

func asTarget(server object) target {
	to := target{
		url: str(server, "url"), timeout: defaultTimeout, headers: obj(server, "headers"),
		credential: str(server, "credentialId"), backoff: obj(server, "backoffPlan"),
	}
	if seconds := num(server, "timeoutSeconds"); seconds > 0 {
		to.timeout = time.Duration(seconds * float64(time.Second))
	}
	return to
}

// newDelivery notes a message that is about to be sent.
func (s *Server) newDelivery(to target, callID string, message object) *delivery {
	body, err := json.Marshal(object{"message": message})
	if err != nil {
		panic("sandbox: message is not JSON: " + err.Error()) // built from JSON values only
	}
	d := &delivery{CallID: callID, Type: str(message, "type"), Status: str(message, "status"), URL: to.url,
		Bytes: len(body), body: body, to: to}
	if d.Type != "status-update" {
		d.Status = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counter++
	d.ID = s.counter
	s.deliveries = append(s.deliveries, d)
	if len(s.deliveries) > keptDeliveries {
		s.deliveries = slices.Delete(s.deliveries, 0, len(s.deliveries)-keptDeliveries)
	}
	return d
}

// attempt posts the message once.
func (s *Server) attempt(ctx context.Context, d *delivery) reply {
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, d.to.timeout)
	defer cancel()
	r := s.post(limited, d)
	r.sent = d
	r.timedOut = errors.Is(limited.Err(), context.DeadlineExceeded) && r.err != nil
	note := attempt{Status: r.status, Milliseconds: time.Since(begun).Milliseconds()}
	if r.err != nil {
		note.Error = "no answer"
		if r.timedOut {
			note.Error = "timed out"
		}
	}
	s.mu.Lock()
	d.Attempts = append(d.Attempts, note)
	s.mu.Unlock()
	s.log.Info("message sent", "type", d.Type, "call", d.CallID, "status", r.status, "ms", note.Milliseconds)
	return r
}

func (s *Server) post(ctx context.Context, d *delivery) reply {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.to.url, bytes.NewReader(d.body))
	if err != nil {
		return reply{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "vapi-sandbox")
	s.sign(req, d)
	for name, value := range d.to.headers {
		if text, ok := value.(string); ok {
			req.Header.Set(name, text)
		}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return reply{status: res.StatusCode, body: body, err: err}
}

// retryDelay says whether another attempt is due after so many, and how long to
// wait: none without a backoffPlan, then fixed or doubling, until maxRetries.
func (t target) retryDelay(r reply, attempts int) (time.Duration, bool) {
	if r.err == nil && r.status >= 200 && r.status < 300 || t.backoff == nil ||
		attempts > int(num(t.backoff, "maxRetries")) {
		return 0, false
	}
	if slices.Contains(list(t.backoff, "excludedStatusCodes"), any(float64(r.status))) {
		return 0, false
	}
	seconds := num(t.backoff, "baseDelaySeconds")
	if str(t.backoff, "type") == "exponential" {
		seconds *= math.Pow(2, float64(attempts-1))
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// retry repeats the message as the backoffPlan says; r is how the first attempt went.
func (s *Server) retry(ctx context.Context, d *delivery, r reply, speed float64) reply {
	for attempts := 1; ; attempts++ {
		delay, again := d.to.retryDelay(r, attempts)
		if !again || !pause(ctx, delay, speed) {
			return r
		}
		r = s.attempt(ctx, d)
	}
}

// pause waits for d at the given speed; false when ctx ended first.
func pause(ctx context.Context, d time.Duration, speed float64) bool {
	if speed == 0 || d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(time.Duration(float64(d) / speed))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// problem notes what was wrong with a server's answer, for /_sandbox/deliveries.
func (s *Server) problem(d *delivery, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Problem = text
}
