package script_test

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	handler "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	code := m.Run()
	if s := sandbox.made; s != nil {
		_ = s.Close(context.Background()) // it holds memory only
	}
	os.Exit(code)
}

// sandbox is that of all tests: its interpreters are compiled once.
var sandbox struct {
	once sync.Once
	made *script.Sandbox
	err  error
}

func newHandler(tb testing.TB, config handler.Config) *handler.Handler {
	tb.Helper()
	sandbox.once.Do(func() { sandbox.made, sandbox.err = script.New(script.Config{}) })
	if sandbox.err != nil {
		tb.Fatal(sandbox.err)
	}
	for _, l := range []script.Language{script.Python, script.JavaScript} {
		if err := sandbox.made.Prepare(tb.Context(), l); err != nil {
			if os.Getenv("CI") != "" {
				tb.Fatal(err)
			}
			tb.Skip(err)
		}
	}
	config.Sandbox = sandbox.made
	h, err := handler.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// code is a task of source text.
func code(tb testing.TB, l script.Language, text string) engine.Task {
	tb.Helper()
	return engine.Task{ID: "code", Handler: "script", Spec: marshal(tb, map[string]any{"language": l, "code": text})}
}

func marshal(tb testing.TB, v any) json.RawMessage {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
