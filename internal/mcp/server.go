package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxMessage is the longest message of a client, in bytes.
const maxMessage = 32 << 20

// Server serves tools to clients. It is safe for concurrent use.
type Server struct {
	config   Config
	protocol *protocol.Server
	slots    *slots
	cells    *cells

	stopped chan struct{}  // closed when calls are to be stopped
	stop    func()         // closes it
	wait    sync.WaitGroup // goroutines that watch for the end of clients

	mu      sync.Mutex // guards what follows
	clients map[*protocol.ServerSession]*client
	calls   int           // that run or wait
	idle    chan struct{} // closed when calls is 0, once the server is closing; else nil
}

var errClosing = errors.New("the server is ending")

// New returns a server. It fails if there is no interpreter for any language, with a
// *runtimes.MissingError, or if a module's tasks can't be told. The caller closes it.
func New(ctx context.Context, config Config) (*Server, error) {
	config = config.withDefaults()
	if config.Sandbox == nil {
		return nil, errors.New("start the MCP server: Config.Sandbox is missing")
	}
	grants := grantsOf(config)
	if _, err := grants.Within(&grants); err != nil { // it reads them
		return nil, fmt.Errorf("start the MCP server: %w", err)
	}
	var err error
	if config.Languages, err = available(ctx, config); err != nil {
		return nil, fmt.Errorf("start the MCP server: %w", err)
	}
	modules, err := moduleTools(ctx, config.Modules)
	if err != nil {
		return nil, fmt.Errorf("start the MCP server: %w", err)
	}
	s := &Server{
		config: config, slots: newSlots(config.Concurrency, config.Waiting), cells: newCells(config.Sessions),
		clients: map[*protocol.ServerSession]*client{}, stopped: make(chan struct{}),
	}
	s.stop = sync.OnceFunc(func() { close(s.stopped) })
	s.protocol = protocol.NewServer(
		&protocol.Implementation{Name: "graflow-wasm", Title: "Sandboxed code", Version: config.Version},
		&protocol.ServerOptions{
			Instructions: instructions(config, modules),
			Logger:       slog.New(slog.DiscardHandler), // it tells of each message
			Capabilities: &protocol.ServerCapabilities{Tools: &protocol.ToolCapabilities{}},
		})
	s.protocol.AddTool(runCodeTool(config), s.serveTool(s.runCode))
	for _, m := range modules {
		s.protocol.AddTool(m.tool, s.serveTool(s.moduleCall(m)))
	}
	return s, nil
}

// available are the languages that can be served.
func available(ctx context.Context, config Config) ([]script.Language, error) {
	if config.Languages != nil {
		return config.Languages, nil
	}
	var found []script.Language
	var errs []error
	for _, l := range script.Languages() {
		_, err := config.Sandbox.Runtime(ctx, l)
		missing, ok := errors.AsType[*runtimes.MissingError](err)
		switch {
		case err == nil:
			found = append(found, l)
		case ok:
			errs = append(errs, missing)
		default:
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, errors.Join(errs...)
	}
	return found, nil
}

// Prepare has all languages ready, so that the first calls need not wait for it.
func (s *Server) Prepare(ctx context.Context) error {
	var errs []error
	for _, l := range s.config.Languages {
		errs = append(errs, s.config.Sandbox.Prepare(ctx, l))
	}
	return errors.Join(errs...)
}

// ServeStdio serves one client, whose messages are lines of in, until in ends, or ctx,
// which closes the server. It reads in until that ends, even after it has returned.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	transport := &protocol.IOTransport{Reader: io.NopCloser(in), Writer: nopCloser{out}, MaxLineLength: maxMessage}
	return s.Serve(ctx, transport)
}

// Serve serves one client on a connection of any kind. When ctx ends it closes the
// server.
func (s *Server) Serve(ctx context.Context, transport protocol.Transport) error {
	session, err := s.protocol.Connect(context.WithoutCancel(ctx), transport, nil)
	if err != nil {
		return fmt.Errorf("serve MCP: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.Close()
		return nil
	}
	if err != nil {
		return fmt.Errorf("serve MCP: %w", err)
	}
	return nil
}

// unread is how long to wait for clients that do not read what they are told.
const unread = time.Second

// Close ends the server: further calls are refused, those that run are stopped after
// Config.Grace, and all that was kept is dropped. It waits for them, but not for clients
// that do not read.
func (s *Server) Close() {
	s.drain()
	s.cells.close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		var each sync.WaitGroup
		for session := range s.protocol.Sessions() {
			each.Go(func() { _ = session.Close() }) // the client may be gone
		}
		each.Wait()
		s.wait.Wait()
	}()
	await(closed, unread)
}

// await waits until something is closed, but no longer than that.
func await(closed <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-closed:
		return true
	case <-timer.C:
		return false
	}
}

// drain refuses further calls, and waits for those there are.
func (s *Server) drain() {
	s.mu.Lock()
	if s.idle == nil {
		s.idle = make(chan struct{})
		if s.calls == 0 {
			close(s.idle)
		}
	}
	idle := s.idle
	s.mu.Unlock()
	done := await(idle, s.config.Grace)
	s.stop()
	if !done {
		await(idle, unread)
	}
}

// begin counts a call, unless the server is ending.
func (s *Server) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		return errClosing
	}
	s.calls++
	return nil
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls--; s.calls == 0 && s.idle != nil {
		close(s.idle)
	}
}

// grants are what code and modules may touch.
func (s *Server) grants() wasmhost.Grants { return grantsOf(s.config) }

func grantsOf(config Config) wasmhost.Grants {
	return wasmhost.Grants{HTTP: config.HTTP, HTTPNetworks: config.HTTPNetworks}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
