package flowtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// got is what came, in the terms in which it is expected.
type got struct {
	status   string
	outcome  engine.Outcome
	order    []string
	tasks    map[string]*gotTask
	channel  map[string]json.RawMessage
	files    map[string]string
	took     time.Duration
	warnings []string
}

// gotTask is what became of a task.
type gotTask struct {
	status   string
	why      string
	runs     int
	attempts int
	input    json.RawMessage
	output   json.RawMessage
	fail     *engine.TaskError
}

// gather is what came of the trial.
func (t *trial) gather() *got {
	g := &got{
		status: string(t.outcome.Status), outcome: t.outcome, tasks: map[string]*gotTask{},
		channel: t.channel, files: t.files, warnings: t.outcome.Warnings, took: t.ended.Sub(t.began),
	}
	for _, r := range t.recorder.Tasks() {
		path := t.file.tree.pathOf(r.Activation, r.Task)
		task := g.tasks[path]
		if task == nil {
			task = &gotTask{}
			g.tasks[path] = task
		}
		task.status, task.why, task.output, task.fail = string(r.Status), r.Why, r.Output, r.Error
		if r.Status == engine.StatusSkipped {
			continue
		}
		task.runs++
		task.attempts += r.Attempts
		g.order = append(g.order, path)
	}
	for path, inputs := range t.mocking.inputs {
		if task := g.tasks[path]; task != nil && len(inputs) > 0 {
			task.input = inputs[len(inputs)-1]
		}
	}
	return g
}

// result compares what came with what was expected.
func (t *trial) result() *Result {
	g := t.gather()
	r := &Result{
		Name: t.c.Name, Line: t.c.at.Line(), Status: t.outcome.Status, Took: g.took.String(), Executed: g.order,
		Cover: t.cover, got: g, trial: t, Faults: t.caseFaults(),
	}
	if r.Executed == nil {
		r.Executed = []string{}
	}
	r.Diffs = t.c.expect.compare(g)
	r.Passed = len(r.Diffs)+len(r.Faults) == 0
	return r
}

// caseFaults are what is wrong with the case itself, whatever is expected.
func (t *trial) caseFaults() []string {
	all := append(slices.Clone(t.mocking.faults), t.faults...)
	if t.stuck {
		all = append(all, fmt.Sprintf("the run stands still: nothing is left to do, and it has not ended; pending are %s", list(t.outcome.Pending)))
	}
	for _, path := range slices.Sorted(maps.Keys(t.c.mocks)) {
		for _, p := range t.c.mocks[path].replies {
			served := t.mocking.served[p]
			switch {
			case served == 0:
				all = append(all, fmt.Sprintf("the mock of %s in line %d was not used", path, p.at.Line()))
			case served < p.times:
				all = append(all, fmt.Sprintf("the mock of %s in line %d was used %d of %d times", path, p.at.Line(), served, p.times))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.c.answers)) {
		if !t.answered[name] {
			all = append(all, fmt.Sprintf("the answer to %s in line %d was not asked for", name, t.c.answers[name].at.Line()))
		}
	}
	return all
}

// Unused are the mocks for all cases that no case has used, of a file all of whose
// cases have run.
func (f *File) Unused(results []*Result) []string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(f.mocks)) {
		for _, p := range f.mocks[path].replies {
			used := slices.ContainsFunc(results, func(r *Result) bool { return r.trial.mocking.served[p] > 0 })
			if !used {
				all = append(all, p.at.Fault("the mock of %s was used in no case", path).Error())
			}
		}
	}
	return all
}
