package flowtest

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// mock answers the executions of a task in its place.
type mock struct {
	replies []*reply
	at      flowfile.Entry
}

// reply is what an execution comes to.
type reply struct {
	input   json.RawMessage // that it is for, or a part of it; nil: any
	times   int             // how often it serves; 0: any number
	value   json.RawMessage
	fail    *engine.TaskError
	takes   *engine.Duration
	effects engine.Effects
	files   map[string]string
	log     []string
	at      flowfile.Value
}

// answer is what a pause gets.
type answer struct {
	value json.RawMessage
	after *engine.Duration
	at    flowfile.Entry
}

// mocks reads those of a file or a case.
func (r *reader) mocks(to map[string]*mock) field {
	return func(v flowfile.Value) {
		r.each("mocks", v, func(e flowfile.Entry) {
			if fault := r.known(e.Key); fault != "" {
				r.errs = append(r.errs, e.Fault("mocks: %s", fault))
			}
			m := &mock{at: e}
			if e.Value.Kind() != flowfile.List {
				m.replies = append(m.replies, r.reply(e.Value, 0))
			} else if len(e.Value.Items()) == 0 {
				r.fault(e.Value, "mock of %s: the list is empty", e.Key)
			} else {
				for _, item := range e.Value.Items() {
					m.replies = append(m.replies, r.reply(item, 1))
				}
			}
			to[e.Key] = m
		})
	}
}

// reply reads one. times is how often it serves if it does not say, and is for any
// input.
func (r *reader) reply(v flowfile.Value, times int) *reply {
	p := &reply{times: times, at: v}
	served := (*int)(nil)
	r.fields("mock", v, map[string]field{
		"input": r.json(&p.input), "times": r.times(&served), "value": r.json(&p.value), "error": r.taskError(&p.fail),
		"takes": r.duration(&p.takes), "effects": r.effects(&p.effects), "log": r.texts(&p.log),
		"files": func(v flowfile.Value) {
			p.files = map[string]string{}
			r.each("files", v, func(e flowfile.Entry) {
				var text string
				r.text(&text)(e.Value)
				p.files[e.Key] = text
			})
		},
	})
	switch {
	case served != nil:
		p.times = *served
	case p.input != nil:
		p.times = 0
	}
	if p.fail != nil && p.value != nil {
		r.fault(v, "mock: a value or an error, not both")
	}
	return p
}

// times reads how often a reply serves.
func (r *reader) times(to **int) field {
	return func(v flowfile.Value) {
		if v.Kind() == flowfile.Text && v.Text() == "any" {
			*to = new(int)
			return
		}
		before := len(r.errs)
		if r.count(to, 1)(v); len(r.errs) > before {
			r.errs[before] = v.Fault("want a whole number of 1 or more, or any, not %s", v.Shown())
		}
	}
}

// taskError reads an error: its message, or all of it.
func (r *reader) taskError(to **engine.TaskError) field {
	return func(v flowfile.Value) {
		e := &engine.TaskError{Kind: engine.KindError}
		*to = e
		if v.Kind() == flowfile.Text {
			e.Message = v.Text()
			return
		}
		var after *engine.Duration
		r.fields("error", v, map[string]field{
			"kind": r.text(&e.Kind), "message": r.text(&e.Message), "permanent": r.boolean(&e.Permanent), "retry_after": r.duration(&after),
		})
		if after != nil {
			e.RetryAfter = time.Duration(*after)
		}
		if e.Message == "" {
			e.Message = e.Kind
		}
	}
}

// effects reads what a task asks for besides its value, in the engine's words.
func (r *reader) effects(to *engine.Effects) field {
	return func(v flowfile.Value) {
		d := json.NewDecoder(bytes.NewReader(v.JSON()))
		d.DisallowUnknownFields()
		if err := d.Decode(to); err != nil {
			r.fault(v, "effects: %s", err)
		}
	}
}

func (r *reader) answers(c *Case) field {
	return func(v flowfile.Value) {
		r.each("answers", v, func(e flowfile.Entry) {
			a := &answer{at: e}
			r.fields("answer", e.Value, map[string]field{"value": r.json(&a.value), "after": r.duration(&a.after)})
			c.answers[e.Key] = a
		})
	}
}

// mocking is what the mocks of one case have served. It is safe for concurrent use.
type mocking struct {
	mu     sync.Mutex // guards what follows
	mocks  map[string]*mock
	served map[*reply]int
	inputs map[string][]json.RawMessage // of each execution, by path of the task
	faults []string
}

func newMocking(f *File, c *Case) *mocking {
	m := &mocking{mocks: map[string]*mock{}, served: map[*reply]int{}, inputs: map[string][]json.RawMessage{}}
	for path, mock := range f.mocks {
		m.mocks[path] = mock
	}
	for path, mock := range c.mocks {
		m.mocks[path] = mock
	}
	return m
}

// execution notes that a task is executed, and finds the reply for it. mocked tells
// that the task has a mock; without a reply then there is none for this execution.
func (m *mocking) execution(path string, input json.RawMessage) (p *reply, mocked bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inputs[path] = append(m.inputs[path], input)
	mock := m.mocks[path]
	if mock == nil {
		return nil, false
	}
	for _, p := range mock.replies {
		if (p.times == 0 || m.served[p] < p.times) && (p.input == nil || contains(input, p.input)) {
			m.served[p]++
			return p, true
		}
	}
	return nil, true
}

// first tells whether it is the first execution of a task.
func (m *mocking) first(path string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.inputs[path]) == 1
}

func (m *mocking) fault(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, text)
}
