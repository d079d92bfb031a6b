package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// handlers are what tasks of the soak are executed by; cells executes guests. Each
// execution of a function is written down first.
func handlers(l *ledger, cells engine.Handler) (map[string]engine.Handler, error) {
	h := direct.New()
	for name, f := range functions {
		direct.Func(h, name, func(c *direct.Context, in json.RawMessage) (any, error) {
			name := c.Call.Activation
			if n := len(c.Call.Called); n > 0 { // it is to be executed again after its calls
				name += fmt.Sprintf("+%d", n)
			}
			if err := l.write(begun, c.Call.Run, name, c.Call.Attempt); err != nil {
				return nil, err
			}
			if err := work(c); err != nil {
				return nil, err
			}
			return f(c, in)
		})
	}
	b, err := builtin.New(builtin.Config{})
	if err != nil {
		return nil, err
	}
	return map[string]engine.Handler{"direct": h, "builtin": b, "wasm": cells}, nil
}

// work takes as long as the activation's name says: mostly some milliseconds, now and
// then as long as it takes to be hit by a fault.
func work(c *direct.Context) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.Call.Run + "/" + c.Call.Activation)) // a hash takes all
	n := h.Sum32()
	d := time.Duration(n%20) * time.Millisecond
	if n%97 == 0 && c.Call.Task.Timeout == 0 {
		d = time.Duration(500+n%2500) * time.Millisecond
	}
	return wait(c, d)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// callInTurn calls a task some times, with a number and then with what comes of it.
func callInTurn(c *direct.Context, in json.RawMessage, task string, times int) (float64, error) {
	n, err := number(in)
	for range times {
		if err == nil {
			err = c.CallTask(task, n, &n)
		}
	}
	return n, err
}

// functions by name.
var functions = map[string]func(c *direct.Context, in json.RawMessage) (any, error){
	// add is its input and 1.
	"add": func(_ *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		return n + 1, err
	},
	// same is its input.
	"same": func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil },
	// slow is add after 400 ms.
	"slow": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		if err == nil {
			err = wait(c, 400*time.Millisecond)
		}
		return n + 1, err
	},
	// calls has others add to its input, one after the other, then three at once.
	"calls": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := callInTurn(c, in, "more", 4)
		if err != nil {
			return nil, err
		}
		answers, err := c.CallTasks(
			engine.TaskCall{ID: "more", Input: raw(n)}, engine.TaskCall{ID: "again", Input: raw(n)}, engine.TaskCall{ID: "rest", Input: raw(n)})
		total := 0.0
		for _, a := range answers {
			if a.Error != nil {
				return nil, a.Error
			}
			m, err := number(a.Value)
			if err != nil {
				return nil, err
			}
			total += m
		}
		return total, err
	},
	// callsOn has another add 4 to its input, slowly.
	"callsOn": func(c *direct.Context, in json.RawMessage) (any, error) { return callInTurn(c, in, "rest", 4) },
	// square is that of its input.
	"square": func(_ *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		return n * n, err
	},
	// count adds its input to the channel's total, and returns it.
	"count": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		if err == nil {
			err = c.Add("total", n)
		}
		return n, err
	},
	// rounds asks for three supersteps, and counts the first two.
	"rounds": func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Cycle >= 3 {
			return c.Call.Cycle, nil
		}
		return c.Call.Cycle, errors.Join(c.Add("total", 1), c.NextIteration(nil))
	},
	// loop adds 1 in each of five iterations.
	"loop": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		if err == nil && c.Call.Cycle < 5 {
			err = c.NextIteration(n + 1)
		}
		return n + 1, err
	},
	// sum is that of all numbers in its input, and the channel's total.
	"sum": func(c *direct.Context, in json.RawMessage) (any, error) {
		var v any
		if err := json.Unmarshal(in, &v); err != nil {
			return nil, err
		}
		var total float64
		_, err := c.Get("total", &total)
		return sumOf(v) + total, err
	},
	// flaky fails twice, then it is its input.
	"flaky": func(c *direct.Context, in json.RawMessage) (any, error) {
		if c.Call.Attempt <= 2 {
			return nil, fmt.Errorf("attempt %d fails", c.Call.Attempt)
		}
		return in, nil
	},
	// hangs does not return the first time.
	"hangs": func(c *direct.Context, in json.RawMessage) (any, error) {
		if c.Call.Attempt > 1 {
			return in, nil
		}
		<-c.Done()
		return nil, context.Cause(c)
	},
	// fails for good.
	"fails": func(*direct.Context, json.RawMessage) (any, error) {
		return nil, &engine.TaskError{Kind: "broken", Message: "it is to fail", Permanent: true}
	},
	// enough ends its run, well.
	"enough": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		c.Terminate("enough")
		return n + 1, err
	},
	// quits cancels its run.
	"quits": func(c *direct.Context, in json.RawMessage) (any, error) {
		c.Cancel("no more of it")
		return in, nil
	},
	// jumps goes on with the task c.
	"jumps": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		c.Goto(engine.Task{ID: "c"})
		return n + 1, err
	},
	// adds has a task added that adds 1 to the total.
	"adds": func(c *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		c.Next(engine.NextTask{Task: task("added", "count"), Input: raw(1)})
		return n + 1, err
	},
	// undo is a rollback.
	"undo": func(c *direct.Context, _ json.RawMessage) (any, error) {
		return nil, c.Add("undone", 1)
	},
	// stands is a fallback: the number that its task was to have.
	"stands": func(_ *direct.Context, in json.RawMessage) (any, error) {
		var told struct {
			Input float64 `json:"input"`
		}
		err := json.Unmarshal(in, &told)
		return told.Input, err
	},
	// large is a text of 100 KiB.
	"large": func(_ *direct.Context, in json.RawMessage) (any, error) {
		n, err := number(in)
		return strings.Repeat(string(rune('a'+int(n)%26)), largeBytes), err
	},
	// length is that of its input, a text.
	"length": func(_ *direct.Context, in json.RawMessage) (any, error) {
		var text string
		err := json.Unmarshal(in, &text)
		return len(text), err
	},
}

const largeBytes = 100 << 10

// number reads a number, or the one in {"n": …}.
func number(in json.RawMessage) (float64, error) {
	var n float64
	if json.Unmarshal(in, &n) == nil {
		return n, nil
	}
	var named struct{ N *float64 }
	if err := json.Unmarshal(in, &named); err != nil || named.N == nil {
		return 0, &engine.TaskError{Kind: engine.KindInvalidInput, Message: fmt.Sprintf("want a number, not %s", in)}
	}
	return *named.N, nil
}

func sumOf(v any) float64 {
	total := 0.0
	switch v := v.(type) {
	case float64:
		total = v
	case []any:
		for _, one := range v {
			total += sumOf(one)
		}
	case map[string]any:
		for _, one := range v {
			total += sumOf(one)
		}
	}
	return total
}
