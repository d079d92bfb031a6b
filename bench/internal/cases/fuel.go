package cases

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// fuel runs programs again and again, and
// fails if one ever takes another amount of fuel.
func fuel(ctx context.Context, b *Bench) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	defer closing(ctx, host.Close)
	t := measure.Table{{"program", "fuel", fmt.Sprintf("amounts in %d runs", b.Fuel)}}
	type job struct {
		guest, export string
		input         []byte
	}
	jobs := []job{{"task", sumExport, sumInput}}
	for _, p := range programs {
		jobs = append(jobs, job{"cpu", p, nil})
	}
	for _, j := range jobs {
		wasm, err := b.Guests.Reactor(ctx, j.guest)
		if err != nil {
			return err
		}
		m, err := host.Compile(ctx, wasm)
		if err != nil {
			return err
		}
		// A program that asks for the time or for luck is only as repeatable as
		// they are.
		opt := wasmhost.Options{Grants: wasmhost.Grants{Clock: wasmhost.ClockVirtual, Random: wasmhost.RandomSeeded, Seed: 1}}
		amounts := map[int64]int{}
		var last int64
		for range b.Fuel {
			r, err := m.Call(ctx, j.export, j.input, opt)
			if err != nil {
				return err
			}
			last = r.Ledger.Fuel
			amounts[last]++
		}
		t.Add(j.export, last, len(amounts))
		if len(amounts) != 1 {
			return fmt.Errorf("%s: not the same fuel in every run: %v", j.export, amounts)
		}
	}
	fmt.Fprintf(b.Out, "%s\n", t)
	return b.keep("fuel", t.String())
}
