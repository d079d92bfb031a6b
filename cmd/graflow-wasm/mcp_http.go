package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
)

// listen serves clients by HTTP until ctx ends.
func (o *mcpOptions) listen(ctx context.Context, std streams, server *mcp.Server, token string) error {
	var c net.ListenConfig
	listener, err := c.Listen(ctx, "tcp", o.http)
	if err != nil {
		return usagef("mcp: --http: %w", err)
	}
	srv := &http.Server{
		Handler:           server.Handler(mcp.HTTP{Token: token, Idle: o.idle}),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	fmt.Fprintf(std.err, "graflow-wasm: serving MCP on http://%s/\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err = <-served:
		return fmt.Errorf("mcp: serve: %w", err)
	case <-ctx.Done():
	}
	server.Close() // calls have their time, and their results go out; streams end
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err = srv.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) { // a connection on which nobody reads
		err = srv.Close()
	}
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("mcp: end: %w", err)
	}
	return nil
}
