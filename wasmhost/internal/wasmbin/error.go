package wasmbin

import "fmt"

// Error says why a module was refused and where.
type Error struct {
	Offset  int64  // byte in the module
	Section string // name of the section, empty for the header
	Reason  string // what is wrong and, where there is a remedy, what to do
}

func (e *Error) Error() string {
	if e.Section == "" {
		return fmt.Sprintf("wasm module, byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("wasm module, byte %d (%s section): %s", e.Offset, e.Section, e.Reason)
}
