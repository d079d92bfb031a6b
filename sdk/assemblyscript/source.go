// Package assemblyscript has the SDK for AssemblyScript, a package, for those who
// copy it.
package assemblyscript

import (
	"embed"
	"io/fs"
)

//go:embed graflow
var files embed.FS

// Files are those of the package.
var Files, _ = fs.Sub(files, "graflow") // it is there, or nothing compiles
