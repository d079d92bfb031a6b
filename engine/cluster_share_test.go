package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// handed is a cluster whose owner is told by a test what is its share.
type handed struct {
	engine.Cluster
	owner chan engine.Owner
}

func (h handed) Own(ctx context.Context, o engine.Owner) error {
	h.owner <- o
	<-ctx.Done()
	return nil
}

// gated is a journal that is read once its gate is open, fails appends while fail is
// set, and has nothing while blind is.
type gated struct {
	engine.Journal
	gate        chan struct{}
	fail, blind *atomic.Bool
}

func (g gated) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	select {
	case <-g.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if g.blind.Load() {
		return nil, nil
	}
	return g.Journal.Read(ctx, run, after)
}

func (g gated) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if g.fail.Load() {
		return 0, errors.New("the storage is away")
	}
	return g.Journal.Append(ctx, run, chain, expect, e)
}

// hand adds an engine that owns what the test says, and whose journal it can shut.
func (f *fleet) hand() (*engine.Engine, engine.Owner, gated) {
	f.Helper()
	b := f.shared.Backend()
	g := gated{b.Journal, make(chan struct{}), new(atomic.Bool), new(atomic.Bool)}
	c := handed{b.Cluster, make(chan engine.Owner, 1)}
	b.Cluster, b.Journal = c, g
	e := f.joinOn("owner", b, engine.PartOwner, 1, nil)
	return e, <-c.owner, g
}

// TestClusterGoneMeanwhile: a run that goes to another process while it is recovered is
// not driven, and one that comes back while it is left is.
func TestClusterGoneMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.start(f.join("client", engine.PartNone, nil), f.spec("a>b"), "r")
		e, owner, g := f.hand()
		drives := func(want bool, when string) {
			t.Helper()
			synctest.Wait()
			if got := e.Running("r") != nil; got != want {
				t.Fatalf("driven: %v %s, want %v", got, when, want)
			}
		}
		owner.Moved("r")
		synctest.Wait() // it reads the log
		owner.Gone("r")
		close(g.gate)
		drives(false, "though it went away while it was recovered")
		owner.Moved("r")
		drives(true, "once it has come")
		owner.Gone("r")
		drives(false, "once it is gone")
		owner.Moved("r")
		synctest.Wait()
		owner.Gone("r")
		owner.Moved("r")
		drives(true, "once it has gone and come back")
	})
}

// TestClusterSeenLate: a run that the journal does not have for a moment after its owner
// was told of it, as of a replica that is behind, is driven; one that is gone is not
// looked for without end.
func TestClusterSeenLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.start(f.join("client", engine.PartNone, nil), f.spec("a>b"), "r")
		e, owner, g := f.hand()
		close(g.gate)
		g.blind.Store(true)
		owner.Moved("r")
		owner.Moved("gone")
		time.Sleep(3 * time.Second) // virtual
		g.blind.Store(false)
		time.Sleep(2 * time.Second) // virtual
		if e.Running("r") == nil {
			t.Error("a run that was seen late is not driven")
		}
		if e.Running("gone") != nil {
			t.Error("a run that is nowhere is driven")
		}
	})
}

// TestClusterGivenUpByTimer: a run that is given up as a timer's decision could not be
// stored is recovered, though nothing comes to its log.
func TestClusterGivenUpByTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		s := f.spec("a")
		s.Limits.Timeout = engine.Duration(time.Minute)
		o := f.start(f.join("client", engine.PartNone, nil), s, "r")
		_, owner, g := f.hand()
		close(g.gate)
		owner.Moved("r")
		synctest.Wait()
		g.fail.Store(true)
		time.Sleep(61 * time.Second) // virtual: its timeout can't be stored
		g.fail.Store(false)
		time.Sleep(5 * time.Second) // virtual
		// Nobody tells the owner: what it appended it is to find by itself.
		if out := o.Outcome(); out.Reason != engine.ReasonDeadline {
			t.Errorf("outcome %+v, want that of its timeout", out)
		}
	})
}

// rivalJournal has another be first with each answer.
type rivalJournal struct{ engine.Journal }

func (j rivalJournal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if e.Type == engine.EventAnswered {
		rival := *e
		rival.Value = json.RawMessage(`"rival"`)
		if _, err := j.Journal.Append(ctx, run, chain, expect, &rival); err != nil {
			return 0, err
		}
	}
	return j.Journal.Append(ctx, run, chain, expect, e)
}

