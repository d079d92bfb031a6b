// Package enginetest holds the conformance suites of what an engine is put together
// from: of backends, what it relies on when it runs over an [engine.Backend], and of
// handlers, what it and the author of a flow rely on in an [engine.Handler].
//
// [Backend] runs all of the first; a [Suite] also says how long the backend's leases
// last, and whether its time may be that of a testing/synctest bubble. Every
// backend runs the same suite, so that a flow means the same on each.
//
// [HandlerSuite] has a handler run small programs, which its author writes in the
// handler's own way: each [Program] by itself, in an engine, and as members of a
// group. testdata/programs has them for the SDK, as a WebAssembly module and as a
// container's program in one.
//
// The tests see backends and handlers only through the engine's interfaces. They
// deliberately know nothing of how these store, run or distribute, and ask for
// nothing that the interfaces' contracts do not promise.
package enginetest
