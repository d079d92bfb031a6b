package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
)

// target is what `run` runs.
type target struct {
	graph *engine.Graph
	flow  *flow // nil for a bare module
}

// resolve turns the argument of `run` into a target. In one that is kept all
// paths are absolute: it may go on in a process with another working directory.
func resolve(name string, sandbox *sandboxFlags, kept bool) (target, error) {
	if isFlowFile(name) {
		if given := sandbox.given(); len(given) > 0 {
			return target{}, ofModulesAlone(name, given)
		}
		f, err := loadFlow(name, kept)
		if err != nil {
			return target{}, err
		}
		return target{graph: f.graph, flow: f}, nil
	}
	if isScript(name) {
		g, err := scriptGraph(name, sandbox, kept)
		return target{graph: g}, err
	}
	if err := checkModule(name, kept); err != nil {
		return target{}, err
	}
	g, err := moduleGraph(name, sandbox, kept)
	return target{graph: g}, err
}

// ofModulesAlone refuses limits and grants for a flow.
func ofModulesAlone(name string, given []string) error {
	return usagef("run %s: limits and grants on the command line are for a bare module or script (%s); in a flow, write them at the task", name, strings.Join(given, ", "))
}

// isFlowFile tells flow files by their extension.
func isFlowFile(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// checkModule refuses what can't be a module before anything is loaded. What only a
// registry can know is told later.
func checkModule(name string, kept bool) error {
	path, _ := cluster.SplitExport(name)
	switch form := wasm.FormOf(path); {
	case isScript(path):
		return usagef("run %s: code has no exports: give %s", name, path)
	case form == wasm.FormDigest, form == wasm.FormVersion:
		return nil
	case form == wasm.FormWord && kept && cluster.IsModuleName(path) && isRegistered(path):
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("run %s: no such file or directory: %s\nGive a flow file (NAME.flow.yaml), a module (FILE.wasm#EXPORT), code (.py, .js, .ts), the directory of a Go guest, or with --nats the name of a module in the registry", name, path)
	case err != nil:
		return usagef("run %s: %w", name, err)
	case info.Mode().IsRegular() && strings.HasPrefix(filepath.Ext(path), ".go"):
		return usagef("run %s: a Go guest is a directory: give %s", name, filepath.Dir(path))
	}
	return nil
}

// moduleGraph is a graph of one task: the module's.
func moduleGraph(name string, sandbox *sandboxFlags, kept bool) (*engine.Graph, error) {
	path, export := cluster.SplitExport(name)
	if kept {
		if !isRegistered(path) {
			var err error
			if path, err = filepath.Abs(path); err != nil {
				return nil, usagef("run %s: %w", name, err)
			}
		}
		sandbox = sandbox.absolute()
	}
	limits, err := sandbox.limitsDoc()
	if err != nil {
		return nil, err
	}
	grants, err := sandbox.grantsDoc()
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(map[string]string{"module": path, "export": export})
	if err != nil {
		return nil, err
	}
	task := engine.Task{ID: taskID(path, export), Handler: "wasm", Spec: spec, Limits: limits, Grants: grants}
	return engine.NewGraph(task.ID, task)
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// taskID names a bare module's task after its export, else its file.
func taskID(path, export string) string {
	name := export
	switch form := wasm.FormOf(path); {
	case name != "":
	case form == wasm.FormDigest:
		name = "module"
	case form == wasm.FormVersion:
		name, _, _ = strings.Cut(path, "@")
	default:
		abs, err := filepath.Abs(path)
		if err == nil {
			path = abs
		}
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if id := strings.Trim(notInID.ReplaceAllString(name, "-"), "-"); id != "" {
		return id
	}
	return "task"
}

// parseMount reads HOST:GUEST[:rw|:ro]. A host path may hold colons.
func parseMount(text string) (map[string]any, error) {
	rest, writable := strings.CutSuffix(text, ":rw")
	if !writable {
		rest = strings.TrimSuffix(rest, ":ro")
	}
	i := strings.LastIndex(rest, ":/")
	if i <= 0 {
		return nil, usagef("mount %q: want HOST:GUEST or HOST:GUEST:rw, GUEST an absolute path as in ./data:/data", text)
	}
	return map[string]any{"host": rest[:i], "guest": rest[i+1:], "writable": writable}, nil
}

// parseEnv reads NAME=VALUE, or NAME alone for the value it has here.
func parseEnv(texts []string) (map[string]string, error) {
	env := map[string]string{}
	for _, text := range texts {
		name, value, given := strings.Cut(text, "=")
		if name == "" {
			return nil, usagef("environment variable %q: want NAME=VALUE, or NAME to pass it on", text)
		}
		if !given {
			var set bool
			if value, set = os.LookupEnv(name); !set {
				return nil, usagef("environment variable %q: it is not set here; give NAME=VALUE", name)
			}
		}
		env[name] = value
	}
	return env, nil
}

// withTimeout is g with a bound on the whole run.
func withTimeout(g *engine.Graph, timeout time.Duration) (*engine.Graph, error) {
	if timeout == 0 {
		return g, nil
	}
	spec := g.Spec()
	spec.Limits.Timeout = engine.Duration(timeout)
	return spec.Build()
}
