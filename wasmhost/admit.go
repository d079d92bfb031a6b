package wasmhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/tetratelabs/wazero/api"
)

// compile takes a module through all checks, the meter and the compiler. wazero
// sees nothing that the parser did not pass. m has what is known before.
func (h *Host) compile(ctx context.Context, m *Module, wasm []byte) (done *Module, err error) {
	defer func() {
		if r := recover(); r != nil {
			done, err = nil, &ModuleError{Reason: fmt.Sprintf("admission panicked: %v", r)}
		}
		err = withDigest(err, m.digest)
	}()
	metered := m.recall(wasm)
	known := metered != nil
	if !known {
		if metered, err = m.admit(wasm); err != nil {
			return nil, err
		}
	}
	if err := m.makeNative(ctx, metered, wasm); err != nil {
		return nil, err
	}
	if !known {
		m.remember(metered)
	}
	return m, nil
}

// admit has the module checked, and what it says of itself noted, and returns it
// metered.
func (m *Module) admit(wasm []byte) (metered []byte, err error) {
	h := m.host
	parsed, err := h.parse(wasm)
	if err != nil {
		return nil, err
	}
	m.size, m.layout, m.pools = int64(len(wasm)), layoutOf(parsed), map[string]*pool{}
	m.uses, m.returns = map[string]bool{}, map[string]int{abi.ExportDescribe: 1}
	if err := m.checkImports(parsed); err != nil {
		return nil, err
	}
	if err := m.classify(parsed); err != nil {
		return nil, err
	}
	if err := h.bearable(m.digest, parsed); err != nil {
		return nil, err
	}
	rewritten, err := meter.Rewrite(parsed, meter.Options{InitialStack: DefaultStack, MaxTableElements: DefaultTableElements})
	if err != nil {
		return nil, moduleError(err)
	}
	m.globals = rewritten.Globals
	if rewritten.Unrestorable {
		m.unsound = "it has mutable globals of vectors or references, which can't be put back"
	}
	return rewritten.Wasm, nil
}

func (h *Host) parse(wasm []byte) (*wasmbin.Module, error) {
	parsed, err := wasmbin.Parse(wasm, wasmbin.Limits{ModuleBytes: int(h.config.MaxModuleBytes)})
	if err == nil {
		err = parsed.Validate()
	}
	return parsed, moduleError(err)
}

// mostCompile is how long compiling may take by estimate where nothing can stop it.
const mostCompile = 2 * time.Second

// bearable refuses what would keep the compiler busy for long in this process.
func (h *Host) bearable(digest string, parsed *wasmbin.Module) error {
	if artifact.ChildEnabled() || h.config.Trusted(digest) {
		return nil
	}
	return moduleError(estimate.Check(parsed, mostCompile))
}

// moduleError translates what the parser and the meter refuse.
func moduleError(err error) error {
	var bad *wasmbin.Error
	if errors.As(err, &bad) {
		return &ModuleError{Offset: bad.Offset, Section: bad.Section, Reason: bad.Reason}
	}
	if err != nil {
		return &ModuleError{Reason: err.Error()}
	}
	return nil
}

// makeNative compiles what the meter wrote, or finds it in the cache. Of an isolated
// module the code and those bytes are kept for its cells.
func (m *Module) makeNative(ctx context.Context, metered, wasm []byte) (err error) {
	h := m.host
	key := artifact.Key{Module: sha256.Sum256(wasm), Meter: meter.Version}
	var report artifact.Report
	if m.isolated {
		m.metered = metered
		m.native, report, err = h.compiler.Make(ctx, key, metered, h.config.Trusted(m.digest))
	} else {
		m.compiled, report, err = h.compiler.Compile(ctx, h.runtime, key, metered, h.config.Trusted(m.digest))
	}
	if report.Rejected != nil {
		h.config.Logger.Warn("compiled code in the cache was not run", "module", m.digest, "err", report.Rejected)
	}
	if report.Unsaved != nil {
		h.config.Logger.Warn("compiled code could not be kept", "module", m.digest, "err", report.Unsaved)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &ModuleError{Reason: err.Error()}
}

// layout is what the host must know of a module's parts.
type layout struct {
	hasMemory bool
	hasStart  bool   // a start function, which every new instance runs
	memoryMin uint32 // pages
	memoryMax uint32 // pages; 0: none declared
	functions int64
	elements  int64 // of all tables, at first
}

func layoutOf(parsed *wasmbin.Module) layout {
	l := layout{functions: int64(len(parsed.Functions)), hasStart: parsed.Start != nil}
	for _, mem := range parsed.Memories {
		l.hasMemory, l.memoryMin = true, mem.Min
		if mem.HasMax {
			l.memoryMax = mem.Max
		}
	}
	for _, t := range parsed.Tables {
		l.elements += int64(t.Min)
	}
	return l
}

// checkImports refuses imports that no ABI offers or that have another type,
// naming all of them, and notes the others.
func (m *Module) checkImports(parsed *wasmbin.Module) error {
	var unknown, wrong []string
	for _, i := range parsed.Imports {
		f := hostFunctionsByName[importName{i.Module, i.Name}]
		if f == nil || i.Kind != wasmbin.KindFunc {
			unknown = append(unknown, fmt.Sprintf("%s.%s (%s)", i.Module, i.Name, i.Kind))
			continue
		}
		wanted := parsed.Types[i.Type]
		params, results := apiTypes(wanted.Params), apiTypes(wanted.Results)
		if !slices.Equal(f.params, params) || !slices.Equal(f.results, results) {
			wrong = append(wrong, fmt.Sprintf("%s.%s has type %s, the host offers %s",
				i.Module, i.Name, signature(params, results), signature(f.params, f.results)))
		}
		m.imports = append(m.imports, Import{Module: i.Module, Name: i.Name, Capability: f.capability})
		m.uses[i.Module] = true
	}
	switch {
	case len(unknown) > 0:
		slices.Sort(unknown)
		return &ModuleError{Section: "import", Reason: "unknown imports: " + strings.Join(slices.Compact(unknown), ", ") +
			unknownHint(unknown)}
	case len(wrong) > 0:
		return &ModuleError{Section: "import", Reason: strings.Join(wrong, "; ")}
	}
	return nil
}

// unknownHint tells what kind of host a module was made for.
func unknownHint(unknown []string) string {
	for _, known := range []struct{ prefix, hint string }{
		{"extism:host/user.", ": a plug-in's own host functions are not offered"},
		{"wasi_snapshot_preview2", ": WASI preview 2 is not offered, build for wasip1"},
		{"wasi:", ": WASI preview 2 is not offered, build for wasip1"},
		{"wasi_unstable.", ": WASI preview 0 is not offered, build for wasip1"},
		{"gojs.", ": it was built for a browser (GOOS=js); build with GOOS=wasip1"},
		{"go.", ": it was built for a browser (GOOS=js); build with GOOS=wasip1"},
		{"wbg.", ": it was built with wasm-bindgen for a browser; build for wasm32-wasip1"},
		{"__wbindgen", ": it was built with wasm-bindgen for a browser; build for wasm32-wasip1"},
	} {
		if strings.HasPrefix(unknown[0], known.prefix) {
			return known.hint
		}
	}
	return ""
}

func apiTypes(types []wasmbin.ValueType) []api.ValueType {
	same := make([]api.ValueType, len(types))
	for i, t := range types {
		same[i] = api.ValueType(t)
	}
	return same
}

func signature(params, results []api.ValueType) string {
	return fmt.Sprintf("(%s) -> (%s)", typeNames(params), typeNames(results))
}

func typeNames(types []api.ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = wasmbin.ValueType(t).String()
	}
	return strings.Join(names, ", ")
}

