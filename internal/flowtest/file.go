package flowtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// Suffixes of the names of test files and of flow files.
const (
	testSuffix = ".test.yaml"
	flowSuffix = ".flow.yaml"
)

// File is a test file, and the flow that it is of. It is immutable.
type File struct {
	Name    string // as errors give it
	Flow    *flowfile.File
	Graph   *engine.Graph
	Secrets map[string]string // that tasks have in place of real ones; nil: none are given
	Cases   []*Case

	mocks    map[string]*mock // for all cases, by path of the task
	tree     *tree
	document *flowfile.Document
	source   []byte
}

// Case is one run of the flow, and what is expected of it.
type Case struct {
	Name  string
	Input json.RawMessage // nil: none
	Now   time.Time       // when it begins

	mocks       map[string]*mock
	answers     map[string]*answer
	cancelAfter *engine.Duration
	concurrency int
	expect      *expectation
	at          flowfile.Value
}

// NameFor is the test file beside a flow file; the name of a test file is its own.
func NameFor(flow string) string {
	if IsTest(flow) {
		return flow
	}
	base := flow
	for _, suffix := range []string{flowSuffix, ".flow.yml", ".flow.json", filepath.Ext(flow)} {
		if short, ok := strings.CutSuffix(flow, suffix); ok {
			base = short
			break
		}
	}
	return base + testSuffix
}

// IsTest tells test files by their name.
func IsTest(name string) bool {
	return strings.HasSuffix(name, testSuffix) || strings.HasSuffix(name, ".test.yml")
}

// Load reads the test file at path, and its flow. The error is [flowfile.Errors] if
// one of them could be read and is wrong.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read test file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read test file: %s is not a file", path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read test file: %w", err)
	}
	return parse(path, src)
}

func parse(name string, src []byte) (*File, error) {
	document, err := flowfile.ParseDocument(name, src)
	if err != nil {
		return nil, err
	}
	f := &File{Name: name, document: document, source: src, mocks: map[string]*mock{}}
	r := &reader{file: f}
	if document.Root.Kind() != flowfile.Mapping {
		return nil, flowfile.Errors{document.Root.Fault("want a mapping with cases, not %s", document.Root.Shown())}
	}
	if err := r.openFlow(entryOf(document.Root, "flow")); err != nil {
		return nil, err
	}
	r.root(document.Root)
	if len(r.errs) > 0 {
		return nil, r.errs.Sorted()
	}
	return f, nil
}

// openFlow reads the flow that the file is of: that which it names, or the one beside
// it.
func (r *reader) openFlow(named *flowfile.Entry) error {
	f := r.file
	path := strings.TrimSuffix(strings.TrimSuffix(f.Name, testSuffix), ".test.yml") + flowSuffix
	if named != nil {
		var text string
		if r.text(&text)(named.Value); len(r.errs) > 0 {
			return r.errs
		}
		if path = text; !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.Name), path)
		}
	}
	flow, err := flowfile.Load(path)
	if errors.Is(err, os.ErrNotExist) {
		at := f.document.Root.Fault("there is no flow file %s beside it; name another one: flow: FILE", path)
		if named != nil {
			at = named.Value.Fault("there is no flow file %s", path)
		}
		return flowfile.Errors{at}
	}
	if err != nil {
		return err
	}
	f.Flow = flow
	if f.Graph, err = flow.Build(); err != nil {
		return err
	}
	f.tree = newTree(f.Graph.Spec())
	return nil
}

func entryOf(v flowfile.Value, key string) *flowfile.Entry {
	for _, e := range v.Entries() {
		if e.Key == key {
			return &e
		}
	}
	return nil
}
