// Package flowtest tests flows: it runs them with given inputs, has some of their
// tasks answered by mocks, and compares what came with what was expected.
//
// [Load] reads a test file, NAME.test.yaml, and the flow that it is of; all that is
// wrong with it is reported together, as [flowfile.Errors]. A [Runner] runs its cases,
// each in an engine of its own, and returns a [Result] with the differences.
// [File.Update] writes what came as what is expected. [Coverage] adds up which tasks
// and edges the cases have executed.
//
// A case runs on a clock of its own, which stands still while nothing but mocks and
// built-in tasks run, goes on as time does while a task really runs, and jumps to the
// next timer when there is nothing to do: delays, timeouts and pauses pass at once.
// Tasks are executed one at a time, in the order in which they became ready, so that
// a case comes out the same each time; a mock that takes time lets others run.
//
// The package deliberately knows no handler but the built-in one, whose time is that
// of the case: the others are the caller's.
package flowtest
