package flowtest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// mockHandler is the handler of sub-flows that are mocked as a whole: the engine would
// run them itself.
const mockHandler = "mock"

// kindNoMock is the error of an execution for which a mock has no reply.
const kindNoMock = "no_mock"

// handler executes tasks, or has their mocks answer in their place.
type handler struct {
	inner   engine.Handler // nil: of tasks that are all mocked
	instant bool           // what it runs takes no time
	world   *world
	mocking *mocking
	tree    *tree
}

var _ engine.Handler = (*handler)(nil)

// Handle implements engine.Handler.
func (h *handler) Handle(ctx context.Context, call *engine.Call) (result engine.Result, err error) {
	path := h.tree.pathOf(call.Activation, call.Task.ID)
	p, mocked := h.mocking.execution(path, call.Input)
	switch {
	case p != nil:
		return h.reply(ctx, call, p)
	case mocked:
		return engine.Result{}, h.noReply(path, call)
	}
	if err := h.check(ctx, path, call); err != nil {
		return engine.Result{}, err
	}
	if h.instant {
		return h.inner.Handle(ctx, call)
	}
	h.world.really(func() { result, err = h.inner.Handle(ctx, call) })
	return result, err
}

// check tells whether a task can really be executed, before its first execution: of
// one that no case comes to, the code may be anywhere. Time stands still meanwhile,
// though code may be built and compiled.
func (h *handler) check(ctx context.Context, path string, call *engine.Call) error {
	c, ok := h.inner.(engine.Checker)
	if !ok || !h.mocking.first(path) {
		return nil
	}
	err := c.Check(ctx, call.Task)
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("task %s has no mock, and can't be executed: %s", path, err)
	h.mocking.fault(text)
	return &engine.TaskError{Kind: engine.KindInvalidInput, Message: text, Permanent: true}
}

// noReply is a fault of the case, whatever the flow makes of it.
func (h *handler) noReply(path string, call *engine.Call) error {
	text := fmt.Sprintf("the mock of %s has no reply left for attempt %d of %s, whose input is %s", path, call.Attempt, call.Activation, short(call.Input))
	h.mocking.fault(text)
	return &engine.TaskError{Kind: kindNoMock, Message: text, Permanent: true}
}

// reply does what a mock says.
func (h *handler) reply(ctx context.Context, call *engine.Call, p *reply) (engine.Result, error) {
	for _, line := range p.log {
		call.Sink.Log(slog.LevelInfo, line)
	}
	if p.takes != nil {
		if err := h.world.sleep(ctx, time.Duration(*p.takes)); err != nil {
			return engine.Result{}, err
		}
	}
	if p.fail != nil {
		fail := *p.fail
		return engine.Result{Effects: p.effects}, &fail
	}
	result := engine.Result{Value: p.value, Effects: p.effects}
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		file, err := call.Files.Put(ctx, name, strings.NewReader(p.files[name]))
		if err != nil {
			return engine.Result{}, err
		}
		result.Files = append(result.Files, file)
	}
	return result, nil
}

// handlers are those of one case.
func (r *Runner) handlers(w *world, m *mocking, t *tree) (map[string]engine.Handler, error) {
	b, err := r.builtin(w.Now)
	if err != nil {
		return nil, err
	}
	all := map[string]engine.Handler{}
	for name, inner := range r.config.Handlers {
		all[name] = &handler{inner: inner, world: w, mocking: m, tree: t}
	}
	all["builtin"] = &handler{inner: b, instant: true, world: w, mocking: m, tree: t}
	all[mockHandler] = &handler{world: w, mocking: m, tree: t}
	return all, nil
}

// mockFlows is the graph with the mocked sub-flows as tasks of a handler of their own.
func mockFlows(g *engine.Graph, mocks map[string]*mock) (*engine.Graph, error) {
	spec, changed := mockFlowsOf(g.Spec(), "", mocks)
	if !changed {
		return g, nil
	}
	return spec.Build()
}

func mockFlowsOf(spec engine.Spec, prefix string, mocks map[string]*mock) (out engine.Spec, changed bool) {
	spec.Tasks = slices.Clone(spec.Tasks)
	for i := range spec.Tasks {
		t := &spec.Tasks[i]
		if t.Handler != engine.FlowHandler {
			continue
		}
		path := prefix + t.ID
		var inner engine.Spec
		if mocks[path] != nil {
			t.Handler, t.Spec, changed = mockHandler, nil, true
		} else if json.Unmarshal(t.Spec, &inner) == nil {
			if inner, below := mockFlowsOf(inner, path+"/", mocks); below {
				raw, err := json.Marshal(inner)
				if err != nil {
					continue // it came from JSON
				}
				t.Spec, changed = raw, true
			}
		}
	}
	return spec, changed
}

// short is a value for a message.
func short(v json.RawMessage) string {
	const most = 200
	if len(v) <= most {
		return string(v)
	}
	return strings.ToValidUTF8(string(v[:most]), "") + "…"
}
