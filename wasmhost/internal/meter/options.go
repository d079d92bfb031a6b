package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// Version changes whenever the same module would be rewritten differently. It
// belongs into the key of every cache of compiled modules.
const Version = "6"

// The import that a rewritten module has in addition: a function without
// parameters and results.
const (
	YieldModule = "graflow:meter"
	YieldName   = "yield"
)

// Prefix begins the names that a guest may neither export nor import from.
const Prefix = "graflow:"

// The exports that a rewritten module has in addition. Each is a mutable
// global.
const (
	// FuelExport (i64) is the fuel left. It falls below zero before yield is
	// called, which adds to it until it is zero or more, or ends the guest. A
	// yield that leaves it below zero is called again. A call may also end with
	// fuel below zero, by what was charged since the fuel was last looked at: a function or
	// loop body, and the short ranges it copied.
	FuelExport = Prefix + "fuel"
	// StackExport (i64) is the bytes of stack left, by estimate. When yield is
	// called and it is negative, the guest must be ended: returning lets it go
	// on. A trap leaves it as it was then, so the host sets it before each call.
	// Calls back into the guest from a host function are not counted.
	StackExport = Prefix + "stack"
	// DirtyExport (i32) becomes 1 before a table changes or a segment is
	// dropped, which resetting memory and globals does not undo.
	DirtyExport = Prefix + "dirty"
	// TablesExport (i32, unsigned) is the number of elements by which the
	// tables may still grow, all together.
	TablesExport = Prefix + "tables"

	globalExport = Prefix + "global:"
)

// Options are the choices of a rewrite. A zero field is its default.
type Options struct {
	// MaxTableElements is how many elements all tables may hold together;
	// default 1 000 000.
	MaxTableElements uint32
	// InitialStack is the value of StackExport in a new instance, in bytes;
	// default 1 MiB. Fuel begins at zero: the first charge calls yield.
	InitialStack int64
}

func (o Options) withDefaults() Options {
	if o.MaxTableElements == 0 {
		o.MaxTableElements = 1_000_000
	}
	if o.InitialStack <= 0 {
		o.InitialStack = 1 << 20
	}
	return o
}

// Result is a rewritten module.
type Result struct {
	Wasm []byte
	// Globals are the mutable globals that the guest defines, which the host
	// can save and restore through their exports.
	Globals []HiddenGlobal
	// Unrestorable is set when there are mutable globals that can't be saved
	// this way: imported ones, and those that hold vectors or references.
	Unrestorable bool
}

// HiddenGlobal is a global of the guest under the name by which it is exported.
type HiddenGlobal struct {
	Export string
	Index  uint32
	Type   wasmbin.ValueType // i32, i64, f32 or f64
}
