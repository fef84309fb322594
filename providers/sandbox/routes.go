package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// endpoint answers one route of Vapi's API; an *apiError becomes Vapi's error body.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// handler is every route of the sandbox: Vapi's API behind the key and the
// faults, the capability URLs (live control, signed downloads), and /_sandbox/.
func (s *Server) handler() http.Handler {
	api := http.NewServeMux()
	route := func(pattern string, answer endpoint) {
		api.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				writeError(w, err)
			}
		})
	}
	for _, r := range s.resources() {
		s.crud(route, r)
	}
	route("GET /v2/phone-number", s.pageNumbers)
	route("POST /call", s.createCall)
	route("GET /call/{id}/{artifact}", s.callArtifact)
	route("DELETE /call", s.deleteCalls)
	route("POST /chat", s.createChat)
	route("POST /chat/responses", s.createResponse)
	route("POST /file", s.uploadFile)
	route("GET /v2/knowledge-base/{id}/file", s.baseFiles)
	route("POST /v2/knowledge-base/{id}/file", s.attachFile)
	route("DELETE /v2/knowledge-base/{id}/file/{file}", s.detachFile)
	route("POST /v2/knowledge-base/{id}/file/{file}/retry", s.retryFile)
	route("POST /structured-output/run", s.runStructuredOutput)
	route("POST /analytics", s.analytics)
	route("/", func(w http.ResponseWriter, r *http.Request) error {
		return refuse(http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.Path)
	})

	root := http.NewServeMux()
	root.Handle("/", s.withKey(s.withFaults(s.withState(api))))
	root.HandleFunc("POST /{id}/control", func(w http.ResponseWriter, r *http.Request) {
		if err := s.control(w, r); err != nil {
			writeError(w, err)
		}
	})
	root.HandleFunc("GET /{id}/listen", s.listen)
	root.HandleFunc("GET /storage/{id}/{file}", s.download)
	for _, r := range adminRoutes {
		root.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) {
			if err := r.answer(s, w, req); err != nil {
				writeError(w, err)
			}
		})
	}
	return root
}

// withKey asks for the bearer key, compared in constant time.
func (s *Server) withKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.authorized(r) {
			writeError(w, refuse(http.StatusUnauthorized, "Invalid Key."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) authorized(r *http.Request) bool {
	key, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.Key)) == 1
}
