// Package peer runs one guest on several hosts: ours, stock wazero, the Extism
// Go SDK and wasmtime-go. Each host compiles a module once; its workers then run
// a task at a time, pristine unless the worker's name says that it is reused.
package peer
