package script

import (
	"io"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Options are what one run is given. The zero value is usable, and gives nothing.
type Options struct {
	// File is what the code is called in errors and tracebacks. Empty: main.py,
	// main.js or main.ts.
	File string
	// Input is what code finds as input: any value that [Encode] takes.
	Input any
	// Args are what follows the file's name in sys.argv, or in process.argv.
	Args []string
	// Limits bound the run. A zero field is what Config.Defaults says, and what
	// exceeds Config.Most is that.
	Limits wasmhost.Limits
	// Grants are what the run may touch beside what is given here. The zero value is
	// nothing of the machine. /in, /out, /tmp and /with are taken. Tools need no
	// grant if they are in Tools below.
	Grants wasmhost.Grants
	// Services answer what code asks for by ctx: results, channel, secrets and so
	// on. A nil one is not available to it. Log receives the lines of ctx.log.
	Services wasmhost.Services
	// Tools are functions that code may call by their names.
	Tools []Tool
	// Files are found below /in, by their slash-separated relative paths. The run
	// may change its copies.
	Files map[string][]byte
	// FilesOut are the files below /out that come back in Result.Files, as patterns
	// relative to it: "plot.png", "*.csv"; "**" is all. Nil: none.
	FilesOut []string
	// With are libraries to import: directories, and wheels or zip files of pure
	// Python or JavaScript. They are read-only.
	With []string
	// Stdout and Stderr receive what code prints, at once, up to Limits.LogBytes.
	// They are written to by one goroutine at a time, and not after Run has
	// returned. The same writer may be both. nil: lines of Services.Log.
	Stdout, Stderr io.Writer
	// Session has the names that earlier runs with it defined, and gets those of
	// this one. nil: the run begins with none.
	Session *Session
	// Isolated has the interpreter run in a cell, a process of its own, whatever the
	// host's configuration says: see wasmhost.Host.CompileIsolated.
	Isolated bool
	// Tenant is whose cells the run may use: see wasmhost.Options.Tenant.
	Tenant string
}
