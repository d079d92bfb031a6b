package flowfile

import (
	"fmt"
	"os"
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

	from   origin
	graph  *engine.Graph
	input  *jsonschema.Schema // nil: anything goes
	lines  []string
	places map[string]pos   // by path in the spec
	subs   map[string]*File // sub-flows, by the id of their task

	relative []herePath // volumes and bundles whose paths are relative
}

// Load reads the flow file at path, and the sub-flows that it names. The error is
// [Errors] if the file could be read and is wrong.
func Load(path string) (*File, error) {
	src, err := readSource(path)
	if err != nil {
		return nil, err
	}
	return parse(path, src, origin{readers: []string{realPath(path)}, subFlows: new(int)})
}

// readSource reads a file, but none that is no flow file by its size or kind.
func readSource(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read flow file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read flow file: %s is not a file", path)
	case info.Size() > MaxSize:
		return nil, tooLarge(path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read flow file: %w", err)
	}
	return src, nil
}

func tooLarge(name string) error {
	return Errors{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20)}}
}

// Parse reads a flow file from src. Relative paths in it are resolved against
// the directory of name. The graph is built as well, so that the [Errors] it
// returns are all that can be told without handlers. Parse reads no other file,
// so that src may come from anyone: a sub-flow in a file of its own is an error.
func Parse(name string, src []byte) (*File, error) {
	if len(src) > MaxSize {
		return nil, tooLarge(name)
	}
	return parse(name, src, origin{})
}

func parse(name string, src []byte, from origin) (*File, error) {
	dir, err := from.dir(name)
	if err != nil {
		return nil, fmt.Errorf("read flow file %s: %w", name, err)
	}
	f := &File{
		Name: name, Dir: dir, Source: src, Modules: map[string]string{}, from: from,
		lines: strings.SplitAfter(string(src), "\n"), places: map[string]pos{}, subs: map[string]*File{},
	}
	r := &reader{file: f, wants: "; a flow file needs a name and tasks"}
	if root := r.syntax(src); root != nil {
		r.root(root)
		r.build()
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted(name)
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
