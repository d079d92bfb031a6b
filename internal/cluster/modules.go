package cluster

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

type modules Cluster

var _ ops.Modules = (*modules)(nil)

// List implements ops.Modules.
func (m *modules) List(ctx context.Context, local bool) ([]ops.Module, error) {
	records, err := m.bus.Modules(ctx)
	all := make([]ops.Module, 0, len(records))
	for _, r := range records {
		if local || r.Name != natsbus.LocalModules {
			all = append(all, ModuleOf(r))
		}
	}
	return all, fault(err)
}

// ModuleOf is a record of the registry.
func ModuleOf(r natsbus.ModuleRecord) ops.Module {
	var a About
	_ = json.Unmarshal(r.Tasks, &a) // one that came with a run has nothing
	all := ops.Module{
		Name: r.Name, Version: r.Version, Digest: r.Digest, Size: r.Size, ABI: a.ABI,
		Tasks: []ops.ModuleTask{}, Capabilities: []string{}, Pushed: r.Pushed, By: r.By,
	}
	for _, t := range a.Tasks {
		all.Tasks = append(all.Tasks, ops.ModuleTask(t))
	}
	all.Capabilities = append(all.Capabilities, a.Capabilities...)
	if len(r.Signature) > 0 {
		all.Signature = r.Signature
		all.Signed = "ed25519:" + base64.RawStdEncoding.EncodeToString(r.SignerKey)
		all.Forged = !IsSigned(r.Digest, r.SignerKey, r.Signature)
	}
	return all
}

// Show implements ops.Modules.
func (m *modules) Show(ctx context.Context, ref string) (ops.Module, error) {
	r, err := m.record(ctx, ref)
	if err != nil {
		return ops.Module{}, err
	}
	shown := ModuleOf(r)
	if m.config.Host == nil {
		return shown, nil
	}
	code, err := m.read(ctx, r.Digest)
	if err != nil {
		return shown, err
	}
	d, err := Describe(ctx, m.config.Host, code)
	if err != nil {
		return shown, fmt.Errorf("module %q: %w", ref, err)
	}
	for i, t := range d.Tasks {
		if i < len(shown.Tasks) {
			continue
		}
		shown.Tasks = append(shown.Tasks, ops.ModuleTask(t))
	}
	shown.Description, err = json.Marshal(d)
	return shown, err
}

// record finds a module.
func (m *modules) record(ctx context.Context, ref string) (natsbus.ModuleRecord, error) {
	r, err := m.bus.Module(ctx, ref)
	return r, referred(ctx, err)
}

// referred is the fault of a call that takes a reference: what is not known to be
// another's is that.
func referred(ctx context.Context, err error) error {
	known := errors.Is(err, engine.ErrNotFound) || errors.Is(err, natsbus.ErrUnreachable) || errors.Is(err, natsbus.ErrTampered) || errors.Is(err, natsbus.ErrDenied)
	if err != nil && !known && ctx.Err() == nil {
		err = invalid("the reference", "", err.Error())
	}
	return fault(err)
}

func (m *modules) read(ctx context.Context, digest string) ([]byte, error) {
	r, err := m.bus.OpenModule(ctx, digest)
	if err != nil {
		return nil, fault(err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Push implements ops.Modules.
func (m *modules) Push(ctx context.Context, p ops.ModulePush, code []byte) (ops.Module, error) {
	if m.config.Host == nil {
		return ops.Module{}, fmt.Errorf("push a module: %w: nothing admits it here", ops.ErrUnavailable)
	}
	if err := checkPush(p); err != nil {
		return ops.Module{}, err
	}
	d, err := Describe(ctx, m.config.Host, code)
	if err != nil {
		if ctx.Err() != nil {
			return ops.Module{}, err
		}
		return ops.Module{}, invalid("the module", "", "the sandbox refuses it, and so nothing is stored: "+err.Error())
	}
	r := natsbus.ModuleRecord{Name: p.Name, Version: p.Version, Digest: d.Digest, By: p.By, Signature: p.Signature, SignerKey: p.Signer}
	if r.Tasks, err = AboutOf(d); err != nil {
		return ops.Module{}, err
	}
	if p.Local {
		r.Name, r.Version, r.Tasks = natsbus.LocalModules, strings.TrimPrefix(d.Digest, "sha256:"), nil
	}
	if len(p.Signature) > 0 && !IsSigned(d.Digest, p.Signer, p.Signature) {
		return ops.Module{}, invalid("the signature", "signature", "it is not one of this module by the key that it names")
	}
	put, err := m.bus.PutModule(ctx, r, bytes.NewReader(code))
	if err != nil {
		return ops.Module{}, fault(err)
	}
	return ModuleOf(put), nil
}

var moduleNames = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// IsModuleName tells whether a module may have a name, or a version.
func IsModuleName(name string) bool { return moduleNames.MatchString(name) }

// CheckModuleName refuses names by which nobody could find a module again; version
// may be empty.
func CheckModuleName(name, version string) (where string, err error) {
	switch {
	case name == "":
		return "name", errors.New("is missing: how do flows call the module?")
	case !moduleNames.MatchString(name), strings.HasSuffix(name, ".wasm"):
		return "name", fmt.Errorf("%q: want letters, digits, -, _ and ., at most 128, and not .wasm at the end: that is a file", name)
	case name == natsbus.LocalModules:
		return "name", fmt.Errorf("%s: so are those called that came with a run; give another one", name)
	case version != "" && !moduleNames.MatchString(version):
		return "version", fmt.Errorf("%q: want letters, digits, -, _ and ., at most 128", version)
	}
	return "", nil
}

func checkPush(p ops.ModulePush) error {
	if p.Local {
		return nil
	}
	if where, err := CheckModuleName(p.Name, p.Version); err != nil {
		return invalid("the name of the module", where, where+" "+err.Error())
	}
	return nil
}

// Open implements ops.Modules.
func (m *modules) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	r, err := m.record(ctx, ref)
	if err != nil {
		return nil, err
	}
	code, err := m.bus.OpenModule(ctx, r.Digest)
	return code, fault(err)
}

// Remove implements ops.Modules.
func (m *modules) Remove(ctx context.Context, ref string) error {
	return referred(ctx, m.bus.RemoveModule(ctx, ref))
}
