package wasmhost_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// shapesModule loops in _initialize if its name is long. Its task f writes a random
// digit and whether graflow_warmup ran.
func shapesModule() []byte {
	var m asm.Module
	m.ImportFunc(wasi, "args_sizes_get", "ii", "i")
	m.ImportFunc(wasi, "random_get", "ii", "i")
	m.ImportFunc("graflow_v1", "output_write", "ii", "i")
	m.Memory(1, 1)
	m.Global('i', true, "i32.const 49")
	digit := "i32.const 16 i32.const 1 call 1 drop "
	m.Func("_initialize", "", "", "", digit+`
		i32.const 0 i32.const 4 call 0 drop
		i32.const 4 i32.load 0 i32.const 8 i32.gt_u if _ loop _ br 0 end end`)
	m.Func("graflow_warmup", "", "", "", "i32.const 50 global.set 0")
	m.Func("f", "", "i", "", digit+`
		i32.const 16 i32.const 16 i32.load8_u 0 i32.const 9 i32.rem_u i32.const 49 i32.add i32.store8 0
		i32.const 17 global.get 0 i32.store8 0
		i32.const 16 i32.const 2 call 2 drop i32.const 0`)
	return m.Bytes()
}

// waiting is a context that tells when somebody waits for its end.
type waiting struct {
	context.Context //nolint:containedctx // it is one
	tell            func()
}

func (w waiting) Done() <-chan struct{} {
	w.tell()
	return w.Context.Done()
}

// TestSameResultAmongManyShapes has all places for snapshots taken by
// initializations that don't end.
func TestSameResultAmongManyShapes(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{}, shapesModule())
	want := call(t, m, "f", "", deterministic())

	m = hostWith(t, wasmhost.Config{}, shapesModule())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var begun, ended sync.WaitGroup
	for i := range 16 {
		begun.Add(1)
		w := waiting{ctx, sync.OnceFunc(begun.Done)}
		ended.Go(func() { _, _ = m.Call(w, "f", nil, wasmhost.Options{Name: fmt.Sprint("busy shape ", i)}) })
	}
	begun.Wait()
	got := call(t, m, "f", "", deterministic())
	if string(got.Output) != string(want.Output) || got.Ledger.Fuel != want.Ledger.Fuel {
		t.Errorf("got %s for %d units, in a quiet host %s for %d", got.Output, got.Ledger.Fuel, want.Output, want.Ledger.Fuel)
	}
	ended.Wait()
}

// TestGivenUpSnapshots ends calls while the snapshot they wait for is taken, in
// a host that has room for a few.
func TestGivenUpSnapshots(t *testing.T) {
	t.Parallel()
	var mod asm.Module
	mod.Memory(512, 512)
	mod.Func("_initialize", "", "", "", "i32.const 0 i32.const 1 i32.const 33554432 memory.fill")
	mod.Func("f", "", "i", "", "i32.const 0")
	m := hostWith(t, wasmhost.Config{MemoryBytes: 160 << 20, IdleBytes: -1}, mod.Bytes())
	tries := 0
	for i := range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
		_, _ = m.Call(ctx, "f", nil, options())
		cancel()
	}
	for { // the last ones may be on their way out yet
		_, err := m.Call(t.Context(), "f", nil, options())
		if err == nil {
			return
		}
		if tries++; tries > 1000 || !errors.Is(err, wasmhost.ErrMemory) {
			t.Fatal(err)
		}
	}
}

// TestManyShareAFailure has many calls at once find that their module can't be
// initialized: they need not all try.
func TestManyShareAFailure(t *testing.T) {
	t.Parallel()
	if isolate() != nil {
		t.Skip("cells share no failures")
	}
	var mod asm.Module
	mod.Func("_initialize", "", "", "i", `
		i32.const 100000000 local.set 0
		loop _ local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
		unreachable`)
	mod.Func("f", "", "i", "", "i32.const 0")
	m := compile(t, mod.Bytes())
	start := time.Now()
	_ = trap(t, m, "f", "", wasmhost.KindTrap, options())
	one := time.Since(start)

	const callers = 40
	start = time.Now()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := m.Call(t.Context(), "f", nil, options()); err == nil {
				t.Error("got no error")
			}
		})
	}
	all.Wait()
	if took := time.Since(start); took > callers/2*one {
		t.Errorf("%d calls took %v, one %v", callers, took, one)
	}
}
