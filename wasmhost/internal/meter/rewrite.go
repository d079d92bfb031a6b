package meter

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// rewriter holds where in the index spaces the additions are.
type rewriter struct {
	*survey
	options Options
	types   []wasmbin.FuncType // those of the module and the added ones
	results map[string]uint32  // type indices of blocks by their results

	yield                       uint32 // function index
	fuel, stack, dirty, tables  uint32 // global indices
	added                       []addedFunction
	fill, copy, grow            uint32 // function indices of added functions
	rangeType                   uint32 // of blocks that take the operands of memory.copy
	chargeBytes, chargeElements uint32
	growTable                   []uint32 // by table index
	globals                     []HiddenGlobal
	unrestorable                bool
}

// Rewrite adds metering to a module that [wasmbin.Parse] returned. It fails
// with a *wasmbin.Error when the module is not valid, uses the names that begin
// with [Prefix], or is made of little but loops, so that it would grow fourfold. The same module and options give the same bytes.
func Rewrite(m *wasmbin.Module, options Options) (*Result, error) {
	if err := checkNames(m); err != nil {
		return nil, err
	}
	if m.MaxStack == nil {
		if err := m.Validate(); err != nil {
			return nil, err
		}
	}
	r := newRewriter(m, options.withDefaults())
	code, err := r.code()
	if err != nil {
		return nil, err
	}
	return &Result{Wasm: r.module(code), Globals: r.globals, Unrestorable: r.unrestorable}, nil
}

func checkNames(m *wasmbin.Module) error {
	for i := range m.Exports {
		if e := &m.Exports[i]; strings.HasPrefix(e.Name, Prefix) {
			return &wasmbin.Error{Offset: e.Offset, Section: "export", Reason: fmt.Sprintf("exports %q: names that begin with %q are the host's, rename it", e.Name, Prefix)}
		}
	}
	for i := range m.Imports {
		if imported := &m.Imports[i]; strings.HasPrefix(imported.Module, Prefix) {
			return &wasmbin.Error{Offset: imported.Offset, Section: "import", Reason: fmt.Sprintf("imports from %q: modules that begin with %q are the host's own", imported.Module, Prefix)}
		}
	}
	return nil
}

func newRewriter(m *wasmbin.Module, options Options) *rewriter {
	globals := uint32(len(m.Globals))
	r := &rewriter{
		survey:  newSurvey(m),
		options: options,
		types:   append([]wasmbin.FuncType(nil), m.Types...),
		results: map[string]uint32{},
		yield:   uint32(m.ImportedFunctions),
		fuel:    globals, stack: globals + 1, dirty: globals + 2, tables: globals + 3,
	}
	for i, t := range m.Types {
		if len(t.Params) == 0 {
			if _, known := r.results[typeKey(t.Results)]; !known {
				r.results[typeKey(t.Results)] = uint32(i)
			}
		}
	}
	r.addFunctions()
	r.listGlobals()
	return r
}

// listGlobals notes which mutable globals the host can save through exports.
func (r *rewriter) listGlobals() {
	for i, g := range r.m.Globals {
		switch {
		case !g.Mutable:
		case i < r.m.ImportedGlobals || g.Type == wasmbin.V128 || g.Type.IsRef():
			r.unrestorable = true
		default:
			r.globals = append(r.globals, HiddenGlobal{Export: fmt.Sprintf("%s%d", globalExport, i), Index: uint32(i), Type: g.Type})
		}
	}
}

func typeKey(types []wasmbin.ValueType) string {
	key := make([]byte, len(types))
	for i, t := range types {
		key[i] = byte(t)
	}
	return string(key)
}

// resultType returns the index of the type without parameters that has these
// results, added if need be.
func (r *rewriter) resultType(results []wasmbin.ValueType) uint32 {
	key := typeKey(results)
	i, known := r.results[key]
	if !known {
		i = r.addType(nil, results)
		r.results[key] = i
	}
	return i
}

func (r *rewriter) addType(params, results []wasmbin.ValueType) uint32 {
	r.types = append(r.types, wasmbin.FuncType{Params: params, Results: results})
	return uint32(len(r.types) - 1)
}

// shift returns the index that a function of the guest has in the new module.
func (r *rewriter) shift(function uint32) uint32 {
	if function >= r.yield {
		return function + 1
	}
	return function
}
