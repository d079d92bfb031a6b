package cases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

const profileFor = 10 * time.Second

// Profile runs the Go guest on our host alone and writes NAME.cpu and
// NAME.allocs for go tool pprof.
func (b *Bench) Profile(ctx context.Context, dir string) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return err
	}
	defer closing(ctx, host.Close)
	for _, name := range []string{"task", "warmtask"} {
		wasm, err := b.Guests.Reactor(ctx, name)
		if err != nil {
			return err
		}
		_, run, err := peer.Ours(ctx, host, wasm, sumExport)
		if err != nil {
			return err
		}
		if err := b.profile(ctx, filepath.Join(dir, name), run); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) profile(ctx context.Context, file string, run peer.Worker) error {
	if _, err := run(ctx, sumInput); err != nil {
		return err
	}
	var cpu, allocs bytes.Buffer
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := pprof.StartCPUProfile(&cpu); err != nil {
		return err
	}
	n := 0
	for start := time.Now(); time.Since(start) < profileFor; n++ {
		if _, err := run(ctx, sumInput); err != nil {
			return err
		}
	}
	pprof.StopCPUProfile()
	runtime.ReadMemStats(&after)
	fmt.Fprintf(b.Out, "%s: %d tasks, %s each, %d allocations and %d bytes each\n", filepath.Base(file), n, profileFor/time.Duration(n),
		(after.Mallocs-before.Mallocs)/uint64(n), (after.TotalAlloc-before.TotalAlloc)/uint64(n))
	if err := pprof.Lookup("allocs").WriteTo(&allocs, 0); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(file+".cpu", cpu.Bytes(), 0o644),
		os.WriteFile(file+".allocs", allocs.Bytes(), 0o644),
	)
}
