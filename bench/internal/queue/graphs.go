package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// graphs are the flows of [Flows] as ours have them, of Go functions, so that no
// sandbox is measured. The zero value is ready.
type graphs struct {
	handle  atomic.Pointer[func(Job)]
	singles atomic.Int64 // runs of single jobs
	handled atomic.Int64 // of these
	others  atomic.Int64 // runs of chains and fans

	mu   sync.Mutex               // guards made
	made map[string]*engine.Graph // each once, as a program would
}

// functions are what the graphs call.
func (g *graphs) functions() *direct.Handler {
	h := direct.New()
	run := func(job Job) { (*g.handle.Load())(job) }
	direct.Func(h, "job", func(_ *direct.Context, job Job) (any, error) {
		run(job)
		g.handled.Add(1)
		return nil, nil
	})
	direct.Func(h, "link", func(_ *direct.Context, job Job) (Job, error) {
		run(job)
		return job + 1, nil
	})
	direct.Func(h, "split", func(_ *direct.Context, f fanInput) ([]Job, error) {
		run(f.First)
		members := make([]Job, f.Width)
		for i := range members {
			members[i] = f.First + Job(i) + 1
		}
		return members, nil
	})
	direct.Func(h, "member", func(_ *direct.Context, job Job) (Job, error) {
		run(job)
		return job, nil
	})
	direct.Func(h, "join", func(_ *direct.Context, members []Job) (any, error) {
		run(members[len(members)-1] + 1)
		return nil, nil
	})
	return h
}

type fanInput struct {
	First Job `json:"first"`
	Width int `json:"width"`
}

// graph makes a graph, the first time.
func (g *graphs) graph(name string, node func() engine.Node) (*engine.Graph, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if made := g.made[name]; made != nil {
		return made, nil
	}
	made, err := engine.NewGraph(name, node())
	if err != nil {
		return nil, err
	}
	if g.made == nil {
		g.made = map[string]*engine.Graph{}
	}
	g.made[name] = made
	return made, nil
}

func task(id, function string) engine.Task {
	return engine.Task{ID: id, Spec: json.RawMessage(`{"func":"` + function + `"}`)}
}

func (g *graphs) job() (*engine.Graph, error) {
	return g.graph("job", func() engine.Node { return task("job", "job") })
}

func (g *graphs) chain(steps int) (*engine.Graph, error) {
	return g.graph(fmt.Sprint("chain", steps), func() engine.Node {
		nodes := make([]engine.Node, steps)
		for i := range nodes {
			nodes[i] = task(fmt.Sprint("step", i), "link")
		}
		return engine.Seq(nodes...)
	})
}

func (g *graphs) fan() (*engine.Graph, error) {
	return g.graph("fan", func() engine.Node {
		members := task("member", "member")
		members.Map = "tasks.split"
		return engine.Seq(task("split", "split"), members, task("join", "join"))
	})
}

// run runs a graph and returns once its outcome is known.
func run(ctx context.Context, e *engine.Engine, g *engine.Graph, input any) error {
	data, err := json.Marshal(input)
	if err != nil {
		return err
	}
	out, err := e.Run(ctx, g, data)
	if err == nil && out.Status != engine.StatusSucceeded {
		err = fmt.Errorf("the run of %s %s: %w", g.Name(), out.Status, out.Error)
	}
	return err
}

// graphFlows are the methods of [Flows] for ours. Workers have to run.
type graphFlows struct {
	graphs
	worker atomic.Pointer[engine.Engine] // that owns runs and works
}

// Watch implements [Flows]: an engine tells how a run ends anyway.
func (f *graphFlows) Watch(context.Context) (func() error, error) {
	return func() error { return nil }, nil
}

// Run implements [Flows].
func (f *graphFlows) Run(ctx context.Context, job Job) error {
	g, err := f.job()
	if err != nil {
		return err
	}
	f.singles.Add(1)
	return run(ctx, f.worker.Load(), g, job)
}

// Chain implements [Flows].
func (f *graphFlows) Chain(ctx context.Context, first Job, steps int) error {
	g, err := f.chain(steps)
	if err != nil {
		return err
	}
	f.others.Add(1)
	return run(ctx, f.worker.Load(), g, first)
}

// FanOut implements [Flows].
func (f *graphFlows) FanOut(ctx context.Context, first Job, width int) error {
	g, err := f.fan()
	if err != nil {
		return err
	}
	f.others.Add(1)
	return run(ctx, f.worker.Load(), g, fanInput{First: first, Width: width})
}
