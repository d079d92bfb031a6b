package cases

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// The hosts of [Peers] by their names in the records. Those that are reused leave in
// the sandbox what a task leaves there, for the next one to read.
const (
	nameOurs           = "ours"
	nameCell           = "ours, in a cell: a process of its own"
	nameWazero         = "wazero, fresh"
	nameWazeroStops    = "wazero, fresh, CloseOnContextDone"
	nameExtism         = "Extism, fresh"
	nameExtismStops    = "Extism, fresh, with a timeout"
	nameWasmtime       = "wasmtime-go, fresh"
	nameWazeroReused   = "wazero, reused: leaks state"
	nameExtismReused   = "Extism, reused: leaks state"
	nameWasmtimeReused = "wasmtime-go, reused: leaks state"
)

// modules that the hosts come from.
var modules = map[string]string{
	nameWazero: "github.com/tetratelabs/wazero", nameWazeroStops: "github.com/tetratelabs/wazero", nameWazeroReused: "github.com/tetratelabs/wazero",
	nameExtism: "github.com/extism/go-sdk", nameExtismStops: "github.com/extism/go-sdk", nameExtismReused: "github.com/extism/go-sdk",
	nameWasmtime: wasmtimeModule, nameWasmtimeReused: wasmtimeModule,
}

const wasmtimeModule = "github.com/bytecodealliance/wasmtime-go/v39"

// versions of the hosts, as this program was built with them.
func versions() map[string]string {
	of := map[string]string{nameOurs: "this checkout", nameCell: "this checkout"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return of
	}
	for host, module := range modules {
		for _, m := range info.Deps {
			if m.Path == module {
				of[host] = m.Version
			}
		}
	}
	return of
}

// entrant is one host. worker makes what calls an export in a worker of its own.
type entrant struct {
	name   string
	worker func(ctx context.Context, export string) (peer.Worker, error)
}

// peerField are hosts that have compiled the same work.
type peerField struct {
	entrants     []entrant
	closers      []func(context.Context) error
	wasm, plugin []byte
	versions     map[string]string
}

func newPeerField(ctx context.Context, guests guest.Builder) (*peerField, error) {
	f := &peerField{versions: versions()}
	var err error
	if f.wasm, err = guests.Reactor(ctx, "calls"); err != nil {
		return nil, err
	}
	if f.plugin, err = guests.Reactor(ctx, "callsplugin"); err != nil {
		return nil, err
	}
	if err := f.enter(ctx, f.wasm, f.plugin); err != nil {
		f.close(ctx)
		return nil, err
	}
	return f, nil
}

func (f *peerField) close(ctx context.Context) {
	for _, c := range f.closers {
		closing(ctx, c)
	}
}

func (f *peerField) add(name string, worker func(ctx context.Context, export string) (peer.Worker, error)) {
	f.entrants = append(f.entrants, entrant{name, worker})
}

// enter lets all hosts compile; Extism only if there is a plug-in.
func (f *peerField) enter(ctx context.Context, wasm, plugin []byte) error {
	if err := f.enterOurs(ctx, wasm); err != nil {
		return err
	}
	if err := f.enterWazero(ctx, wasm); err != nil {
		return err
	}
	if plugin != nil {
		if err := f.enterExtism(ctx, plugin); err != nil {
			return err
		}
	}
	return f.enterWasmtime(wasm)
}

func (f *peerField) enterOurs(ctx context.Context, wasm []byte) error {
	host, err := newHost(ctx)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, host.Close)
	for _, way := range []struct {
		name    string
		compile func(context.Context, []byte) (*wasmhost.Module, error)
	}{
		{nameOurs, host.Compile},
		{nameCell, host.CompileIsolated},
	} {
		m, err := way.compile(ctx, wasm)
		if errors.Is(err, wasmhost.ErrNoCells) { // not Linux
			continue
		}
		if err != nil {
			return err
		}
		f.add(way.name, func(_ context.Context, export string) (peer.Worker, error) {
			return func(ctx context.Context, input []byte) ([]byte, error) {
				r, err := m.Call(ctx, export, input, wasmhost.Options{Limits: wasmhost.Limits{Timeout: peer.Timeout}})
				return r.Output, err
			}, nil
		})
	}
	return nil
}

func (f *peerField) enterWazero(ctx context.Context, wasm []byte) error {
	for _, stops := range []bool{false, true} {
		name := nameWazero
		if stops {
			name = nameWazeroStops
		}
		w, err := peer.NewWazero(ctx, wasm, stops)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, w.Close)
		f.add(name, func(_ context.Context, export string) (peer.Worker, error) { return w.Fresh(export), nil })
		if !stops {
			f.add(nameWazeroReused, w.Reused)
		}
	}
	return nil
}

func (f *peerField) enterExtism(ctx context.Context, plugin []byte) error {
	for _, stops := range []bool{false, true} {
		name := nameExtism
		if stops {
			name = nameExtismStops
		}
		e, err := peer.NewExtism(ctx, plugin, stops)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, e.Close)
		f.add(name, func(_ context.Context, export string) (peer.Worker, error) { return e.Fresh(export), nil })
		if !stops {
			f.add(nameExtismReused, e.Reused)
		}
	}
	return nil
}

func (f *peerField) enterWasmtime(wasm []byte) error {
	w, err := peer.NewWasmtime(wasm)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, w.Close)
	for _, fresh := range []bool{true, false} {
		name := nameWasmtime
		if !fresh {
			name = nameWasmtimeReused
		}
		f.add(name, func(_ context.Context, export string) (peer.Worker, error) {
			worker, err := w.Worker()
			if err != nil {
				return nil, err
			}
			if fresh {
				return worker.Fresh(export), nil
			}
			return worker.Reused(export)
		})
	}
	return nil
}

// calling are the hosts as they do what a case asks.
func (f *peerField) calling(c call) []measure.Contender {
	var all []measure.Contender
	for _, e := range f.entrants {
		all = append(all, measure.Contender{Name: e.name, Worker: func(ctx context.Context) (func(context.Context) error, error) {
			w, err := e.worker(ctx, c.export)
			if err != nil {
				return nil, err
			}
			return c.checked(w), nil
		}})
	}
	return all
}

// compiling are the hosts as they compile the Go guest, each time in a new runtime.
func (f *peerField) compiling() []measure.Contender {
	type closer interface {
		Close(ctx context.Context) error
	}
	compile := func(name string, compiled func(context.Context) (closer, error)) measure.Contender {
		return measure.Contender{Name: name, Worker: func(context.Context) (func(context.Context) error, error) {
			return func(ctx context.Context) error {
				c, err := compiled(ctx)
				if err != nil {
					return err
				}
				return c.Close(ctx)
			}, nil
		}}
	}
	return []measure.Contender{
		compile(nameOurs, func(ctx context.Context) (closer, error) {
			host, err := newHost(ctx)
			if err != nil {
				return nil, err
			}
			_, err = host.Compile(ctx, f.wasm)
			return host, err
		}),
		compile(nameWazero, func(ctx context.Context) (closer, error) { return peer.NewWazero(ctx, f.wasm, false) }),
		compile(nameWazeroStops, func(ctx context.Context) (closer, error) { return peer.NewWazero(ctx, f.wasm, true) }),
		compile(nameExtism, func(ctx context.Context) (closer, error) { return peer.NewExtism(ctx, f.plugin, false) }),
		compile(nameWasmtime, func(context.Context) (closer, error) { return peer.NewWasmtime(f.wasm) }),
	}
}
