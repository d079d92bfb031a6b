package flowfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/graflow/graflow-wasm/engine"
)

// MaxSize is the largest flow file that is read, in bytes.
const MaxSize = 16 << 20

// File is a flow file that has been read. It is immutable, and safe for
// concurrent use.
type File struct {
	Name    string // as errors give it
	Dir     string // what relative paths were resolved against
	Source  []byte
	Spec    engine.Spec
	Modules map[string]string // short names to resolved references

	graph  *engine.Graph
	input  *jsonschema.Schema // nil: anything goes
	lines  []string
	places map[string]pos // by path in the spec
}

// Load reads the flow file at path. The error is [Errors] if the file could be
// read and is wrong.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read flow file: %w", err)
	}
	if info.Size() > MaxSize {
		return nil, tooLarge(path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read flow file: %w", err)
	}
	return Parse(path, src)
}

func tooLarge(name string) error {
	return Errors{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20)}}
}

// Parse reads a flow file from src. Relative paths in it are resolved against
// the directory of name. The graph is built as well, so that the [Errors] it
// returns are all that can be told without handlers.
func Parse(name string, src []byte) (*File, error) {
	if len(src) > MaxSize {
		return nil, tooLarge(name)
	}
	f := &File{
		Name: name, Dir: filepath.Dir(name), Source: src, Modules: map[string]string{},
		lines: strings.SplitAfter(string(src), "\n"), places: map[string]pos{},
	}
	r := &reader{file: f}
	if root := r.syntax(src); root != nil {
		r.root(root)
		r.build()
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	return f, nil
}

// Build returns the file's graph.
func (f *File) Build() (*engine.Graph, error) {
	if f.graph != nil {
		return f.graph, nil
	}
	g, err := f.Spec.Build()
	return g, f.Locate(err)
}

// CheckInput validates a run's input against the file's `input:` schema. The
// error names every place in the input that is wrong, and what is wanted.
func (f *File) CheckInput(input json.RawMessage) error {
	return checkInput(f.input, input)
}
