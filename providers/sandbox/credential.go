package sandbox

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign adds what the server's credential asks for: a bearer token or an HMAC
// over the body. Credentials are made with /_sandbox/settings, as Vapi's are
// made in its own dashboard.
func (s *Server) sign(req *http.Request, d *delivery) {
	if d.to.credential == "" {
		return
	}
	s.mu.Lock()
	plan := s.settings.credentials[d.to.credential]
	s.mu.Unlock()
	switch str(plan, "type") {
	case "bearer":
		name, token := str(plan, "headerName"), str(plan, "token")
		if name == "" {
			name = "Authorization"
		}
		if !isFalse(plan, "bearerPrefixEnabled") {
			token = "Bearer " + token
		}
		req.Header.Set(name, token)
	case "hmac":
		signHMAC(req, plan, d)
	}
}

// hashes are the algorithms an HMAC credential may name; sha256 is the default.
var hashes = map[string]func() hash.Hash{"": sha256.New, "sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}

func signHMAC(req *http.Request, plan object, d *delivery) {
	key := []byte(str(plan, "secretKey"))
	if isTrue(plan, "secretIsBase64") {
		if decoded, err := base64.StdEncoding.DecodeString(string(key)); err == nil {
			key = decoded
		}
	}
	algorithm := hashes[str(plan, "algorithm")]
	if algorithm == nil {
		return // an unknown algorithm cannot be asked for: settings are checked
	}
	stampText := strconv.FormatInt(time.Now().Unix(), 10)
	messageID := "msg_" + strconv.Itoa(d.ID)
	format := orElse(str(plan, "payloadFormat"), "{timestamp}.{body}")
	if isFalse(plan, "includeTimestamp") {
		format = orElse(str(plan, "payloadFormat"), "{body}")
	} else {
		req.Header.Set(orElse(str(plan, "timestampHeader"), "x-timestamp"), stampText)
	}
	if name := str(plan, "messageIdHeader"); name != "" {
		req.Header.Set(name, messageID)
	}
	// The body goes in last, so that braces inside it are left alone.
	before, after, hasBody := strings.Cut(format, "{body}")
	fill := strings.NewReplacer("{timestamp}", stampText, "{method}", req.Method, "{url}", d.to.url,
		"{svix-id}", messageID)
	mac := hmac.New(algorithm, key)
	mac.Write([]byte(fill.Replace(before)))
	if hasBody {
		mac.Write(d.body)
		mac.Write([]byte(fill.Replace(after)))
	}
	signature := hex.EncodeToString(mac.Sum(nil))
	if str(plan, "signatureEncoding") == "base64" {
		signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	req.Header.Set(orElse(str(plan, "signatureHeader"), "x-signature"), str(plan, "signaturePrefix")+signature)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
