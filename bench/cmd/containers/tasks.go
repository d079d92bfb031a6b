package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// makeImage builds the program and makes an image of nothing else.
func makeImage(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "noop")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "github.com/graflow/graflow-wasm/bench/guests/noop")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, text)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = errors.Join(w.WriteHeader(&tar.Header{Name: "noop", Mode: 0o755, Size: int64(len(data))}), write(w, data), w.Close())
	if err != nil {
		return "", err
	}
	const image = "graflow-bench/noop:1"
	load := exec.CommandContext(ctx, "docker", "import", "-c", `CMD ["/noop"]`, "-", image)
	load.Stdin = &archive
	if text, err := load.CombinedOutput(); err != nil {
		return "", fmt.Errorf("docker import: %w: %s", err, text)
	}
	return image, nil
}

func write(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

// tasks are the program as tasks of an engine.
type tasks struct {
	names  []string
	graphs map[string]*engine.Graph
	engine *engine.Engine
	docker *docker.Handler
	host   *wasmhost.Host
}

func newTasks(ctx context.Context, dir, image string) (*tasks, error) {
	if _, err := (guest.Builder{Dir: dir}).Command(ctx, "noop"); err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "graflow-wasm")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/graflow/graflow-wasm/bench/cmd/containers")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build this program without cgo: %w: %s", err, text)
	}
	t := &tasks{graphs: map[string]*engine.Graph{}}
	var err error
	if t.host, err = wasmhost.New(ctx, wasmhost.Config{CacheDir: filepath.Join(dir, "cache"), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	sandbox, err := wasm.New(wasm.Config{Host: t.host, Dir: dir})
	if err != nil {
		return nil, err
	}
	if t.docker, err = docker.New(docker.Config{Policy: docker.Policy{Pool: true}, Binary: binary, Modules: &wasm.Files{Dir: dir}}); err != nil {
		return nil, err
	}
	functions := direct.New()
	direct.Func(functions, "noop", func(*direct.Context, json.RawMessage) (any, error) { return nil, nil })
	t.engine, err = engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": functions, "wasm": sandbox, "docker": t.docker}})
	if err != nil {
		return nil, err
	}
	return t, errors.Join(
		t.add("a container of its own", "docker", `{"image":"`+image+`"}`),
		t.add("a pooled container", "docker", `{"image":"`+image+`","reuse":"pool"}`),
		t.add("a sandbox in a pooled container (two walls)", "docker", `{"image":"`+image+`","reuse":"pool","wasm":"noop.wasm#_start"}`),
		t.add("a sandbox", "wasm", `{"module":"noop.wasm"}`),
		t.add("a Go function, without any wall", "direct", ""),
	)
}

func (t *tasks) add(name, handler, spec string) error {
	g, err := engine.Spec{Name: "noop", Tasks: []engine.Task{{ID: "noop", Handler: handler, Spec: json.RawMessage(spec)}}}.Build()
	t.names, t.graphs[name] = append(t.names, name), g
	return err
}

// run runs a task as a run of its own, in memory.
func (t *tasks) run(ctx context.Context, name string) error {
	out, err := t.engine.Run(ctx, t.graphs[name], nil)
	if err == nil && out.Status != engine.StatusSucceeded {
		err = fmt.Errorf("%s: the run is %s: %w", name, out.Status, out.Error)
	}
	return err
}

func (t *tasks) close() error {
	return errors.Join(t.engine.Close(), t.docker.Close(), t.host.Close(context.Background()))
}
