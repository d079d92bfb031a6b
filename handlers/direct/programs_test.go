package direct_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

func TestHandlerSuite(t *testing.T) {
	t.Parallel()
	enginetest.HandlerSuite{
		New: func(*testing.T) engine.Handler { return newPrograms() },
		Task: func(t *testing.T, program enginetest.Program) engine.Task {
			t.Helper()
			return engine.Task{Spec: json.RawMessage(`{"func":"` + string(program) + `"}`)}
		},
	}.Run(t)
}

// newPrograms has the programs of the suite.
func newPrograms() *direct.Handler {
	h := direct.New()
	direct.Func(h, "echo", func(_ *direct.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
	direct.Func(h, "fail", fail)
	direct.Func(h, "channel", channel)
	direct.Func(h, "result", result)
	direct.Func(h, "meta", meta)
	direct.Func(h, "next", next)
	direct.Func(h, "iterate", iterate)
	direct.Func(h, "terminate", func(c *direct.Context, message string) (any, error) {
		c.Terminate(message)
		return nil, nil
	})
	direct.Func(h, "cancel", func(c *direct.Context, message string) (any, error) {
		c.Cancel(message)
		return nil, nil
	})
	direct.Func(h, "tell", tell)
	direct.Func(h, "pause", func(c *direct.Context, p engine.Pause) (json.RawMessage, error) {
		var answer json.RawMessage
		err := c.Pause(p, &answer)
		return answer, err
	})
	direct.Func(h, "ask", ask)
	direct.Func(h, "checkpoint", checkpoint)
	direct.Func(h, "spin", func(c *direct.Context, _ any) (any, error) {
		c.Log("spinning")
		<-c.Done()
		return nil, c.Err()
	})
	direct.Func(h, "crash", func(c *direct.Context, _ any) (any, error) {
		if err := c.Set("lost", true); err != nil {
			return nil, err
		}
		panic("boom")
	})
	return h
}

type failing struct {
	Kind       string
	Message    string
	Permanent  bool
	RetryAfter engine.Duration `json:"retry_after"`
	Cancel     string
}

func fail(c *direct.Context, in failing) (any, error) {
	if err := c.Set("lost", true); err != nil {
		return nil, err
	}
	if in.Cancel != "" {
		c.Cancel(in.Cancel)
	}
	if in.Kind == "" {
		return nil, errors.New(in.Message)
	}
	return nil, &engine.TaskError{Kind: in.Kind, Message: in.Message, Permanent: in.Permanent, RetryAfter: time.Duration(in.RetryAfter)}
}

type channelOp struct {
	Op, Key string
	Value   json.RawMessage
}

func channel(c *direct.Context, ops []channelOp) ([]any, error) {
	var all []any
	for _, op := range ops {
		all = append(all, change(c, op))
	}
	return all, nil
}

func change(c *direct.Context, op channelOp) any {
	switch op.Op {
	case "get":
		var value json.RawMessage
		if found, err := c.Get(op.Key, &value); err != nil || !found {
			return nil
		}
		return value
	case "keys":
		return append([]string{}, c.Keys(op.Key)...)
	case "delete":
		return c.Delete(op.Key) == nil
	}
	write := map[string]func(string, any) error{"set": c.Set, "add": c.Add, "append": c.Append, "prepend": c.Prepend}[op.Op]
	return write(op.Key, op.Value) == nil
}

func result(c *direct.Context, id string) (json.RawMessage, error) {
	var value json.RawMessage
	if err := c.Result(id, &value); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	return value, nil
}

func meta(c *direct.Context, _ any) (map[string]any, error) {
	return map[string]any{
		"run": c.Call.Run, "task": c.Call.Task.ID, "activation": c.Call.Activation,
		"attempt": c.Call.Attempt, "max_attempts": c.Call.MaxAttempts,
		"cycle": c.Call.Cycle, "max_cycles": c.Call.MaxCycles, "can_iterate": c.Call.CanIterate(),
	}, nil
}

type nextTask struct {
	ID, Handler string
	Spec, Input json.RawMessage
	Goto        bool
}

func next(c *direct.Context, in []nextTask) (string, error) {
	for _, n := range in {
		c.Next(engine.NextTask{Task: engine.Task{ID: n.ID, Handler: n.Handler, Spec: n.Spec}, Input: n.Input, Goto: n.Goto})
	}
	return "asked", nil
}

func iterate(c *direct.Context, n int) (int, error) {
	if n < 3 {
		return n, c.NextIteration(n + 1)
	}
	return n, nil
}

type telling struct {
	Log []struct {
		Level   slog.Level
		Message string
	}
	Progress []struct {
		Done, Total float64
		Note        string
	}
}

func tell(c *direct.Context, in telling) (any, error) {
	for _, l := range in.Log {
		c.Call.Sink.Log(l.Level, l.Message)
	}
	for _, p := range in.Progress {
		c.Progress(p.Done, p.Total, p.Note)
	}
	return nil, nil
}

func ask(c *direct.Context, _ any) ([]json.RawMessage, error) {
	if err := c.Add("asked", 1); err != nil {
		return nil, err
	}
	var answers [2]json.RawMessage
	for i, name := range []string{"first", "second"} {
		if err := c.Pause(engine.Pause{Name: name}, &answers[i]); err != nil {
			return nil, err
		}
	}
	return answers[:], nil
}

func checkpoint(c *direct.Context, in []struct {
	Name string
	Meta json.RawMessage
},
) (any, error) {
	for _, p := range in {
		var meta any
		if p.Meta != nil {
			meta = p.Meta
		}
		if err := c.Checkpoint(p.Name, meta); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
