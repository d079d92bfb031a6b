// Package receipt writes down what a run has done, signs it, and finds out later
// whether it holds.
//
// [Seeded] gives the tasks of a graph a clock and randomness that are the same in every
// run, so that what they do can be repeated. [Record] makes a [Statement] of the journal
// of a run that has ended: by digests, what went into each attempt, which code ran and
// what came of it. [Seal] signs a statement, and [Open] reads one that was signed: a DSSE
// envelope around an in-toto Statement v1 with a predicate of this project.
// [Repeat] runs the graph of a receipt again, and [Compare] tells each difference between
// two records.
//
// What can't be repeated, a container or a task that asks the network, is in the record
// too, marked with the reason; when a run is repeated such a task answers what it
// answered then, if the receipt carries that.
//
// The package knows no files, no keys of this machine and no command line, and runs no
// task itself: the handlers are the caller's.
package receipt
