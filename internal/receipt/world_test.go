package receipt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/receipt"
)

// programs stand for a sandbox: what a task does follows from the code in its spec and
// from what its attempt is given.
type programs struct {
	calls atomic.Int64
	skew  int64         // more fuel than it should take
	spoil string        // the code whose result is another than it should be
	crash string        // the code whose cell dies
	hangs chan struct{} // closed once one hangs
}

// program is the spec of a task.
func program(code string) json.RawMessage {
	raw, _ := json.Marshal(map[string]string{"language": "python", "code": code}) // two texts
	return raw
}

// Handle implements engine.Handler.
func (p *programs) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	p.calls.Add(1)
	var spec struct{ Code string }
	if err := json.Unmarshal(call.Task.Spec, &spec); err != nil {
		return engine.Result{}, err
	}
	fuel := int64(100+len(call.Input)) + p.skew
	ledger := json.RawMessage(fmt.Sprintf(`{"fuel": %d}`, fuel))
	effects := engine.NewBuffer(call)
	value, err := p.run(ctx, call, effects, spec.Code)
	if errors.Is(err, errWaits) {
		return engine.Result{Effects: effects.Effects(), Ledger: ledger}, nil
	}
	if p.crash == spec.Code {
		return engine.Result{}, &engine.TaskError{Kind: "crash", Message: "the cell died", Permanent: true}
	}
	if p.spoil == spec.Code && err == nil {
		value = json.RawMessage(`"spoiled"`)
	}
	return engine.Result{Value: value, Effects: effects.Effects(), Ledger: ledger}, err
}

var errWaits = errors.New("it waits")

func (p *programs) run(ctx context.Context, call *engine.Call, effects *engine.Buffer, code string) (json.RawMessage, error) {
	name, arg, _ := strings.Cut(code, " ")
	switch name {
	case "echo":
		return call.Input, nil
	case "markup": // in a form that no journal keeps
		return json.RawMessage(`{ "b": "<i>", "a": 1 }`), nil
	case "size":
		return json.RawMessage(strconv.Itoa(len(call.Input))), nil
	case "meta":
		return json.RawMessage(fmt.Sprintf(`[%q, %q, %d]`, call.Run, call.Activation, call.Attempt)), nil
	case "slow": // for a time that nobody knows
		dawdle()
		if err := effects.Apply(engine.ChannelOp{Op: engine.OpAppend, Key: "seen", Value: json.RawMessage(strconv.Quote(arg))}); err != nil {
			return nil, err
		}
		return json.RawMessage(strconv.Quote(arg)), nil
	case "look":
		dawdle()
		seen, _ := call.View.Get("seen")
		return append(json.RawMessage(nil), orNull(seen)...), nil
	case "frail":
		if call.Attempt < 3 {
			return nil, &engine.TaskError{Kind: "frail", Message: "not yet"}
		}
		return json.RawMessage(`"at last"`), nil
	case "broken":
		return nil, &engine.TaskError{Kind: "broken", Message: "as ever", Permanent: true}
	case "ask":
		answer, answered := effects.Pause(engine.Pause{Name: "go"})
		if !answered {
			return nil, errWaits
		}
		return answer, nil
	case "random":
		return json.RawMessage(strconv.FormatUint(rand.Uint64()>>12, 10)), nil
	case "again":
		if call.Cycle < 4 {
			effects.Iterate(json.RawMessage(strconv.Itoa(call.Cycle)))
		}
		return call.Input, nil
	case "hang":
		close(p.hangs)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case "agent": // tells what it was answered, and when
		answers, at, err := effects.Calls([]engine.TaskCall{{ID: "tool", Input: json.RawMessage("1")}, {ID: "tool", Input: json.RawMessage("2")}})
		if err != nil {
			return nil, err
		}
		if answers == nil {
			return nil, errWaits
		}
		return json.Marshal([]any{call.Since, at, answers[0].Value, answers[1].Value})
	}
	return nil, fmt.Errorf("no program %q", code)
}

// dawdle gives others their turn, some times.
func dawdle() {
	for range rand.N(500) {
		runtime.Gosched()
	}
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// steady is the handler as the command has it.
type steady struct{ engine.Handler }

// Handle implements engine.Handler.
func (s steady) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	return receipt.Steady(ctx, s.Handler, call)
}

// parse builds a flow whose tasks are named as the programs that they run.
func parse(tb testing.TB, text string) *engine.Graph {
	tb.Helper()
	f, err := flowfile.Parse("test.flow.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	g, err := f.Build()
	if err != nil {
		tb.Fatal(err)
	}
	if g, err = receipt.Seeded(g, 7); err != nil {
		tb.Fatal(err)
	}
	return g
}

// diamond is a flow of four tasks.
func diamond(tb testing.TB) *engine.Graph {
	tb.Helper()
	return parse(tb, `
name: diamond
tasks:
  first: {script: {language: python, code: markup}}
  left: {script: {language: python, code: size}}
  right: {script: {language: python, code: echo}}
  last: {script: {language: python, code: meta}}
flow: |
  first >> (left | right) >> last
`)
}

// finished runs a graph to its end, and returns the journal.
func finished(tb testing.TB, g *engine.Graph, input string, drive func(e *engine.Engine, o *engine.Running) *engine.Running) []byte {
	tb.Helper()
	return finishedBy(tb, g, input, &programs{}, drive)
}

func finishedBy(tb testing.TB, g *engine.Graph, input string, p *programs, drive func(e *engine.Engine, o *engine.Running) *engine.Running) []byte {
	tb.Helper()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"script": steady{p}}, Retain: true, CheckSchema: flowfile.CheckSchema})
	if err != nil {
		tb.Fatal(err)
	}
	defer e.Close()
	o, err := e.Start(tb.Context(), g, engine.Start{ID: "run-1", Input: json.RawMessage(input)})
	if err != nil {
		tb.Fatal(err)
	}
	if drive != nil {
		o = drive(e, o)
	}
	if _, err := o.Wait(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	h, err := e.History(tb.Context(), "run-1")
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := e.Export(tb.Context(), "run-1", fmt.Sprintf("#%d", h.Events[len(h.Events)-1].Seq))
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func record(tb testing.TB, doc []byte, o receipt.Options) *receipt.Statement {
	tb.Helper()
	s, err := receipt.Record(doc, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func recorded(tb testing.TB, g *engine.Graph, input string, o receipt.Options) *receipt.Statement {
	tb.Helper()
	return record(tb, finished(tb, g, input, nil), o)
}

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func itoa(n int) string { return strconv.Itoa(n) }
