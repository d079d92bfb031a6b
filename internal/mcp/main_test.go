package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestMain(m *testing.M) { guesttest.Main(m) }

// shared is what tests that run at the same time run code with. The last one closes it,
// so that no goroutine of it is left at the end.
var shared struct {
	mu      sync.Mutex // guards the rest
	users   int
	host    *wasmhost.Host
	sandbox *script.Sandbox
}

// machine is the shared host, and a sandbox on it.
func machine(tb testing.TB) (*wasmhost.Host, *script.Sandbox) {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.users == 0 {
		start(tb)
	}
	shared.users++
	tb.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.users--; shared.users == 0 {
			if err := errors.Join(shared.sandbox.Close(context.Background()), shared.host.Close(context.Background())); err != nil {
				tb.Error(err)
			}
		}
	})
	return shared.host, shared.sandbox
}

func start(tb testing.TB) {
	tb.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	shared.host, err = wasmhost.New(context.Background(), wasmhost.Config{
		CacheDir: filepath.Join(dir, "graflow-wasm"), Trusted: func(string) bool { return true }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	if shared.sandbox, err = script.New(script.Config{Host: shared.host}); err != nil {
		tb.Fatal(err)
	}
}

// newServer is a server with all languages. Without an interpreter the test is
// skipped, and fails where CI is set.
func newServer(tb testing.TB, config mcp.Config) *mcp.Server {
	tb.Helper()
	_, config.Sandbox = machine(tb)
	for _, l := range script.Languages() {
		_, err := config.Sandbox.Runtime(tb.Context(), l)
		var missing *runtimes.MissingError
		if errors.As(err, &missing) && os.Getenv("CI") == "" {
			tb.Skip(err)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	config.Logger = slog.New(slog.DiscardHandler)
	server, err := mcp.New(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

// connect is a client of a server.
func connect(tb testing.TB, server *mcp.Server, options *protocol.ClientOptions) *protocol.ClientSession {
	tb.Helper()
	near, far := protocol.NewInMemoryTransports()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(context.WithoutCancel(tb.Context()), far) }()
	session := connectTo(tb, near, options)
	tb.Cleanup(func() {
		_ = session.Close() // the test may have
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return session
}

func connectTo(tb testing.TB, transport protocol.Transport, options *protocol.ClientOptions) *protocol.ClientSession {
	tb.Helper()
	client := protocol.NewClient(&protocol.Implementation{Name: "test", Version: "1"}, options)
	session, err := client.Connect(tb.Context(), transport, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = session.Close() }) // the test may have
	return session
}

// args are arguments of a tool.
type args = map[string]any

// outcome is what run_code answers.
type outcome struct {
	Value          json.RawMessage
	Stdout, Stderr string
	Error          *struct {
		Kind, Type, Message, File, Traceback string
		Line                                 int
	}
	Files []struct {
		Name     string
		Size     int
		MIMEType string `json:"mime_type"`
		Included bool
	}
	Session *struct {
		Name      string
		New, Kept bool
		Bytes     int64
	}
	Usage struct {
		Seconds      float64
		Instructions int64
		PeakMemory   int64 `json:"peak_memory"`
	}
}

// kind is that of the error; "" if there is none.
func (o outcome) kind() string {
	if o.Error == nil {
		return ""
	}
	return o.Error.Kind
}

// run calls run_code.
func run(tb testing.TB, session *protocol.ClientSession, a args) (outcome, *protocol.CallToolResult) {
	tb.Helper()
	result, err := session.CallTool(tb.Context(), &protocol.CallToolParams{Name: "run_code", Arguments: a})
	if err != nil {
		tb.Fatal(err)
	}
	return read(tb, result), result
}

// read is the structured result, which the text has to be, too.
func read(tb testing.TB, result *protocol.CallToolResult) outcome {
	tb.Helper()
	data, err := json.Marshal(result.StructuredContent)
	if err != nil {
		tb.Fatal(err)
	}
	text, ok := result.Content[0].(*protocol.TextContent)
	if !ok {
		tb.Fatalf("got %T first, want text", result.Content[0])
	}
	var o, same outcome
	if err := errors.Join(json.Unmarshal(data, &o), json.Unmarshal([]byte(text.Text), &same)); err != nil {
		tb.Fatal(err)
	}
	if o.kind() != same.kind() || o.Stdout != same.Stdout || len(o.Files) != len(same.Files) {
		tb.Errorf("got the text %s for %s", text.Text, data)
	}
	if result.IsError != (o.Error != nil) {
		tb.Errorf("got isError %v with error %+v", result.IsError, o.Error)
	}
	return o
}
