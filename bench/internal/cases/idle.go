package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// idle measures what sandboxes take that wait for a task: new ones, and ones
// that have run one.
func idle(ctx context.Context, b *Bench) error {
	if _, err := b.Guests.Reactor(ctx, "held"); err != nil {
		return err
	}
	t := measure.Table{{fmt.Sprintf("%d sandboxes of a Go guest", b.Idle), "each: RSS", "PSS", "Go heap", "after a task: RSS", "PSS", "Go heap"}}
	for _, host := range []string{hostOurs, hostWazero, hostWasmtime} {
		var states []held
		o := order{What: "idle", Host: host, Module: b.Guests.Path("held"), N: b.Idle}
		err := child(ctx, 10*time.Minute, o, func(line json.RawMessage) error {
			var h held
			err := json.Unmarshal(line, &h)
			states = append(states, h)
			return err
		})
		if err != nil {
			return err
		}
		if len(states) != 3 {
			return fmt.Errorf("%s: got %d states, want 3", host, len(states))
		}
		before, after := states[1].each(states[0], b.Idle), states[2].each(states[0], b.Idle)
		t.Add(host, kib(before.RSS), kib(before.PSS), kib(before.Heap), kib(after.RSS), kib(after.PSS), kib(after.Heap))
	}
	fmt.Fprintf(b.Out, "%s\n", t)
	return b.keep("idle", t.String())
}

// idleChild answers what the process holds before, with sandboxes, and after
// each of them has run a task.
func idleChild(ctx context.Context, o order, out *json.Encoder) error {
	wasm, err := os.ReadFile(o.Module)
	if err != nil {
		return err
	}
	say := func() error {
		h, err := holds()
		if err != nil {
			return err
		}
		return out.Encode(h)
	}
	switch o.Host {
	case hostOurs:
		return idleOurs(ctx, wasm, o.N, say)
	case hostWasmtime:
		return idleWasmtime(ctx, wasm, o.N, say)
	}
	w, err := peer.NewWazero(ctx, wasm, false)
	if err != nil {
		return err
	}
	return idleInstances(ctx, o.N, say, func() (peer.Worker, error) { return w.Reused(ctx, sumExport) })
}

// idleInstances makes instances and keeps them.
func idleInstances(ctx context.Context, n int, say func() error, fresh func() (peer.Worker, error)) error {
	first, err := fresh() // what all share is there
	if err != nil {
		return err
	}
	if _, err := first(ctx, sumInput); err != nil {
		return err
	}
	if err := say(); err != nil {
		return err
	}
	var all []peer.Worker
	for range n {
		w, err := fresh()
		if err != nil {
			return err
		}
		all = append(all, w)
	}
	if err := say(); err != nil {
		return err
	}
	for _, w := range all {
		if _, err := w(ctx, sumInput); err != nil {
			return err
		}
	}
	err = say()
	runtime.KeepAlive(all)
	return err
}

func idleWasmtime(ctx context.Context, wasm []byte, n int, say func() error) error {
	w, err := peer.NewWasmtime(wasm)
	if err != nil {
		return err
	}
	return idleInstances(ctx, n, say, func() (peer.Worker, error) {
		worker, err := w.Worker()
		if err != nil {
			return nil, err
		}
		return worker.Reused(sumExport)
	})
}

func idleOurs(ctx context.Context, wasm []byte, n int, say func() error) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{IdleBytes: 1 << 40})
	if err != nil {
		return err
	}
	m, err := host.Compile(ctx, wasm)
	if err != nil {
		return err
	}
	if _, err := m.Call(ctx, sumExport, sumInput, wasmhost.Options{}); err != nil {
		return err
	}
	if err := say(); err != nil {
		return err
	}
	if err := m.Prewarm(ctx, n, wasmhost.Options{}); err != nil {
		return err
	}
	if err := say(); err != nil {
		return err
	}
	if err := allAtOnce(ctx, m, n); err != nil {
		return err
	}
	err = say()
	runtime.KeepAlive(host)
	return err
}

// allAtOnce runs a task in each of n sandboxes: none ends before all have begun.
func allAtOnce(ctx context.Context, m *wasmhost.Module, n int) error {
	var begun, ended sync.WaitGroup
	begun.Add(n)
	opt := wasmhost.Options{Services: wasmhost.Services{Progress: func(float64, float64, string) {
		begun.Done()
		begun.Wait()
	}}}
	errs := make([]error, n)
	for i := range n {
		ended.Go(func() {
			if _, errs[i] = m.Call(ctx, sumExport, sumInput, opt); errs[i] != nil {
				fmt.Fprintln(os.Stderr, errs[i])
				os.Exit(1) // the others would wait for ever
			}
		})
	}
	ended.Wait()
	return nil
}
