package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// collect measures how long a garbage collection takes while two guests spin:
// it has to wait until each of them lets the scheduler in.
func collect(ctx context.Context, b *Bench) error {
	if _, err := b.Guests.C(ctx, "stuck"); err != nil {
		return err
	}
	t := measure.Table{{"`runtime.GC()` while two guests spin", "in", "p50", "p99", "worst", "collections"}}
	kept := ""
	for _, program := range []string{"loop", "recursion"} {
		for _, host := range []string{hostOurs, hostGo, hostStops, hostWazero} {
			if host == hostGo && program != "loop" {
				continue
			}
			var took measure.Times
			o := order{What: "collect", Host: host, Module: b.Guests.Path("c-stuck"), Program: program, N: b.GCs}
			err := child(ctx, b.patience(host)+time.Duration(b.GCs)*50*time.Millisecond, o, func(line json.RawMessage) error {
				var d time.Duration
				err := json.Unmarshal(line, &d)
				took = append(took, d)
				return err
			})
			switch {
			case err != nil && (host == hostOurs || !errors.Is(err, errHung)):
				return err
			case len(took) == 0:
				t.Add(host, program, "never: process killed", "", "", "")
			default:
				t.Add(host, program, took.Median(), took.Percentile(99), took.Percentile(100), len(took))
			}
			kept += fmt.Sprintf("%s, %s: %v\n", host, program, took)
		}
	}
	fmt.Fprintf(b.Out, "%s\n", t)
	return b.keep("gc", kept)
}

func collectChild(ctx context.Context, o order, out *json.Encoder) error {
	run, err := stopperOn(ctx, o.Host, o.Module)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for range 2 {
		go func() { // ends with the process
			_, err := run(ctx, o.Program, time.Hour)
			ended <- err
		}()
	}
	for range o.N {
		select {
		case err := <-ended:
			return fmt.Errorf("a guest that spins has ended: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
		start := time.Now()
		runtime.GC()
		if err := out.Encode(time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}
