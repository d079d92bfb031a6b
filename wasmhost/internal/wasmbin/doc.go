// Package wasmbin reads WebAssembly binaries that nobody trusts.
//
// [Parse] checks all of the binary format: header, section order and sizes,
// LEB128 encodings, UTF-8 names, every instruction of every body with its
// immediates, block nesting, and each index against its index space. That
// last check is what lets a rewriter append hidden globals and functions: no
// guest can name them. Nothing is allocated that is not proportional to the
// bytes that were passed, and [Limits] bounds what a compiler would later
// turn into memory or time.
//
// The language is WebAssembly 2.0 (sign extension, saturating conversions,
// multi-value, bulk memory, reference types, SIMD) and tail calls. Later
// proposals are refused by name.
//
// [Module.Validate] type-checks the bodies by the algorithm of the
// specification's appendix and records how high each operand stack gets.
//
// [Decoder] walks the instructions of a body; it and Parse share one table of
// opcodes. The package knows nothing of engines, metering or hosts.
package wasmbin
