// Package gauntlet is a set of WebAssembly modules that attack their host, and
// what a good host does about each: anybody can test a host with it.
//
// [Cases] lists the attacks. A [Case] makes its module, names what is granted
// and limited while it runs, and carries a [Verdict]: the module is refused, or
// the guest is stopped with an error of one of some kinds, or it ends by itself
// and its attack has achieved nothing; each within bounds of time and memory.
// A guest that gets what it was after returns the number of the step that
// succeeded, so that 0 is always the host's victory. The modules are written by
// the package's own assembler and are the same bytes on every machine.
//
// [Write] puts the modules and a manifest of all expectations into a directory,
// for hosts that are not written in Go. Package runner holds our own host to
// them, each case in a process of its own.
//
// The package knows no host: not even package wasmhost, beside it.
package gauntlet
