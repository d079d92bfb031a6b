package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config configures a Handler. Sandbox is required.
type Config struct {
	// Sandbox runs the code. The handler does not close it.
	Sandbox *script.Sandbox
	// Dir is what bundles and mounts given by a relative path are relative to. "":
	// the process's working directory.
	Dir string
	// Limits are the most a task may have; a task that asks for more gets the
	// maximum. A zero field sets none beside the sandbox's own.
	Limits wasmhost.Limits
	// Grants are the most a task may be granted, as wasmhost.Grants.Within has it.
	// nil: a task is granted what it asks for.
	Grants *wasmhost.Grants
	// Spawn is the most a task's spawn grant may list. nil: whatever it lists.
	Spawn []string
	// Bundles refuses tasks that import from directories of this machine if it is
	// false: on workers, whose files are not those of who submits a task.
	Bundles bool
	// Secrets has what tasks are granted, as in handlers/wasm.
	Secrets wasmhost.Secrets
	// Redactor makes what finds an attempt's secrets. Required with Secrets.
	Redactor func(values [][]byte) Redactor
	// DenySecretOutput refuses tasks that ask for allow_secret_output.
	DenySecretOutput bool
	// Explain says of a grant whose decision it is that a task may not have it, as that
	// of handlers/wasm.
	Explain func(grant string) string
	// Crashed is told of code, by its script.Digest, that ended with its cell. nil:
	// nobody is.
	Crashed func(call *engine.Call, digest string)
	// Tools answers code whose tasks are granted some that are no tasks of its flow.
	// nil: there are none.
	Tools wasmhost.Tools
}

// Redactor finds values of secrets in what a task tells. It is safe for concurrent
// use.
type Redactor = guest.Redactor

// Handler runs tasks that are source code. It is safe for concurrent use.
type Handler struct{ config Config }

var (
	_ engine.Handler = (*Handler)(nil)
	_ engine.Checker = (*Handler)(nil)
	_ engine.Pinner  = (*Handler)(nil)
)

// New returns a handler. It fails without a sandbox, with secrets that nothing
// redacts, and with a maximum of grants that can't be read.
func New(config Config) (*Handler, error) {
	if config.Sandbox == nil {
		return nil, errors.New("new script handler: Config.Sandbox is nil")
	}
	if config.Secrets != nil && config.Redactor == nil {
		return nil, errors.New("new script handler: Config.Secrets needs Config.Redactor")
	}
	if _, err := (wasmhost.Grants{}).Within(config.Grants); err != nil {
		return nil, fmt.Errorf("new script handler: Config.Grants: %w", err)
	}
	return &Handler{config: config}, nil
}

// Check reads the task's spec, limits and grants, and has its interpreter ready, which
// takes seconds when it is first compiled on a machine. Its code is not parsed: that
// is for the sandbox to do.
func (h *Handler) Check(ctx context.Context, task *engine.Task) error {
	p, err := h.parse(task)
	if len(p.with) > 0 && !h.config.Bundles {
		err = errors.Join(err, errors.New("script.with: this worker's files are not for tasks to import: put the library into the code, or into a module of its own"))
	}
	sandboxed, sandboxErr := h.sandboxed(task)
	prepare := h.config.Sandbox.Prepare
	if sandboxed.Isolated {
		prepare = h.config.Sandbox.PrepareIsolated
	}
	if err = errors.Join(err, sandboxErr); err == nil {
		err = prepare(ctx, p.language) // else the first attempt would pay for it
	}
	if err != nil {
		return fmt.Errorf("task %q: %w", task.ID, err)
	}
	return nil
}

// Pin implements engine.Pinner: the task's interpreter, by the digest of its module.
func (h *Handler) Pin(ctx context.Context, task *engine.Task) (name, digest string, err error) {
	p, err := h.parse(task)
	if err != nil {
		return "", "", err
	}
	info, err := h.config.Sandbox.Runtime(ctx, p.language)
	if err != nil {
		return "", "", err
	}
	b := build(info)
	return b.name(), b.Digest, nil
}

func (h *Handler) sandboxed(task *engine.Task) (guest.Sandbox, error) {
	c := &h.config
	return guest.Most{Dir: c.Dir, Limits: c.Limits, Grants: c.Grants, Spawn: c.Spawn, DenySecretOutput: c.DenySecretOutput, Explain: c.Explain}.Sandbox(task)
}

