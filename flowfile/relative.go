package flowfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// RelativeVolumes reports each volume of a container, those of sub-flows too, whose
// directory is relative to its flow file: on a machine that has not this file it
// would be another. The error is nil, or holds an [*engine.BuildError] for each.
func (f *File) RelativeVolumes() error { return errors.Join(f.relativeVolumes("")...) }

func (f *File) relativeVolumes(prefix string) (errs []error) {
	for _, at := range f.relative {
		errs = append(errs, &engine.BuildError{At: prefix + at, Message: "the directory of the volume is relative to this file, " +
			"and who runs the task is on another machine: write the absolute path that it has there, or hand files over with files_in"})
	}
	for _, id := range slices.Sorted(maps.Keys(f.subs)) {
		errs = append(errs, f.subs[id].relativeVolumes(prefix+fmt.Sprintf("tasks.%s.spec.", id))...)
	}
	return errs
}
