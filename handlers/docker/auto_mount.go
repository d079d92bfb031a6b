package docker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// binary is the file that is mounted into containers: static, since an image has no
// libraries of ours.
func (h *Handler) binary() (string, error) {
	name := h.config.Binary
	if name == "" {
		own, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("docker.auto_mount: find this program: %w", err)
		}
		name = own
	}
	name, err := filepath.Abs(name)
	if err == nil {
		err = checkStatic(name)
	}
	if err != nil {
		return "", lasting(KindCommand, "docker.auto_mount: %w", err)
	}
	return name, nil
}

// checkStatic wants a program of Linux that needs no interpreter.
func checkStatic(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return fmt.Errorf("%s is no program of Linux, which the containers need: %w; name one that is", name, err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s needs libraries that images don't have: build it with CGO_ENABLED=0, or name a static program that calls inside.Child", name)
		}
	}
	return nil
}

// insideEnvironment is what the engine's binary in a container is told.
func (a *attempt) insideEnvironment() map[string]string {
	s := a.settings
	if !s.autoMount {
		return nil
	}
	return map[string]string{inside.EnvOutputBytes: strconv.FormatInt(s.limits.OutputBytes, 10)}
}

// layInside makes what the engine's own process in the container needs, if there is
// to be one.
func (a *attempt) layInside(ctx context.Context, dir string, at *place) (err error) {
	if !a.settings.autoMount {
		return nil
	}
	if at.Binary, err = a.handler.binary(); err != nil {
		return err
	}
	for _, name := range []string{binaryFile, callFile} { // to mount it over
		if err := give(filepath.Join(dir, name), bytes.NewReader(nil)); err != nil {
			return err
		}
	}
	if a.settings.module == "" {
		return nil
	}
	return a.layModule(ctx, dir, at)
}

// Most of a container's memory that the guest in it may have: the rest is for the
// engine's own process and the compiled code.
const guestMemory = 0.5

// layModule hands over the module of a wasm task, its compiled code if there is
// some, and what it may do.
func (a *attempt) layModule(ctx context.Context, dir string, at *place) error {
	h, s := a.handler, a.settings
	if h.config.Modules == nil {
		return lasting(engine.KindInvalidInput, "docker.wasm: there are no modules here")
	}
	module, name, err := h.config.Modules.Load(ctx, s.module)
	if err != nil {
		return fmt.Errorf("docker.wasm: module %q: %w", s.module, err)
	}
	at.Module = filepath.Join(dir, moduleFile)
	if err := give(at.Module, bytes.NewReader(module)); err != nil {
		return err
	}
	task := inside.WasmTask{
		Name:   name,
		Limits: wasmhost.Limits{Memory: int64(float64(s.limits.Memory) * guestMemory), OutputBytes: s.limits.OutputBytes, LogBytes: s.limits.LogBytes},
		Grants: wasmhost.Grants{Secrets: s.secrets, Tools: s.tools, Channel: &s.channel, Control: &s.control},
	}
	if at.Cache, err = h.code(ctx, module); err != nil {
		return err
	}
	if at.Cache != "" {
		task.Cache = ownDir + "/" + cacheDir
		if err := os.Mkdir(filepath.Join(dir, cacheDir), 0o755); err != nil { //nolint:gosec // as for all of it
			return err
		}
	}
	text, err := task.MarshalText()
	at.Env[inside.EnvWasm] = string(text)
	return err
}

// code is the directory of a module's compiled code, made if need be.
func (h *Handler) code(ctx context.Context, module []byte) (string, error) {
	parent := h.config.CacheDir
	if parent == "" {
		parent = filepath.Join(h.scratch.dir, "code")
	}
	digest := sha256.Sum256(module)
	dir, err := filepath.Abs(filepath.Join(parent, "containers", hex.EncodeToString(digest[:])))
	if err != nil {
		return "", err
	}
	var refused *wasmhost.ModuleError
	switch err := inside.PrepareCache(ctx, dir, module); {
	case errors.As(err, &refused):
		return "", lasting(engine.KindInvalidInput, "docker.wasm: %w", err)
	case err != nil:
		return "", err
	}
	return dir, nil
}
