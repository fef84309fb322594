package sandbox

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// media is what a call left for download: how to render its recording, and its log.
type media struct {
	segments []segment
	length   time.Duration
	log      []byte
}

func (c *liveCall) storeMedia(endedAt time.Time) {
	m := &media{}
	if c.recorded() {
		m.segments, m.length = c.segments, endedAt.Sub(c.started)
	}
	if !isFalse(c.assistant, "artifactPlan", "loggingEnabled") {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		lines := json.NewEncoder(zip)
		for _, entry := range c.log {
			if err := lines.Encode(entry); err != nil {
				c.s.log.Error("sandbox call log", "error", err)
			}
		}
		if err := zip.Close(); err != nil {
			c.s.log.Error("sandbox call log", "error", err)
		}
		m.log = packed.Bytes()
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.settings.media[c.id] = m
}

// recall is POST /_sandbox/past: calls of which nothing but the sound is asked for. Each
// ends with its last words.
func (s *Server) recall(w http.ResponseWriter, r *http.Request) error {
	var past struct {
		Calls map[string][]struct {
			Caller bool  `json:"caller"`
			From   int64 `json:"fromMs"`
			To     int64 `json:"toMs"`
		} `json:"calls"`
	}
	if err := json.NewDecoder(r.Body).Decode(&past); err != nil {
		return invalid("calls must be lists of {caller, fromMs, toMs} by id")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, spoken := range past.Calls {
		m := &media{}
		for _, one := range spoken {
			from, to := time.Duration(one.From)*time.Millisecond, time.Duration(one.To)*time.Millisecond
			m.segments = append(m.segments, segment{one.Caller, from, to})
			m.length = max(m.length, to)
		}
		s.settings.media[id] = m
	}
	writeJSON(w, http.StatusCreated, object{"calls": len(past.Calls)})
	return nil
}

// artifacts are the files behind GET /call/{id}/….
var artifacts = map[string]string{
	"mono-recording": "mono.wav", "stereo-recording": "stereo.wav", "customer-recording": "customer.wav",
	"assistant-recording": "assistant.wav", "call-logs": "log.jsonl.gz",
}

// callArtifact answers 302 to a signed address that expires.
func (s *Server) callArtifact(w http.ResponseWriter, r *http.Request) error {
	id, file := r.PathValue("id"), artifacts[r.PathValue("artifact")]
	has := file != "" && s.hasMedia(id, file)
	if !has && s.get("call", id) == nil {
		return notFound("call")
	}
	if !has {
		return refuse(http.StatusNotFound, "This call has no "+strings.ReplaceAll(r.PathValue("artifact"), "-", " ")+".")
	}
	http.Redirect(w, r, s.signed(id, file, time.Now().Add(s.linkLife())), http.StatusFound)
	return nil
}

// signed is a download address that works until it expires.
func (s *Server) signed(id, file string, expires time.Time) string {
	until := strconv.FormatInt(expires.UnixMilli(), 10)
	return s.url + "/storage/" + id + "/" + file + "?expires=" + until + "&signature=" + s.signature(id, file, until)
}

func (s *Server) signature(id, file, until string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(id + "\n" + file + "\n" + until))
	return hex.EncodeToString(mac.Sum(nil))
}

// download serves a signed address; without a signature, as the plain URLs in
// reports are, it answers 403. Ranges work.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	id, file, until := r.PathValue("id"), r.PathValue("file"), r.URL.Query().Get("expires")
	expires, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !hmac.Equal([]byte(r.URL.Query().Get("signature")), []byte(s.signature(id, file, until))) ||
		time.Now().UnixMilli() >= expires {
		writeError(w, refuse(http.StatusForbidden, "Access denied."))
		return
	}
	content := s.mediaFile(id, file)
	if content == nil {
		writeError(w, notFound("file"))
		return
	}
	kind := "audio/wav"
	switch {
	case strings.HasSuffix(file, ".gz"):
		kind = "application/gzip"
	case !strings.HasSuffix(file, ".wav"):
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// hasMedia tells whether a call left the file, without rendering it.
func (s *Server) hasMedia(id, file string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.settings.media[id]
	return m != nil && (file == "log.jsonl.gz" && m.log != nil || file != "log.jsonl.gz" && m.length > 0)
}

// mediaFile renders a call's file, or finds an uploaded one; nil when there is none.
func (s *Server) mediaFile(id, file string) []byte {
	s.mu.Lock()
	m, blob := s.settings.media[id], s.blobs[id]
	s.mu.Unlock()
	switch {
	case m == nil:
		return blob
	case file == "log.jsonl.gz":
		return m.log
	case m.length > 0:
		return wave(strings.TrimSuffix(file, ".wav"), m.segments, m.length)
	}
	return nil
}
