package ui

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	indexName   = "index.html"
	webcallName = "webcall.html"

	// noncePlaceholder is what Vite's html.cspNonce leaves in the built pages.
	noncePlaceholder = "__CSP_NONCE__"

	// Names under /assets/ carry a hash of their content, so they may be kept for ever; the others change with a release.
	cacheAssets = "public, max-age=31536000, immutable"
	cacheOthers = "public, max-age=3600"

	// maxExtension separates "/logo.svg" (a file that is missing) from "/reset/<token>": tokens contain dots too, but what
	// follows their last dot is a signature of 43 characters.
	maxExtension = 8
)

// types covers what Vite emits. The operating system's table is not asked: it differs between machines.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".mp3":         "audio/mpeg",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".wav":         "audio/wav",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

// Options tunes [Handler]. The zero value is ready to use.
type Options struct {
	// Logger receives files that could not be read. Nil means slog.Default().
	Logger *slog.Logger
}

// variant is one stored form of a file: as it is, brotli or gzip.
type variant struct {
	name     string // in the file system
	encoding string // "" for the plain form
}

type asset struct {
	contentType string
	cache       string
	variants    []variant // best first; the plain form is always last
}

type handler struct {
	fsys    fs.FS
	log     *slog.Logger
	index   []byte   // nil when the dashboard was not built
	webcall []byte   // nil when this build has no test call page
	etags   sync.Map // name of a stored form → its ETag
}

// Handler serves the dashboard in fsys, which must not change: a file is hashed when it is asked for first. Hashing all
// of them at the start took a tenth of it, and read megabytes that most servers never send.
//
// A known file is answered with its type, an ETag made from its content, and the brotli or gzip form made at build time
// when the browser takes it. Unknown names under /assets/ or with a file extension, and
// anything under /api/, /functions/
// and /_/, are 404. Every other path is a page of the dashboard and gets index.html with a fresh CSP nonce.
// Only GET and HEAD are answered; mount it after all other routes.
func Handler(fsys fs.FS, opts Options) http.Handler {
	h := &handler{fsys: fsys, log: opts.Logger}
	if h.log == nil {
		h.log = slog.Default()
	}
	h.index, h.webcall = h.read(indexName), h.read(webcallName)
	return h
}

// read returns a page, nil when there is none.
func (h *handler) read(name string) []byte {
	data, err := fs.ReadFile(h.fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.log.Error("dashboard file could not be read", "file", name, "error", err)
	}
	return data
}

// find returns the file of that name. Pages are none, nor are hidden files, nor the forms made at build time: those are
// served in place of the file they were made from, never by their own name.
func (h *handler) find(name string) (a asset, ok bool) {
	if name == indexName || name == webcallName || strings.HasPrefix(path.Base(name), ".") || !h.exists(name) {
		return a, false
	}
	a = asset{contentType: contentType(name), cache: cacheOthers}
	if strings.HasPrefix(name, "assets/") {
		a.cache = cacheAssets
	}
	for _, v := range forms {
		if plain, made := strings.CutSuffix(name, v.name); made && h.exists(plain) {
			return asset{}, false
		}
		if h.exists(name + v.name) {
			a.variants = append(a.variants, variant{name + v.name, v.encoding})
		}
	}
	a.variants = append(a.variants, variant{name: name})
	return a, true
}

// forms are the endings of what is made at build time, best first.
var forms = []variant{{".br", "br"}, {".gz", "gzip"}}

