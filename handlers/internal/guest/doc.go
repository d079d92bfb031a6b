// Package guest has what every handler of untrusted code does with the words of a
// guest, whatever runs it: WebAssembly or a container.
//
// A [Document] reads a task's spec, limits and grants, with messages that say what
// is wanted. [Grant] fetches the [Secrets] of an attempt before its guest starts,
// and they take their values out of all that the attempt tells, and refuse a result
// that has one in it. [Spawn] is which tasks a guest may add to its run.
//
// [Services] answer what a guest asks for, out of its engine.Call and the
// engine.Buffer of its effects, [Control] among them; nothing that a guest says
// changes a run but through that buffer.
//
// The package runs nothing, and knows no protocol and no form of a spec: those are
// the handlers' own.
package guest
