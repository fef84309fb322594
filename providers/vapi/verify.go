package vapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SecretHeader carries the shared secret on every server object we make.
const SecretHeader = "X-Vapi-Secret"

// SignatureWindow is how far the time of a signed message may be off.
const SignatureWindow = 5 * time.Minute

// Errors of verification. Which one it was is for our log, never for the
// sender.
var (
	ErrNoSecret  = errors.New("vapi: no secret is configured, so nothing is accepted")
	ErrNoProof   = errors.New("vapi: the message carries no proof of its sender")
	ErrBadProof  = errors.New("vapi: the proof of the sender is wrong")
	ErrTimestamp = errors.New("vapi: the time of the signature is missing or too far off")
	ErrAlgorithm = errors.New("vapi: the signature settings are not usable")
)

// PresentedSecret is the secret a message carries: header X-Vapi-Secret, or else
// Authorization as a bearer token; "" when there is none. Whose it is, and
// whether it is anybody's, is for the reader of many secrets to say.
func PresentedSecret(header http.Header) string {
	if given := header.Get(SecretHeader); given != "" {
		return given
	}
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// HMACConfig mirrors an HMAC credential of Vapi's dashboard. The zero value of
// each field is the dashboard's default.
// https://docs.vapi.ai/server-url/server-authentication
type HMACConfig struct {
	// Secrets are the keys; several while one is rotated.
	Secrets []string
	// SecretIsBase64 says that the keys are base64 of the real key.
	SecretIsBase64 bool
	// Algorithm is sha256 (default), sha512 or sha1.
	Algorithm string
	// SignatureHeader is x-signature, TimestampHeader x-timestamp,
	// MessageIDHeader svix-id unless set.
	SignatureHeader string
	TimestampHeader string
	MessageIDHeader string
	// SignaturePrefix, such as "sha256=", may be present or absent.
	SignaturePrefix string
	// NoTimestamp turns the time check off, for a credential with
	// includeTimestamp false. Repeats are then only caught by their event key.
	NoTimestamp bool
	// PayloadFormat is "{timestamp}.{body}" (or "{body}" with NoTimestamp) unless
	// set; {method}, {url} and {svix-id} are known too.
	PayloadFormat string
	// Encoding is hex (default) or base64.
	Encoding string
	// Method and URL fill {method} and {url}: the request's method and the
	// public address Vapi was given.
	Method string
	URL    string
}

// VerifyHMAC checks the signature of a message over its exact bytes. Call it
// before anything is decoded.
func VerifyHMAC(cfg HMACConfig, header http.Header, body []byte, now time.Time) error {
	newHash, err := cfg.hash()
	if err != nil {
		return err
	}
	keys, err := cfg.keys()
	if err != nil {
		return err
	}
	// A signature that does not cover the body would vouch for any body.
	if cfg.PayloadFormat != "" && !strings.Contains(cfg.PayloadFormat, "{body}") {
		return ErrAlgorithm
	}
	stamp, given, err := cfg.signature(header, newHash().Size(), now)
	if err != nil {
		return err
	}
	parts := cfg.payload(stamp, header.Get(orDefault(cfg.MessageIDHeader, "Svix-Id")), body)
	match := false
	for _, key := range keys {
		mac := hmac.New(newHash, key)
		for _, p := range parts {
			mac.Write(p)
		}
		if hmac.Equal(mac.Sum(nil), given) {
			match = true
		}
	}
	if !match {
		return ErrBadProof
	}
	return nil
}

// CheckSignature tells as much as the header can: that there is a signature of
// the right form and its time is near. It proves nothing about the sender, but
// says whose body need not be read.
func CheckSignature(cfg HMACConfig, header http.Header, now time.Time) error {
	newHash, err := cfg.hash()
	if err != nil {
		return err
	}
	_, _, err = cfg.signature(header, newHash().Size(), now)
	return err
}

// signature reads the time and the signature from the header.
func (c HMACConfig) signature(header http.Header, size int, now time.Time) (stamp string, given []byte, err error) {
	signature := strings.TrimSpace(header.Get(orDefault(c.SignatureHeader, "X-Signature")))
	if signature == "" {
		return "", nil, ErrNoProof
	}
	stamp = strings.TrimSpace(header.Get(orDefault(c.TimestampHeader, "X-Timestamp")))
	if !c.NoTimestamp {
		if err := checkStamp(stamp, now); err != nil {
			return "", nil, err
		}
	}
	if given, err = c.decode(signature); err != nil {
		return "", nil, err
	}
	if len(given) != size {
		return "", nil, ErrBadProof
	}
	return stamp, given, nil
}

func (c HMACConfig) hash() (func() hash.Hash, error) {
	switch strings.ToLower(c.Algorithm) {
	case "", "sha256":
		return sha256.New, nil
	case "sha512":
		return sha512.New, nil
	case "sha1":
		return sha1.New, nil
	}
	return nil, ErrAlgorithm
}

func (c HMACConfig) keys() ([][]byte, error) {
	var keys [][]byte
	for _, s := range c.Secrets {
		key := []byte(s)
		if c.SecretIsBase64 {
			var err error
			if key, err = anyBase64(s); err != nil {
				continue
			}
		}
		if len(key) > 0 {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, ErrNoSecret
	}
	return keys, nil
}

// decode reads the signature with or without its prefix.
func (c HMACConfig) decode(signature string) ([]byte, error) {
	if c.SignaturePrefix != "" {
		signature = strings.TrimPrefix(signature, c.SignaturePrefix)
	}
	var given []byte
	var err error
	switch strings.ToLower(c.Encoding) {
	case "", "hex":
		given, err = hex.DecodeString(signature)
	case "base64":
		given, err = anyBase64(signature)
	default:
		return nil, ErrAlgorithm
	}
	if err != nil || len(given) == 0 {
		return nil, ErrBadProof
	}
	return given, nil
}

// payload fills the format in one pass, so that nothing inside the body is
// taken for a placeholder.
func (c HMACConfig) payload(stamp, id string, body []byte) [][]byte {
	format := c.PayloadFormat
	if format == "" {
		format = "{timestamp}.{body}"
		if c.NoTimestamp {
			format = "{body}"
		}
	}
	values := map[string][]byte{"timestamp": []byte(stamp), "body": body, "method": []byte(c.Method), "url": []byte(c.URL),
		"svix-id": []byte(id)}
	var parts [][]byte
	for format != "" {
		open := strings.IndexByte(format, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(format[open:], '}')
		if end < 0 {
			break
		}
		if value, ok := values[format[open+1:open+end]]; ok {
			parts = append(parts, []byte(format[:open]), value)
		} else {
			parts = append(parts, []byte(format[:open+end+1]))
		}
		format = format[open+end+1:]
	}
	return append(parts, []byte(format))
}

// checkStamp reads seconds or milliseconds since 1970; the document does not
// say which, and only milliseconds are above 1e11 for the next 3000 years.
func checkStamp(stamp string, now time.Time) error {
	v, err := strconv.ParseFloat(stamp, 64)
	if err != nil || !(v > 0) || v > 1e15 {
		return ErrTimestamp
	}
	if v > 1e11 {
		v /= 1000
	}
	if math.Abs(float64(now.UnixMilli())/1000-v) > SignatureWindow.Seconds() {
		return ErrTimestamp
	}
	return nil
}

func anyBase64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(s)), "=")
	return base64.RawStdEncoding.DecodeString(s)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
