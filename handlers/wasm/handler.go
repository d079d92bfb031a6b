package wasm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config configures a Handler. Host is required.
type Config struct {
	// Host runs the guests. The handler does not close it.
	Host *wasmhost.Host
	// Modules finds modules in files. nil: Files{Dir, CacheDir}.
	Modules Modules
	// Registry finds all others, by name, version and digest. nil: there are none.
	Registry Registry
	// RegistryModules is how many modules of the registry stay compiled while no
	// task runs in them; those used longest ago are closed first, for all who have
	// them of the same host. 0: 64.
	RegistryModules int
	// Dir is the directory that module files and mounts given by a relative
	// path are relative to. "": the process's working directory.
	Dir string
	// CacheDir keeps guests built from source, below guests/. "": graflow-wasm
	// in the user's cache directory.
	CacheDir string
	// Limits are the most a task may have. A zero field sets no maximum; a task
	// that asks for more gets the maximum.
	Limits wasmhost.Limits
	// Grants are the most a task may be granted, as wasmhost.Grants.Within has
	// it; a task that asks for more is refused. nil: a task is granted what it
	// asks for.
	Grants *wasmhost.Grants
	// Spawn is the most a task's spawn grant may list: each of its patterns must
	// be matched by one of these. nil: whatever it lists.
	Spawn []string
	// Secrets has what tasks are granted. All secrets of a task are fetched
	// before each attempt; abi.NotFound makes them missing, and the attempt fail.
	// nil: a guest that asks for one is answered abi.Unavailable.
	Secrets wasmhost.Secrets
	// Redactor makes what finds an attempt's secrets in its log, error and
	// result. Required with Secrets.
	Redactor func(values [][]byte) Redactor
	// DenySecretOutput refuses tasks that ask for allow_secret_output.
	DenySecretOutput bool
	// Explain says of a grant, by its key as "mounts", whose decision it is that a task
	// may not have it, and what to do: for the errors about Grants and Spawn. nil: they
	// say no more than what is refused.
	Explain func(grant string) string
	// Tenant tells whose cells a module's calls may share, by its digest: see
	// wasmhost.Options.Tenant. nil: each module's calls share those of no other.
	Tenant func(digest string) string
	// Crashed is told of calls that ended with their cell (wasmhost.ErrCrash), after
	// the host's own account. nil: nobody is.
	Crashed func(call *engine.Call, digest string)
	// Tools answers guests whose tasks are granted some. nil: such calls answer
	// abi.Unavailable. A task that has tools of its own, which are tasks of its flow,
	// has only those.
	Tools wasmhost.Tools
	// CheckSchema checks what a guest hands to a task that it calls against that
	// task's schema. nil: all values pass.
	CheckSchema func(schema, value json.RawMessage) error
}

// Handler runs tasks in WebAssembly modules. It is safe for concurrent use.
type Handler struct {
	config Config

	mu     sync.Mutex // guards what follows
	pinned map[pinKey]*pin
	clock  uint64 // counts uses of pins

	// compiles is held to read while one compiles, and to write while a module is
	// let go of.
	compiles sync.RWMutex
}

var (
	_ engine.Handler = (*Handler)(nil)
	_ engine.Checker = (*Handler)(nil)
	_ engine.Pinner  = (*Handler)(nil)
)

// New returns a handler on a host. It fails without one, with secrets that
// nothing redacts, and with a maximum of grants that can't be read.
func New(config Config) (*Handler, error) {
	if config.Host == nil {
		return nil, errors.New("new wasm handler: Config.Host is nil")
	}
	if config.Secrets != nil && config.Redactor == nil {
		return nil, errors.New("new wasm handler: Config.Secrets needs Config.Redactor")
	}
	if _, err := (wasmhost.Grants{}).Within(config.Grants); err != nil {
		return nil, fmt.Errorf("new wasm handler: Config.Grants: %w", err)
	}
	if config.Modules == nil {
		config.Modules = &Files{Dir: config.Dir, CacheDir: config.CacheDir}
	}
	if config.RegistryModules <= 0 {
		config.RegistryModules = DefaultRegistryModules
	}
	return &Handler{config: config, pinned: map[pinKey]*pin{}}, nil
}