func (h *handler) exists(name string) bool {
	info, err := fs.Stat(h.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// etag returns the quoted validator of a form, made from its own content: strong validators differ from form to form.
func (h *handler) etag(v variant, content io.ReadSeeker) (string, error) {
	if known, ok := h.etags.Load(v.name); ok {
		return known.(string), nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + hex.EncodeToString(sum.Sum(nil)[:8])
	if v.encoding != "" {
		tag += "-" + v.encoding
	}
	tag += `"`
	h.etags.Store(v.name, tag)
	return tag, nil
}

func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
		return
	}
	p := r.URL.Path
	if belongsToServer(p) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"data":{},"message":"The requested resource wasn't found.","status":404}`+"\n")
		return
	}
	if a, ok := h.find(strings.TrimPrefix(p, "/")); ok {
		h.file(w, r, a)
		return
	}
	if strings.HasPrefix(p, "/assets/") || p == "/assets" || hasExtension(p) && p != "/"+indexName {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "404: no such file in this version of the dashboard.", http.StatusNotFound)
		return
	}
	if strings.TrimSuffix(p, "/") == "/webcall" && h.webcall != nil {
		h.page(w, r, h.webcall, webcallPolicy)
		return
	}
	h.page(w, r, h.index, dashboardPolicy)
}

// belongsToServer reports paths that must never be answered with the shell: a mistyped API
// route has to look like an error.
func belongsToServer(p string) bool {
	for _, prefix := range []string{"/api", "/functions", "/_"} {
		if p == prefix || strings.HasPrefix(p, prefix+"/") {
			return true
		}
	}
	return false
}

func hasExtension(p string) bool {
	ext := path.Ext(path.Base(p))
	if len(ext) < 2 || len(ext) > maxExtension+1 {
		return false
	}
	for _, c := range ext[1:] {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (h *handler) file(w http.ResponseWriter, r *http.Request, a asset) {
	v := a.variants[len(a.variants)-1]
	accepted := r.Header.Get("Accept-Encoding")
	for _, candidate := range a.variants {
		if candidate.encoding == "" || accepts(accepted, candidate.encoding) {
			v = candidate
			break
		}
	}
	f, err := h.fsys.Open(v.name)
	if err != nil {
		h.fail(w, v.name, err)
		return
	}
	defer f.Close()
	content, ok := f.(io.ReadSeeker)
	if !ok {
		data, err := io.ReadAll(f)
		if err != nil {
			h.fail(w, v.name, err)
			return
		}
		content = bytes.NewReader(data)
	}
	etag, err := h.etag(v, content)
	if err != nil {
		h.fail(w, v.name, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", a.cache)
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", etag)
	if v.encoding != "" {
		header.Set("Content-Encoding", v.encoding)
	}
	http.ServeContent(w, r, "", time.Time{}, content) // answers 304 by the ETag
}

func (h *handler) fail(w http.ResponseWriter, name string, err error) {
	h.log.Error("dashboard file could not be read", "file", name, "error", err)
	http.Error(w, "This file could not be read.", http.StatusInternalServerError)
}

// accepts reads an Accept-Encoding header: a coding counts unless it is absent or its weight is zero.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		if !found {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return err == nil && q > 0
	}
	return false
}

func (h *handler) page(w http.ResponseWriter, r *http.Request, html []byte, policy func(nonce string) string) {
	nonce, err := newNonce()
	if err != nil {
		h.fail(w, indexName, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy(nonce))
	header.Set("Referrer-Policy", "no-referrer") // reset links carry a token in their path
	// Sign-in with an account elsewhere opens a window of ours that shows their page and comes back: with plain
	// "same-origin" the browser would cut us off from it, and it could not be closed.
	// Browsers honour it on https and on this machine; elsewhere they complain about it in the console.
	if honoured(r) {
		header.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	}
	// The page that holds the test call's frame must allow the microphone too, or the frame cannot have it.
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
	status := http.StatusOK
	if html == nil {
		html, status = notBuilt, http.StatusServiceUnavailable
	}
	body := bytes.ReplaceAll(html, []byte(noncePlaceholder), []byte(nonce))
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		h.log.Debug("dashboard page was not taken by the browser", "error", err)
	}
}

// honoured reports whether a browser can take the page as one of a safe origin:
// https, this machine, or whatever a proxy before us makes of it.
func honoured(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" ||
		r.Header.Get("X-Forwarded-Proto") == "" && r.Header.Get("X-Forwarded-For") != "" || host == "localhost" ||
		strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func newNonce() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a page nonce: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
