package wasm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// meeting is a tool that answers once so many guests have called it.
type meeting struct{ arrive, leave chan struct{} }

func newMeeting(guests int) meeting {
	m := meeting{make(chan struct{}), make(chan struct{})}
	go func() {
		for range guests {
			<-m.arrive
		}
		close(m.leave)
	}()
	return m
}

func (m meeting) CallTool(ctx context.Context, _ string, _ json.RawMessage) (json.RawMessage, error) {
	select {
	case m.arrive <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-m.leave:
		return json.RawMessage("null"), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// computing is a group of members that compute for some rounds.
func computing(tb testing.TB, members, rounds int, tool string) engine.Node {
	tb.Helper()
	var all []engine.Node
	for i := range members {
		m := hostile(tb, fmt.Sprintf("m%d", i), "compute")
		m.Grants, m.Timeout = json.RawMessage(`{"tools":["meet"]}`), engine.Duration(time.Minute)
		m.With = map[string]json.RawMessage{"tool": marshal(tb, tool), "rounds": marshal(tb, rounds)}
		all = append(all, m)
	}
	return engine.Par(all...)
}

// membersAtOnce lets two members meet while both run: one after the other they
// would wait for ever. What it gains on two cores tells BenchmarkMembersAtOnce.
func membersAtOnce(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{Tools: newMeeting(2)}, nil)
	out := tr.run("null", computing(t, 2, 1000, "meet"))
	var sums map[string]uint64
	if err := json.Unmarshal(out.Output, &sums); err != nil || len(sums) != 2 || sums["m0"] != sums["m1"] {
		t.Errorf("got %s, %v, want the same of both", marshal(t, out), err)
	}
}

// custom is a handler as anybody may register one.
type custom struct{}

func (custom) Handle(_ context.Context, c *engine.Call) (engine.Result, error) {
	b := engine.NewBuffer(c)
	err := b.Apply(engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")})
	return engine.Result{Value: marshalText(c.Task.ID), Effects: b.Effects()}, err
}

func marshalText(text string) json.RawMessage { return json.RawMessage(fmt.Sprintf("%q", text)) }

// guestsBesideOthers groups guests with another handler's tasks: their writes are
// merged like those of one.
func guestsBesideOthers(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, map[string]engine.Handler{"custom": custom{}})
	other := func(id string) engine.Node { return engine.Task{ID: id, Handler: "custom"} }
	read := task(t, "read", "echo")
	read.With = map[string]json.RawMessage{"n": json.RawMessage(`"${channel.n}"`), "group": json.RawMessage(`"${tasks.g}"`)}
	group := engine.Par(other("a"), task(t, "b", "echo"), other("c"), engine.Seq(task(t, "d", "noop"), other("e"))).Named("g")
	tr.wantSucceeded(tr.run("7", engine.Seq(group, read)), `{"n":3,"group":{"a":"a","b":7,"c":"c","e":"e"}}`)
}

// BenchmarkMembersAtOnce runs two members that compute one after the other, and at
// once; its metric is by how much the latter is faster (case F81 wants 1.7 on two
// cores that have nothing else to do).
func BenchmarkMembersAtOnce(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("it takes two cores")
	}
	g, err := engine.NewGraph("flow", computing(b, 2, 50_000_000, ""))
	if err != nil {
		b.Fatal(err)
	}
	var took [2]time.Duration
	engines := [2]*engine.Engine{}
	for i := range engines {
		engines[i], err = engine.New(engine.Config{Handlers: map[string]engine.Handler{"wasm": newHandler(b, wasm.Config{})}, Concurrency: i + 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = engines[i].Close() })
		if err := engines[i].Check(b.Context(), g); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for i, e := range engines {
			began := time.Now()
			if out, err := e.Run(b.Context(), g, nil); err != nil || out.Status != engine.StatusSucceeded {
				b.Fatal(out.Status, err)
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "x-faster")
}
