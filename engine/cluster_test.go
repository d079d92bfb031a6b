package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// fleet is several engines on one backend.
type fleet struct {
	*testing.T
	shared  *enginetest.Shared
	mu      sync.Mutex // guards ran
	ran     []string   // "node task attempt"
	engines map[string]*engine.Engine
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	return &fleet{T: t, shared: enginetest.NewShared(), engines: map[string]*engine.Engine{}}
}

// join adds an engine on which the function task does what f says.
func (f *fleet) join(node string, part engine.Part, do func(c *direct.Context) (any, error)) *engine.Engine {
	f.Helper()
	return f.joinOn(node, f.shared.Backend(), part, 4, do)
}

func (f *fleet) joinOn(node string, b *engine.Backend, part engine.Part, slots int, do func(c *direct.Context) (any, error)) *engine.Engine {
	f.Helper()
	h := direct.New()
	direct.Func(h, "task", func(c *direct.Context, _ json.RawMessage) (any, error) {
		f.mu.Lock()
		f.ran = append(f.ran, fmt.Sprintf("%s %s %d", node, c.Call.Activation, c.Call.Attempt))
		f.mu.Unlock()
		if do == nil {
			return c.Call.Activation, nil
		}
		return do(c)
	})
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: b, Part: part, Concurrency: slots,
	})
	if err != nil {
		f.Fatal(err)
	}
	if err := e.Join(); err != nil {
		f.Fatal(err)
	}
	f.engines[node] = e
	f.Cleanup(func() { _ = e.Close() })
	return e
}

// spec is a flow of the function task, as "a>b, a>c".
func (f *fleet) spec(text string) *engine.Spec {
	w := &world{T: f.T, handler: direct.New(), do: map[string]do{}}
	s := w.flow(text)
	for i := range s.Tasks {
		s.Tasks[i].Handler, s.Tasks[i].Spec = "", json.RawMessage(`{"func":"task"}`)
	}
	return s
}

func (f *fleet) start(e *engine.Engine, s *engine.Spec, id string) *engine.Running {
	f.Helper()
	g, err := s.Build()
	if err != nil {
		f.Fatal(err)
	}
	o, err := e.Start(f.Context(), g, engine.Start{ID: id})
	if err != nil {
		f.Fatal(err)
	}
	return o
}

func (f *fleet) wait(o *engine.Running) engine.Outcome {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), time.Hour) // virtual
	defer cancel()
	out, err := o.Wait(ctx)
	if err != nil {
		f.Fatal(err)
	}
	return out
}

func (f *fleet) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ran)
}

func (f *fleet) count(part string) int {
	n := 0
	for _, line := range f.log() {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func hang(c *direct.Context) (any, error) {
	<-c.Done()
	return nil, context.Cause(c)
}

func TestClusterParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.join("owner", engine.PartOwner, nil)
		f.join("worker", engine.PartWorker, nil)
		client := f.join("client", engine.PartNone, nil)
		o := f.start(client, f.spec("a>b>d, a>c>d"), "r")
		if out := f.wait(o); out.Status != engine.StatusSucceeded || string(out.Output) != `"d"` {
			t.Errorf("outcome %+v, want d", out)
		}
		if got := f.log(); len(got) != 4 || f.count("worker ") != 4 {
			t.Errorf("ran %q, want four tasks by the worker", got)
		}
		synctest.Wait()
		if m := f.shared.Marked("r"); m.Status != engine.StatusSucceeded || m.Tasks != 4 || m.Ended.IsZero() {
			t.Errorf("marked as %+v, want succeeded after 4 tasks", m)
		}
		g, err := f.spec("a").Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Start(t.Context(), g, engine.Start{ID: "r"}); !errors.Is(err, engine.ErrRunExists) {
			t.Errorf("a second run of the id: %v, want ErrRunExists", err)
		}
		if err := o.Cancel(""); err == nil {
			t.Error("canceled after its end")
		}
	})
}

// TestClusterOwnerLost: another owner goes on where the one before was.
func TestClusterOwnerLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		first := f.join("first", engine.PartOwner, nil)
		slow := func(c *direct.Context) (any, error) {
			time.Sleep(time.Second) // virtual
			return c.Call.Activation, nil
		}
		f.join("worker", engine.PartWorker, slow)
		client := f.join("client", engine.PartNone, nil)
		o := f.start(client, f.spec("a>b>c>d"), "r")
		time.Sleep(1500 * time.Millisecond) // virtual: b runs
		_ = first.Close()
		f.join("second", engine.PartOwner, nil)
		if out := f.wait(o); out.Status != engine.StatusSucceeded || string(out.Output) != `"d"` {
			t.Errorf("outcome %+v, want d", out)
		}
		if got := f.log(); f.count(" b 1") < 1 || f.count(" a 1") != 1 {
			t.Errorf("ran %q", got)
		}
	})
}

