// Package wasm runs tasks that are exports of WebAssembly modules.
//
// A [Handler] adapts wasmhost to engine.Handler. A task's spec is
// {"module": REF, "export": NAME}, or the string "REF#NAME"; "name" in the object is
// what messages and the guest itself call the module. The export may be
// left out for a module with one task and for a WASI command. By its [Form] a REF
// is a file or one of a registry. [Modules] turns a file into bytes; [Files], the
// default, reads a .wasm file, or builds a directory with a Go guest's source. It is
// loaded and compiled once and is pinned: as long as its handler lives, its REF
// means the same bytes.
//
// A [Registry] has modules by digest. What it gives is compared with the digest
// before it is compiled, and the modules used last stay compiled. A name@version, or
// a name, is looked up for each attempt: whoever begins a run puts digests in their
// place, as the handler does in tasks that guests spawn.
//
// The guest sees the channel and the results as of when its activation became
// ready, and its own writes; what it asks for comes back as the engine.Effects
// of its result. A guest that pauses without an answer ends there; once there is
// one, it runs again from its start.
//
// A task that a guest spawns on this handler keeps the limits, grants and secrets
// of the spawner; "#NAME" as its spec is an export of the spawner's own module.
// Such a task is checked before the spawner's result is committed.
//
// A task's limits and grants are objects with the fields of wasmhost.Limits and
// wasmhost.Grants under their JSON names; sizes may be text as "64MiB", a timeout
// is text as "2s". One more grant is the handler's own: spawn lists the modules
// and handlers of which a guest may add tasks to the run, see [Config] and
// docs/flow-file.md. Without it a guest can add exports of its own module, and
// go to tasks of the graph. Config.Limits, Config.Grants and Config.Spawn are
// what the operator allows at most. The task's own Secrets are granted as those in
// its grants are.
//
// # Known gaps
//
// Loading and compiling a module that Check has not seen count into the attempt,
// and compiling is not interrupted by its timeout. A guest that may spawn a module
// of a directory that it can write to may run what it has written there.
//
// The package knows no flow files, journals or backends.
package wasm
