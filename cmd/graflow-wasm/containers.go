package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
)

// newDocker makes the handler of tasks in containers. What it may use of the machine
// is the operator's to say: of a process whose tasks are others' by a policy alone,
// else there is one by default.
func newDocker(c wiringConfig, cacheDir string, modules *wasm.Handler) (engine.Handler, *docker.Handler) {
	forOthers := c.registry != nil
	if forOthers && c.docker.policy == nil {
		return refusingContainers{}, nil
	}
	config := docker.Config{
		CacheDir: cacheDir, Scratch: c.docker.scratch, Worker: workerName(c.name), Logger: slog.Default(),
		Modules: containerModules{modules}, Policy: operatorPolicy(c.flowDir),
	}
	if c.docker.policy != nil {
		config.Policy = *c.docker.policy
	}
	if c.secrets != nil {
		config.Secrets, config.Redactor = guestSecrets{c.secrets}, newRedactor
	}
	h, err := docker.New(config)
	switch {
	case err != nil: // of DOCKER_HOST and its like: whoever has no such task is not concerned
		return brokenContainers{err}, nil
	case forOthers:
		return nodeContainers{run: h}, h
	}
	return ownContainers{h, modules, c.docker.policy == nil}, h
}

// operatorPolicy is what whoever types a command lets their own flows do: no more
// than they could see that a flow asks for, and nothing that changes their files.
func operatorPolicy(flowDir string) docker.Policy {
	return docker.Policy{
		Pull: []string{"*"}, GPUs: true, Pool: true, Keep: true,
		Mounts: []docker.Mount{{Host: absolutePath(flowDir)}},
	}
}

// workerName names a process in the labels of its containers.
func workerName(name string) string {
	if name != "" {
		return name
	}
	host, _ := os.Hostname() // "" is not known
	return host
}

// ownContainers runs the tasks of whoever started this process. It checks the
// modules of those in containers too.
type ownContainers struct {
	*docker.Handler

	modules   *wasm.Handler
	byDefault bool // no policy was given
}

var (
	_ engine.Checker = ownContainers{}
	_ engine.Pinner  = ownContainers{}
)

// Check implements engine.Checker.
func (c ownContainers) Check(ctx context.Context, task *engine.Task) error {
	err := c.Handler.Check(ctx, task)
	if err != nil && c.byDefault && strings.Contains(err.Error(), "the operator ") {
		err = fmt.Errorf("%w\nThe operator is you: --docker-policy FILE says what is allowed; without one it is %s", err, policyOfOperator)
	}
	return errors.Join(err, checkContainerModule(ctx, c.modules, task))
}

// nodeContainers runs the tasks of others as a policy allows. Whoever executes a task
// has a daemon and a policy of their own, so that this process checks those that
// others execute as text, and pins no images.
type nodeContainers struct {
	docker.Elsewhere

	run engine.Handler
}

var _ engine.Checker = nodeContainers{}

// Handle implements engine.Handler.
func (n nodeContainers) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	return n.run.Handle(ctx, call)
}

// refusingContainers is the handler of a process that runs no containers for others.
type refusingContainers struct{ docker.Elsewhere }

// Handle implements engine.Handler.
func (refusingContainers) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	return engine.Result{}, &engine.TaskError{
		Kind: engine.KindDenied, Permanent: true, Task: call.Task.ID,
		Message: fmt.Sprintf("task %q: this worker runs no Docker tasks: its operator allows them with --docker-policy FILE, which says what they may ask for; "+
			`to have such workers alone get the task, give it requires: {docker: "1"}`, call.Task.ID),
	}
}

// brokenContainers is the handler of a process that can't tell where the daemon is.
type brokenContainers struct{ err error }

// Check implements engine.Checker.
func (b brokenContainers) Check(context.Context, *engine.Task) error { return b.err }

// Handle implements engine.Handler.
func (b brokenContainers) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	return engine.Result{}, &engine.TaskError{
		Kind: docker.KindUnavailable, Permanent: true, Task: call.Task.ID, Err: b.err,
		Message: fmt.Sprintf("task %q: %v", call.Task.ID, b.err),
	}
}

// farContainers checks tasks for a process that begins runs for others to execute.
type farContainers struct {
	docker.Elsewhere

	modules *farWasm
}

// Check implements engine.Checker.
func (f farContainers) Check(ctx context.Context, task *engine.Task) error {
	return errors.Join(f.Elsewhere.Check(ctx, task), checkContainerModule(ctx, f.modules, task))
}

// checkContainerModule checks the module that a task runs in a container.
func checkContainerModule(ctx context.Context, modules engine.Checker, task *engine.Task) error {
	ref := cluster.ModuleInContainer(task.Spec)
	if ref == "" {
		return nil
	}
	spec, err := json.Marshal(ref)
	if err != nil {
		return err
	}
	if err := modules.Check(ctx, &engine.Task{ID: task.ID, Handler: "wasm", Spec: spec}); err != nil {
		return fmt.Errorf("docker.wasm: %w", err)
	}
	return nil
}

// containerModules finds the modules of tasks in containers where those of WebAssembly
// tasks are.
type containerModules struct{ wasm *wasm.Handler }

// Load implements docker.Modules.
func (m containerModules) Load(ctx context.Context, ref string) (code []byte, name string, err error) {
	code, name, err = m.wasm.Load(ctx, ref)
	kind := ""
	switch {
	case errors.Is(err, wasm.ErrTampered):
		kind = wasm.KindTampered
	case errors.Is(err, wasm.ErrNoModule):
		kind = engine.KindInvalidInput
	}
	if kind != "" {
		err = &engine.TaskError{Kind: kind, Permanent: true, Message: err.Error(), Err: err}
	}
	return code, name, err
}
