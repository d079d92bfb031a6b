// Package wasmhost runs WebAssembly that nobody trusts inside a Go process.
//
// A [Host] admits modules (a strict parser, metering, compiling in a child
// process) and keeps them by the digest of their bytes. A [Module] describes
// itself (imports, tasks, ABI) and runs one task at a time with [Module.Call];
// every call gets a pristine sandbox, from a snapshot where that is sound, so no
// state passes from one to the next, and calls may run concurrently. [Limits]
// bound a call, [Grants] say what it may touch, and [Services] are the embedder's
// answers to what the guest asks for (channel, control, secrets, tools). Nothing
// is ambient: no environment, files, network or arguments that were not granted.
//
// Three guest ABIs are known: reactors that import graflow_v1 (package sdk/abi is
// the contract), plain WASI preview 1 commands (input on stdin, output on
// stdout), and Extism plug-ins. Failures of a guest are [*TrapError]; modules
// that can't be run at all are [*ModuleError].
//
// A program that compiles modules of strangers calls [Child] first in main.
//
// The package knows no graphs, runs, queues or stores. docs/sandbox.md tells how
// it works, docs/security.md what it does not defend against.
package wasmhost
