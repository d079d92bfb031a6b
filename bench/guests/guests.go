// Package guests holds the sources of the programs that the benchmarks run:
// Go commands in directories of their own, and C files.
package guests

import "embed"

// C holds the C sources, as "c/NAME.c".
//
//go:embed c/*.c
var C embed.FS
