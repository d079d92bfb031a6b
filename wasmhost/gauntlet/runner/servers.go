package runner

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// servers are the two servers of a Setup.
type servers struct{ first, inner *server }

type server struct {
	*httptest.Server

	address string
	hits    atomic.Int64
}

func startServers() *servers {
	inner := start(http.NewServeMux())
	paths := http.NewServeMux()
	paths.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	paths.HandleFunc("/hop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+inner.address+"/hop", http.StatusFound)
	})
	paths.HandleFunc("/hop-ip", func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(inner.address)
		http.Redirect(w, r, "http://[::ffff:127.0.0.1]:"+port+"/", http.StatusFound)
	})
	paths.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/circle", http.StatusFound)
	})
	paths.HandleFunc("/flood", func(w http.ResponseWriter, _ *http.Request) {
		for chunk := make([]byte, 64<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	paths.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) {
		hijack(w, func(out *bufio.Writer) error {
			_, err := out.WriteString("X-Header: " + string(make([]byte, 1000)) + "\r\n")
			return err
		})
	})
	paths.HandleFunc("/silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return &servers{first: start(paths), inner: inner}
}

// hijack writes a header without end.
func hijack(w http.ResponseWriter, more func(out *bufio.Writer) error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // the other side has gone
	_, err = rw.WriteString("HTTP/1.1 200 OK\r\n")
	for err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second)) // a connection has one
		err = more(rw.Writer)
	}
}

func start(handler http.Handler) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		handler.ServeHTTP(w, r)
	}))
	s.address = s.Listener.Addr().String()
	return s
}

// close does not wait for guests that are still connected.
func (s *server) close() {
	s.CloseClientConnections()
	s.Close()
}

func (s *servers) breaches(setup gauntlet.Setup) []string {
	var found []string
	if n := s.inner.hits.Load(); n > 0 {
		found = append(found, fmt.Sprintf("%d requests reached the second server", n))
	}
	if n := s.first.hits.Load(); n > int64(setup.ServerHits) {
		found = append(found, fmt.Sprintf("%d requests reached the first server, want %d at most", n, setup.ServerHits))
	}
	return found
}
