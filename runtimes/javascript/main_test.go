package javascript_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	os.Exit(m.Run())
}

// document is what run takes.
type document struct {
	Code     string          `json:"code"`
	File     string          `json:"file,omitempty"`
	Language string          `json:"language,omitempty"`
	Erased   *string         `json:"erased,omitempty"`
	Input    json.RawMessage `json:"input,omitempty"`
	Meta     map[string]any  `json:"meta,omitempty"`
	Tools    []tool          `json:"tools,omitempty"`
	Path     []string        `json:"path,omitempty"`
	Argv     []string        `json:"argv,omitempty"`
}

type tool struct {
	Name string `json:"name"`
}

// answer is what run gives, and what was logged.
type answer struct {
	Value json.RawMessage
	Error *failure
	Lines []string `json:"-"`
}

type failure struct {
	Kind, Type, Message, File, Traceback string
	Line, Column                         int
}

// compiled is the runtime in a host, made once.
var compiled = sync.OnceValues(func() (*wasmhost.Module, error) {
	javascript, err := runtimes.Open(runtimes.JavaScript)
	if err != nil {
		return nil, err
	}
	host, err := wasmhost.New(context.Background(), wasmhost.Config{})
	if err != nil {
		return nil, err
	}
	return host.Compile(context.Background(), javascript.Wasm)
})

// runtime skips the test where the module was not built, but not in CI.
func runtime(tb testing.TB) *wasmhost.Module {
	tb.Helper()
	module, err := compiled()
	var missing *runtimes.MissingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") == "":
		tb.Skipf("NOT TESTED: %v", err)
	case err != nil:
		tb.Fatal(err)
	}
	return module
}

// call runs a document; the error is that of wasmhost.
func call(tb testing.TB, doc document, opt wasmhost.Options) (answer, wasmhost.Ledger, error) {
	tb.Helper()
	input, err := json.Marshal(doc)
	if err != nil {
		tb.Fatal(err)
	}
	var got answer
	opt.Services.Log = func(level slog.Level, line string) {
		got.Lines = append(got.Lines, fmt.Sprintf("%s %s", level, line))
	}
	if opt.Limits.Timeout == 0 {
		opt.Limits.Timeout = time.Minute
	}
	result, err := runtime(tb).Call(tb.Context(), "run", input, opt)
	if err == nil {
		if err := json.Unmarshal(result.Output, &got); err != nil {
			tb.Fatalf("output %.200q: %v", result.Output, err)
		}
	}
	return got, result.Ledger, err
}

// run fails the test if the runtime itself did not answer.
func run(tb testing.TB, code string) answer {
	tb.Helper()
	got, _, err := call(tb, document{Code: code}, wasmhost.Options{})
	if err != nil {
		tb.Fatalf("%s: %v", code, err)
	}
	return got
}

// value checks what code gives, as JSON.
func value(tb testing.TB, code, want string) {
	tb.Helper()
	got := run(tb, code)
	if got.Error != nil || string(got.Value) != want {
		tb.Errorf("%s\ngot %s %+v, want %s", code, got.Value, got.Error, want)
	}
}
