package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

const growParts = 10

// grow runs tasks that each write to 64 MB, two at a time, and looks ten times
// what the process holds. Stock wazero is given a tenth of the tasks.
func grow(ctx context.Context, b *Bench) error {
	if _, err := b.Guests.C(ctx, "grow"); err != nil {
		return err
	}
	head := []string{"tasks that grow to 64 MB", "tasks", "time each"}
	for i := range growParts {
		head = append(head, fmt.Sprintf("RSS at %d %%", (i+1)*100/growParts))
	}
	t := measure.Table{head}
	for _, host := range []string{hostOurs, hostWazero} {
		n := b.Grow
		if host != hostOurs {
			n = max(growParts, n/10)
		}
		line := []any{host, n}
		o := order{What: "grow", Host: host, Module: b.Guests.Path("c-grow"), N: n}
		start := time.Now()
		err := child(ctx, time.Hour, o, func(data json.RawMessage) error {
			var rss int64
			err := json.Unmarshal(data, &rss)
			line = append(line, mib(rss))
			return err
		})
		if err != nil {
			return err
		}
		each := time.Since(start) / time.Duration(n)
		t.Add(append(line[:2:2], append([]any{each}, line[2:]...)...)...)
	}
	fmt.Fprintf(b.Out, "Two workers; RSS is read while both are busy, without a collection.\n\n%s\n", t)
	return b.keep("grow", t.String())
}

func growChild(ctx context.Context, o order, out *json.Encoder) error {
	wasm, err := os.ReadFile(o.Module)
	if err != nil {
		return err
	}
	const export = "grow"
	var run peer.Worker
	if o.Host == hostOurs {
		host, err := wasmhost.New(ctx, wasmhost.Config{})
		if err != nil {
			return err
		}
		if _, run, err = peer.Ours(ctx, host, wasm, export); err != nil {
			return err
		}
	} else {
		w, err := peer.NewWazero(ctx, wasm, false)
		if err != nil {
			return err
		}
		run = w.Fresh(export)
	}
	var begun atomic.Int64
	errs := make([]error, 2)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() { errs[i] = growing(ctx, run, &begun, int64(o.N), out) })
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// growing takes tasks until all n are done, and tells the memory whenever a
// tenth of them is.
func growing(ctx context.Context, run peer.Worker, begun *atomic.Int64, n int64, out *json.Encoder) error {
	for {
		i := begun.Add(1)
		if i > n {
			return nil
		}
		if _, err := run(ctx, nil); err != nil {
			return err
		}
		if part := n / growParts; part > 0 && i%part == 0 {
			rss, err := resident()
			if err != nil {
				return err
			}
			if err := out.Encode(rss); err != nil {
				return err
			}
		}
	}
}
