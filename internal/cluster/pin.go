package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// Registry is where Pin finds modules, and keeps those that it has none of. An error
// that says that it can't be reached, or that the caller may not, is Unable.
type Registry interface {
	// Digest is that of the module which a reference means.
	Digest(ctx context.Context, ref string) (string, error)
	// Keep stores a local module, unless it is there.
	Keep(ctx context.Context, digest string, code []byte) error
	// Unable tells whether an error says nothing about a module.
	Unable(err error) bool
}

// Files finds modules outside of a registry.
type Files interface {
	wasm.Modules

	// IsRegistered tells whether a reference is one of the registry.
	IsRegistered(ref string) bool
}

// Pin returns the same graph with all its modules, those of sub-flows too, by digest,
// so that workers need no files and names mean what they meant now. Local modules are
// stored in the registry: same content once. The graph is to be checked before, so
// that what a worker would refuse is not stored. Faults are *engine.BuildError,
// joined, at the tasks that name the module.
func Pin(ctx context.Context, registry Registry, files Files, g *engine.Graph) (*engine.Graph, error) {
	p := publisher{registry: registry, files: files, known: map[string]string{}}
	spec, err := p.flow(ctx, "", g.Spec())
	if err != nil || len(p.known) == 0 {
		return g, err
	}
	return spec.Build()
}

// publisher is the state of one Pin.
type publisher struct {
	registry Registry
	files    Files
	known    map[string]string // references to digests
}

// flow rewrites the tasks of a flow; at is where in the whole its tasks are.
func (p *publisher) flow(ctx context.Context, at string, spec engine.Spec) (engine.Spec, error) {
	spec.Tasks = slices.Clone(spec.Tasks)
	var errs []error
	for i := range spec.Tasks {
		t := &spec.Tasks[i]
		place := at + "tasks." + t.ID + ".spec"
		var err error
		switch t.Handler {
		case "wasm":
			t.Spec, err = p.task(ctx, place, t.Spec)
		case "docker":
			t.Spec, err = p.inContainer(ctx, place, t.Spec)
		case engine.FlowHandler:
			t.Spec, err = p.subFlow(ctx, place, t.Spec)
		}
		errs = append(errs, err)
	}
	return spec, errors.Join(errs...)
}

func (p *publisher) subFlow(ctx context.Context, at string, raw json.RawMessage) (json.RawMessage, error) {
	var spec engine.Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return raw, &engine.BuildError{At: at, Message: err.Error()}
	}
	spec, err := p.flow(ctx, at+".", spec)
	if err != nil {
		return raw, err
	}
	return json.Marshal(spec)
}

func (p *publisher) task(ctx context.Context, at string, spec json.RawMessage) (json.RawMessage, error) {
	module, err := wasm.ModuleOf(spec)
	if err != nil || module == "" {
		return spec, nil // the check tells
	}
	digest, err := p.published(ctx, at, module)
	if err != nil || digest == module {
		return spec, err
	}
	return wasm.WithModule(spec, digest, moduleName(module))
}

// inContainer is task for one that runs in a container.
func (p *publisher) inContainer(ctx context.Context, at string, spec json.RawMessage) (json.RawMessage, error) {
	module, _ := SplitExport(ModuleInContainer(spec))
	if module == "" {
		return spec, nil
	}
	digest, err := p.published(ctx, at, module)
	if err != nil || digest == module {
		return spec, err
	}
	return WithModuleInContainer(spec, digest)
}

// published is the digest of a module that the task at a place names.
func (p *publisher) published(ctx context.Context, at, module string) (string, error) {
	if digest, ok := p.known[module]; ok {
		return digest, nil
	}
	digest, err := p.digest(ctx, module)
	if err != nil {
		if p.registry.Unable(err) || ctx.Err() != nil {
			return "", err // not the module's fault
		}
		return "", &engine.BuildError{At: at, Message: fmt.Sprintf("module %q: %v", module, err)}
	}
	p.known[module] = digest
	return digest, nil
}

// digest is that of a module, which the registry has then.
func (p *publisher) digest(ctx context.Context, module string) (string, error) {
	if p.files.IsRegistered(module) {
		return p.registry.Digest(ctx, module)
	}
	code, _, err := p.files.Load(ctx, module)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	return digest, p.registry.Keep(ctx, digest, code)
}

// moduleName is what messages call a module wherever it was: the last part of a path,
// or the name that it has in the registry.
func moduleName(ref string) string {
	if wasm.FormOf(ref) == wasm.FormPath {
		return filepath.Base(filepath.FromSlash(ref))
	}
	return ref
}

// ModuleInContainer is the REF#EXPORT of the spec of a task in a container, "" if it
// has none.
func ModuleInContainer(spec json.RawMessage) string {
	var fields struct{ Wasm any }
	if json.Unmarshal(spec, &fields) != nil {
		return "" // the check of the spec tells
	}
	ref, _ := fields.Wasm.(string)
	return ref
}

// WithModuleInContainer is the spec with another module.
func WithModuleInContainer(spec json.RawMessage, module string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(spec, &fields); err != nil {
		return spec, err
	}
	_, export := SplitExport(ModuleInContainer(spec))
	if export != "" {
		module += "#" + export
	}
	ref, err := json.Marshal(module)
	if err != nil {
		return spec, err
	}
	fields["wasm"] = ref
	return json.Marshal(fields)
}

// SplitExport cuts a reference at its last "#".
func SplitExport(name string) (path, export string) {
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}
