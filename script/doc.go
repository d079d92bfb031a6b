// Package script runs source code that nobody trusts, such as what a language
// model wrote a second ago: Python, JavaScript and TypeScript, each run in a
// pristine sandbox of its own.
//
//	sandbox, err := script.New(script.Config{})
//	if err != nil { … }
//	defer sandbox.Close(ctx)
//	result, err := sandbox.Run(ctx, script.Python, "sum(input)", script.Options{Input: []int{1, 2, 3}})
//	total, err := result.Any() // int64(6)
//
// A [Sandbox] holds the interpreters, which are WebAssembly modules of package
// runtimes, run by package wasmhost: real CPython and QuickJS, of which every run
// gets a fresh copy that is ready to go. [Options] say what one run is given: an
// input, [Tool] functions to call, files, bundles of libraries, where its output
// goes. It finds nothing else: no environment, no files of the machine, no
// network, no arguments. A [Result] is the value that the code came to, as JSON,
// as Go values, or decoded into types; an [*Error] says how it failed and in which
// line. A [Session] keeps the names that code defined for the next run, here or in
// another process.
//
// docs/untrusted-code.md says how values are converted, what the languages lack,
// and what the sandbox does not defend against.
//
// The package knows no graphs, runs or queues.
package script
