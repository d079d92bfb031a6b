package wasmhost

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/tetratelabs/wazero"
)

// The ABIs a module may speak.
const (
	ABIGraflow     = "graflow-v1"
	ABIWASICommand = "wasi-command"
	ABIExtism      = "extism"
)

// Bounds of graflow_describe. Reading JSON takes many times its bytes.
const (
	describeTimeout = 5 * time.Second
	describeBytes   = 1 << 20
)

// Module is a compiled module. It is safe for concurrent use and lives until it
// or its host is closed.
type Module struct {
	host      *Host
	key       string                // in Host.modules
	compiled  wazero.CompiledModule // nil: the module is isolated
	digest    string
	size      int64
	layout    layout
	abi       string
	imports   []Import
	uses      map[string]bool      // modules imported from
	tasks     []string             // sorted
	returns   map[string]int       // number of results by task; a command's has none
	globals   []meter.HiddenGlobal // what a reset puts back
	unsound   string               // why the module can't be snapshotted, or ""
	describes bool                 // it exports graflow_describe
	starters  map[string]arity     // what it exports of what is called before a task

	isolated bool             // its calls run in cells
	metered  []byte           // of one that is: its bytes as the meter wrote them
	native   *artifact.Native // likewise

	pools map[string]*pool // by shape; guarded by Host.poolMu

	active sync.WaitGroup // added to under Host.mu
	closed bool           // guarded by Host.mu

	refusal atomic.Value // of an isolated module: why cells can't snapshot it, a string

	mu        sync.Mutex // guards described
	described []abi.TaskDescription
}

// Description is what can be said of a module without running it.
type Description struct {
	Digest       string                `json:"digest"` // "sha256:…"
	Size         int64                 `json:"size"`   // bytes
	ABI          string                `json:"abi"`
	Imports      []Import              `json:"imports"`
	Capabilities []string              `json:"capabilities"` // of all imports, sorted
	Tasks        []abi.TaskDescription `json:"tasks"`        // sorted by name; docs need Module.Tasks
	MemoryMin    uint64                `json:"memory_min"`   // pages of 64 KiB
	MemoryMax    uint64                `json:"memory_max"`   // pages; 0: none declared
	Snapshotable bool                  `json:"snapshotable"`
	WhyNot       string                `json:"why_not,omitempty"` // why not snapshotable
}

// Import is one function a module asks the host for.
type Import struct {
	Module     string `json:"module"`
	Name       string `json:"name"`
	Capability string `json:"capability"`
}

// Digest is the module's identity: "sha256:" and the hash of its bytes.
func (m *Module) Digest() string { return m.digest }

// begin registers a call, which Close waits for; the caller runs done.
func (m *Module) begin() error {
	m.host.mu.Lock()
	defer m.host.mu.Unlock()
	if m.host.closed || m.closed {
		return ErrClosed
	}
	m.host.active.Add(1)
	m.active.Add(1)
	return nil
}

func (m *Module) done() {
	m.active.Done()
	m.host.active.Done()
}

// Close lets go of a module: its sandboxes, its snapshots and its code. It waits
// for running calls; further ones answer ErrClosed, for all who hold it. To
// compile the same bytes again begins anew.
func (m *Module) Close(ctx context.Context) error {
	h := m.host
	h.mu.Lock()
	if h.closed || m.closed {
		h.mu.Unlock()
		return nil
	}
	m.closed = true
	delete(h.modules, m.key)
	h.active.Add(1)
	h.mu.Unlock()
	defer h.active.Done()
	m.active.Wait()
	ctx = context.WithoutCancel(ctx)
	if m.isolated {
		return m.native.Close()
	}
	h.closePools(ctx, m)
	return m.compiled.Close(ctx)
}

// Describe tells what the module is. Tasks carry their names only. Whether a
// module can be snapshotted shows once it was initialized: after Prewarm or a
// call.
func (m *Module) Describe() Description {
	d := Description{
		Digest: m.digest, Size: m.size, ABI: m.abi,
		Imports: slices.Clone(m.imports), Tasks: []abi.TaskDescription{}, Capabilities: []string{},
		MemoryMin: uint64(m.layout.memoryMin), MemoryMax: uint64(m.layout.memoryMax),
		WhyNot: m.whyNot(),
	}
	d.Snapshotable = d.WhyNot == ""
	for _, i := range m.imports {
		d.Capabilities = append(d.Capabilities, i.Capability)
	}
	slices.Sort(d.Capabilities)
	d.Capabilities = slices.Compact(d.Capabilities)
	for _, name := range m.tasks {
		d.Tasks = append(d.Tasks, abi.TaskDescription{Name: name})
	}
	return d
}

// whyNot is why calls get an instance that is initialized anew, or "".
func (m *Module) whyNot() string {
	if m.unsound != "" {
		return m.unsound
	}
	if m.isolated {
		why, _ := m.refusal.Load().(string)
		return why
	}
	m.host.poolMu.Lock()
	defer m.host.poolMu.Unlock()
	for _, p := range m.pools {
		select {
		case <-p.ready:
			if p.unsound != "" {
				return p.unsound
			}
		default:
		}
	}
	return ""
}

// Tasks lists the tasks with the docs and schemas that the module gives of
// them. It runs graflow_describe, if exported, in a sandbox without grants, for
// 5 seconds at most, and keeps the answer. Documents of tasks that are not
// exported are dropped.
func (m *Module) Tasks(ctx context.Context) ([]abi.TaskDescription, error) {
	plain := m.Describe().Tasks
	if m.abi != ABIGraflow || !m.describes {
		return plain, nil
	}
	m.mu.Lock()
	kept := m.described
	m.mu.Unlock()
	if kept != nil {
		return slices.Clone(kept), nil
	}
	no := false
	result, err := m.call(ctx, abi.ExportDescribe, nil, Options{
		Limits: Limits{Timeout: describeTimeout, OutputBytes: describeBytes},
		Grants: Grants{Channel: &no, Control: &no},
	})
	if err != nil {
		return nil, fmt.Errorf("describe module: %w", err)
	}
	var doc abi.Description
	if err := json.Unmarshal(result.Output, &doc); err != nil {
		return nil, fmt.Errorf("describe module %s: its description: %w", short(m.digest), err)
	}
	for _, t := range doc.Tasks {
		if i, found := slices.BinarySearch(m.tasks, t.Name); found { // plain is in their order
			plain[i] = t
		}
	}
	m.mu.Lock()
	m.described = plain
	m.mu.Unlock()
	return slices.Clone(plain), nil
}
