package flowtest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// expectation is what a case has to come to. What it does not name may be anything,
// but for the status: that is succeeded.
type expectation struct {
	status      string
	reason      *string
	message     *string
	output      json.RawMessage
	outputHas   json.RawMessage
	fail        *expectedError
	order       []string // tasks that have run, in order of commit
	ran         []string // likewise, in any order, each once
	tasks       map[string]*expectedTask
	channel     map[string]json.RawMessage
	checkpoints []string
	pauses      []string
	warnings    []string
	files       map[string]string
	took        *engine.Duration
	at          flowfile.Value // does not exist where the case has none
}

// expectedError is an error, of which what is named has to be so.
type expectedError struct {
	kind, task, message *string // message is a part of it
	attempts            *int
}

// expectedTask is what becomes of a task.
type expectedTask struct {
	status    *string // of its last activation
	why       *string // likewise: a part of it
	runs      *int    // activations that have run
	attempts  *int    // of all activations together
	input     json.RawMessage
	inputHas  json.RawMessage
	output    json.RawMessage
	outputHas json.RawMessage
	fail      *expectedError
}

var (
	runStatuses  = []string{string(engine.StatusSucceeded), string(engine.StatusFailed), string(engine.StatusCanceled), string(engine.StatusPaused)}
	taskStatuses = []string{string(engine.StatusSucceeded), string(engine.StatusFailed), string(engine.StatusCanceled), string(engine.StatusSkipped)}
)

func (r *reader) expectation(x *expectation) field {
	return func(v flowfile.Value) {
		x.at = v
		if v.Kind() == flowfile.Null {
			return
		}
		r.fields("expect", v, map[string]field{
			"status": r.oneOf(&x.status, runStatuses), "reason": r.optionalText(&x.reason), "message": r.optionalText(&x.message),
			"output": r.json(&x.output), "output_has": r.json(&x.outputHas), "error": r.expectedError(&x.fail),
			"order": r.taskNames(&x.order), "ran": r.taskNames(&x.ran), "tasks": r.expectedTasks(x),
			"channel": r.values("channel", &x.channel), "checkpoints": r.texts(&x.checkpoints), "pauses": r.texts(&x.pauses),
			"warnings": r.texts(&x.warnings), "files": r.files(&x.files), "took": r.duration(&x.took),
		})
	}
}

func (r *reader) oneOf(to *string, words []string) field {
	return func(v flowfile.Value) {
		if v.Kind() != flowfile.Text || !slices.Contains(words, v.Text()) {
			r.want(v, "one of "+list(words))
			return
		}
		*to = v.Text()
	}
}

// taskNames reads a list of tasks that the flow has. Those that it may add while it
// runs have no mocks and no edges, and are named by tasks alone.
func (r *reader) taskNames(to *[]string) field {
	return func(v flowfile.Value) {
		r.texts(to)(v)
		if v.Kind() != flowfile.List {
			return
		}
		for _, item := range v.Items() {
			if item.Kind() == flowfile.Text && r.known(item.Text()) != "" {
				r.fault(item, "%s", r.known(item.Text()))
			}
		}
	}
}

func (r *reader) files(to *map[string]string) field {
	return func(v flowfile.Value) {
		*to = map[string]string{}
		r.each("files", v, func(e flowfile.Entry) {
			var text string
			r.text(&text)(e.Value)
			(*to)[e.Key] = text
		})
	}
}

func (r *reader) expectedError(to **expectedError) field {
	return func(v flowfile.Value) {
		x := &expectedError{}
		*to = x
		if v.Kind() == flowfile.Text {
			r.optionalText(&x.message)(v)
			return
		}
		r.fields("error", v, map[string]field{
			"kind": r.optionalText(&x.kind), "task": r.optionalText(&x.task), "message": r.optionalText(&x.message), "attempts": r.count(&x.attempts, 1),
		})
	}
}

func (r *reader) expectedTasks(to *expectation) field {
	return func(v flowfile.Value) {
		to.tasks = map[string]*expectedTask{}
		r.each("tasks", v, func(e flowfile.Entry) {
			if fault := r.known(e.Key); fault != "" {
				r.errs = append(r.errs, e.Fault("tasks: %s", fault))
			}
			x := &expectedTask{}
			to.tasks[e.Key] = x
			status := ""
			r.fields("task", e.Value, map[string]field{
				"status": r.oneOf(&status, taskStatuses), "why": r.optionalText(&x.why), "runs": r.count(&x.runs, 0), "attempts": r.count(&x.attempts, 0),
				"input": r.json(&x.input), "input_has": r.json(&x.inputHas), "output": r.json(&x.output), "output_has": r.json(&x.outputHas),
				"error": r.expectedError(&x.fail),
			})
			if status != "" {
				x.status = &status
			}
		})
	}
}

// Result is what a case came to.
type Result struct {
	Name     string        `json:"name"`
	Line     int           `json:"line"` // of the case in its file
	Passed   bool          `json:"passed"`
	Diffs    []Diff        `json:"diffs,omitempty"`
	Faults   []string      `json:"faults,omitempty"` // of the case itself, as a mock that was not used
	Status   engine.Status `json:"status"`
	Took     string        `json:"took"`              // by the clock of the case
	Elapsed  time.Duration `json:"elapsed_ns"`        // by that of the machine
	Executed []string      `json:"executed"`          // tasks, in order of commit
	Updated  bool          `json:"updated,omitempty"` // what came was written as what is expected
	Cover    Coverage      `json:"-"`

	got   *got
	trial *trial
}

// Diff is one thing that came otherwise than expected.
type Diff struct {
	What     string          `json:"what"` // as output, or tasks.fetch.attempts
	Expected json.RawMessage `json:"expected,omitempty"`
	Got      json.RawMessage `json:"got,omitempty"`
	Partly   bool            `json:"partly,omitempty"` // Expected is a part that Got has to have
}
