// Package extism is the host's side of Extism plug-ins: the imports of
// "extism:host/env", native, for plug-ins as they are.
//
// A plug-in does not share its linear memory with the host. It writes to, and
// reads from, a memory of the kernel, one byte or eight at a time, by offsets
// of blocks that it allocates. [Functions] lists the imports; a host binds them
// to a runtime and calls each with the [State] of the attempt, which holds the
// kernel's memory, the input, config, variables, and what became of the call:
// [State.Output] and [State.Err]. [Initializers] says what to call before the
// plug-in's function.
//
// What a plug-in does wrong, and what its limits forbid, ends it: the function
// panics with a *[Trap], which the runtime's call answers with.
//
// Functions of "extism:host/user", which other hosts define for their plug-ins,
// are not offered. The package knows no runtime.
//
// See https://github.com/extism/proposals/blob/main/EIP-007-extism-runtime-kernel.md
package extism