// Handle runs one attempt. Every error is a *engine.TaskError whose message names the
// task, the file and the line; its kinds are those of package script and of
// wasmhost, and what the code chose. Stack is the traceback.
func (h *Handler) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	p, err := h.parse(call.Task)
	if err != nil {
		return engine.Result{}, hopeless(call, err)
	}
	sandboxed, err := h.sandboxed(call.Task)
	if err != nil {
		return engine.Result{}, hopeless(call, err)
	}
	secrets, err := guest.Grant(ctx, h.config.Secrets, h.config.Redactor, sandboxed.Grants.Secrets, sandboxed.SecretOutput)
	if err != nil {
		return engine.Result{}, guest.SecretFailure(ctx, failure(ctx, call, err), err)
	}
	result, err := h.attempt(ctx, call, p, sandboxed, secrets)
	if err != nil {
		result.Value, result.Files, result.Effects = nil, nil, engine.Effects{Cancel: result.Effects.Cancel}
		return result, secrets.Hide(guest.SecretFailure(ctx, failure(ctx, call, err), err))
	}
	return result, nil
}

// attempt runs the code, and checks and keeps what it leaves.
func (h *Handler) attempt(ctx context.Context, call *engine.Call, p program, s guest.Sandbox, secrets *guest.Secrets) (engine.Result, error) {
	build, err := h.build(ctx, call, p)
	if err != nil {
		return engine.Result{}, err
	}
	effects := engine.NewBuffer(call)
	options, err := h.options(ctx, call, p, s, &guest.Control{
		Call: call, Effects: effects, Spawn: s.Spawn, Secrets: secrets, Complete: h.complete(call, s.Spawn),
	})
	if err != nil {
		return engine.Result{}, err
	}
	got, err := h.config.Sandbox.Run(ctx, p.language, p.code, options)
	if errors.Is(err, wasmhost.ErrCrash) && h.config.Crashed != nil {
		h.config.Crashed(call, script.Digest(p.code))
	}
	result := engine.Result{Value: got.Value, Effects: effects.Effects(), Pins: build.pins(), Ledger: ledger(got)}
	if errors.Is(err, wasmhost.ErrPaused) {
		result.Effects = guest.Ended(result.Effects)
		return result, secrets.CheckOutput(result)
	}
	if err == nil {
		err = secrets.CheckOutput(result)
	}
	if err == nil && p.filesOut != nil {
		err = keep(ctx, call, got.Files, secrets, &result)
	}
	return result, err
}

func (h *Handler) options(ctx context.Context, call *engine.Call, p program, s guest.Sandbox, steer *guest.Control) (script.Options, error) {
	files, err := filesIn(ctx, call, p)
	if err != nil {
		return script.Options{}, err
	}
	s.Services = guest.Services(steer)
	if h.config.Secrets != nil {
		s.Services.Secrets = steer.Secrets
	}
	s.Services.Tools = h.config.Tools
	var tools []script.Tool
	if t := guest.NewTools(call, steer.Effects, nil); t != nil { // the sandbox checks schemas
		t.Deterministic(&s.Options)
		for _, task := range call.Tools {
			tools = append(tools, script.Tool{Name: task.ID, Doc: task.Doc, Input: positional(task.Schema)})
		}
	}
	return script.Options{
		File: p.file, Input: inputOf(call), Args: p.args, Limits: s.Limits, Grants: s.Grants, Services: s.Services,
		Tools: tools, Files: files, FilesOut: p.filesOut, With: p.with, Isolated: s.Isolated,
	}, nil
}

func inputOf(call *engine.Call) json.RawMessage {
	if len(call.Input) == 0 {
		return json.RawMessage("null")
	}
	return call.Input
}

// complete refuses new tasks of code, unless the task may spawn those.
func (h *Handler) complete(call *engine.Call, spawn guest.Spawn) func(next *engine.NextTask) error {
	return func(next *engine.NextTask) error {
		if !spawn.Handler(next.Task.Handler) {
			return guest.Denied("next task %q: new code is not granted: list %q in grants.spawn of task %q, now %s", next.Task.ID, next.Task.Handler+":*", call.Task.ID, spawn)
		}
		if _, err := h.parse(&next.Task); err != nil {
			return fmt.Errorf("next task %q: %w", next.Task.ID, err)
		}
		return nil
	}
}

func ledger(r script.Result) json.RawMessage {
	data, err := json.Marshal(r.Ledger)
	if err != nil {
		return nil
	}
	return data
}
