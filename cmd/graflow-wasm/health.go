package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// readyWithin is how long a process may take to tell that it is ready.
const readyWithin = time.Second

// healthServer answers whoever watches over a process.
type healthServer struct {
	http    *http.Server
	address string
	served  chan struct{}
}

// serveHealth answers on an address until Close: GET /healthz while the process is
// there, GET /readyz with 200 while ready returns nil, else with 503 and why, and GET
// /metrics if there are some.
func serveHealth(address string, ready func(context.Context) error, metrics http.Handler) (*healthServer, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, usagef("--health %s: %w; give a HOST:PORT that is free", address, err)
	}
	mux := http.NewServeMux()
	addHealth(mux, ready)
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	s := &healthServer{
		http:    &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
		address: strings.Replace(l.Addr().String(), "[::]", "localhost", 1), served: make(chan struct{}),
	}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends by Close; whoever can't reach it says so
	}()
	return s, nil
}

// addHealth answers GET /healthz and /readyz.
func addHealth(mux *http.ServeMux, ready func(context.Context) error) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, "not ready: "+oneLine(err.Error()), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}

// Close ends the server.
func (s *healthServer) Close() {
	_ = s.http.Close() // nobody is left to be told
	<-s.served
}
