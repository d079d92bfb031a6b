package api

import (
	"net/http"
	"path"
	"strings"
)

// route finds the operation of a request. What a ServeMux says by itself, as text or
// by sending elsewhere, is a problem here.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	known, pattern := s.mux.Handler(r)
	switch {
	case !clean(r):
		noSuch(r).write(w, r)
	case pattern == "":
		refusal := &silent{header: http.Header{}}
		known.ServeHTTP(refusal, r)
		if allow := refusal.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			problem(http.StatusMethodNotAllowed, r.Method+" is not for this path: "+allow+" is").write(w, r)
			return
		}
		noSuch(r).write(w, r)
	default:
		r.Header.Del("Accept") // there is one way to answer
		s.mux.ServeHTTP(w, r)
	}
}

// clean tells whether a path is as a ServeMux wants it.
func clean(r *http.Request) bool {
	at := r.URL.EscapedPath()
	return r.RequestURI != "*" && r.Method != http.MethodConnect && strings.HasPrefix(at, "/") && path.Clean(at) == at
}

func noSuch(r *http.Request) *Problem {
	at := r.URL.EscapedPath()
	if len(at) > 200 {
		at = at[:200] + "…"
	}
	return problem(http.StatusNotFound, "there is no "+at+"; /openapi.json tells what there is")
}

// silent notes the headers of an answer, and nothing else.
type silent struct{ header http.Header }

func (s *silent) Header() http.Header       { return s.header }
func (*silent) Write(p []byte) (int, error) { return len(p), nil }
func (*silent) WriteHeader(int)             {}
