// Command graflow-wasm runs flows of WebAssembly tasks.
//
// Each subcommand has a file of its own. What they share:
//
//   - wire.go is the only place where the packages of the module meet: the
//     handlers become an engine, a flow file becomes a graph.
//   - exit.go says how an error becomes a message and an exit code.
//   - progress.go watches a run, as a live tree on a terminal or as plain lines
//     elsewhere, always on stderr; the result alone is on stdout.
//   - session.go opens an engine over a state directory; drive.go and driving*.go
//     take a run to its end or its pause: the same for run and for runs resume, retry
//     and fork.
//   - runs.go and the runs_*.go files read and steer kept runs, in the process or
//     through the one that has the directory open.
//   - cluster.go names a cluster; node.go takes part in one, for server.go and
//     worker.go; stopping.go and node.go drain.
//   - drawing.go and the draw_*.go files turn a graph into text.
//
// Without a state directory the command keeps nothing between runs but a cache of
// compiled modules.
package main
