package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errDropped stands for a message a fault kept from being sent.
var errDropped = errors.New("dropped")

// fault is a failure on demand, for the next Count matching requests or messages.
type fault struct {
	Match struct {
		Method      string `json:"method"`
		PathPrefix  string `json:"pathPrefix"`
		MessageType string `json:"messageType"`
	} `json:"match"`
	Kind              string `json:"kind"`
	Count             int    `json:"count"`
	RetryAfterSeconds int    `json:"retryAfterSeconds"`
	DelayMs           int    `json:"delayMs"`
	// Status and Message are what a refusal says.
	Status  int    `json:"status"`
	Message string `json:"message"`
}

var (
	requestFaults = []string{"429", "refuse", "500-before", "500-after", "slow", "late", "drop-reply"}
	messageFaults = []string{"drop", "repeat", "reorder", "delay"}
)

func (f *fault) check() error {
	ofMessage := f.Match.MessageType != ""
	switch {
	case ofMessage && (f.Match.Method != "" || f.Match.PathPrefix != ""):
		return refuse(http.StatusBadRequest, "match is a request (method, pathPrefix) or a messageType, not both")
	case ofMessage && !slices.Contains(messageFaults, f.Kind):
		return refuse(http.StatusBadRequest, "kind must be one of "+strings.Join(messageFaults, ", ")+" for messages")
	case !ofMessage && !slices.Contains(requestFaults, f.Kind):
		return refuse(http.StatusBadRequest, "kind must be one of "+strings.Join(requestFaults, ", ")+" for requests")
	case f.Count < 0 || f.DelayMs < 0 || f.RetryAfterSeconds < 0:
		return refuse(http.StatusBadRequest, "count, delayMs and retryAfterSeconds are not negative")
	case f.Kind == "refuse" && (f.Status < 400 || f.Status > 499):
		return refuse(http.StatusBadRequest, "status of a refusal is one from 400 to 499")
	}
	f.Count = max(f.Count, 1)
	return nil
}

// takeFault finds the first fault that fits and uses one of its counts.
func (s *Server) takeFault(fits func(*fault) bool) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !fits(f) {
			continue
		}
		if f.Count--; f.Count <= 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		used := *f
		return &used
	}
	return nil
}

func (s *Server) messageFault(kind string) *fault {
	return s.takeFault(func(f *fault) bool { return f.Match.MessageType == kind })
}

func (s *Server) requestFault(r *http.Request) *fault {
	return s.takeFault(func(f *fault) bool {
		return f.Match.MessageType == "" && (f.Match.Method == "" || strings.EqualFold(f.Match.Method, r.Method)) &&
			strings.HasPrefix(r.URL.Path, f.Match.PathPrefix)
	})
}

// withFaults breaks requests as asked. "before" leaves no trace in the memory;
// "500-after" and "drop-reply" do the work and lose the answer; "late" does it
// when delayMs have passed on the sandbox's own clock, whether or not somebody
// still waits for the answer.
func (s *Server) withFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.requestFault(r)
		if f == nil {
			next.ServeHTTP(w, r)
			return
		}
		switch f.Kind {
		case "refuse":
			writeError(w, refuse(f.Status, f.Message))
		case "429":
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfterSeconds))
			writeError(w, refuse(http.StatusTooManyRequests, "ThrottlerException: Too Many Requests"))
		case "500-before":
			writeError(w, refuse(http.StatusInternalServerError, "Internal server error"))
		case "500-after":
			next.ServeHTTP(&lostReply{header: http.Header{}}, r)
			writeError(w, refuse(http.StatusInternalServerError, "Internal server error"))
		case "slow":
			if pause(r.Context(), time.Duration(f.DelayMs)*time.Millisecond, 1) {
				next.ServeHTTP(w, r)
			}
		case "late":
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if err != nil {
				writeError(w, refuse(http.StatusBadRequest, err.Error()))
				return
			}
			if s.clock.wait(s.ctx, time.Duration(f.DelayMs)*time.Millisecond) {
				late := r.Clone(context.WithoutCancel(r.Context()))
				late.Body = io.NopCloser(bytes.NewReader(body))
				next.ServeHTTP(w, late)
			}
		case "drop-reply":
			next.ServeHTTP(&lostReply{header: http.Header{}}, r)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
	})
}

// lostReply takes an answer nobody will get.
type lostReply struct{ header http.Header }

func (l *lostReply) Header() http.Header         { return l.header }
func (l *lostReply) Write(b []byte) (int, error) { return len(b), nil }
func (l *lostReply) WriteHeader(int)             {}
