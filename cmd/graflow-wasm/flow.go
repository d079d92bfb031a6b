package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// flow is a flow file and its graph. The methods of a nil flow, that of a bare
// module, do nothing.
type flow struct {
	file  *flowfile.File
	graph *engine.Graph
}

// loadFlow reads and builds a flow file; of one that is kept all paths are
// absolute. Its errors are bad usage.
func loadFlow(name string, kept bool) (*flow, error) {
	file, err := flowfile.Load(name)
	if err == nil && kept {
		file, err = file.Absolute()
	}
	if err != nil {
		return nil, flowError(name, err)
	}
	graph, err := file.Build()
	if err != nil {
		return nil, flowError(name, file.Locate(err))
	}
	return &flow{file: file, graph: graph}, nil
}

// checkInput checks a run's input against the flow's schema.
func (f *flow) checkInput(input json.RawMessage) error {
	if f == nil {
		return nil
	}
	if input == nil {
		input = json.RawMessage("null")
	}
	if err := f.file.CheckInput(input); err != nil {
		return usagef("check the input of %s: %w\nGive another one with --input or --set", f.file.Name, err)
	}
	return nil
}

// fitsElsewhere refuses what a flow could only mean on this machine.
func (f *flow) fitsElsewhere(name string) error {
	if f == nil {
		return nil
	}
	if err := f.file.RelativeVolumes(); err != nil {
		return flowError(name, f.file.Locate(err))
	}
	return nil
}

// locate gives what a check of the graph found its place in the file.
func (f *flow) locate(name string, err error) error {
	if f == nil {
		var fault *engine.BuildError
		if errors.As(err, &fault) {
			text := messages(err)
			if strings.Contains(text, "not WebAssembly") {
				text += "\nFlow files are called NAME.flow.yaml, code FILE.py, FILE.js or FILE.ts; see `graflow-wasm run --help`"
			}
			return usagef("run %s: %s", name, text)
		}
		return usagef("run %s: %w", name, err)
	}
	return flowError(name, f.file.Locate(err))
}

// messages are the texts of joined build errors, without paths into a spec that
// nobody wrote.
func messages(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		text := ""
		for i, e := range joined.Unwrap() {
			if i > 0 {
				text += "\n"
			}
			text += messages(e)
		}
		return text
	}
	var fault *engine.BuildError
	if errors.As(err, &fault) {
		return fault.Message
	}
	return err.Error()
}

// flowError is bad usage: what is wrong with a flow file, each fault with its
// place.
func flowError(name string, err error) error {
	var faults flowfile.Errors
	if !errors.As(err, &faults) {
		if errors.Is(err, fs.ErrNotExist) {
			return usagef("read flow file %s: no such file or directory; %s", name, flowFilesNear(name))
		}
		return usage(fmt.Errorf("read flow file %s: %w", name, err))
	}
	return usage(fmt.Errorf("check flow file %s:\n%w\nCorrect the file; `graflow-wasm validate %s` checks it", name, err, name))
}
