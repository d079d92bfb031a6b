// Package runtimes holds the language runtimes: interpreters that are guests like
// any other, modules of the graflow v1 ABI (docs/abi.md) with one task, run.
// Nothing about them is trusted.
//
// They are not in git: make runtimes compiles or fetches them, from the recipes in
// the directories of this package, into built/, from where they are embedded. So
// Open finds what was there when the program was compiled, and says how to get
// what was not.
//
// The package knows neither the documents that run takes (package script does)
// nor how modules are run (package wasmhost does).
package runtimes
