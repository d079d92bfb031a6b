package inside

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Child makes this program what runs inside a container, if it was started so:
// then it does that work and never returns. It must be called first in main, and
// in TestMain of tests that start themselves in containers; it calls
// wasmhost.Child.
func Child() {
	wasmhost.Child()
	if len(os.Args) > 0 && filepath.Base(os.Args[0]) == CallName {
		os.Exit(call(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) < 2 || os.Args[1] != Word {
		return
	}
	os.Exit(verb(os.Args[2:]))
}

// verb does what args say and returns the exit code.
func verb(args []string) int {
	if len(args) == 0 {
		return usage("want %s, %s, %s or %s", VerbRun, VerbServe, VerbWasm, VerbCall)
	}
	name, args := args[0], args[1:]
	switch name {
	case VerbRun:
		return run(args)
	case VerbServe:
		return serve(args)
	case VerbWasm:
		return runWasm(args)
	case VerbCall:
		return call(args, os.Stdin, os.Stdout, os.Stderr)
	}
	return usage("unknown verb %q", name)
}

func usage(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, Word+": "+format+"\n", args...)
	return ExitFailed
}
