// Package wasm runs tasks that are exports of WebAssembly modules.
//
// A [Handler] adapts wasmhost to engine.Handler. A task's spec is
// {"module": REF, "export": NAME}, or the string "REF#NAME"; the export may be
// left out for a module with one task and for a WASI command. [Modules] turns a
// REF into bytes; [Files], the default, reads a .wasm file, or builds a
// directory with a Go guest's source. A module is loaded and compiled once and
// is pinned: as long as its handler lives, a REF means the same bytes.
//
// The guest sees the channel and the results as of when its activation became
// ready, and its own writes; what it asks for comes back as the engine.Effects
// of its result. A task that it spawns on this handler keeps the limits and
// grants of the spawner; "#NAME" as its spec is an export of the spawner's own
// module. Such a task is checked before the spawner's result is committed.
//
// A task's limits are an object with memory, output_bytes and log_bytes (bytes,
// or text as "64MiB") and timeout ("2s"); its grants one with channel, control
// (booleans), env (an object of strings) and mounts (a list of {"host",
// "guest", "writable"}). Config.Limits and Config.Grants are what the operator
// allows at most.
//
// # Known gaps
//
// Checkpoints and pauses answer Unavailable. Loading and compiling a module that
// Check has not seen count into the attempt, and compiling is not interrupted by
// its timeout. A guest with the control grant may name any module that Modules
// can load, and any handler of the engine.
//
// The package knows no flow files, journals or backends.
package wasm
