package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

var programs = []string{"fib", "sha256", "sort", "json", "matmul"}

// compute compares what it costs that a guest can be stopped. Ours are whole
// calls in pristine sandboxes; the others go on in one instance, which spares
// them making it and faulting its memory in.
func compute(ctx context.Context, b *Bench) error {
	goWasm, err := b.Guests.Reactor(ctx, "cpu")
	if err != nil {
		return err
	}
	if err := b.computeIn(ctx, "Go", goWasm); err != nil {
		return err
	}
	cWasm, err := b.Guests.C(ctx, "cpu")
	if errors.Is(err, guest.ErrNoClang) {
		fmt.Fprintf(b.Out, "\nSKIPPED in C: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	return b.computeIn(ctx, "C", cWasm)
}

// computers are the hosts of one module, in the order of the table's columns.
type computers struct {
	module           *wasmhost.Module
	plain, stoppable *peer.Wazero
	wasmtime         *peer.Wasmtime
}

func (c *computers) contenders(program string) []measure.Contender {
	again := func(name string, worker func(context.Context) (peer.Worker, error)) measure.Contender {
		return measure.Contender{Name: program + ", " + name, Worker: func(ctx context.Context) (func(context.Context) error, error) {
			w, err := worker(ctx)
			return func(ctx context.Context) error {
				_, err := w(ctx, nil)
				return err
			}, err
		}}
	}
	return []measure.Contender{
		again(ours, func(context.Context) (peer.Worker, error) {
			return func(ctx context.Context, _ []byte) ([]byte, error) {
				_, err := c.module.Call(ctx, program, nil, wasmhost.Options{Limits: wasmhost.Limits{Timeout: peer.Timeout}})
				return nil, err
			}, nil
		}),
		again("wazero", func(ctx context.Context) (peer.Worker, error) { return c.plain.Reused(ctx, program) }),
		again("wazero, CloseOnContextDone", func(ctx context.Context) (peer.Worker, error) { return c.stoppable.Reused(ctx, program) }),
		again("wasmtime-go, epochs", func(context.Context) (peer.Worker, error) {
			w, err := c.wasmtime.Worker()
			if err != nil {
				return nil, err
			}
			return w.Reused(program)
		}),
	}
}

func (b *Bench) computeIn(ctx context.Context, language string, wasm []byte) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	defer closing(ctx, host.Close)
	c := &computers{}
	if c.module, err = host.Compile(ctx, wasm); err != nil {
		return err
	}
	if c.plain, err = peer.NewWazero(ctx, wasm, false); err != nil {
		return err
	}
	defer closing(ctx, c.plain.Close)
	if c.stoppable, err = peer.NewWazero(ctx, wasm, true); err != nil {
		return err
	}
	defer closing(ctx, c.stoppable.Close)
	if c.wasmtime, err = peer.NewWasmtime(wasm); err != nil {
		return err
	}
	defer closing(ctx, c.wasmtime.Close)
	return b.programs(ctx, language, c)
}

// best is the time of a run that nothing disturbed: a program that only computes
// takes the same each time, and whatever else the machine does adds to it.
func best(t measure.Times) time.Duration { return t.Percentile(0) }

func (b *Bench) programs(ctx context.Context, language string, c *computers) error {
	t := measure.Table{{"in " + language + ", best run", "ours, metered", "wazero", "ours to it", "CloseOnContextDone", "it to ours", "wasmtime-go", "ours to it", "halves apart"}}
	var ratios [3][]float64
	kept := ""
	for _, program := range programs {
		plan := measure.Plan{Rounds: b.Heavy, Least: 1, Workers: 1}
		results, err := measure.Rounds(ctx, plan, c.contenders(program))
		if err != nil {
			return err
		}
		p := func(i int) float64 { return float64(best(results[i].All())) }
		r := []float64{p(0) / p(1), p(2) / p(0), p(0) / p(3)}
		for i := range ratios {
			ratios[i] = append(ratios[i], r[i])
		}
		var apart float64
		for _, r := range results {
			first, second := best(r.Half[0]), best(r.Half[1])
			apart = max(apart, measure.Ratio(max(first, second), min(first, second))-1)
		}
		t.Add(program, best(results[0].All()), best(results[1].All()), times(r[0]), best(results[2].All()), times(r[1]),
			best(results[3].All()), times(r[2]), percent(apart))
		kept += raw(results) + "\n"
	}
	mean := measure.GeometricMean
	t.Add("geometric mean", "", "", times(mean(ratios[0])), "", times(mean(ratios[1])), "", times(mean(ratios[2])), "")
	fmt.Fprintf(b.Out, "%s\n", t)
	return b.keep("cpu-"+language, kept)
}
