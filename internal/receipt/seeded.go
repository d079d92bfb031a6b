package receipt

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// Handlers of tasks that run in the sandbox.
const (
	handlerWasm    = "wasm"
	handlerScript  = "script"
	handlerBuiltin = "builtin"
	handlerDocker  = "docker"
)

// ClockStart is where the virtual clock of a task starts that has no other.
var ClockStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Seeded is g with a virtual clock and seeded randomness for each task that runs in the
// sandbox and asks for no other, those of sub-flows too. The seed of a task follows from
// seed, at most MaxSeed, and its place in the graph. Guests find the same name of their module wherever
// that lies.
func Seeded(g *engine.Graph, seed uint64) (*engine.Graph, error) {
	spec, err := eachTask(g.Spec(), "", func(at string, t *engine.Task) error {
		if t.Handler != handlerWasm && t.Handler != handlerScript {
			return nil
		}
		if err := named(t); err != nil {
			return err
		}
		return seedTask(t, seedOf(seed, at))
	})
	if err != nil {
		return nil, err
	}
	return spec.Build()
}

// eachTask changes all tasks of a graph, copies of them, with those of its sub-flows.
func eachTask(spec engine.Spec, at string, change func(at string, t *engine.Task) error) (engine.Spec, error) {
	spec.Tasks = slices.Clone(spec.Tasks)
	for i := range spec.Tasks {
		t := &spec.Tasks[i]
		var err error
		if t.Handler == engine.FlowHandler {
			err = eachInner(t, at+t.ID+"/", change)
		} else {
			err = change(at+t.ID, t)
		}
		if err != nil {
			return spec, fmt.Errorf("task %q: %w", at+t.ID, err)
		}
	}
	return spec, nil
}

func eachInner(t *engine.Task, at string, change func(at string, t *engine.Task) error) error {
	var inner engine.Spec
	if err := engine.DecodeKnown(t.Spec, &inner); err != nil {
		return err
	}
	inner, err := eachTask(inner, at, change)
	if err == nil {
		t.Spec, err = json.Marshal(inner)
	}
	return err
}

// MaxSeed is the largest seed: every reader of JSON keeps it as it is.
const MaxSeed = 1<<53 - 1

// seedOf is that of the task at a place. The seed of the whole can be told from it.
func seedOf(seed uint64, at string) uint64 { return (seed + placeOf(at)) & MaxSeed }

func placeOf(at string) uint64 {
	sum := sha256.Sum256([]byte("graflow-wasm seed\x00" + at))
	return binary.BigEndian.Uint64(sum[:]) & MaxSeed
}

// SeedIn is the seed by which Seeded has made a graph; ok is false if no task tells. Of
// a graph that it has not made and whose tasks have seeds, it is any number.
func SeedIn(g *engine.Graph) (seed uint64, ok bool) {
	votes := map[uint64]int{}
	_, _ = eachTask(g.Spec(), "", func(at string, t *engine.Task) error { // of a graph that was built
		if t.Handler != handlerWasm && t.Handler != handlerScript {
			return nil
		}
		grants, err := objectOf(t.Grants)
		if err != nil || text(grants["random"]) != "seeded" {
			return nil //nolint:nilerr // it is not one of Seeded's
		}
		n, err := strconv.ParseUint(string(grants["seed"]), 10, 64)
		if err == nil && n <= MaxSeed {
			votes[(n-placeOf(at))&MaxSeed]++
		}
		return nil
	})
	for candidate, n := range votes {
		if n > votes[seed] || n == votes[seed] && (!ok || candidate < seed) {
			seed, ok = candidate, true
		}
	}
	return seed, ok
}

// seedTask grants a task what it asks for no other of. To one with tools the grants tell
// what it has anyway: its clock and its randomness follow from the record.
func seedTask(t *engine.Task, seed uint64) error {
	grants, err := objectOf(t.Grants)
	if err != nil {
		return fmt.Errorf("read its grants: %w", err)
	}
	if grants["clock"] == nil {
		grants["clock"] = json.RawMessage(`"virtual"`)
	}
	if grants["random"] == nil && grants["seed"] == nil {
		grants["random"] = json.RawMessage(`"seeded"`)
		grants["seed"] = json.RawMessage(strconv.FormatUint(seed, 10))
	}
	t.Grants, err = json.Marshal(grants)
	return err
}

// objectOf reads an object; nil and null are empty ones.
func objectOf(raw json.RawMessage) (map[string]json.RawMessage, error) {
	object := map[string]json.RawMessage{}
	if len(raw) == 0 {
		return object, nil
	}
	err := json.Unmarshal(raw, &object)
	if object == nil {
		object = map[string]json.RawMessage{}
	}
	return object, err
}

// named gives a task's module the name that its guest is to see, the last part of its
// path. What is wrong with the spec is for its handler to say.
func named(t *engine.Task) error {
	if t.Handler != handlerWasm {
		return nil
	}
	module, err := wasm.ModuleOf(t.Spec)
	if err != nil || module == "" || nameIn(t.Spec) != "" || wasm.FormOf(module) == wasm.FormDigest {
		return nil //nolint:nilerr // see above
	}
	name := module
	if wasm.FormOf(module) == wasm.FormPath {
		name = filepath.Base(filepath.FromSlash(module))
	}
	t.Spec, err = wasm.WithModule(t.Spec, module, name)
	return err
}

// nameIn is the name that a spec gives its module, "" if it gives none.
func nameIn(spec json.RawMessage) string { return textIn(spec, "name") }

// textIn is a field of a spec that is a text, else "".
func textIn(spec json.RawMessage, field string) string {
	object, err := objectOf(spec)
	if err != nil {
		return ""
	}
	var text string
	if json.Unmarshal(object[field], &text) != nil {
		return ""
	}
	return text
}
