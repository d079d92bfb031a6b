// Package sdk writes graflow tasks in Go.
//
// A guest is a package main that declares its tasks with [Task] and exports
// each under its name:
//
//	package main
//
//	import "github.com/graflow/graflow-wasm/sdk"
//
//	func main() { sdk.Main() }
//
//	var hello = sdk.Task("hello", "greets someone", func(c *sdk.Context, in Person) (string, error) {
//		return "Hello, " + in.Name + "!", nil
//	})
//
//	//go:wasmexport hello
//	func _hello() int32 { return hello.Run() }
//
// The plain toolchain builds it:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags "-s -w" -o guest.wasm .
//
// A task gets its input decoded and a [Context], through which it reaches the
// run: the channel, other tasks' results, the log, and what runs next. What it
// returns is its result. Errors carry a kind and a word on retrying, see
// [Fail], [Permanent] and [RetryAfter].
//
// The same source compiles natively, where [TaskOf.Call] runs a task on a
// [Local], an in-memory host, so that guests are tested with go test. [Main]
// makes it the program of a container, or one to be tried from a shell; in
// WebAssembly it does nothing.
//
// A guest imports only the host functions whose methods it uses, so a module's
// import list says what it can do; text/template and html/template, which call
// methods by name, keep them all. The package knows nothing of flows, engines or
// WebAssembly runtimes.
package sdk
