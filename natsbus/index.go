package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// indexStream holds how each run stands, one message a run; those that changed last
// are last.
func indexStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamIndex, Subjects: []string{"gf.idx.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardOld, AllowDirect: true,
	}
}

// indexPrefix is what the subjects of the index begin with.
func (b *Bus) indexPrefix() string { return "gf.idx." + token(b.cfg.Namespace) + "." }

// mark stores how a run stands, unless it was told as of a later event: by an owner
// that took over from one that is late.
func (b *Bus) mark(ctx context.Context, m engine.Mark) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("mark run %q: %w", m.Run, err)
	}
	subject := b.indexPrefix() + token(m.Run)
	for expect := uint64(0); ; {
		_, err = b.publishAt(ctx, streamIndex, subject, expect, &nats.Msg{Subject: subject, Data: data})
		if err == nil {
			return nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return fmt.Errorf("mark run %q: %w", m.Run, err)
		}
		var later bool
		if expect, later, err = b.markedLater(ctx, subject, m); err != nil || later {
			return err
		}
	}
}

// markedLater returns the sequence of a run's entry, 0 if there is none, and tells
// whether it is as of a later event than m.
func (b *Bus) markedLater(ctx context.Context, subject string, m engine.Mark) (uint64, bool, error) {
	last, err := b.leaderLast(ctx, streamIndex, subject)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("mark run %q: %w", m.Run, err)
	}
	was, err := last.mark()
	return last.seq, err == nil && m.Seq != 0 && was.Seq > m.Seq, nil // what can't be read is replaced
}

// Run tells how a run stands, or engine.ErrNotFound.
func (b *Bus) Run(ctx context.Context, run string) (engine.Mark, error) {
	m, _, err := b.marked(ctx, run)
	return m, err
}

// marked reads a run's entry; a replica that does not have it yet does not count.
func (b *Bus) marked(ctx context.Context, run string) (engine.Mark, *kept, error) {
	subject := b.indexPrefix() + token(run)
	found, err := b.pick(ctx, streamIndex, []wanted{{Last: subject}})
	if err != nil {
		return engine.Mark{}, nil, err
	}
	e := found[0]
	if e == nil {
		e, err = b.leaderLast(ctx, streamIndex, subject)
	}
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Mark{}, nil, fmt.Errorf("run %q: %w", run, engine.ErrNotFound)
	}
	if err != nil {
		return engine.Mark{}, nil, err
	}
	m, err := e.mark()
	return m, e, err
}

// used tells whether a run of that id has been, whose log the stream of runs may not
// have any more: its owner marked it, a while before it was archived. So who begins a
// run asks before: it need not ask again afterwards, since what has no mark now is
// not archived within the time of an append.
func (b *Bus) used(ctx context.Context, run string) (bool, error) {
	_, err := b.look(ctx, streamIndex, lookup{Last: b.indexPrefix() + token(run)})
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (e *kept) mark() (m engine.Mark, err error) {
	if err = json.Unmarshal(e.data, &m); err != nil {
		err = fmt.Errorf("read message %d of %s: %w", e.seq, streamIndex, err)
	}
	return m, err
}

// over tells which of the runs have ended, as far as the index knows: of others
// nothing is said.
func (b *Bus) over(ctx context.Context, runs []string) (map[string]bool, error) {
	marks, err := b.marks(ctx, runs)
	if err != nil {
		return nil, err
	}
	over := make(map[string]bool, len(marks))
	for run, m := range marks {
		if !m.Ended.IsZero() {
			over[run] = true
		}
	}
	return over, nil
}

// indexed is an entry of the index.
type indexed struct {
	engine.Mark
	message *kept
	start   uint64 // the sequence of the run's first event; 0 is not known
}

// marks reads the entries of runs, many with one request. A replica that is behind
// may answer.
func (b *Bus) marks(ctx context.Context, runs []string) (map[string]indexed, error) {
	all := make(map[string]indexed, len(runs))
	for len(runs) > 0 {
		var subjects []string
		for size := 0; len(runs) > 0 && len(subjects) < maxSubjects && size < 256<<10; runs = runs[1:] {
			subject := b.indexPrefix() + token(runs[0])
			subjects = append(subjects, subject)
			size += len(subject)
		}
		found, err := b.gather(ctx, streamIndex, wanted{Lasts: subjects})
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			m, err := e.mark()
			if err != nil {
				return nil, err
			}
			all[m.Run] = indexed{Mark: m, message: e}
		}
	}
	return all, nil
}
