package wasm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// reference names an export of a module. Each part may be "".
type reference struct {
	module string
	export string
	name   string // what messages and the guest itself call the module; "" is as module has it
}

// called is the module's name in messages.
func (r reference) called() string { return cmp.Or(r.name, r.module) }

// ModuleOf is the module that the spec of a task names, "" if it is to be its
// spawner's.
func ModuleOf(spec json.RawMessage) (module string, err error) {
	ref, err := parseSpec(spec)
	return ref.module, err
}

// WithModule is the spec of a task with another module in the place of the one that
// it names, which messages and the guest itself call name.
func WithModule(spec json.RawMessage, module, name string) (json.RawMessage, error) {
	ref, err := parseSpec(spec)
	ref.module, ref.name = module, name
	return ref.spec(), err
}

// errNoModule reports a spec that names no module.
var errNoModule = errors.New(`the spec names no module: want {"module": REF, "export": NAME} or "REF#NAME"`)

// parseReference reads the spec of a task in a flow, which names a module.
func parseReference(spec json.RawMessage) (reference, error) {
	ref, err := parseSpec(spec)
	if err == nil && ref.module == "" {
		err = errNoModule
	}
	return ref, err
}

// parseSpec reads "REF#NAME" or {"module": REF, "export": NAME}.
func parseSpec(spec json.RawMessage) (reference, error) {
	spec = bytes.TrimSpace(spec)
	if len(spec) == 0 || bytes.Equal(spec, []byte("null")) {
		return reference{}, errNoModule
	}
	if spec[0] == '"' {
		var text string
		if err := json.Unmarshal(spec, &text); err != nil {
			return reference{}, fmt.Errorf("decode spec: %w", err)
		}
		return splitReference(text), nil
	}
	fields, err := guest.Object("spec", spec, "module", "export", "name")
	if err != nil {
		return reference{}, err
	}
	var ref reference
	return ref, errors.Join(
		fields.Text("module", &ref.module),
		fields.Text("export", &ref.export),
		fields.Text("name", &ref.name),
	)
}

// splitReference cuts at the last "#": a path may hold one, an export rarely.
func splitReference(text string) reference {
	if i := strings.LastIndexByte(text, '#'); i >= 0 {
		return reference{module: text[:i], export: text[i+1:]}
	}
	return reference{module: text}
}

// spec is the canonical JSON of a reference.
func (r reference) spec() json.RawMessage {
	doc := struct {
		Module string `json:"module"`
		Export string `json:"export,omitempty"`
		Name   string `json:"name,omitempty"`
	}{r.module, r.export, r.name}
	data, err := json.Marshal(doc)
	if err != nil {
		panic(err) // two strings
	}
	return data
}
