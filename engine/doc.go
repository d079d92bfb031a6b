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
// A task may be a flow ([FlowHandler]): a run inside the run. An attempt that
// asks for a [Pause] ends, holds no worker, and is executed again with the answer.
//
// [Engine.Start] returns a [Running], the owner of a run: it waits for the end or
// for a pause, takes answers, holds, releases, cancels. With Config.Retain a run
// outlives its process: [Engine.Recover] goes on with it from its journal,
// [Engine.Retry] from what failed, [Engine.Fork] and [Engine.Restore] begin another
// from a checkpoint, [Engine.History] only reads. [Run.Outstanding] tells who takes
// a run over what is still to be carried out.
//
// Goroutines: each engine owns its workers, started on demand up to
// Config.Concurrency, and one that extends leases; [Engine.Close] ends them.
// Delays, bounds of time and the ends of pauses are timers, not goroutines.
//
// The package deliberately knows no handler, no file format, no network and no
// sandbox: it imports the standard library and an expression language.
package engine
