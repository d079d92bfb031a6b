package sim

import (
	"fmt"
	"hash/fnv"

	"github.com/graflow/graflow-wasm/engine"
)

// round are the calls of a round: what they are given depends on what those before
// came to.
func (s *Script) round(f facts, n int) []engine.TaskCall {
	var all []engine.TaskCall
	for i, id := range s.Calls[n] {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s %d %d %q", s.Salt, f.activation, n, i, f.called[:n])
		c := engine.TaskCall{ID: id, Input: fmt.Appendf(nil, "%d", h.Sum64()>>8%1000)}
		if i%3 == 2 {
			c.Input = nil
		}
		all = append(all, c)
	}
	return all
}

// heard is what calls came to: values, or kinds of errors.
func heard(called []engine.Called) [][]string {
	all := make([][]string, len(called))
	for i, c := range called {
		for _, a := range c.Answers {
			text := plain(orNull(a.Value))
			if a.Error != nil {
				text = "error " + a.Error.Kind
			}
			all[i] = append(all[i], text)
		}
	}
	return all
}

func sinceOf(c *engine.Call) int64 {
	if len(c.Task.Tools) == 0 {
		return 0
	}
	return c.Since.UnixNano()
}

// checkRecord wants an attempt to be told of the calls that it has made, in order,
// and of nothing else.
func (s *Script) checkRecord(f facts, c *engine.Call) {
	if len(c.Called) > len(s.Calls) {
		breach("calls", "%s is told of %d rounds of calls, and makes %d", c.Activation, len(c.Called), len(s.Calls))
	}
	for n, was := range c.Called {
		if want := s.round(f, n); !sameJSON(was.Calls, want) || len(was.Answers) != len(want) {
			breach("calls", "%s is told that its calls of round %d were %s, with %d answers; they are %s", c.Activation, n+1, encode(was.Calls), len(was.Answers), encode(want))
		}
		if n > 0 && was.Time.Before(c.Called[n-1].Time) || was.Time.Before(c.Since) {
			breach("calls", "%s is told that round %d ended at %s, before what was before it", c.Activation, n+1, was.Time)
		}
	}
}

// each is a list with all in it changed.
func each[T any](all []T, change func(T) T) []T {
	var changed []T
	for _, x := range all {
		changed = append(changed, change(x))
	}
	return changed
}
