package cases

import (
	"bytes"
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// What every sum is asked, and what it must answer.
var (
	sumInput  = []byte(`{"numbers":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32]}`)
	sumOutput = []byte(`{"sum":528}`)
)

const sumExport = "sum"

// The name of the contender that all others are compared with.
const ours = "ours"

// field gathers contenders and what is closed after them.
type field struct {
	contenders []measure.Contender
	closers    []func(context.Context) error
}

// add enters a contender whose workers share nothing but what is compiled.
func (f *field) add(name string, worker func(context.Context) (peer.Worker, error)) {
	f.contenders = append(f.contenders, measure.Contender{Name: name, Worker: func(ctx context.Context) (func(context.Context) error, error) {
		w, err := worker(ctx)
		return func(ctx context.Context) error {
			output, err := w(ctx, sumInput)
			if err == nil && !bytes.Equal(bytes.TrimSpace(output), sumOutput) {
				err = fmt.Errorf("got %q, want %q", output, sumOutput)
			}
			return err
		}, err
	}})
}

func (f *field) close(ctx context.Context) {
	for _, c := range f.closers {
		closing(ctx, c)
	}
}

func (f *field) ours(ctx context.Context, host *wasmhost.Host, name string, wasm []byte, export string) error {
	_, w, err := peer.Ours(ctx, host, wasm, export)
	f.add(name, func(context.Context) (peer.Worker, error) { return w, nil })
	return err
}

func (f *field) wazero(ctx context.Context, wasm []byte) error {
	for _, stops := range []bool{false, true} {
		w, err := peer.NewWazero(ctx, wasm, stops)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, w.Close)
		name := "wazero, fresh"
		if stops {
			name += ", CloseOnContextDone"
		}
		f.add(name, func(context.Context) (peer.Worker, error) { return w.Fresh(sumExport), nil })
		if !stops {
			f.add("wazero, reused: leaks state", func(ctx context.Context) (peer.Worker, error) { return w.Reused(ctx, sumExport) })
		}
	}
	return nil
}

func (f *field) command(ctx context.Context, wasm []byte) error {
	w, err := peer.NewWazero(ctx, wasm, false)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, w.Close)
	f.add("wazero, fresh WASI command", func(context.Context) (peer.Worker, error) { return w.Command(), nil })
	return nil
}

func (f *field) extism(ctx context.Context, wasm []byte) error {
	for _, stops := range []bool{false, true} {
		e, err := peer.NewExtism(ctx, wasm, stops)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, e.Close)
		name := "Extism Go SDK, fresh"
		if stops {
			name += ", with a timeout"
		}
		f.add(name, func(context.Context) (peer.Worker, error) { return e.Fresh(sumExport), nil })
		if !stops {
			f.add("Extism Go SDK, reused: leaks state", func(ctx context.Context) (peer.Worker, error) { return e.Reused(ctx, sumExport) })
		}
	}
	return nil
}

func (f *field) wasmtime(wasm []byte) error {
	w, err := peer.NewWasmtime(wasm)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, w.Close)
	f.add("wasmtime-go, fresh", func(context.Context) (peer.Worker, error) {
		worker, err := w.Worker()
		if err != nil {
			return nil, err
		}
		return worker.Fresh(sumExport), nil
	})
	f.add("wasmtime-go, reused: leaks state", func(context.Context) (peer.Worker, error) {
		worker, err := w.Worker()
		if err != nil {
			return nil, err
		}
		return worker.Reused(sumExport)
	})
	return nil
}

// sum compares how a pristine sandbox for every task is come by.
func sum(ctx context.Context, b *Bench) (err error) {
	modules := map[string][]byte{}
	for _, name := range []string{"task", "warmtask", "plugin"} {
		if modules[name], err = b.Guests.Reactor(ctx, name); err != nil {
			return err
		}
	}
	if modules["command"], err = b.Guests.Command(ctx, "command"); err != nil {
		return err
	}
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	f := &field{closers: []func(context.Context) error{host.Close}}
	defer f.close(ctx)
	for _, enter := range []func() error{
		func() error { return f.ours(ctx, host, ours, modules["task"], sumExport) },
		func() error { return f.ours(ctx, host, "ours, warmed up", modules["warmtask"], sumExport) },
		func() error { return f.ours(ctx, host, "ours, WASI command", modules["command"], "_start") },
		func() error { return f.ours(ctx, host, "ours, Extism plug-in", modules["plugin"], sumExport) },
		func() error { return f.wazero(ctx, modules["task"]) },
		func() error { return f.command(ctx, modules["command"]) },
		func() error { return f.extism(ctx, modules["plugin"]) },
		func() error { return f.wasmtime(modules["task"]) },
	} {
		if err := enter(); err != nil {
			return err
		}
	}
	return b.race(ctx, "sum", f.contenders)
}

// sumC is sum with a guest that costs next to nothing to make.
func sumC(ctx context.Context, b *Bench) error {
	wasm, err := b.Guests.C(ctx, "sum")
	if err != nil {
		return err
	}
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	f := &field{closers: []func(context.Context) error{host.Close}}
	defer f.close(ctx)
	if err := f.ours(ctx, host, ours, wasm, sumExport); err != nil {
		return err
	}
	if err := f.wazero(ctx, wasm); err != nil {
		return err
	}
	if err := f.wasmtime(wasm); err != nil {
		return err
	}
	return b.race(ctx, "c", f.contenders)
}

// race measures contenders with one worker and with two.
func (b *Bench) race(ctx context.Context, name string, contenders []measure.Contender) error {
	kept := ""
	for workers := 1; workers <= 2; workers++ {
		plan := measure.Plan{Rounds: b.Rounds, Turn: b.Turn, Least: 3, Workers: workers}
		results, err := measure.Rounds(ctx, plan, contenders)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "Workers: %d.\n\n%s\n", workers, raceTable(results))
		kept += fmt.Sprintf("workers: %d\n%s\n", workers, raw(results))
	}
	return b.keep(name, kept)
}

func raceTable(results []measure.Result) measure.Table {
	base := results[0].All().Median()
	t := measure.Table{{"one task", "p50", "p99", "tasks/s", "p50 to ours", "halves apart"}}
	for _, r := range results {
		all := r.All()
		t.Add(r.Name, all.Median(), all.Percentile(99), r.PerSecond(), times(measure.Ratio(all.Median(), base)), percent(r.Drift()))
	}
	return t
}
