package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// sandbox is one instance of a module and its memory. One attempt uses it at a
// time.
type sandbox struct {
	instance api.Module
	memory   *linmem.Memory // nil: the module has none
	pool     *pool          // nil: it can't be reset
	private  int64          // bytes of memory that are not shared, as of the last reset
	grown    int64          // elements of tables that were added
	mayGrow  int64          // elements that may still be added, as of the last bind
	entry    entry

	globals                    []api.MutableGlobal // the guest's own
	fuel, stack, dirty, tables api.MutableGlobal   // the meter's
}

// unread is a source of randomness that nobody reads: guests have our own WASI. It
// keeps wazero from making one for each instance.
var unread = strings.NewReader("")

// instantiate makes an instance for an attempt, which pays for a start function.
func (m *Module) instantiate(ctx context.Context, a *attempt) (*sandbox, error) {
	s := &sandbox{}
	if m.layout.hasMemory {
		s.memory = linmem.New(linmem.Config{Budget: m.host.memories, Portable: m.host.config.Portable})
		s.memory.SetLimit(a.opt.Limits.Memory)
		a.memory = s.memory
		if first := uint64(m.layout.memoryMin) << 16; s.memory.Reallocate(first) == nil && first > 0 {
			s.close(ctx)
			return nil, a.noMemory(int64(first))
		}
		ctx = experimental.WithMemoryAllocator(ctx, s.memory)
	}
	var err error
	s.instance, err = m.host.runtime.InstantiateModule(ctx, m.compiled,
		wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(unread))
	if err != nil {
		s.close(ctx)
		return nil, a.unready(err)
	}
	s.fuel, s.stack = s.global(meter.FuelExport), s.global(meter.StackExport)
	s.dirty, s.tables = s.global(meter.DirtyExport), s.global(meter.TablesExport)
	s.mayGrow = max(0, DefaultTableElements-m.layout.elements)
	for _, g := range m.globals {
		s.globals = append(s.globals, s.global(g.Export))
	}
	return s, nil
}

// noMemory says that the host's own budget is used up.
func (a *attempt) noMemory(bytes int64) error {
	return a.trapError(KindMemory, fmt.Sprintf("the host has no %d bytes of memory left to start the module", bytes), errors.Join(ErrMemory, errNoMemory))
}

func (s *sandbox) global(name string) api.MutableGlobal {
	return s.instance.ExportedGlobal(name).(api.MutableGlobal)
}

// initialize runs what a module wants to be run before its tasks.
func (s *sandbox) initialize(ctx context.Context, a *attempt, calls []extism.Call) error {
	for _, call := range calls {
		a.bind(s)
		if _, err := s.instance.ExportedFunction(call.Export).Call(ctx, call.Args...); err != nil {
			return a.unready(err)
		}
	}
	return nil
}

func (s *sandbox) save() []uint64 {
	values := make([]uint64, len(s.globals))
	for i, g := range s.globals {
		values[i] = g.Get()
	}
	return values
}

// restore makes the sandbox what the snapshot was, or reports why it can't.
// It answers how many pages had been changed.
func (s *sandbox) restore() (pages int, err error) {
	if s.dirty.Get() != 0 {
		return 0, errDirty
	}
	if s.memory != nil {
		if pages, err = s.memory.Reset(); err != nil {
			return pages, fmt.Errorf("reset sandbox: %w", err)
		}
		if err := linmem.Shrink(s.instance.Memory(), s.memory); err != nil {
			return pages, fmt.Errorf("reset sandbox: %w", err)
		}
	}
	for i, g := range s.globals {
		g.Set(s.pool.globals[i])
	}
	s.trim()
	s.private = int64(pages) * int64(os.Getpagesize())
	return pages, nil
}

func (s *sandbox) close(ctx context.Context) {
	if s.instance != nil {
		_ = s.instance.Close(context.WithoutCancel(ctx)) // it holds memory only
	}
	if s.memory != nil {
		s.memory.Free()
	}
}

// initializers are the calls to make before export; with a snapshot to come, the
// guest's warm-up is one.
func (m *Module) initializers(export string, snapshot bool) []extism.Call {
	if m.abi == ABIExtism {
		return m.extismInitializers(export)
	}
	if m.abi != ABIGraflow {
		return nil
	}
	names := []string{abi.ExportInitialize}
	if snapshot {
		names = append(names, abi.ExportWarmup)
	}
	var calls []extism.Call
	for _, name := range names {
		if f, found := m.starters[name]; found && f.Params+f.Results == 0 {
			calls = append(calls, extism.Call{Export: name})
		}
	}
	return calls
}
