package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// roleCrew is engines on a server, each with the credentials of its role.
type roleCrew struct {
	owner, worker, submitter, viewer *Bus
	engines                          map[*Bus]*engine.Engine
	backends                         map[*Bus]*engine.Backend
	tried                            atomic.Int64
	graph                            *engine.Graph
}

// newRoleCrew has an owner that executes nothing, a worker, one that submits, and one
// that looks on. The flow is a task that is slow to say that it works, one that fails
// once and then returns much, and one that gets that.
func newRoleCrew(t *testing.T) *roleCrew {
	t.Helper()
	s, _ := roleServer(t, true)
	c := &roleCrew{engines: map[*Bus]*engine.Engine{}, backends: map[*Bus]*engine.Backend{}}
	c.owner, c.worker = asRole(t, s, RoleOwner), asRole(t, s, RoleWorker)
	c.submitter, c.viewer = asRole(t, s, RoleSubmitter), asRole(t, s, RoleViewer)
	h := direct.New()
	tell := direct.Func(h, "tell", func(d *direct.Context, _ json.RawMessage) (any, error) {
		d.Log("hello")
		d.Progress(1, 2, "half")
		return 1, d.Set("key", "value")
	})
	much := direct.Func(h, "much", func(*direct.Context, json.RawMessage) (any, error) {
		if c.tried.Add(1) == 1 {
			return nil, errors.New("boom")
		}
		return strings.Repeat("x", 2<<20), nil
	})
	much.Retry = &engine.Retry{Max: 1}
	size := direct.Func(h, "size", func(_ *direct.Context, in json.RawMessage) (any, error) { return len(in), nil })
	g, err := engine.NewGraph("roles", engine.Seq(tell, much, size))
	if err != nil {
		t.Fatal(err)
	}
	c.graph = g
	for b, part := range map[*Bus]engine.Part{c.owner: engine.PartOwner, c.worker: engine.PartWorker, c.submitter: engine.PartNone, c.viewer: engine.PartNone} {
		backend := b.Backend()
		e, err := engine.New(engine.Config{
			Retain: true, Backend: backend, Part: part, Concurrency: 2, Logger: slog.New(slog.DiscardHandler),
			Handlers: map[string]engine.Handler{"direct": h},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		if err := e.Join(); err != nil {
			t.Fatal(err)
		}
		c.engines[b], c.backends[b] = e, backend
	}
	return c
}

// TestRolesRunFlows has engines do all that is done of a run in the role of each;
// asRole fails the test on whatever a server refuses.
func TestRolesRunFlows(t *testing.T) {
	t.Parallel()
	c := newRoleCrew(t)
	ctx := t.Context()
	answering, stop := context.WithCancel(ctx)
	cluster := c.backends[c.owner].Cluster.(*Cluster) //nolint:forcetypeassert // ours
	answered := make(chan error, 1)
	go func() {
		answered <- cluster.Answer(answering, func(_ context.Context, run, method string, _ []byte) ([]byte, error) {
			return []byte(run + " " + method), nil
		})
	}()
	t.Cleanup(func() { stop(); <-answered }) //nolint:errcheck // it ends because it was stopped

	o, err := c.engines[c.submitter].Start(ctx, c.graph, engine.Start{ID: "r"})
	wantEnd(t, "the run", o, err, engine.StatusSucceeded)
	if c.tried.Load() != 2 {
		t.Errorf("the task that fails once was attempted %d times", c.tried.Load())
	}
	if _, err := c.engines[c.submitter].Start(ctx, c.graph, engine.Start{ID: "r"}); !errors.Is(err, engine.ErrRunExists) {
		t.Errorf("start it again: %v, want ErrRunExists", err)
	}
	if got, err := c.submitter.Ask(ctx, "r", "what", nil); err != nil || string(got) != "r what" {
		t.Errorf("ask its owner: %q, %v", got, err)
	}
	for name, b := range map[string]*Bus{"submitter": c.submitter, "viewer": c.viewer} {
		wantSeen(t, name, b, c.engines[b])
	}
	c.wantArchived(t)
}

// wantSeen looks at a run that has ended in all ways there are.
func wantSeen(t *testing.T, who string, b *Bus, e *engine.Engine) {
	t.Helper()
	until(t, "its mark", func() bool {
		m, err := b.Run(t.Context(), "r")
		return err == nil && !m.Ended.IsZero()
	})
	if page, _, err := b.Runs(t.Context(), RunsQuery{}); err != nil || len(page) != 1 {
		t.Errorf("%s lists runs: %v, %v", who, page, err)
	}
	if h, err := e.History(t.Context(), "r"); err != nil || h.Outcome.Status != engine.StatusSucceeded {
		t.Errorf("%s reads the history: %v", who, err)
	}
	o, err := e.Follow(t.Context(), "r")
	wantEnd(t, who+" follows it: it", o, err, engine.StatusSucceeded)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for n, err := range b.Notices(ctx, "r", 0, true) {
		if err != nil {
			t.Errorf("%s reads notices: %v", who, err)
		}
		if err != nil || n.Message == "hello" {
			break
		}
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Errorf("%s asks whether the cluster is ready: %v", who, err)
	}
	if _, err := b.Nodes(t.Context()); err != nil {
		t.Errorf("%s lists processes: %v", who, err)
	}
}

// wantArchived has a worker do what is left: it reads an archived run, of which a
// ticket may be found, says that it is there, and gives up a delivery.
func (c *roleCrew) wantArchived(t *testing.T) {
	t.Helper()
	archiveNow(t, c.owner)
	for _, b := range []*Bus{c.worker, c.submitter, c.viewer} {
		if events, err := c.backends[b].Journal.Read(t.Context(), "r", 0); err != nil || len(events) == 0 {
			t.Errorf("read an archived run: %d events, %v", len(events), err)
		}
	}
	if err := c.worker.Ready(t.Context()); err != nil {
		t.Errorf("a worker asks whether the cluster is ready: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- c.worker.Announce(gone, nil, func() NodeInfo { return NodeInfo{Node: "w"} }) }()
	until(t, "the worker on the list", func() bool {
		nodes, err := c.viewer.Nodes(t.Context())
		return err == nil && len(nodes) == 1
	})
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("announce: %v", err)
	}
	if err := c.backends[c.worker].Cluster.Bury(t.Context(), engine.DeadLetter{Run: "r", Activation: "a", Reason: "test"}); err != nil {
		t.Errorf("bury: %v", err)
	}
	if dead, err := c.viewer.DeadLetters(t.Context(), 0, 10); err != nil || len(dead) != 1 {
		t.Errorf("list dead letters: %v, %v", dead, err)
	}
}
