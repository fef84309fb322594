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
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPresentedSecret(t *testing.T) {
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Add(pairs[i], pairs[i+1])
		}
		return out
	}
	for _, c := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"header", h("X-Vapi-Secret", "s3cret"), "s3cret"},
		{"bearer", h("Authorization", "Bearer s3cret"), "s3cret"},
		{"bearer, other case", h("Authorization", "bearer s3cret"), "s3cret"},
		{"the header beats the bearer", h("X-Vapi-Secret", "x", "Authorization", "Bearer s3cret"), "x"},
		{"the first of two", h("X-Vapi-Secret", "x", "X-Vapi-Secret", "s3cret"), "x"},
		{"basic", h("Authorization", "Basic s3cret"), ""},
		{"a bare token", h("Authorization", "s3cret"), ""},
		{"nothing", h(), ""},
		{"empty", h("X-Vapi-Secret", ""), ""},
	} {
		if got := PresentedSecret(c.header); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func sign(h func() hash.Hash, key, payload string) []byte {
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(payload))
	return mac.Sum(nil)
}

func TestVerifyHMAC(t *testing.T) {
	now := time.Unix(1795014245, 0)
	const body = `{"message":{"type":"hang","text":"{timestamp} {body}"}}`
	sec := strconv.FormatInt(now.Unix(), 10)
	ms := strconv.FormatInt(now.UnixMilli(), 10)
	hexed := func(b []byte) string { return hex.EncodeToString(b) }
	b64 := base64.StdEncoding.EncodeToString
	key64 := base64.StdEncoding.EncodeToString([]byte("raw\x00key"))
	good := hexed(sign(sha256.New, "k", sec+"."+body))
	for _, c := range []struct {
		name             string
		cfg              HMACConfig
		signature, stamp string
		body             string
		want             error
	}{
		{"defaults", HMACConfig{Secrets: []string{"k"}}, good, sec, body, nil},
		{"milliseconds", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", ms+"."+body)), ms, body, nil},
		{"upper case hex", HMACConfig{Secrets: []string{"k"}}, upper(good), sec, body, nil},
		{"prefix present", HMACConfig{Secrets: []string{"k"}, SignaturePrefix: "sha256="}, "sha256=" + good, sec, body, nil},
		{"prefix absent", HMACConfig{Secrets: []string{"k"}, SignaturePrefix: "sha256="}, good, sec, body, nil},
		{"rotation", HMACConfig{Secrets: []string{"new", "k"}}, good, sec, body, nil},
		{"sha512 base64", HMACConfig{Secrets: []string{"k"}, Algorithm: "sha512", Encoding: "base64"},
			b64(sign(sha512.New, "k", sec+"."+body)), sec, body, nil},
		{"base64 without padding", HMACConfig{Secrets: []string{"k"}, Encoding: "base64"},
			base64.RawURLEncoding.EncodeToString(sign(sha256.New, "k", sec+"."+body)), sec, body, nil},
		{"sha1", HMACConfig{Secrets: []string{"k"}, Algorithm: "sha1"}, hexed(sign(sha1.New, "k", sec+"."+body)),
			sec, body, nil},
		{"base64 key", HMACConfig{Secrets: []string{key64}, SecretIsBase64: true},
			hexed(sign(sha256.New, "raw\x00key", sec+"."+body)), sec, body, nil},
		{"format", HMACConfig{Secrets: []string{"k"}, PayloadFormat: "{svix-id}|{method} {url}|{timestamp}|{other}{body}",
			Method: "POST", URL: "https://d/x"},
			hexed(sign(sha256.New, "k", "m1|POST https://d/x|"+sec+"|{other}"+body)), sec, body, nil},
		{"no timestamp", HMACConfig{Secrets: []string{"k"}, NoTimestamp: true}, hexed(sign(sha256.New, "k", body)),
			"", body, nil},
		{"edge of the window", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", "1795013945."+body)),
			"1795013945", body, nil},
		{"too old", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", "1795013944."+body)),
			"1795013944", body, ErrTimestamp},
		{"too new", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", "1795014546."+body)),
			"1795014546", body, ErrTimestamp},
		{"old milliseconds", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", "1795013944000."+body)),
			"1795013944000", body, ErrTimestamp},
		{"no time", HMACConfig{Secrets: []string{"k"}}, hexed(sign(sha256.New, "k", "."+body)), "", body, ErrTimestamp},
		{"time is text", HMACConfig{Secrets: []string{"k"}}, good, "now", body, ErrTimestamp},
		{"time is NaN", HMACConfig{Secrets: []string{"k"}}, good, "NaN", body, ErrTimestamp},
		{"time is endless", HMACConfig{Secrets: []string{"k"}}, good, "Inf", body, ErrTimestamp},
		{"other body", HMACConfig{Secrets: []string{"k"}}, good, sec, body + " ", ErrBadProof},
		{"other key", HMACConfig{Secrets: []string{"j"}}, good, sec, body, ErrBadProof},
		{"other time", HMACConfig{Secrets: []string{"k"}}, good, "1795014246", body, ErrBadProof},
		{"cut signature", HMACConfig{Secrets: []string{"k"}}, good[:32], sec, body, ErrBadProof},
		{"not hex", HMACConfig{Secrets: []string{"k"}}, "zz", sec, body, ErrBadProof},
		{"only the prefix", HMACConfig{Secrets: []string{"k"}, SignaturePrefix: "v1="}, "v1=", sec, body, ErrBadProof},
		{"no signature", HMACConfig{Secrets: []string{"k"}}, "", sec, body, ErrNoProof},
		{"no key", HMACConfig{}, good, sec, body, ErrNoSecret},
		{"empty key", HMACConfig{Secrets: []string{""}}, hexed(sign(sha256.New, "", sec+"."+body)), sec, body, ErrNoSecret},
		{"broken base64 key", HMACConfig{Secrets: []string{"%%"}, SecretIsBase64: true}, good, sec, body, ErrNoSecret},
		{"unknown algorithm", HMACConfig{Secrets: []string{"k"}, Algorithm: "md5"}, good, sec, body, ErrAlgorithm},
		{"format without body", HMACConfig{Secrets: []string{"k"}, PayloadFormat: "{timestamp}"},
			hexed(sign(sha256.New, "k", sec)), sec, body, ErrAlgorithm},
		{"unknown encoding", HMACConfig{Secrets: []string{"k"}, Encoding: "rot13"}, good, sec, body, ErrAlgorithm},
	} {
		h := http.Header{}
		h.Set("X-Signature", c.signature)
		h.Set("X-Timestamp", c.stamp)
		h.Set("Svix-Id", "m1")
		if err := VerifyHMAC(c.cfg, h, []byte(c.body), now); !errors.Is(err, c.want) || (c.want == nil && err != nil) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	own := http.Header{"X-My-Sig": {good}, "X-My-Time": {sec}}
	if err := VerifyHMAC(HMACConfig{Secrets: []string{"k"}, SignatureHeader: "x-my-sig", TimestampHeader: "x-my-time"},
		own, []byte(body), now); err != nil {
		t.Error(err)
	}
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'f' {
			b[i] = c - 32
		}
	}
	return string(b)
}

func FuzzVerifyHMAC(f *testing.F) {
	now := time.Unix(1795014245, 0)
	for _, raw := range bodies(f) {
		f.Add(hex.EncodeToString(sign(sha256.New, "other", "1795014245."+string(raw))), "1795014245",
			"{timestamp}.{body}", raw)
	}
	f.Add("", "1e999", "{", []byte("{body}"))
	f.Fuzz(func(t *testing.T, signature, stamp, format string, body []byte) {
		h := http.Header{"X-Signature": {signature}, "X-Timestamp": {stamp}}
		for _, encoding := range []string{"hex", "base64"} {
			cfg := HMACConfig{Secrets: []string{"a key nobody guesses"}, PayloadFormat: format, Encoding: encoding}
			if VerifyHMAC(cfg, h, body, now) == nil {
				t.Fatalf("accepted %q %q", signature, stamp)
			}
			if format != "" && !strings.Contains(format, "{body}") {
				continue
			}
			// What is signed with the key over the same payload is accepted.
			mac := hmac.New(sha256.New, []byte(cfg.Secrets[0]))
			for _, p := range cfg.payload("1795014245", "", body) {
				mac.Write(p)
			}
			given := hex.EncodeToString(mac.Sum(nil))
			if encoding == "base64" {
				given = base64.StdEncoding.EncodeToString(mac.Sum(nil))
			}
			if err := VerifyHMAC(cfg, http.Header{"X-Signature": {given}, "X-Timestamp": {"1795014245"}}, body,
				now); err != nil {
				t.Fatalf("refused its own signature: %v", err)
			}
		}
	})
}
