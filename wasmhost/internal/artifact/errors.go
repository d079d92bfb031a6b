package artifact

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by Compile after Close.
var ErrClosed = errors.New("compiler is closed")

// What a compile ran into: the values of [LimitError.What].
const (
	LimitWall   = "wall"   // Limits.Wall
	LimitCPU    = "cpu"    // Limits.CPU
	LimitMemory = "memory" // Limits.Memory
	LimitCode   = "code"   // Limits.Code
)

// LimitError says that compiling a module took more than it may. The module, or
// the limit, is at fault; trying again gives the same.
type LimitError struct {
	What  string // LimitWall, LimitCPU, LimitMemory or LimitCode
	Limit string // with its unit, "30s" or "2048 MiB"
}

// Error reads `compiling took more than its limit of cpu (30s)`.
func (e *LimitError) Error() string {
	return fmt.Sprintf("compiling took more than its limit of %s (%s)", e.What, e.Limit)
}

// InvalidError says that wazero refuses the module.
type InvalidError struct {
	Reason string // wazero's words, at most 4 KiB
}

// Error reads `not valid: invalid function[0]: type mismatch…`.
func (e *InvalidError) Error() string { return "not valid: " + e.Reason }

// CrashError says that the compiler died of the module, in its child or as a
// panic in this process.
type CrashError struct {
	Status string // "exit status 2", "signal: killed", "panic"
	Output string // how its stderr begins and ends, at most 8 KiB
}

// Error gives the status and what the compiler said last.
func (e *CrashError) Error() string {
	return fmt.Sprintf("the compiler crashed (%s): %s", e.Status, e.Output)
}