// Check loads and compiles the task's module and checks its export, limits and
// grants. It may run the Go toolchain. All that is wrong is reported, joined.
func (h *Handler) Check(ctx context.Context, task *engine.Task) error {
	options, optionsErr := h.options(task)
	if optionsErr != nil {
		optionsErr = fmt.Errorf("task %q: %w", task.ID, optionsErr)
	}
	ref, err := parseReference(task.Spec)
	if err == nil {
		var f found
		if f, err = h.find(ctx, ref, options.Isolated); err == nil {
			h.release(ctx, f.pin)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", describe(task.ID, ref), err)
	}
	return errors.Join(err, optionsErr)
}

// Pin implements engine.Pinner: the task's module, as its spec has it, and the
// digest of the bytes that it stands for. It loads and compiles the module, as
// Check does, unless the spec has the digest itself.
func (h *Handler) Pin(ctx context.Context, task *engine.Task) (name, digest string, err error) {
	ref, err := parseReference(task.Spec)
	if err != nil {
		return "", "", err
	}
	if FormOf(ref.module) == FormDigest {
		return ref.module, ref.module, checkDigest(ref.module)
	}
	options, err := h.options(task)
	if err != nil {
		return "", "", err
	}
	p, err := h.load(ctx, ref.module, options.Isolated)
	if err != nil {
		return "", "", fmt.Errorf("module %q: %w", ref.called(), err)
	}
	defer h.release(ctx, p)
	return ref.module, p.module.Digest(), nil
}

// Handle runs one attempt. Every error is a *engine.TaskError whose message
// names task, module and export; its kinds are those of wasmhost and of the
// guest, "denied" for secrets that are missing or in the result, KindTampered, and
// "error", never retried, for a task that can't be run at all. No error, log line or
// message has the value of a secret that the task was granted.
//
// A guest that pauses is ended there, and the result is its Effects.Pause. With
// the answer in call.Answers it runs from its start again, and gets it. One that
// calls tasks of its flow is ended likewise, with Effects.Calls, and finds their
// answers in call.Called; the clock and the randomness of such a task are recorded
// ones, whatever it is granted.
func (h *Handler) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	ref, err := parseReference(call.Task.Spec)
	if err != nil {
		return engine.Result{}, hopeless(call, ref, err)
	}
	options, err := h.options(call.Task)
	if err != nil {
		return engine.Result{}, hopeless(call, ref, err)
	}
	secrets, err := h.secrets(ctx, options)
	if err != nil {
		return engine.Result{}, secretFailure(ctx, call, ref, err)
	}
	result, ref, err := h.attempt(ctx, call, ref, options, secrets)
	if err != nil {
		result.Value, result.Effects = nil, engine.Effects{Cancel: result.Effects.Cancel}
		return result, secrets.Hide(secretFailure(ctx, call, ref, err))
	}
	return result, nil
}

// attempt calls the guest and checks what it wants. The reference that it returns
// names the export, if that was found.
func (h *Handler) attempt(ctx context.Context, call *engine.Call, ref reference, o guest.Sandbox, secrets *guest.Secrets) (engine.Result, reference, error) {
	task, err := h.find(ctx, ref, o.Isolated)
	if err != nil {
		return engine.Result{}, ref, err
	}
	defer h.release(ctx, task.pin)
	ref.export = task.export
	effects := engine.NewBuffer(call)
	o.Name = cmp.Or(ref.name, task.name)
	o.Services = h.services(&guest.Control{
		Call: call, Effects: effects, Spawn: o.Spawn, Secrets: secrets, Complete: complete(call, ref, o.Spawn),
	})
	if tools := guest.NewTools(call, effects, h.config.CheckSchema); tools != nil {
		o.Grants.Tools = tools.Names()
		tools.Deterministic(&o.Options)
	}
	if h.config.Tenant != nil {
		o.Tenant = h.config.Tenant(task.module.Digest())
	}
	got, err := task.module.Call(ctx, task.export, call.Input, o.Options)
	result := engine.Result{Value: got.Output, Effects: effects.Effects(), Ledger: ledger(got)}
	if errors.Is(err, wasmhost.ErrCrash) && h.config.Crashed != nil {
		h.config.Crashed(call, task.module.Digest())
	}
	if errors.Is(err, wasmhost.ErrPaused) {
		err = nil
		result.Effects = guest.Ended(result.Effects)
	}
	if err == nil {
		err = secrets.CheckOutput(result)
	}
	if err == nil {
		err = h.checkNext(ctx, call, result.Effects.Next)
	}
	return result, ref, err
}

func ledger(r wasmhost.Result) json.RawMessage {
	data, err := json.Marshal(r.Ledger)
	if err != nil {
		return nil
	}
	return data
}

// spawnError says that a guest asked for a task that can't be run.
type spawnError struct{ cause error }

func (e *spawnError) Error() string { return "next task: " + e.cause.Error() }
func (e *spawnError) Unwrap() error { return e.cause }

// checkNext checks the new tasks that are for this handler. Names of a registry in
// them become the digests that they stand for now, since the run keeps the tasks.
func (h *Handler) checkNext(ctx context.Context, call *engine.Call, next []engine.NextTask) error {
	var errs []error
	for i := range next {
		if task := &next[i].Task; task.Handler != "" && task.Handler == call.Task.Handler {
			errs = append(errs, h.checkAdded(ctx, task))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &spawnError{cause: err}
	}
	return nil
}

func (h *Handler) checkAdded(ctx context.Context, task *engine.Task) error {
	if err := h.settle(ctx, task); err != nil {
		return err
	}
	return h.Check(ctx, task)
}

// settle puts a digest in the place of a name of the registry.
func (h *Handler) settle(ctx context.Context, task *engine.Task) error {
	ref, err := parseReference(task.Spec)
	if err != nil || !h.registered(ref.module) {
		return nil // Check tells what is wrong
	}
	digest, _, err := h.key(ctx, ref.module)
	if err != nil {
		return fmt.Errorf("%s: %w", describe(task.ID, ref), err)
	}
	if digest != ref.module {
		ref.name, ref.module = ref.called(), digest
		task.Spec = ref.spec()
	}
	return nil
}
