package layout_test

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

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write golden files")

func TestMain(m *testing.M) {
	flag.Parse()
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

// shared is the sandbox of all tests, so that the interpreter is compiled once.
var shared struct {
	once    sync.Once
	sandbox *script.Sandbox
	err     error
}

// sandbox is the one that tests share. Without what it runs the test is skipped, and
// fails where CI is set.
func sandbox(tb testing.TB) *script.Sandbox {
	tb.Helper()
	shared.once.Do(func() {
		shared.sandbox, shared.err = script.New(script.Config{Logger: slog.New(slog.DiscardHandler)})
	})
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	_, err := layout.Dagre()
	err = errors.Join(err, shared.sandbox.Prepare(tb.Context(), script.JavaScript))
	_, noDagre := errors.AsType[*layout.MissingError](err)
	_, noJavaScript := errors.AsType[*runtimes.MissingError](err)
	switch {
	case (noDagre || noJavaScript) && os.Getenv("CI") == "":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
	return shared.sandbox
}

// layouts are one with dagre and one without, by their names in drawings.
func layouts(tb testing.TB) map[string]*layout.Layout {
	tb.Helper()
	return map[string]*layout.Layout{
		"dagre":   newLayout(tb, layout.Config{Sandbox: sandbox(tb)}),
		"graflow": newLayout(tb, layout.Config{}),
	}
}

func newLayout(tb testing.TB, config layout.Config) *layout.Layout {
	tb.Helper()
	l, err := layout.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func build(tb testing.TB, spec engine.Spec) *engine.Graph {
	tb.Helper()
	g, err := spec.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func draw(tb testing.TB, l *layout.Layout, spec engine.Spec) *layout.Drawing {
	tb.Helper()
	d, err := l.Graph(context.Background(), build(tb, spec))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}