// TestClusterCancel: a worker elsewhere is told, and one that has nothing of it is
// not waited for long.
func TestClusterCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		o := f.start(owner, f.spec("a>b, c"), "r")
		time.Sleep(time.Second) // virtual: nobody takes them
		began := time.Now()
		if err := o.Cancel("no more"); err != nil {
			t.Fatal(err)
		}
		if out := f.wait(o); out.Status != engine.StatusCanceled || time.Since(began) > time.Second {
			t.Errorf("outcome %+v after %s, want canceled within a second", out, time.Since(began))
		}
		f.join("worker", engine.PartWorker, hang)
		o = f.start(owner, f.spec("a>b, c"), "r2")
		time.Sleep(time.Second) // virtual: a and c hang
		began = time.Now()
		if err := o.Cancel("no more"); err != nil {
			t.Fatal(err)
		}
		if out := f.wait(o); out.Status != engine.StatusCanceled || time.Since(began) > 100*time.Millisecond {
			t.Errorf("outcome %+v after %s, want canceled within 100 ms", out, time.Since(began))
		}
		if got := f.log(); len(got) != 2 {
			t.Errorf("ran %q, want a and c of the second run alone", got)
		}
	})
}

// TestClusterHold: what is on its way when a run is held comes back, and goes on
// once it is released.
func TestClusterHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		o := f.start(owner, f.spec("a>b, c"), "r")
		synctest.Wait()
		if err := o.Hold("wait"); err != nil {
			t.Fatal(err)
		}
		f.join("worker", engine.PartWorker, nil)
		if out := f.wait(o); out.Status != engine.StatusPaused || out.Reason != engine.ReasonHeld {
			t.Errorf("outcome %+v, want paused by hand", out)
		}
		if got := f.log(); len(got) != 0 {
			t.Errorf("ran %q while held", got)
		}
		if err := o.Release(); err != nil {
			t.Fatal(err)
		}
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
		if got := f.log(); len(got) != 3 {
			t.Errorf("ran %q, want each once", got)
		}
	})
}

// TestClusterDrain: what does not end in time is handed back, and runs elsewhere.
func TestClusterDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		first := f.join("first", engine.PartWorker, hang)
		o := f.start(owner, f.spec("a>b"), "r")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		first.Drain(ctx)
		if took := time.Since(began); took > 1200*time.Millisecond {
			t.Errorf("drained after %s, want 1s", took)
		}
		_ = first.Close()
		f.join("second", engine.PartWorker, nil)
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
		if got := strings.Join(f.log(), ", "); got != "first a 1, second a 1, second b 1" {
			t.Errorf("ran %q", got)
		}
	})
}

// TestClusterWorkerLost: an attempt that ends its worker each time is begun by
// others, and buried once that was too often.
func TestClusterWorkerLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		o := f.start(owner, f.spec("a>b"), "r")
		for i := range 6 {
			f.lost(fmt.Sprint("lost-", i))
			time.Sleep(11 * time.Second) // virtual: the lease runs out
		}
		out := f.wait(o)
		if out.Status != engine.StatusFailed || out.Reason != engine.ReasonWorkerLost || out.Error.Kind != engine.KindWorkerLost {
			t.Errorf("outcome %+v, want failed as workers were lost", out)
		}
		if got := f.log(); len(got) != 5 {
			t.Errorf("ran %q, want five times", got)
		}
		if got := f.shared.Buried(); len(got) != 1 || got[0].Activation != "a" || got[0].Delivered != 5 {
			t.Errorf("dead letters %+v, want one of a", got)
		}
	})
}

// lost adds a worker that never comes back with what it takes, nor extends it.
func (f *fleet) lost(node string) {
	f.Helper()
	f.lostWith(node, 1)
}

// lostWith is lost of a worker that takes so many at once.
func (f *fleet) lostWith(node string, slots int) {
	f.Helper()
	b := f.shared.Backend()
	b.Lease = 24 * time.Hour
	b.Journal = deafJournal{b.Journal}
	f.joinOn(node, b, engine.PartWorker, slots, hang)
}

// deafJournal takes nothing but claims.
type deafJournal struct{ engine.Journal }

func (j deafJournal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if e.Type != engine.EventBegun && e.Type != engine.EventFailed {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return j.Journal.Append(ctx, run, chain, expect, e)
}
