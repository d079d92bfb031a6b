package statedir

import (
	"context"

	"github.com/graflow/graflow-wasm/engine"
)

// ReadAll reads a journal's events after a sequence, in as many parts as they
// come in.
func ReadAll(ctx context.Context, j engine.Journal, run string, after uint64) (all []*engine.Event, err error) {
	for {
		part, err := j.Read(ctx, run, after)
		if err != nil || len(part) == 0 {
			return all, err
		}
		all, after = append(all, part...), part[len(part)-1].Seq
	}
}
