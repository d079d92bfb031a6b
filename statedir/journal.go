package statedir

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// journal is the engine's view of the runs' logs.
type journal struct{ dir *Dir }

var _ engine.Journal = (*journal)(nil)

// Append implements engine.Journal. It returns once the event is stored; ctx is
// looked at before, not while it is written, since nobody can tell then whether
// it will be there.
func (j *journal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	entry, err := encodeEvent(chain, e)
	if err != nil {
		return 0, fmt.Errorf("append to run %q: %w", run, err)
	}
	var seq uint64
	err = j.dir.runs.use(run, func(r *openRun) (gone bool, err error) {
		seq, gone, err = r.log.append(chain, expect, e, entry)
		return gone, err
	})
	switch {
	case errors.Is(err, engine.ErrConflict):
		return 0, engine.ErrConflict
	case err != nil:
		return 0, fmt.Errorf("append to run %q: %w", run, err)
	}
	return seq, nil
}

// Read implements engine.Journal. What it reads from files, and that is all but
// the newest, comes in parts of at most 4096 events and about 4 MiB.
func (j *journal) Read(_ context.Context, run string, after uint64) (events []*engine.Event, err error) {
	err = j.dir.runs.use(run, func(r *openRun) (gone bool, err error) {
		events, gone, err = r.log.read(after)
		return gone, err
	})
	if err != nil {
		return nil, fmt.Errorf("read run %q: %w", run, err)
	}
	return events, nil
}

// Last implements engine.Journal.
func (j *journal) Last(_ context.Context, run, chain string) (seq uint64, err error) {
	err = j.dir.runs.use(run, func(r *openRun) (gone bool, err error) {
		seq, gone, err = r.log.lastOf(chain)
		return gone, err
	})
	if err != nil {
		return 0, fmt.Errorf("read run %q: %w", run, err)
	}
	return seq, nil
}

// Trim implements engine.Journal. Only whole segments go.
func (j *journal) Trim(_ context.Context, run string, through uint64) error {
	err := j.dir.runs.use(run, func(r *openRun) (bool, error) { return r.log.trim(through) })
	if err != nil {
		return fmt.Errorf("trim run %q: %w", run, err)
	}
	return nil
}

// Forget implements engine.Journal. The run's live channel goes with its log;
// its blobs don't.
func (j *journal) Forget(_ context.Context, run string) error {
	err := j.dir.runs.use(run, func(r *openRun) (bool, error) { return j.forget(r) })
	if err != nil {
		return fmt.Errorf("forget run %q: %w", run, err)
	}
	return nil
}

func (j *journal) forget(r *openRun) (gone bool, err error) {
	r.log.reading.Lock()
	defer r.log.reading.Unlock()
	appenders := []*appender{&r.log.appender, &r.channel.appender}
	for _, a := range appenders {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.gone {
			return true, nil
		}
		a.settle()
		_ = a.closeFile() // some systems rename no open files; whether it was synced matters no more
	}
	if err := j.dir.discard(r.dir); err != nil {
		return false, err // what is left is read anew
	}
	for _, a := range appenders {
		a.gone = true
	}
	r.channel.clear()
	j.dir.runs.forget(r)
	return false, nil
}
