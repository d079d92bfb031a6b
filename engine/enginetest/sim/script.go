package sim

import (
	"encoding/json"
	"fmt"
	"hash/fnv"

	"github.com/graflow/graflow-wasm/engine"
)

// Script is what a simulated task does: the spec of tasks of the handler "sim".
// What it says is a function of the attempt's facts alone, so a second execution
// of the same attempt says the same.
type Script struct {
	Salt int `json:"salt"`
	// Fail is how many attempts fail, with an error of Kind; -1 is all.
	Fail      int    `json:"fail,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Permanent bool   `json:"permanent,omitempty"`
	// Hang is how many attempts end only with their context.
	Hang int `json:"hang,omitempty"`
	// Read names a channel key that the value depends on.
	Read string `json:"read,omitempty"`
	// Write, also by attempts that fail: those are to leave no trace.
	Write []engine.ChannelOp `json:"write,omitempty"`
	// Cycle is the only visit that does what follows; 0 is each.
	Cycle     int               `json:"cycle,omitempty"`
	Next      []engine.NextTask `json:"next,omitempty"`
	Iterate   int               `json:"iterate,omitempty"` // asks for another until this cycle
	Guard     bool              `json:"guard,omitempty"`   // only while it can
	Terminate bool              `json:"terminate,omitempty"`
	Cancel    bool              `json:"cancel,omitempty"`
	Pause     *engine.Pause     `json:"pause,omitempty"`
	// Calls are the tools that it calls: round after round, those of one at once.
	Calls [][]string `json:"calls,omitempty"`
}

// facts are all that a script's attempt depends on.
type facts struct {
	task       string
	activation string
	attempt    int
	cycle      int
	canIterate bool
	input      json.RawMessage
	read       json.RawMessage // nil: the key is not there
	answers    map[string]json.RawMessage
	called     [][]string // what the calls of each round came to
	since      int64      // of a task with tools
}

// scriptOf reads a task's script.
func scriptOf(t *engine.Task) Script {
	var s Script
	if err := json.Unmarshal(t.Spec, &s); err != nil {
		panic(fmt.Sprintf("script of task %q: %v", t.ID, err))
	}
	return s
}

// hangs tells whether the attempt ends only with its context.
func (s *Script) hangs(attempt int) bool { return attempt <= s.Hang }

// play is what the attempt ends with.
func (s *Script) play(f facts) (engine.Result, error) {
	result := engine.Result{Value: s.value(f), Effects: engine.Effects{Channel: s.Write}}
	fx := &result.Effects
	if p := s.Pause; p != nil {
		if _, ok := f.answers[p.Name]; !ok {
			fx.Pause = p
			return result, nil
		}
	}
	if n := len(f.called); n < len(s.Calls) {
		fx.Calls = s.round(f, n)
		return result, nil
	}
	if s.Cycle == 0 || s.Cycle == f.cycle {
		s.effects(fx, f)
	}
	if s.Fail < 0 || f.attempt <= s.Fail {
		return result, &engine.TaskError{Kind: s.kind(), Message: fmt.Sprintf("%s fails in attempt %d", f.task, f.attempt), Permanent: s.Permanent}
	}
	return result, nil
}

func (s *Script) effects(fx *engine.Effects, f facts) {
	fx.Next = s.Next
	if f.cycle < s.Iterate && (f.canIterate || !s.Guard) {
		fx.Iterate = &engine.Iteration{Data: fmt.Appendf(nil, "%d", f.cycle)}
	}
	message := "by " + f.activation
	if s.Terminate {
		fx.Terminate = &message
	}
	if s.Cancel {
		fx.Cancel = &message
	}
}

func (s *Script) kind() string {
	if s.Kind == "" {
		return engine.KindError
	}
	return s.Kind
}

// value is a number made of the facts.
func (s *Script) value(f facts) json.RawMessage {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d %d %s %s", s.Salt, f.activation, f.attempt, f.cycle, plain(f.input), plain(f.read))
	if p := s.Pause; p != nil {
		fmt.Fprintf(h, " %s", plain(f.answers[p.Name]))
	}
	if s.Calls != nil {
		fmt.Fprintf(h, " %q %d", f.called, f.since)
	}
	return fmt.Appendf(nil, "%d", h.Sum64()>>8%1000)
}

// plain is JSON in one way of writing, without the texts of errors: those are
// for people, and no rule says what they are.
func plain(raw json.RawMessage) string {
	if raw == nil {
		return "nothing"
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "invalid: " + string(raw)
	}
	dropTexts(v)
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func dropTexts(v any) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			dropTexts(e)
		}
	case map[string]any:
		delete(x, "message")
		for _, e := range x {
			dropTexts(e)
		}
	}
}
