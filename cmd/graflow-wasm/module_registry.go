package main

import (
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
)

// localName is the name of modules that came with a run.
const localName = natsbus.LocalModules

// checkModuleName refuses names by which nobody could find a module again.
func checkModuleName(name, version string) error {
	if where, err := cluster.CheckModuleName(name, version); err != nil {
		return usagef("--%s %w", where, err)
	}
	return nil
}

// isRegistered tells whether a reference is one of the registry, to a process that
// looks for files in its working directory.
func isRegistered(ref string) bool {
	switch wasm.FormOf(ref) {
	case wasm.FormDigest, wasm.FormVersion:
		return true
	case wasm.FormPath:
		return false
	}
	return !(&wasm.Files{}).Has(ref)
}

// localFiles finds modules where this process runs.
type localFiles struct{ wasm.Modules }

var _ cluster.Files = localFiles{}

// IsRegistered implements cluster.Files.
func (localFiles) IsRegistered(ref string) bool { return isRegistered(ref) }
