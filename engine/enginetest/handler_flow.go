package enginetest

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// flow is a real engine with the handler under test, and one of the suite's own,
// whose tasks come before and after those under test:
//
//	before  returns results["before"], and is there to have a result
//	begin   writes the channel, and returns the input
//	probe   keeps the channel that it sees, and returns its input
//
// Use from one goroutine; what it keeps is safe to read once a run has ended.
type flow struct {
	engine  *engine.Engine
	input   string
	channel values
	before  string

	mu      sync.Mutex // guards what follows
	seen    map[string]json.RawMessage
	notices []engine.Notice
	heard   func(engine.Notice) // if set, is told each notice too
}

// flow makes an engine whose tasks get an input and a channel.
func (s HandlerSuite) flow(t *testing.T, input string, channel values) *flow {
	t.Helper()
	f := &flow{input: input, channel: channel, before: "null"}
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{handlerName: s.New(t), "suite": f},
		Observe:  f.observe,
	})
	check(t, err)
	f.engine = e
	t.Cleanup(func() { check(t, e.Close()) })
	return f
}

func (f *flow) observe(n engine.Notice) {
	f.mu.Lock()
	f.notices = append(f.notices, n)
	heard := f.heard
	f.mu.Unlock()
	if heard != nil {
		heard(n)
	}
}

// Handle implements engine.Handler for the suite's own tasks.
func (f *flow) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	switch call.Task.ID {
	case "before":
		return engine.Result{Value: json.RawMessage(f.before)}, nil
	case "begin":
		r := engine.Result{Value: json.RawMessage(f.input)}
		for key, value := range f.channel.raw() {
			r.Effects.Channel = append(r.Effects.Channel, engine.ChannelOp{Op: engine.OpSet, Key: key, Value: value})
		}
		return r, nil
	}
	seen := map[string]json.RawMessage{}
	for _, key := range call.View.Keys("") {
		seen[key], _ = call.View.Get(key)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = seen
	return engine.Result{Value: call.Input}, nil
}

func own(id string) engine.Task { return engine.Task{ID: id, Handler: "suite"} }

// start begins a run of nodes between before, begin and probe.
func (f *flow) start(t *testing.T, nodes ...engine.Node) *engine.Running {
	t.Helper()
	all := append([]engine.Node{own("before"), own("begin")}, nodes...)
	g, err := engine.NewGraph("flow", engine.Seq(append(all, own("probe"))...))
	check(t, err)
	r, err := f.engine.Start(t.Context(), g, engine.Start{})
	check(t, err)
	return r
}

// run runs nodes to their end.
func (f *flow) run(t *testing.T, nodes ...engine.Node) engine.Outcome {
	t.Helper()
	return waitFor(t, f.start(t, nodes...))
}

// waitFor waits until a run ends or pauses.
func waitFor(t *testing.T, r *engine.Running) engine.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // ends only when a run hangs
	defer cancel()
	out, err := r.Wait(ctx)
	check(t, err)
	return out
}

// told are the notices of one type of a task.
func (f *flow) told(task string, what engine.NoticeType) []engine.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []engine.Notice
	for _, n := range f.notices {
		if n.Task == task && n.Type == what {
			all = append(all, n)
		}
	}
	return all
}

// channelSeen is the channel that probe saw.
func (f *flow) channelSeen() map[string]json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.seen)
}

func wantStatus(t *testing.T, out engine.Outcome, want engine.Status) {
	t.Helper()
	if out.Status != want {
		t.Fatalf("got the run %s (%s %q), error %+v, want it %s", out.Status, out.Reason, out.Message, out.Error, want)
	}
}
