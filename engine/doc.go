// Package engine runs graphs of tasks.
//
// A [Spec] (from Go code, or from a flow file) is built into an immutable
// [Graph]. One execution of it is a [Run]: state that is the fold of its
// events and of nothing else. [Run.Apply] changes it, [Run.Decide] names the
// commands that follow; neither reads a clock or does I/O. The [Engine] drives
// runs over a [Backend]: its worker part takes ready activations off the
// [Queue], hands each to a [Handler] and commits what comes back as one
// [Event]; its owner part folds the log and enqueues what follows.
//
// Handlers return a [Result]: a value and [Effects]. Effects are data, buffered
// while an attempt runs and applied by the engine with its result, or dropped
// with a failed attempt. Nothing that crosses the boundary calls back into the
// engine.
//
// Goroutines: each engine owns its workers, started on demand up to
// Config.Concurrency and ended by [Engine.Close]; a retry's delay and an
// attempt's timeout are runtime timers, not goroutines.
//
// The package deliberately knows no handler, no file format, no network and no
// sandbox: it imports the standard library and an expression language.
package engine
