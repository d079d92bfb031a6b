package script_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	if _, err := runtimes.Open(runtimes.Python); err != nil && os.Getenv("CI") == "" {
		flag.Parse()
		_ = flag.Set("test.skip", "^Example") // a flag that there is
	}
	code := m.Run()
	if shared.sandbox != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := shared.sandbox.Close(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "close the sandbox of the tests:", err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shared is the sandbox of most tests, so that each interpreter is compiled once.
var shared struct {
	once    sync.Once
	sandbox *script.Sandbox
	err     error
}

func newSandbox(tb testing.TB, config script.Config) *script.Sandbox {
	tb.Helper()
	sandbox, err := script.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := sandbox.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	return sandbox
}

// sandbox is the one that tests share, in which the language can be run. Without its
// interpreter the test is skipped, and fails where CI is set.
func sandbox(tb testing.TB, l script.Language) *script.Sandbox {
	tb.Helper()
	shared.once.Do(func() {
		shared.sandbox, shared.err = script.New(script.Config{Logger: slog.New(slog.DiscardHandler)})
	})
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	err := shared.sandbox.Prepare(tb.Context(), l)
	var missing *runtimes.MissingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") == "":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
	return shared.sandbox
}
