package wasmhost

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The ABIs a module may speak.
const (
	ABIGraflow     = "graflow-v1"
	ABIWASICommand = "wasi-command"
)

// describeTimeout bounds graflow_describe.
const describeTimeout = 5 * time.Second

// Module is a compiled module. It is safe for concurrent use and lives as long
// as its host.
type Module struct {
	host     *Host
	compiled wazero.CompiledModule
	digest   string
	size     int64
	layout   layout
	abi      string
	tasks    []string // sorted

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

// Describe tells what the module is. Tasks carry their names only.
func (m *Module) Describe() Description {
	d := Description{
		Digest: m.digest, Size: m.size, ABI: m.abi,
		Imports: []Import{}, Tasks: []abi.TaskDescription{}, Capabilities: []string{},
		MemoryMin: m.layout.memoryMin,
		WhyNot:    "snapshots are not built yet: every call gets a fresh instance",
	}
	if m.layout.memoryMax != noMax {
		d.MemoryMax = m.layout.memoryMax
	}
	for _, i := range m.layout.imports {
		word := capabilityOf(i.module, i.name)
		d.Imports = append(d.Imports, Import{Module: i.module, Name: i.name, Capability: word})
		d.Capabilities = append(d.Capabilities, word)
	}
	slices.Sort(d.Capabilities)
	d.Capabilities = slices.Compact(d.Capabilities)
	for _, name := range m.tasks {
		d.Tasks = append(d.Tasks, abi.TaskDescription{Name: name})
	}
	return d
}

// Tasks lists the tasks with the docs and schemas that the module gives of
// them. It runs graflow_describe, if exported, in a sandbox without grants, for
// 5 seconds at most, and keeps the answer. Documents of tasks that are not
// exported are dropped.
func (m *Module) Tasks(ctx context.Context) ([]abi.TaskDescription, error) {
	plain := m.Describe().Tasks
	if _, ok := m.compiled.ExportedFunctions()[abi.ExportDescribe]; !ok || m.abi != ABIGraflow {
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
		Limits: Limits{Timeout: describeTimeout},
		Grants: Grants{Channel: &no, Control: &no},
	})
	if err != nil {
		return nil, fmt.Errorf("describe module: %w", err)
	}
	var doc abi.Description
	if err := json.Unmarshal(result.Output, &doc); err != nil {
		return nil, fmt.Errorf("describe module %s: its description: %w", short(m.digest), err)
	}
	for i := range plain {
		for _, t := range doc.Tasks {
			if t.Name == plain[i].Name {
				plain[i] = t
			}
		}
	}
	m.mu.Lock()
	m.described = plain
	m.mu.Unlock()
	return slices.Clone(plain), nil
}

// classify decides which ABI a compiled module speaks, and lists its tasks.
func (m *Module) classify() error {
	if err := m.checkSignatures(); err != nil {
		return err
	}
	exports := m.compiled.ExportedFunctions()
	_, start := exports[abi.ExportStart]
	_, reactor := exports[abi.ExportInitialize]
	graflow := slices.ContainsFunc(m.layout.imports, func(i importEntry) bool { return i.module == abi.Module })
	if start && !reactor {
		if graflow {
			return &ModuleError{Reason: "it imports graflow_v1 but is a command (it exports _start): build it as a reactor, in Go with -buildmode=c-shared"}
		}
		if f := exports[abi.ExportStart]; len(f.ParamTypes())+len(f.ResultTypes()) > 0 {
			return &ModuleError{Reason: "its _start has parameters or results: a WASI command's has none"}
		}
		m.abi, m.tasks = ABIWASICommand, []string{abi.ExportStart}
		return nil
	}
	m.abi = ABIGraflow
	for name, f := range exports {
		if isTask(name, f) {
			m.tasks = append(m.tasks, name)
		}
	}
	sort.Strings(m.tasks)
	if len(m.tasks) > 0 {
		return nil
	}
	if graflow {
		return &ModuleError{Reason: "it exports no task: a function without parameters that returns an i32"}
	}
	return &ModuleError{Reason: "neither a graflow_v1 module (no export of type () -> i32) nor a WASI command (no _start)"}
}

func isTask(name string, f api.FunctionDefinition) bool {
	switch name {
	case abi.ExportInitialize, abi.ExportWarmup, abi.ExportDescribe, abi.ExportStart:
		return false
	}
	return len(f.ParamTypes()) == 0 && slices.Equal(f.ResultTypes(), []api.ValueType{api.ValueTypeI32})
}

// checkImports refuses imports that no ABI offers, naming all of them.
func (h *Host) checkImports(imports []importEntry) error {
	var unknown []string
	for _, i := range imports {
		_, graflow := functionsByName[i.name]
		_, wasi := h.wasi[i.name]
		known := i.kind == 0 && (i.module == abi.Module && graflow || i.module == wasiModule && wasi)
		if !known {
			unknown = append(unknown, i.module+"."+i.name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return &ModuleError{Section: "import", Reason: "unknown imports: " + strings.Join(slices.Compact(unknown), ", ")}
}

// checkSignatures compares the types of imports with what the host offers.
func (m *Module) checkSignatures() error {
	for _, f := range m.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		var params, results []api.ValueType
		if module == abi.Module {
			offered := functionsByName[name]
			params, results = offered.params, offered.results
		} else {
			offered := m.host.wasi[name]
			params, results = offered.ParamTypes(), offered.ResultTypes()
		}
		if !slices.Equal(params, f.ParamTypes()) || !slices.Equal(results, f.ResultTypes()) {
			return &ModuleError{Section: "import", Reason: fmt.Sprintf("%s.%s has type %s, the host offers %s", module, name,
				signature(f.ParamTypes(), f.ResultTypes()), signature(params, results))}
		}
	}
	return nil
}

func signature(params, results []api.ValueType) string {
	return fmt.Sprintf("(%s) -> (%s)", typeNames(params), typeNames(results))
}

func typeNames(types []api.ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = api.ValueTypeName(t)
	}
	return strings.Join(names, ", ")
}
