// Package asm builds small WebAssembly modules for tests.
//
// A [Module] collects functions, whose code is written as words: the names of
// instructions and their immediates, in binary order.
//
//	var m asm.Module
//	m.Func("double", "i", "i", "", "local.get 0 local.get 0 i32.add")
//	wasm := m.Bytes()
//
// Types are strings of letters: i (i32), l (i64), f (f32), d (f64), v (v128),
// a (funcref), e (externref). The type of a block is one letter, _ for none,
// or the index of a type. Memory instructions take an offset alone. The select
// that has a type is written select_t. Mistakes panic.
package asm
