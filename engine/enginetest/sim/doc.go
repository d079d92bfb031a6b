// Package sim runs the real [engine.Engine] in a simulated world: virtual time,
// one goroutine at a time, faults between any two steps, all drawn from a seed.
//
// A [Case] is a flow and how its world behaves; [Generate] draws one. [Simulate]
// plays it: every call of the engine to its backend or to a handler parks its
// goroutine, and one scheduler lets one go after the other, or lets it fail, be
// late, come twice, or die with its process. After every step the journal is
// checked: by a model that interprets the rules of a run anew, slowly and
// without the engine's code, and by a second fold that must decide the same.
// A broken seed is shrunk by [Shrink] to a [Case] that a person can read; those in
// testdata have found a bug each.
//
// What a run says is random only in its seed, but for executions of one attempt
// that end at the same instant. In it one process at a time owns a run.
//
// A [ClusterCase] is runs that several processes do together, each a real engine
// with its part, on a storage that they share: [GenerateCluster] draws one,
// [SimulateCluster] plays it. There goroutines go as the runtime lets them, in virtual
// time: it orders those that go on at one instant, chooses between the ready cases of a
// select, and walks maps. So two plays of a seed are the same in some nineteen of twenty
// cases, and what breaks a rule is played again until it does so with a trace. A seed
// says how long each call takes and what fails: processes die, stand
// still and go on, leave and come, runs move between owners of which the old one
// does not know, appends are lost, late or lied about, tickets, signals and hints
// late, doubled or lost. The same model reads each log, and all runs are to end.
//
// The package knows the engine only through its exported interfaces, and ends
// none of its goroutines: all of them live and end in a testing/synctest bubble.
package sim
