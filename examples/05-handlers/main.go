// Command 05-handlers embeds the engine: a function in Go makes values, a
// sandboxed guest computes their mean, and a custom handler times the guest.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	guest := "./guest"
	if len(os.Args) > 1 {
		guest = os.Args[1]
	}
	if err := run(context.Background(), guest, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sample is the input of the guest's mean.
type sample struct {
	Values []float64 `json:"values"`
}

// run prints the flow's output to out, and the tasks' log to log.
func run(ctx context.Context, guest string, out, log io.Writer) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = host.Close(ctx) }()
	modules, err := wasm.New(wasm.Config{Host: host})
	if err != nil {
		return err
	}
	functions := direct.New()
	measure := direct.Func(functions, "measure", func(*direct.Context, any) (sample, error) {
		return sample{Values: []float64{1, 2, 3, 6}}, nil
	})
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": functions, "timing": timing{modules}},
		Observe: func(n engine.Notice) {
			if n.Type == engine.NoticeTaskLog {
				fmt.Fprintln(log, n.Message)
			}
		},
	})
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }() //nolint:contextcheck // closing has no context to end by
	mean := engine.Task{ID: "mean", Handler: "timing", Spec: quoted(guest + "#mean")}
	graph, err := engine.NewGraph("handlers", engine.Seq(measure, mean))
	if err != nil {
		return err
	}
	outcome, err := e.Run(ctx, graph, nil)
	if err != nil {
		return err
	}
	if outcome.Error != nil {
		return outcome.Error
	}
	fmt.Fprintf(out, "%s: %s\n", outcome.Status, outcome.Output)
	return nil
}
