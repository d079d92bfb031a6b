package schedule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Config says where schedules are, and what they begin. All but Store and Runs may be
// left out.
type Config struct {
	Store Store
	Runs  ops.Runs
	// Check says why what a schedule would submit could not begin; it is asked when one
	// is stored. Nil finds nothing wrong.
	Check func(context.Context, ops.Submission) error
	// Logger is for faults that no caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// book is what Schedules and Keeper do both with documents.
type book struct {
	Config

	me string // unique among those who write
}

func newBook(c Config) book {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return book{Config: c, me: draw(10)}
}

// draw draws letters and digits.
func draw(n int) string { return strings.ToLower(rand.Text()[:n]) }

// page is a document with its revision.
type page struct {
	*document

	revision uint64
}

func (b *book) load(ctx context.Context, name string) (page, error) {
	data, revision, err := b.Store.Load(ctx, name)
	if errors.Is(err, engine.ErrNotFound) {
		return page{}, fmt.Errorf("schedule %q: %w", name, engine.ErrNotFound)
	}
	if err != nil {
		return page{}, fmt.Errorf("read schedule %q: %w", name, err)
	}
	d, err := decode(name, data)
	return page{d, revision}, err
}

// put stores a document in place of that of its revision.
func (b *book) put(ctx context.Context, p page) (page, error) {
	data, err := p.encode()
	if err != nil {
		return page{}, err
	}
	if p.revision, err = b.Store.Put(ctx, p.Schedule.Name, data, p.revision); err != nil {
		return page{}, fmt.Errorf("store schedule %q: %w", p.Schedule.Name, err)
	}
	return p, nil
}

// errUnchanged leaves a document as it is.
var errUnchanged = errors.New("nothing to change")

// change changes a document, as often as others are first. An error of f is returned,
// and nothing changed; errUnchanged is none.
func (b *book) change(ctx context.Context, name string, f func(*document) error) (page, error) {
	for {
		p, err := b.load(ctx, name)
		if err != nil {
			return page{}, err
		}
		if err := f(p.document); errors.Is(err, errUnchanged) {
			return p, nil
		} else if err != nil {
			return page{}, err
		}
		stored, err := b.put(ctx, p)
		if !errors.Is(err, engine.ErrConflict) {
			return stored, err
		}
	}
}

// submitFor bounds one try to begin a run.
const submitFor = 30 * time.Second

// begin begins a run, unless it was. Its error says why it can't be begun.
func (b *book) begin(ctx context.Context, s ops.Schedule, run begin) error {
	ctx, cancel := context.WithTimeout(ctx, submitFor)
	defer cancel()
	for _, before := range run.Cancel {
		err := b.Runs.Cancel(ctx, before, "schedule "+s.Name+" begins the next run")
		if err != nil && !refused(err) { // else it has ended, or is gone
			return fmt.Errorf("cancel run %s: %w", before, err)
		}
	}
	_, err := b.Runs.Submit(ctx, ops.Submission{Target: s.Target, Input: s.Input, ID: run.Run})
	if err != nil && !errors.Is(err, engine.ErrRunExists) {
		return err
	}
	return nil
}

// refused tells errors that come again however often something is tried.
func refused(err error) bool {
	status := ops.Status(err)
	return status >= 400 && status < 500 && status != 429
}
