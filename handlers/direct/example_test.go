package direct_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// A typed pipeline of Go functions: each one's output is the next one's input.
func Example() {
	funcs := direct.New()
	double := direct.Func(funcs, "double", func(_ *direct.Context, n int) (int, error) { return n * 2, nil })
	add := direct.Func(funcs, "add", func(_ *direct.Context, n int) (int, error) { return n + 3, nil })
	square := direct.Func(funcs, "square", func(_ *direct.Context, n int) (int, error) { return n * n, nil })

	g, _ := engine.NewGraph("pipeline", engine.Seq(double, add, square))
	e, _ := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": funcs}})
	defer e.Close()
	out, _ := e.Run(context.Background(), g, json.RawMessage("5"))
	fmt.Println(out.Status, string(out.Output))
	// Output: succeeded 169
}
