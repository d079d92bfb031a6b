package receipt

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// Pinned is g with all modules by digest, so that it is the same graph wherever they
// lie. digest tells that of a module as the graph names it; a failure of it is one of
// Pinned. The digest of such a graph is that of its flow in a receipt.
func Pinned(g *engine.Graph, digest func(module string) (string, error)) (*engine.Graph, error) {
	spec, err := eachTask(g.Spec(), "", func(_ string, t *engine.Task) error { return pinTask(t, digest) })
	if err != nil {
		return nil, err
	}
	return spec.Build()
}

// pinTask puts a digest in the place of the task's module, which keeps the name that its
// guest sees.
func pinTask(t *engine.Task, digest func(module string) (string, error)) error {
	switch t.Handler {
	case handlerWasm:
	case handlerDocker:
		return pinContainer(t, digest)
	default:
		return nil
	}
	module, err := wasm.ModuleOf(t.Spec)
	if err != nil || module == "" {
		return nil //nolint:nilerr // what is wrong with it is for its handler to say
	}
	name := nameIn(t.Spec)
	if wasm.FormOf(module) != wasm.FormDigest {
		if name == "" {
			name = module
		}
		sum, err := digest(module)
		if err != nil {
			return fmt.Errorf("module %q: %w", module, err)
		}
		module = sum
	}
	t.Spec, err = wasm.WithModule(t.Spec, module, name)
	return err
}

// pinContainer is pinTask for a task whose module runs in a container. One of which no
// digest is known stays as it is: such a task is not repeated.
func pinContainer(t *engine.Task, digest func(module string) (string, error)) error {
	ref := textIn(t.Spec, "wasm")
	module, export := ref, ""
	if i := strings.LastIndexByte(ref, '#'); i >= 0 {
		module, export = ref[:i], ref[i:]
	}
	if module == "" || wasm.FormOf(module) == wasm.FormDigest {
		return nil
	}
	sum, err := digest(module)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	fields, err := objectOf(t.Spec)
	if err != nil {
		return err
	}
	if fields["wasm"], err = json.Marshal(sum + export); err != nil {
		return err
	}
	t.Spec, err = json.Marshal(fields)
	return err
}

// ParseGraph reads a graph that a receipt carries, or a journal.
func ParseGraph(raw json.RawMessage) (*engine.Graph, error) {
	var spec engine.Spec
	if err := engine.DecodeKnown(raw, &spec); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	g, err := spec.Build()
	if err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	return g, nil
}

// Modules are the digests of the modules that a pinned graph names, by task.
func Modules(g *engine.Graph) map[string]string {
	all := map[string]string{}
	_, _ = eachTask(g.Spec(), "", func(at string, t *engine.Task) error { // of a graph that was built
		if t.Handler == handlerWasm {
			if module, err := wasm.ModuleOf(t.Spec); err == nil {
				all[at] = module
			}
		}
		return nil
	})
	return all
}
