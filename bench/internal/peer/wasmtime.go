package peer

import (
	"context"
	"errors"
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// Wasmtime is a module on wasmtime-go with epoch interruption, without fuel, and
// otherwise as it comes: Cranelift, copy-on-write images for memories. (The Go
// binding offers no pooling allocator.)
type Wasmtime struct {
	engine *wasmtime.Engine
	module *wasmtime.Module
}

// NewWasmtime compiles a module.
func NewWasmtime(wasm []byte) (*Wasmtime, error) {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	w := &Wasmtime{engine: wasmtime.NewEngineWithConfig(config)}
	var err error
	w.module, err = wasmtime.NewModule(w.engine, wasm)
	return w, err
}

// Close frees the code.
func (w *Wasmtime) Close(context.Context) error {
	w.module.Close()
	w.engine.Close()
	return nil
}

// WasmtimeWorker owns one linker, and what its functions work on.
type WasmtimeWorker struct {
	*Wasmtime
	linker *wasmtime.Linker
	task   *task
}

// Worker links the imports of our guests.
func (w *Wasmtime) Worker() (*WasmtimeWorker, error) {
	worker := &WasmtimeWorker{Wasmtime: w, linker: wasmtime.NewLinker(w.engine)}
	return worker, errors.Join(worker.linker.DefineWasi(), worker.imports())
}

func (w *WasmtimeWorker) imports() error {
	i32, i64, f64 := wasmtime.NewValType(wasmtime.KindI32), wasmtime.NewValType(wasmtime.KindI64), wasmtime.NewValType(wasmtime.KindF64)
	type types = []*wasmtime.ValType
	type run = func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap)
	length := func(n int) []wasmtime.Val { return []wasmtime.Val{wasmtime.ValI32(int32(n))} }
	var err error
	for _, f := range []struct {
		name            string
		params, results types
		run             run
	}{
		{"input_len", nil, types{i32}, func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return length(len(w.task.input)), nil
		}},
		{"input_read", types{i32, i32}, types{i32}, func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return length(copy(view(c, args[0], args[1]), w.task.input)), nil
		}},
		{"output_write", types{i32, i32}, types{i32}, func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			from := view(c, args[0], args[1])
			w.task.output = append(w.task.output, from...)
			return length(len(from)), nil
		}},
		{"fail", types{i32, i32, i32, i32, i64}, nil, func(c *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			w.task.failed = string(view(c, args[2], args[3]))
			return nil, nil
		}},
		{"progress", types{f64, f64, i32, i32}, nil, func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
			return nil, nil
		}},
	} {
		err = errors.Join(err, w.linker.FuncNew("graflow_v1", f.name, wasmtime.NewFuncType(f.params, f.results), f.run))
	}
	return err
}

func view(c *wasmtime.Caller, pointer, length wasmtime.Val) []byte {
	from := uint64(uint32(pointer.I32()))
	return c.GetExport("memory").Memory().UnsafeData(c)[from : from+uint64(uint32(length.I32()))]
}

// Instance is a new store with a new instance, initialized.
func (w *WasmtimeWorker) Instance() (*wasmtime.Store, *wasmtime.Instance, error) {
	store := wasmtime.NewStore(w.engine)
	store.SetWasi(wasmtime.NewWasiConfig())
	store.SetEpochDeadline(1 << 30)
	instance, err := w.linker.Instantiate(store, w.module)
	if err != nil {
		return nil, nil, err
	}
	if init := instance.GetFunc(store, "_initialize"); init != nil {
		if _, err := init.Call(store); err != nil {
			return nil, nil, fmt.Errorf("_initialize: %w", err)
		}
	}
	return store, instance, nil
}

// Fresh makes an instance for every task.
func (w *WasmtimeWorker) Fresh(export string) Worker {
	return func(_ context.Context, input []byte) ([]byte, error) {
		store, instance, err := w.Instance()
		if err != nil {
			return nil, err
		}
		defer store.Close()
		return w.call(store, instance.GetFunc(store, export), input)
	}
}

// Reused makes one instance and leaves in it what tasks leave.
func (w *WasmtimeWorker) Reused(export string) (Worker, error) {
	store, instance, err := w.Instance()
	if err != nil {
		return nil, err
	}
	f := instance.GetFunc(store, export)
	return func(_ context.Context, input []byte) ([]byte, error) {
		return w.call(store, f, input)
	}, nil
}

func (w *WasmtimeWorker) call(store *wasmtime.Store, f *wasmtime.Func, input []byte) ([]byte, error) {
	w.task = &task{input: input}
	status, err := f.Call(store)
	if err != nil {
		return nil, err
	}
	return w.task.result(status.(int32))
}
