package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/script"
)

// isScript tells source files by their extension.
func isScript(name string) bool {
	_, err := script.LanguageOf(name)
	return err == nil
}

// scriptGraph is a graph of one task: the source code in a file, which is part of the
// graph then, as it is of a flow's.
func scriptGraph(name string, sandbox *sandboxFlags, kept bool) (*engine.Graph, error) {
	language, err := script.LanguageOf(name)
	if err != nil {
		return nil, usagef("run %s: %w", name, err)
	}
	code, err := readAtMost(name, maxSource+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("run %s: no such file", name)
	case err != nil:
		return nil, usagef("run %s: %w", name, err)
	case len(code) > maxSource:
		return nil, usagef("run %s: the code has more than %d bytes; put what it imports into a bundle of a flow file: with: [DIR]", name, maxSource)
	case !utf8.Valid(code):
		return nil, usagef("run %s: it is not text in UTF-8", name)
	}
	if kept {
		sandbox = sandbox.absolute()
	}
	task := engine.Task{ID: scriptID(name), Handler: "script"}
	if task.Limits, err = sandbox.limitsDoc(); err != nil {
		return nil, err
	}
	if task.Grants, err = sandbox.grantsDoc(); err != nil {
		return nil, err
	}
	task.Spec, err = json.Marshal(map[string]string{"language": string(language), "code": string(code), "file": filepath.Base(name)})
	if err != nil {
		return nil, err
	}
	return engine.NewGraph(task.ID, task)
}

// scriptID names the task after its file.
func scriptID(name string) string {
	base := filepath.Base(name)
	id := strings.Trim(notInID.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-"), "-")
	if id == "" {
		return "script"
	}
	return id
}
