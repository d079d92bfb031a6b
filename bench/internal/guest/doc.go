// Package guest builds the modules that the benchmarks run, with the Go
// toolchain and with clang-19, at the start of a run.
package guest
