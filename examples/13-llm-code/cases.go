package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// expectation is one run of a snippet and how it must end, as expected.json has it. One
// of Value, Kind and Any is set.
type expectation struct {
	File   string          `json:"file"`
	Prompt string          `json:"prompt"` // what the code was written for
	Tries  string          `json:"tries"`  // what a hostile one is after
	Input  json.RawMessage `json:"input"`
	Value  json.RawMessage `json:"value"`
	Kind   string          `json:"kind"`   // of the error
	Any    bool            `json:"any"`    // whatever it says of itself
	Stdout []string        `json:"stdout"` // lines; nil is not checked of hostile ones
	Limits limits          `json:"limits"`

	dir  string
	code string
}

// limits are those of a run, as a flow writes them; "" is the sandbox's.
type limits struct {
	Timeout string `json:"timeout"`
	Memory  int64  `json:"memory_mib"`
}

// sets are the directories of snippets.
var sets = []string{"python", "javascript", "typescript", "hostile"}

// load reads all sets.
func load(files fs.FS) ([]expectation, error) {
	var all []expectation
	for _, dir := range sets {
		raw, err := fs.ReadFile(files, path.Join(dir, "expected.json"))
		if err != nil {
			return nil, err
		}
		var set []expectation
		if err := json.Unmarshal(raw, &set); err != nil {
			return nil, fmt.Errorf("read the expectations of %s: %w", dir, err)
		}
		for _, e := range set {
			code, err := fs.ReadFile(files, path.Join(dir, e.File))
			if err != nil {
				return nil, err
			}
			e.dir, e.code = dir, string(code)
			all = append(all, e)
		}
	}
	return all, nil
}

// name tells the run from all others.
func (e expectation) name() string {
	name := path.Join(e.dir, e.File)
	if e.dir == "hostile" && len(e.Input) > 0 {
		name += " " + string(e.Input)
	}
	return name
}

func (l limits) limits() (wasmhost.Limits, error) {
	all := wasmhost.Limits{Memory: l.Memory << 20}
	if l.Timeout == "" {
		return all, nil
	}
	timeout, err := time.ParseDuration(l.Timeout)
	all.Timeout = timeout
	return all, err
}

// options are what the run is given: its input and nothing else.
func (e expectation) options() (script.Options, error) {
	limits, err := e.Limits.limits()
	return script.Options{File: e.File, Input: e.Input, Limits: limits}, err
}
