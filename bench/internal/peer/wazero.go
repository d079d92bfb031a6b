package peer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Wazero is a module on stock wazero, with wazero's own WASI.
type Wazero struct {
	Runtime  wazero.Runtime
	compiled wazero.CompiledModule
	stops    bool
}

// NewWazero compiles a module. With stops, guests end with their context
// (WithCloseOnContextDone), and each task gets one with a timeout.
func NewWazero(ctx context.Context, wasm []byte, stops bool) (*Wazero, error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(stops))
	w := &Wazero{Runtime: r, stops: stops}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, err
	}
	if err := w.imports(ctx); err != nil {
		return nil, err
	}
	var err error
	w.compiled, err = r.CompileModule(ctx, wasm)
	return w, err
}

type taskKey struct{}

func taskOf(ctx context.Context) *task { return ctx.Value(taskKey{}).(*task) }

// imports offers what our guests use of graflow_v1, as fast as wazero can.
func (w *Wazero) imports(ctx context.Context) error {
	const i32, i64, f64 = api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF64
	builder := w.Runtime.NewHostModuleBuilder("graflow_v1")
	for _, f := range []struct {
		name            string
		params, results []api.ValueType
		run             api.GoModuleFunc
	}{
		{"input_len", nil, []api.ValueType{i32}, func(ctx context.Context, _ api.Module, stack []uint64) {
			stack[0] = uint64(len(taskOf(ctx).input))
		}},
		{"input_read", []api.ValueType{i32, i32}, []api.ValueType{i32}, func(ctx context.Context, m api.Module, stack []uint64) {
			to, ok := m.Memory().Read(uint32(stack[0]), uint32(stack[1]))
			if !ok {
				panic("input_read: bad pointer")
			}
			stack[0] = uint64(copy(to, taskOf(ctx).input))
		}},
		{"output_write", []api.ValueType{i32, i32}, []api.ValueType{i32}, func(ctx context.Context, m api.Module, stack []uint64) {
			from, ok := m.Memory().Read(uint32(stack[0]), uint32(stack[1]))
			if !ok {
				panic("output_write: bad pointer")
			}
			taskOf(ctx).output = append(taskOf(ctx).output, from...)
			stack[0] = uint64(len(from))
		}},
		{"fail", []api.ValueType{i32, i32, i32, i32, i64}, nil, func(ctx context.Context, m api.Module, stack []uint64) {
			message, _ := m.Memory().Read(uint32(stack[2]), uint32(stack[3]))
			taskOf(ctx).failed = string(message)
		}},
		{"progress", []api.ValueType{f64, f64, i32, i32}, nil, func(context.Context, api.Module, []uint64) {}},
	} {
		builder.NewFunctionBuilder().WithGoModuleFunction(f.run, f.params, f.results).Export(f.name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// Close ends the runtime.
func (w *Wazero) Close(ctx context.Context) error { return w.Runtime.Close(ctx) }

// Instance is a new instance, initialized.
func (w *Wazero) Instance(ctx context.Context, config wazero.ModuleConfig) (api.Module, error) {
	return w.Runtime.InstantiateModule(ctx, w.compiled, config.WithName("").WithStartFunctions("_initialize"))
}

// Fresh makes an instance for every task.
func (w *Wazero) Fresh(export string) Worker {
	return func(ctx context.Context, input []byte) ([]byte, error) {
		ctx, cancel := w.limited(ctx)
		defer cancel()
		m, err := w.Instance(ctx, wazero.NewModuleConfig())
		if err != nil {
			return nil, err
		}
		output, err := call(ctx, m.ExportedFunction(export), input)
		if closing := m.Close(ctx); err == nil {
			err = closing
		}
		return output, err
	}
}

// Reused makes one instance and leaves in it what tasks leave.
func (w *Wazero) Reused(ctx context.Context, export string) (Worker, error) {
	m, err := w.Instance(ctx, wazero.NewModuleConfig())
	if err != nil {
		return nil, err
	}
	f := m.ExportedFunction(export)
	return func(ctx context.Context, input []byte) ([]byte, error) {
		ctx, cancel := w.limited(ctx)
		defer cancel()
		return call(ctx, f, input)
	}, nil
}

// Command makes an instance for every task of a program with a main function.
func (w *Wazero) Command() Worker {
	return func(ctx context.Context, input []byte) ([]byte, error) {
		ctx, cancel := w.limited(ctx)
		defer cancel()
		var stdout, stderr bytes.Buffer
		m, err := w.Runtime.InstantiateModule(ctx, w.compiled, wazero.NewModuleConfig().WithName("").
			WithStdin(bytes.NewReader(input)).WithStdout(&stdout).WithStderr(&stderr))
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, stderr.Bytes())
		}
		return stdout.Bytes(), m.Close(ctx)
	}
}

func (w *Wazero) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if !w.stops {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, Timeout)
}

func call(ctx context.Context, f api.Function, input []byte) ([]byte, error) {
	t := &task{input: input}
	var stack [1]uint64
	if err := f.CallWithStack(context.WithValue(ctx, taskKey{}, t), stack[:]); err != nil {
		return nil, err
	}
	return t.result(api.DecodeI32(stack[0]))
}
