package runtimes

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed built
var built embed.FS

// Names of runtimes.
const (
	Python     = "python"
	JavaScript = "javascript"
)

// ErrUnknown is the error of a name that no runtime has.
var ErrUnknown = errors.New("unknown runtime")

// Runtime is an interpreter.
type Runtime struct {
	Name    string
	Version string // of the language's implementation, as "3.13.5"
	// Recipe is the digest of what it was built from; the same recipe gives the
	// same module. "prebuilt" if Prebuilt.
	Recipe string
	// Prebuilt says that it is not ours but a WASI command, compiled by others: it
	// takes [CommandInput], and has no tools, sessions or ctx.
	Prebuilt bool
	// Wasm is the module. It is shared and must not be changed.
	Wasm []byte
}

// MissingError says that a runtime was not there when the program was compiled.
type MissingError struct{ Name string }

// Error implements error; it tells the command that gets the runtime.
func (e *MissingError) Error() string {
	return fmt.Sprintf("this program was built without the runtime for %s: get it with `make runtimes` and build again", e.Name)
}

// Open answers a runtime by its name. It fails with a *MissingError or with
// ErrUnknown.
func Open(name string) (Runtime, error) {
	if names := []string{Python, JavaScript}; !slices.Contains(names, name) {
		return Runtime{}, fmt.Errorf("%w %q; there are: %s", ErrUnknown, name, strings.Join(names, ", "))
	}
	return open(built, name)
}

// origin is a NAME.json of build.sh.
type origin struct {
	Version  string `json:"version"`
	Recipe   string `json:"recipe"`
	Prebuilt bool   `json:"prebuilt"`
	SHA256   string `json:"sha256"`
}

func open(files fs.FS, name string) (Runtime, error) {
	from, err := readOrigin(files, name)
	if err != nil {
		return Runtime{}, err
	}
	wasm, err := fs.ReadFile(files, "built/"+name+".wasm")
	if errors.Is(err, fs.ErrNotExist) {
		return Runtime{}, &MissingError{Name: name}
	}
	if err != nil {
		return Runtime{}, fmt.Errorf("runtime %q: %w", name, err)
	}
	return Runtime{Name: name, Version: from.Version, Recipe: from.Recipe, Prebuilt: from.Prebuilt, Wasm: wasm}, nil
}

func readOrigin(files fs.FS, name string) (origin, error) {
	data, err := fs.ReadFile(files, "built/"+name+".json")
	if errors.Is(err, fs.ErrNotExist) {
		return origin{}, &MissingError{Name: name}
	}
	if err != nil {
		return origin{}, fmt.Errorf("runtime %q: %w", name, err)
	}
	var from origin
	if err := json.Unmarshal(data, &from); err != nil {
		return origin{}, fmt.Errorf("runtime %q: %s.json: %w; run `make runtimes` again", name, name, err)
	}
	return from, nil
}
