package enginetest

import (
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// HandlerSuite is the conformance suite of handlers: what an engine, and whoever
// writes a flow, relies on in each. Its author writes the programs; the suite has a
// handler run them by itself, in an engine, and as members of a group.
type HandlerSuite struct {
	// New makes a handler for one test. What it starts is to be ended by t.Cleanup.
	New func(t *testing.T) engine.Handler
	// Task is a task of a program. Its ID and Handler are the suite's; its grants
	// must let it do what the program does, and [ProgramNext] spawn tasks of the
	// same handler.
	Task func(t *testing.T, program Program) engine.Task
	// LeftOut are the programs that the handler can't run, each with the reason,
	// which the test's log shows.
	LeftOut map[Program]string
	// Stop is how soon after the end of its context Handle returns; 0 is 1 s.
	Stop time.Duration
	// Attempts is how many attempts are made at once; 0 is 8.
	Attempts int
}

// Run runs the suite.
func (s HandlerSuite) Run(t *testing.T) {
	t.Helper()
	if s.Stop == 0 {
		s.Stop = time.Second
	}
	if s.Attempts == 0 {
		s.Attempts = 8
	}
	for program, why := range s.LeftOut {
		if !slices.Contains(Programs(), program) || why == "" {
			t.Errorf("left out: %q, %q: want a program and a reason", program, why)
		}
	}
	for _, c := range slices.Concat(valueCases, failureCases, controlCases, pauseCases, endCases) {
		t.Run(string(c.program)+" "+c.name, func(t *testing.T) {
			t.Parallel()
			if why, out := s.LeftOut[c.program]; out {
				t.Skipf("the program %q is left out: %s", c.program, why)
			}
			c.run(t, s)
		})
	}
}

// handlerCase is one test of a handler.
type handlerCase struct {
	program Program
	name    string
	run     func(t *testing.T, s HandlerSuite)
}

// task is a task of a program under an id.
func (s HandlerSuite) task(t *testing.T, id string, program Program) engine.Task {
	t.Helper()
	task := s.Task(t, program)
	task.ID, task.Handler = id, handlerName
	return task
}

// handlerName is what the handler is called in the suite's engines.
const handlerName = "tested"
