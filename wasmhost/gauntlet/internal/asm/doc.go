// Package asm writes WebAssembly binaries, right and wrong ones.
//
// A [Module] takes functions, memories, tables and so on and makes a valid
// binary of them; code is put together from instructions, which are functions
// that return [Code]. Types are written as strings, a letter for each value:
// "i" i32, "I" i64, "f" f32, "F" f64, "v" v128, "r" funcref, "e" externref.
//
// [Section], [U32] and the other functions over raw bytes are there for
// binaries that no assembler would write. The package checks nothing: it must
// be able to write what a host has to refuse.
package asm
