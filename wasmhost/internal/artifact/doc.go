// Package artifact turns admitted WebAssembly modules into wazero's native code
// and keeps it, without trusting the compiler's appetite or the disk.
//
// A [Compiler] is the front: [Compiler.Compile] gives a compiled module of a
// wazero runtime that was made with [Compiler.RuntimeConfig]. The code comes from
// the cache if an entry verifies, else from a compile child (this same program
// started again, see [Child]) under [Limits], else, for modules that the caller
// trusts or where Child was never called, from this process. In this process
// nothing bounds the compiler: it can't be canceled, and a module made for it
// takes minutes and gigabytes, so the caller must have refused large functions
// before.
//
// A cache entry is native code that will be executed. Each carries an HMAC-SHA256
// under a key of the installation over its bytes and its identity (module,
// rewriter, wazero, CPU, options). wazero then reads not the entry but what was
// verified: on Linux a sealed memory file, elsewhere a file in a directory of
// this process alone. What fails verification is compiled again and replaced.
//
// The package doesn't know how modules are admitted or rewritten, nor how they
// run.
package artifact
