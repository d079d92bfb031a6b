// Package wasmhost runs WebAssembly that nobody trusts inside a Go process.
//
// A [Host] compiles modules and keeps them by the digest of their bytes. A
// [Module] describes itself (imports, tasks, ABI) and runs one task at a time
// with [Module.Call]; every call gets a fresh instance, so no state passes from
// one to the next, and calls may run concurrently. [Limits] bound a call,
// [Grants] say what it may touch, and [Services] are the embedder's answers to
// what the guest asks for (channel, control, results). Nothing is ambient: no
// environment, files, network or arguments that were not granted.
//
// Two guest ABIs are known: reactors that import graflow_v1 (package sdk/abi is
// the contract), and plain WASI preview 1 commands (input on stdin, output on
// stdout). Failures of a guest are [*TrapError]; modules that can't be run at
// all are [*ModuleError].
//
// The package knows no graphs, runs, queues or stores.
//
// # Known gaps
//
// Time limits rest on wazero's check at loop headers: a guest that only
// recurses, without a loop, is stopped late, when its stack (wazero's fixed 400
// MB) or its recursion ends, and holds up the garbage collector meanwhile. A
// guest may grow tables without being charged, and the memory and time that
// compiling takes are only coarsely bounded. secret_get, http_request,
// tool_call and pause answer Denied or Unavailable.
package wasmhost