// TestClusterAnsweredByAnother: of two answers the second is refused, though it was
// given before the first was known.
func TestClusterAnsweredByAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		b := f.shared.Backend()
		b.Journal = rivalJournal{b.Journal}
		e := f.joinOn("both", b, engine.PartBoth, 2, func(c *direct.Context) (any, error) {
			var answer any
			err := c.Pause(engine.Pause{Name: "ask-" + c.Call.Activation}, &answer)
			return answer, err
		})
		o := f.start(e, f.spec("a, b"), "r")
		if out := f.wait(o); out.Status != engine.StatusPaused {
			t.Fatalf("outcome %+v, want paused", out)
		}
		for _, name := range []string{"ask-a", "a", "ask-b"} { // "a" is the activation
			if err := o.Resume(name, json.RawMessage(`"late"`)); !errors.Is(err, engine.ErrAnswered) {
				t.Errorf("answer %s: %v, want ErrAnswered", name, err)
			}
		}
		<-o.Done()
		if out := f.wait(o); string(out.Output) != `{"a":"rival","b":"rival"}` {
			t.Errorf("output %s, want the first answers", out.Output)
		}
	})
}

// awayBlobs does not answer some times, but for the run's graph, which is read first.
type awayBlobs struct {
	engine.Blobs
	puts, opens *int // times to come
	read        *bool
}

func (b awayBlobs) Put(ctx context.Context, run string, r io.Reader) (string, int64, error) {
	if *b.puts--; *b.puts >= 0 {
		return "", 0, fmt.Errorf("put: %w", engine.ErrUnreachable)
	}
	return b.Blobs.Put(ctx, run, r)
}

func (b awayBlobs) Open(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	if !*b.read {
		*b.read = true
	} else if *b.opens--; *b.opens >= 0 {
		return nil, fmt.Errorf("open: %w", engine.ErrUnreachable)
	}
	return b.Blobs.Open(ctx, run, digest)
}

// TestClusterStorageAway: that a value could not be kept, or read, is no failure of its
// task: the attempt is begun anew.
func TestClusterStorageAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]struct{ puts, opens int }{"put": {puts: 2}, "open": {opens: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				owner := f.join("owner", engine.PartOwner, nil)
				s := f.spec("a>b")
				s.Tasks[0].Output = engine.OutputBlob
				o := f.start(owner, s, "r")
				synctest.Wait()
				b := f.shared.Backend()
				b.Blobs = awayBlobs{b.Blobs, &away.puts, &away.opens, new(bool)}
				f.joinOn("worker", b, engine.PartWorker, 4, nil)
				if out := f.wait(o); out.Status != engine.StatusSucceeded {
					t.Errorf("outcome %+v, want succeeded", out)
				}
				if away.puts > 0 || away.opens > 0 || f.count("worker a 1") != 1+map[string]int{"put": 2}[name] {
					t.Errorf("%+v failures are left, ran %q", away, f.log())
				}
			})
		})
	}
}

// lateJournal does not show for a while what is stored after an event.
type lateJournal struct {
	engine.Journal
	through *atomic.Uint64
}

func (j lateJournal) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	all, err := j.Journal.Read(ctx, run, after)
	return slices.DeleteFunc(slices.Clone(all), func(e *engine.Event) bool { return e.Seq > j.through.Load() }), err
}

// TestClusterDecidesBehindAnother: an owner that does not see yet what the one before
// has decided decides after it.
func TestClusterDecidesBehindAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		b := f.shared.Backend()
		stored := b.Journal
		late := lateJournal{stored, &atomic.Uint64{}}
		b.Journal = late
		late.through.Store(1 << 60)
		e := f.joinOn("owner", b, engine.PartOwner, 1, nil)
		f.start(f.join("client", engine.PartNone, nil), f.spec("a"), "r")
		synctest.Wait()
		start, err := stored.Last(t.Context(), "r", "")
		if err != nil {
			t.Fatal(err)
		}
		late.through.Store(start)
		held := &engine.Event{Type: engine.EventHeld, Time: time.Now(), Message: "by another"}
		if _, err := stored.Append(t.Context(), "r", "", start, held); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { late.through.Store(1 << 60) })
		near := e.Running("r")
		if err := near.Release(); err != nil {
			t.Fatalf("released: %v", err)
		}
		last, err := stored.Last(t.Context(), "r", "")
		if err != nil || last <= held.Seq || e.Running("r") != near {
			t.Errorf("the last decision is %d, %v, the one before %d; want it released, and not given up", last, err, held.Seq)
		}
	})
}
