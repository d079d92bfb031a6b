package flowfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// herePath is a path of the machine that is relative to its flow file.
type herePath struct{ at, fault string }

// What is wrong with such paths elsewhere.
const (
	relativeVolume = "the directory of the volume is relative to this file, " +
		"and who runs the task is on another machine: write the absolute path that it has there, or hand files over with files_in"
	relativeBundle = "what the code imports from is relative to this file, " +
		"and who runs the task is on another machine: write the absolute path that it has there, or put it into the code"
)

// RelativeVolumes reports each volume of a container and each bundle of a script,
// those of sub-flows too, whose path is relative to its flow file: on a machine that
// has not this file it would be another. The error is nil, or holds an [*engine.BuildError] for each.
func (f *File) RelativeVolumes() error { return errors.Join(f.relativeVolumes("")...) }

func (f *File) relativeVolumes(prefix string) (errs []error) {
	for _, p := range f.relative {
		errs = append(errs, &engine.BuildError{At: prefix + p.at, Message: p.fault})
	}
	for _, id := range slices.Sorted(maps.Keys(f.subs)) {
		errs = append(errs, f.subs[id].relativeVolumes(prefix+fmt.Sprintf("tasks.%s.spec.", id))...)
	}
	return errs
}