// classify decides which ABI a module speaks, and lists its tasks.
func (m *Module) classify(parsed *wasmbin.Module) error {
	exports := map[string]wasmbin.FuncType{}
	for _, e := range parsed.Exports {
		// A function of the host is no task: without a caller it has no memory to see.
		if e.Kind == wasmbin.KindFunc && int(e.Index) >= parsed.ImportedFunctions {
			exports[e.Name] = parsed.TypeOf(e.Index)
		}
	}
	if f, found := exports[abi.ExportDescribe]; found {
		m.describes = len(f.Params) == 0 && slices.Equal(f.Results, []wasmbin.ValueType{wasmbin.I32})
	}
	m.starters = startersOf(exports)
	_, start := exports[abi.ExportStart]
	_, reactor := exports[abi.ExportInitialize]
	switch {
	case m.uses[abi.Module] && m.uses[extismModule]:
		return &ModuleError{Reason: "it imports both graflow_v1 and extism:host/env: want one of the two"}
	case m.uses[extismModule]:
		m.abi = ABIExtism
	case start && !reactor && m.uses[abi.Module]:
		return &ModuleError{Reason: "it imports graflow_v1 but is a command (it exports _start): build it as a reactor, in Go with -buildmode=c-shared"}
	case start && !reactor:
		return m.classifyCommand(exports[abi.ExportStart])
	default:
		m.abi = ABIGraflow
	}
	for name, f := range exports {
		if m.isTask(name, f) {
			m.tasks = append(m.tasks, name)
			m.returns[name] = len(f.Results)
		}
	}
	slices.Sort(m.tasks)
	switch {
	case len(m.tasks) > 0:
		return nil
	case m.uses[abi.Module] || m.abi == ABIExtism:
		return &ModuleError{Reason: "it exports no task: a function without parameters that returns an i32"}
	}
	return &ModuleError{Reason: "neither a graflow_v1 module (no export of type () -> i32) nor a WASI command (no _start) nor an Extism plug-in"}
}

// startersOf finds what hosts call before a task. wazero would tell too, in time that
// grows with exports times functions.
func startersOf(exports map[string]wasmbin.FuncType) map[string]arity {
	starters := map[string]arity{}
	for _, name := range append([]string{abi.ExportWarmup}, extism.Starters[:]...) {
		if f, found := exports[name]; found {
			starters[name] = arity{len(f.Params), len(f.Results)}
		}
	}
	return starters
}

func (m *Module) classifyCommand(start wasmbin.FuncType) error {
	if len(start.Params)+len(start.Results) > 0 {
		return &ModuleError{Reason: "its _start has parameters or results: a WASI command's has none"}
	}
	m.abi, m.tasks = ABIWASICommand, []string{abi.ExportStart}
	return nil
}

// isTask tells tasks from what an ABI or a toolchain exports.
func (m *Module) isTask(name string, f wasmbin.FuncType) bool {
	if m.abi == ABIExtism {
		return isExtismTask(name, f)
	}
	switch name {
	case abi.ExportInitialize, abi.ExportWarmup, abi.ExportDescribe, abi.ExportStart:
		return false
	}
	return len(f.Params) == 0 && slices.Equal(f.Results, []wasmbin.ValueType{wasmbin.I32})
}
