package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestAcceptanceHandlers are the cases of handlers in groups. F77 asks for Docker
// and for workers too: those are tested where they are built; guests in groups are
// in handlers/wasm.
func TestAcceptanceHandlers(t *testing.T) {
	t.Parallel()
	groupsRunCases(t, []groupsCase{
		{"C42 result of a loop is the last", groupsC42},
		{"F77 custom handlers in groups", groupsF77},
		{"F77 a custom handler fails", groupsF77Fails},
	})
}

// TestAcceptanceChannel is case G85: operations, expiries and locks of the live
// channel in memory. That of directories passes the same suite in statedir.
func TestAcceptanceChannel(t *testing.T) {
	t.Parallel()
	t.Run("G85_channel_conformance", func(t *testing.T) {
		t.Parallel()
		enginetest.Suite{
			Open:   func(*testing.T) *engine.Backend { return engine.InMemory() },
			Bubble: true,
		}.Run(t)
	})
}

// groupsC42 reads the result of a task that iterated, in every way that there is.
func groupsC42(t *testing.T, f *groupsFlow) {
	t.Helper()
	collect := f.task("collect", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Cycle < 3 {
			return c.Call.Cycle, c.NextIteration(nil)
		}
		return c.Call.Cycle, nil
	})
	read := groupsTakes(f.task("read", func(c *direct.Context, in json.RawMessage) (any, error) {
		var result, key int
		_, keyErr := c.Get("collect.__result__", &key)
		err := errors.Join(c.Result("collect", &result), keyErr)
		return []any{result, key, in}, err
	}), "collect")
	read.With = map[string]json.RawMessage{"expr": json.RawMessage(`"${tasks.collect}"`)}
	groupsSucceeded(t, f.run(engine.Seq(collect, read)), `[3,3,{"collect":3,"expr":3}]`)
	f.wantRan("collect", 3)
}

// groupsShout is a handler as a program registers its own: it takes a while, counts
// in the channel, and asks once for another superstep.
type groupsShout struct{ failing string }

func (h groupsShout) Handle(ctx context.Context, c *engine.Call) (engine.Result, error) {
	if err := groupsWait(ctx, time.Second); err != nil {
		return engine.Result{}, err
	}
	if c.Task.ID == h.failing {
		return engine.Result{}, &engine.TaskError{Kind: "shouted", Message: "no voice"}
	}
	b := engine.NewBuffer(c)
	if c.Cycle == 1 && strings.HasPrefix(c.Task.ID, "twice") {
		b.Iterate(c.Input)
	}
	err := b.Apply(engine.ChannelOp{Op: engine.OpAdd, Key: "shouts", Value: json.RawMessage("1")})
	var text string
	err = errors.Join(err, json.Unmarshal(c.Input, &text))
	value, marshalErr := json.Marshal(strings.ToUpper(text))
	return engine.Result{Value: value, Effects: b.Effects()}, errors.Join(err, marshalErr)
}

func groupsF77(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.handlers = map[string]engine.Handler{"shout": groupsShout{}}
	shout := func(id string) engine.Task { return engine.Task{ID: id, Handler: "shout"} }
	g := engine.Par(shout("a"), engine.Seq(f.echo("b"), shout("b2")), shout("twice"), f.ok("c", 0)).Named("g")
	read := f.echo("read")
	read.With = map[string]json.RawMessage{"group": json.RawMessage(`"${tasks.g}"`), "shouts": json.RawMessage(`"${channel.shouts}"`)}
	f.input = `"hey"`
	groupsSucceeded(t, f.run(engine.Seq(g, read)), `{"group":{"a":"HEY","b2":"HEY","c":"c","twice":"HEY"},"shouts":4}`)
	each := shout("each")
	each.Map = "input"
	f.input = `["x","y","z"]`
	groupsSucceeded(t, f.run(each), `["X","Y","Z"]`)
}

func groupsF77Fails(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.handlers = map[string]engine.Handler{"shout": groupsShout{failing: "b"}}
	f.input = `"hey"`
	members := engine.Par(engine.Task{ID: "a", Handler: "shout"}, engine.Task{ID: "b", Handler: "shout", Retry: &engine.Retry{Max: 1}}).Named("g")
	out := f.run(members.With(engine.Policy{BestEffort: true}))
	groupsSucceeded(t, out, `{"a":"HEY","errors":{"b":{"kind":"shouted","message":"no voice"}}}`)
	out = f.run(engine.Par(engine.Task{ID: "a", Handler: "shout"}, engine.Task{ID: "b", Handler: "shout"}).Named("g"))
	groupsFailed(t, out, engine.KindGroup, `group "g" failed: b: no voice (succeeded: a)`)
}
