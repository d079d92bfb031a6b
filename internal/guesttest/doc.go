// Package guesttest builds Go guests for tests, each once per test process.
//
// Build compiles the package main in a directory, usually testdata/NAME, to a
// WebAssembly reactor and returns the path of the module; every later call for
// the same directory returns the same path. Main runs a package's tests, fails
// them if a goroutine outlives them, and removes what Build wrote:
//
//	func TestMain(m *testing.M) { guesttest.Main(m) }
//
// Program does the same for a program that runs on Linux by itself, such as in a
// container.
//
// A guest is built by the same go command and in the same module as the test,
// so it may import the SDK. The package runs no guest: it knows no host.
package guesttest
