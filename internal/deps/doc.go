// Package deps keeps the dependency rule of the architecture as a test.
//
// It holds no code. Its test asks `go list` for the imports of every package
// of the module, on every platform that has files of its own, and compares
// them with the table in deps_test.go: which of our packages and which
// third-party modules each package may import. An import that the table does
// not allow fails the test, and so does a package that the table does not know.
//
// The table is the rule: a change to the architecture is a change to a line
// there, seen in review. Every import is checked where it is written, so what
// a package reaches through others follows from the lines of those others.
//
// Not covered: modules of their own (bench), guests below testdata, and what a
// third-party module imports in turn.
package deps
