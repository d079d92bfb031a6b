package flowfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// maxSubFlows bounds the files that one flow is read from: files that name each
// other twice multiply.
const maxSubFlows = 1000

// origin says how a file is read.
type origin struct {
	absolute bool // paths are made absolute
	// readers are the files that led here, the first of them the whole flow's;
	// nil: no other file may be read.
	readers  []string
	subFlows *int // read so far, by all
}

// subFlow reads a flow in another file, or in place, into the spec of its task.
// A task whose flow is wrong is left without a handler: there is nothing to say
// of it that has not been said.
func (r *reader) subFlow(t *engine.Task, n *node) {
	t.Handler = ""
	var sub *File
	switch n.kind {
	case kindString:
		sub = r.fileFlow(n)
	case kindMapping:
		sub = r.flowInPlace(t.ID, n)
	default:
		r.want(n, "a sub-flow: the path of its file, or {tasks: …, flow: …}")
	}
	if sub == nil {
		return
	}
	spec, err := json.Marshal(sub.Spec)
	if err != nil {
		r.fault(n.at, "encode the sub-flow: %v", err)
		return
	}
	t.Handler, t.Spec = "flow", spec
	r.file.subs[t.ID] = sub
}

// flowInPlace reads the flow n. It has the modules and the defaults of the file
// around it, unless it has its own.
func (r *reader) flowInPlace(name string, n *node) *File {
	sub := *r.file
	sub.Spec, sub.input, sub.graph, sub.relative = engine.Spec{Name: name}, nil, nil, nil
	sub.Modules, sub.places, sub.subs = maps.Clone(r.file.Modules), map[string]pos{}, map[string]*File{}
	inner := &reader{file: &sub, defaults: r.defaults}
	inner.root(n)
	inner.build()
	if len(inner.errs) > 0 {
		r.errs = append(r.errs, inner.errs...)
		return nil
	}
	return &sub
}

// fileFlow loads the flow whose path is n.
func (r *reader) fileFlow(n *node) *File {
	from := r.file.from
	if from.readers == nil {
		r.fault(n.at, "a sub-flow in another file wants a flow that is in a file as well")
		return nil
	}
	path := filepath.Clean(relative(filepath.Dir(r.file.Name), n.text))
	file := realPath(path)
	if i := slices.Index(from.readers, file); i >= 0 {
		r.fault(n.at, "the flow is a sub-flow of itself: %s", loop(append(from.readers[i:], file)))
		return nil
	}
	if *from.subFlows++; *from.subFlows > maxSubFlows {
		if *from.subFlows == maxSubFlows+1 { // once is enough
			r.fault(n.at, "a flow has at most %d sub-flows, theirs included", maxSubFlows)
		}
		r.noBuild = true
		return nil
	}
	from.readers = append(slices.Clip(from.readers), file)
	src, err := readSource(path)
	var sub *File
	if err == nil {
		sub, err = parse(path, src, from)
	}
	if err != nil {
		r.subFault(n, path, err)
		return nil
	}
	return sub
}

// subFault reports why the flow at path, which n names, could not be read.
func (r *reader) subFault(n *node, path string, err error) {
	if faults, ok := errors.AsType[Errors](err); ok {
		r.errs = append(r.errs, faults...)
		return
	}
	if errors.Is(err, fs.ErrNotExist) {
		r.fault(n.at, "no such file: %s%s", path, suggest(filepath.Base(path), filesIn(filepath.Dir(path))))
		return
	}
	r.fault(n.at, "%v", err)
}

// filesIn names the files of a directory, for suggestions.
func filesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// loop writes files that lead to each other, by their short names.
func loop(files []string) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = filepath.Base(f)
	}
	return strings.Join(names, " → ")
}

// realPath is the one name of a file, whatever links lead to it.
func realPath(path string) string {
	path = absolute(path)
	if file, err := filepath.EvalSymlinks(path); err == nil {
		return file
	}
	return path
}
