// Package inside is what runs inside a container: this program's own static
// binary, mounted read-only, so that any image can do what follows without
// having anything of ours in it.
//
//	graflow-inside run -- COMMAND ARGS…     PID 1 around a command
//	graflow-inside serve [SOCKET]           PID 1 that runs one job after another
//	graflow-inside wasm MODULE EXPORT       a task of a module, in a sandbox of its own
//	graflow-inside call OP [KEY=VALUE…]     one request to the host, for shells
//
// The words stand behind the program's name, and [Child], called first in main,
// takes over when it sees the first of them. Under the name [CallName] the
// program is `call`.
//
// `run` starts the command in a process group of its own, passes signals on,
// reaps what is left to it, kills all that outlives the command, and then sends
// the result file (abi-wise: op output) and the files that a task leaves (op
// file_put). It exits as the command did: with its code, or 128+n of signal n;
// 127 and 126 mean that the command isn't there or can't be executed, 125 that
// the work around it failed, which then is the attempt's failure, too (op fail).
//
// `serve` is the other side of package pooled: a job is what `run` does, and
// what it leaves in the container (processes, files in memory, System V IPC) is
// gone before the next one. Where that can't be had it ends.
//
// `wasm` is the second wall: what the guest asks for goes over the same socket
// as the requests of any task in a container.
//
// Everything here may be attacked by the command beside it, which has the same
// user: nothing that the package says is trusted by the host more than what the
// command says itself. The package does not know what makes containers.
package inside
