package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// needInterpreters skips a test without the interpreters, and fails it where CI is set.
func needInterpreters(t *testing.T) {
	t.Helper()
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		_, err := runtimes.Open(name)
		if missing := (*runtimes.MissingError)(nil); errors.As(err, &missing) && os.Getenv("CI") == "" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// client is one of `graflow-wasm mcp` on its stdin and stdout.
func client(t *testing.T, args ...string) *protocol.ClientSession {
	t.Helper()
	cmd := inDir(t, t.TempDir(), append([]string{"mcp"}, args...)...)
	cmd.Stderr = t.Output()
	return dialMCP(t, &protocol.CommandTransport{Command: cmd})
}

func dialMCP(t *testing.T, transport protocol.Transport) *protocol.ClientSession {
	t.Helper()
	session, err := protocol.NewClient(&protocol.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() }) // the test may have
	return session
}

// callMCP calls a tool and returns its result as JSON, and whether it is an error.
func callMCP(t *testing.T, session *protocol.ClientSession, tool string, args map[string]any) (string, bool) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &protocol.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	return result.Content[0].(*protocol.TextContent).Text, result.IsError
}

// valueOf runs code and returns its value.
func valueOf(t *testing.T, session *protocol.ClientSession, language, code, name string) string {
	t.Helper()
	args := map[string]any{"language": language, "code": code}
	if name != "" {
		args["session"] = name
	}
	text, failed := callMCP(t, session, "run_code", args)
	var o struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(text), &o); err != nil || failed {
		t.Fatalf("%s: got %s", code, text)
	}
	return string(o.Value)
}

func TestMCP(t *testing.T) {
	t.Parallel()
	needInterpreters(t)
	session := client(t, "--timeout", "2s", "--memory", "64MiB", "--log-bytes", "1KiB", "--module", guest+"#echo", "--module", guest+"#fail")
	if told := session.InitializeResult(); !strings.Contains(told.Instructions, "2 seconds, 64 MiB") {
		t.Errorf("got instructions\n%s", told.Instructions)
	}
	for language, code := range map[string]string{"python": "sum([40, 2])", "javascript": "[40, 2].reduce((a, b) => a + b)", "typescript": "const n: number = 42; n"} {
		if got := valueOf(t, session, language, code, ""); got != "42" {
			t.Errorf("%s: got %s", language, got)
		}
	}
	valueOf(t, session, "python", "x = 7", "a")
	if got := valueOf(t, session, "python", "x", "a"); got != "7" {
		t.Errorf("got %s from the session", got)
	}
	for _, test := range []struct {
		tool, want string
		args       map[string]any
		failed     bool
	}{
		{tool: "echo", args: map[string]any{"input": []int{1}}, want: `{"value":[1]}`},
		{tool: "fail", args: map[string]any{"input": 1}, want: `"kind":"sorry"`, failed: true},
		{tool: "run_code", args: map[string]any{"language": "python", "code": "print('kept')\nwhile True: pass"}, want: `"stdout":"kept\n"`, failed: true},
		{tool: "run_code", args: map[string]any{"language": "python", "code": "x = 1\n1/0"}, want: `"line":2`, failed: true},
	} {
		if got, failed := callMCP(t, session, test.tool, test.args); failed != test.failed || !strings.Contains(got, test.want) {
			t.Errorf("%s %v: got %v, %s; want %s", test.tool, test.args, failed, got, test.want)
		}
	}
	if err := session.Close(); err != nil { // its exit code
		t.Error(err)
	}
}

func TestMCPByHTTP(t *testing.T) {
	t.Parallel()
	needInterpreters(t)
	dir := t.TempDir()
	const token = "a-token-of-the-test"
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := begin(t, dir, "mcp", "--http", "127.0.0.1:0", "--token-file", "token")
	url := p.await(`serving MCP on (http://\S+)`)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	session := dialMCP(t, &protocol.StreamableClientTransport{
		Endpoint: url, MaxRetries: -1, HTTPClient: &http.Client{Transport: authorizing{token, transport}},
	})
	if got := valueOf(t, session, "javascript", "6 * 7", ""); got != "42" {
		t.Errorf("got %s", got)
	}
	refused, err := protocol.NewClient(&protocol.Implementation{Name: "test", Version: "1"}, nil).
		Connect(t.Context(), &protocol.StreamableClientTransport{Endpoint: url, MaxRetries: -1, HTTPClient: &http.Client{Transport: transport}}, nil)
	if err == nil {
		_ = refused.Close()
		t.Error("a client without the token was let in")
	}
	p.signal(syscall.SIGTERM)
	if got := p.exit(); got != exitSucceeded {
		t.Errorf("got exit code %d, want 0", got)
	}
}

// authorizing sends a token with each request.
type authorizing struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a authorizing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+a.token)
	return a.next.RoundTrip(r)
}

// TestMCPSignal sends SIGTERM to a server whose client goes on listening.
func TestMCPSignal(t *testing.T) {
	t.Parallel()
	needInterpreters(t)
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals on Windows")
	}
	cmd := inDir(t, t.TempDir(), "mcp")
	cmd.Stderr = t.Output()
	session := dialMCP(t, &protocol.CommandTransport{Command: cmd})
	valueOf(t, session, "javascript", "1", "s")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := session.Wait(); err != nil {
		t.Errorf("got %v at its end", err)
	}
}
