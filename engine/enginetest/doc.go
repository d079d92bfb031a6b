// Package enginetest holds the conformance suite of backends: what an engine
// relies on when it runs over an [engine.Backend].
//
// [Backend] runs all of it; a [Suite] also says how long the backend's leases
// last, and whether its time may be that of a testing/synctest bubble. Every
// backend runs the same suite, so that a flow means the same on each.
//
// The tests see a backend only through the engine's interfaces. They
// deliberately know nothing of how it stores, encodes or distributes, and ask
// for nothing that the interfaces' contracts do not promise.
package enginetest
