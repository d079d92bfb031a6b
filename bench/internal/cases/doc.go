// Package cases holds what the sandbox is measured by: each [Case] builds its
// guests, lets our host and others do the same, and prints a Markdown table.
//
// What may hang or fill a process is measured in children of this program, one
// at a time: see [Child].
package cases
