package wasmhost

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
)

// admission is what a host must know of a module beside its metered bytes. It is found
// once: the cache keeps it beside the code, authenticated as that is, and cells are told.
type admission struct {
	Size      int64                `json:"size"`
	ABI       string               `json:"abi"`
	Imports   []Import             `json:"imports"`
	Tasks     []string             `json:"tasks"`
	Returns   map[string]int       `json:"returns"`
	Globals   []meter.HiddenGlobal `json:"globals"`
	Unsound   string               `json:"unsound,omitempty"`
	Describes bool                 `json:"describes,omitempty"`
	Starters  map[string]arity     `json:"starters,omitempty"`

	HasMemory bool   `json:"has_memory,omitempty"`
	HasStart  bool   `json:"has_start,omitempty"`
	MemoryMin uint32 `json:"memory_min,omitempty"`
	MemoryMax uint32 `json:"memory_max,omitempty"`
	Functions int64  `json:"functions,omitempty"`
	Elements  int64  `json:"elements,omitempty"`
}

// arity is how many values a function takes and returns.
type arity struct {
	Params  int `json:"params,omitempty"`
	Results int `json:"results,omitempty"`
}

// admission is what admit noted.
func (m *Module) admission() admission {
	l := m.layout
	return admission{
		Size: m.size, ABI: m.abi, Imports: m.imports, Tasks: m.tasks, Returns: m.returns,
		Globals: m.globals, Unsound: m.unsound, Describes: m.describes, Starters: m.starters,
		HasMemory: l.hasMemory, HasStart: l.hasStart, MemoryMin: l.memoryMin, MemoryMax: l.memoryMax,
		Functions: l.functions, Elements: l.elements,
	}
}

// note sets what admit would.
func (m *Module) note(a admission) {
	m.size, m.abi, m.imports, m.tasks, m.returns = a.Size, a.ABI, a.Imports, a.Tasks, a.Returns
	m.globals, m.unsound, m.describes, m.starters = a.Globals, a.Unsound, a.Describes, a.Starters
	m.layout = layout{
		hasMemory: a.HasMemory, hasStart: a.HasStart, memoryMin: a.MemoryMin, memoryMax: a.MemoryMax,
		functions: a.Functions, elements: a.Elements,
	}
	m.pools, m.uses = map[string]*pool{}, map[string]bool{}
	for _, i := range m.imports {
		m.uses[i.Module] = true
	}
}

// recall has the module noted as it was admitted before, and returns it metered; nil if
// the cache does not know it.
func (m *Module) recall(wasm []byte) (metered []byte) {
	h := m.host
	if h.config.CacheDir == "" || int64(len(wasm)) > h.config.MaxModuleBytes || !artifact.ChildEnabled() && !h.config.Trusted(m.digest) {
		return nil // it is refused, or has to be looked at: see bearable
	}
	kept, err := h.compiler.Recall(m.admissionKey()...)
	if err != nil {
		h.config.Logger.Warn("what the cache says of a module was not believed", "module", m.digest, "err", err)
	}
	if len(kept) < 4 {
		return nil
	}
	notes, size := kept[4:], binary.BigEndian.Uint32(kept)
	if uint64(size) > uint64(len(notes)) {
		return nil
	}
	var a admission
	if err := json.Unmarshal(notes[:size], &a); err != nil {
		return nil
	}
	m.note(a)
	return notes[size:len(notes):len(notes)]
}

// remember has the cache keep how the module was admitted.
func (m *Module) remember(metered []byte) {
	if m.host.config.CacheDir == "" {
		return
	}
	notes, err := json.Marshal(m.admission())
	if err == nil {
		kept := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(notes)+len(metered)), uint32(len(notes)))
		err = m.host.compiler.Keep(append(append(kept, notes...), metered...), m.admissionKey()...)
	}
	if err != nil {
		m.host.config.Logger.Warn("what was found of a module could not be kept", "module", m.digest, "err", err)
	}
}

// admissionKey is all that decides how a module is admitted: itself, and this program. A
// program that reads, meters or offers anything else finds nothing of an earlier one.
func (m *Module) admissionKey() []string {
	return []string{"admission", m.digest, meter.Version, thisProgram()}
}

// thisProgram tells this executable from others, also from one in its place before.
var thisProgram = sync.OnceValue(func() string {
	var parts strings.Builder
	for _, f := range hostFunctions {
		fmt.Fprintln(&parts, f.module, f.name, f.capability, signature(f.params, f.results))
	}
	if file, err := os.Executable(); err == nil {
		if st, err := os.Stat(file); err == nil {
			fmt.Fprintln(&parts, st.Size(), st.ModTime().UnixNano())
		}
	}
	return parts.String()
})
