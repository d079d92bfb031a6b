package runtimes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// document is what run takes.
type document struct {
	Code  string    `json:"code"`
	File  string    `json:"file,omitempty"`
	Input any       `json:"input,omitempty"`
	Meta  *abi.Meta `json:"meta,omitempty"`
	Tools []any     `json:"tools,omitempty"`
	Path  []string  `json:"path,omitempty"`
	Argv  []string  `json:"argv,omitempty"`
	Keep  bool      `json:"keep,omitempty"`
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

// compiled is the Python runtime in a host, made once: compiling takes seconds.
var compiled = sync.OnceValues(func() (*wasmhost.Module, error) {
	python, err := runtimes.Open(runtimes.Python)
	if err != nil {
		return nil, err
	}
	if python.Prebuilt {
		return nil, errors.New("the runtime is a prebuilt one")
	}
	host, err := wasmhost.New(context.Background(), wasmhost.Config{})
	if err != nil {
		return nil, err
	}
	return host.Compile(context.Background(), python.Wasm)
})

// python skips the test where the runtime was not built, but not in CI.
func python(tb testing.TB) *wasmhost.Module {
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
	result, err := python(tb).Call(tb.Context(), "run", input, opt)
	if err == nil {
		if err := json.Unmarshal(result.Output, &got); err != nil {
			tb.Fatalf("output %.200q: %v", result.Output, err)
		}
	}
	return got, result.Ledger, err
}

// run runs code that comes to an answer.
func run(tb testing.TB, code string) answer {
	tb.Helper()
	got, _, err := call(tb, document{Code: code}, wasmhost.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// wantValue fails unless code comes to a value, given as JSON.
func wantValue(t *testing.T, got answer, want string) {
	t.Helper()
	if got.Error != nil {
		t.Fatalf("got %s (%s), want %s\n%s", got.Error.Kind, got.Error.Message, want, got.Error.Traceback)
	}
	if string(got.Value) != want {
		t.Errorf("got  %s\nwant %s", got.Value, want)
	}
}

func code(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func wantFile(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
	}
}
