package receipt

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// EndStopped is the end of a step that was stopped, or never begun, since its run or its
// group had ended without it.
const EndStopped = "stopped"

// step writes down how an attempt ended.
func (r *recorder) step(e *engine.Event) (err error) {
	d := r.ready[e.Activation]
	if d == nil { // it is of no task: a sub-flow, whose own tasks are told
		return nil
	}
	s := Step{Activation: e.Activation, Attempt: e.Attempt, End: string(e.Type), Fuel: fuelOf(e.Ledger)}
	if s.Task, err = r.task(d.Task); err != nil {
		return err
	}
	input, err := r.whole(d.Input)
	if err != nil {
		return err
	}
	if s.Input, err = valueOf(input); err != nil {
		return err
	}
	if e.Error != nil {
		s.Kind = e.Error.Kind
	}
	if e.Type == engine.EventCompleted {
		output, err := r.valueOf(e)
		if err != nil {
			return err
		}
		if s.Output, err = valueOf(output); err != nil {
			return err
		}
	}
	if s.Effects, err = r.effects(e.Effects); err != nil {
		return err
	}
	if len(d.Task.Tools) > 0 {
		s.Since = d.Since.UTC()
		for _, c := range d.Called {
			s.Called = append(s.Called, c.Time.UTC())
		}
	}
	task := &r.p.Tasks[s.Task]
	if s.Reproducible, s.Why = task.Reproducible, ""; s.Reproducible {
		s.Why = judgeEnd(e)
		s.Reproducible = s.Why == ""
	}
	if !s.Reproducible {
		err = r.carry(&s, e)
	}
	r.p.Steps = append(r.p.Steps, s)
	return err
}

// valueOf is what an attempt returned, whole.
func (r *recorder) valueOf(e *engine.Event) (json.RawMessage, error) {
	if e.Blob {
		if ref, ok := asReference(e.Value); ok && !slices.Contains(r.blobs, ref) {
			r.blobs = append(r.blobs, ref)
		}
	}
	return r.whole(e.Value)
}

// carry has the receipt carry what a step left that can't be repeated, if it carries
// anything.
func (r *recorder) carry(s *Step, e *engine.Event) error {
	if r.options.Embed == 0 || e.Type == engine.EventStopped || len(e.Files) > 0 { // files are not carried
		return nil
	}
	value, err := r.whole(e.Value)
	if err != nil {
		return err
	}
	s.Result = &Result{Value: value, Effects: e.Effects}
	if e.Error != nil {
		s.Result.Message, s.Result.Final = e.Error.Message, e.Error.Permanent
	}
	raw, err := json.Marshal(s.Result)
	if err != nil {
		return err
	}
	return r.spend(len(raw))
}

// carryResult is carry for a step that was written down before.
func (r *recorder) carryResult(s *Step, events []*engine.Event) error {
	for _, e := range events {
		if e.Activation == s.Activation && e.Attempt == s.Attempt && string(e.Type) == s.End {
			return r.carry(s, e)
		}
	}
	return nil
}

// task is the number of a task's facts, written down when they are new.
func (r *recorder) task(t *engine.Task) (int, error) {
	facts, err := r.facts(t)
	if err != nil {
		return 0, fmt.Errorf("task %q: %w", t.ID, err)
	}
	key, err := json.Marshal(facts)
	if err != nil {
		return 0, err
	}
	i, ok := r.known[string(key)]
	if !ok {
		i = len(r.p.Tasks)
		r.known[string(key)], r.p.Tasks = i, append(r.p.Tasks, facts)
	}
	return i, nil
}

func (r *recorder) facts(t *engine.Task) (Task, error) {
	pinned := *t
	if err := pinTask(&pinned, r.digest); err != nil {
		return Task{}, err
	}
	facts := Task{ID: t.ID, Handler: t.Handler, Limits: t.Limits, Why: Judge(t)}
	facts.Reproducible = facts.Why == ""
	var err error
	if facts.Spec, err = Digest(pinned.Spec); err != nil {
		return facts, err
	}
	switch t.Handler {
	case handlerWasm:
		if facts.Module, err = wasm.ModuleOf(pinned.Spec); err != nil {
			return facts, err
		}
		facts.Export, facts.Name = textIn(pinned.Spec, "export"), nameIn(pinned.Spec)
	case handlerScript:
		facts.Module = r.interpreter(textIn(t.Spec, "language"))
	}
	return facts, facts.addGrants(t.Grants)
}

// interpreter is the digest of that of a language. TypeScript runs on JavaScript's.
func (r *recorder) interpreter(language string) string {
	if language == "typescript" {
		language = "javascript"
	}
	return r.journal.Modules["runtime:"+language]
}

func (t *Task) addGrants(raw json.RawMessage) error {
	grants, err := objectOf(raw)
	if err != nil || len(grants) == 0 {
		return err
	}
	t.Clock, t.Random, t.Seed = text(grants["clock"]), text(grants["random"]), string(grants["seed"])
	for name := range grants {
		t.Granted = append(t.Granted, name)
	}
	slices.Sort(t.Granted)
	t.Grants, err = Digest(raw)
	return err
}

// effects is the digest of what an attempt asked for besides its value; "" is nothing. A
// pause's delay is not part of it, since whoever repeats the run does not wait.
func (r *recorder) effects(e engine.Effects) (string, error) {
	e.Next = slices.Clone(e.Next)
	for i := range e.Next {
		if err := pinTask(&e.Next[i].Task, r.digest); err != nil {
			return "", err
		}
	}
	if e.Pause != nil {
		p := *e.Pause
		p.After = 0
		e.Pause = &p
	}
	raw, err := json.Marshal(e)
	if err != nil || string(raw) == "{}" {
		return "", err
	}
	return Digest(raw)
}

// fuelOf is the fuel in what the handlers tell of an attempt.
func fuelOf(ledger json.RawMessage) int64 {
	var l struct {
		Fuel int64 `json:"fuel"`
	}
	if json.Unmarshal(ledger, &l) != nil {
		return 0
	}
	return l.Fuel
}
