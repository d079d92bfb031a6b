// Package selfexec is what all processes have in common that this program starts
// of its own executable: how they are started, how they bind themselves, and how
// what they say last is kept.
//
// It knows nothing of what such a process does.
package selfexec

// Variable in the environment of a process says what part of this program it is;
// "" or unset: the program itself.
const Variable = "GRAFLOW_WASMHOST_CHILD"
