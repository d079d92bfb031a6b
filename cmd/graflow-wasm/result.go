package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// result is what `run -o json` prints.
type result struct {
	Run         string                  `json:"run"`
	Flow        string                  `json:"flow"`
	Status      engine.Status           `json:"status"`
	Reason      string                  `json:"reason,omitempty"`
	Message     string                  `json:"message,omitempty"`
	Output      json.RawMessage         `json:"output"`
	Error       *engine.TaskError       `json:"error,omitempty"`
	Tasks       []engine.TaskReport     `json:"tasks"`
	Pending     []string                `json:"pending,omitempty"`
	Pauses      []engine.Waiting        `json:"pauses,omitempty"`
	Checkpoints []engine.CheckpointInfo `json:"checkpoints"`
	Files       []keptFile              `json:"files,omitempty"`
	Warnings    []string                `json:"warnings"`
}

// finish prints the outcome of a run, and turns it into an exit code. place is
// where the run is kept; nil is nowhere.
func finish(std streams, j job, o engine.Outcome, files []keptFile, tasks []engine.TaskReport, place *placeFlags) error {
	if err := writeOutcome(std, o, files, tasks, j.flags); err != nil {
		return fmt.Errorf("%s: write the result: %w", j.deed, err)
	}
	code := codeOf(o, tasks)
	if code == exitSucceeded {
		return nil
	}
	return &exitError{Code: code, Err: errors.New(j.deed + ": " + printable(sayOutcome(o, code, place)))}
}

func writeOutcome(std streams, o engine.Outcome, files []keptFile, tasks []engine.TaskReport, flags driveFlags) error {
	switch {
	case flags.format.value == "json":
		return writeJSON(std.out, newResult(o, files, tasks))
	case flags.format.value == "events", o.Status != engine.StatusSucceeded:
		return nil
	}
	return writeOutput(std, o.Output, flags.raw)
}

func newResult(o engine.Outcome, files []keptFile, tasks []engine.TaskReport) result {
	r := result{
		Run: o.Run, Flow: o.Flow, Status: o.Status, Reason: o.Reason, Message: o.Message,
		Output: o.Output, Error: o.Error, Tasks: tasks, Pending: o.Pending,
		Pauses: o.Pauses, Checkpoints: o.Checkpoints, Files: files, Warnings: o.Warnings,
	}
	if r.Checkpoints == nil {
		r.Checkpoints = []engine.CheckpointInfo{}
	}
	if r.Output == nil {
		r.Output = json.RawMessage("null")
	}
	if r.Tasks == nil {
		r.Tasks = []engine.TaskReport{}
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r
}

// writeOutput prints the output alone: JSON as it is, or the text of a string.
func writeOutput(std streams, output json.RawMessage, raw bool) error {
	var text string
	if raw && json.Unmarshal(output, &text) == nil && len(output) > 0 && output[0] == '"' {
		fmt.Fprint(std.out, text)
		if !strings.HasSuffix(text, "\n") {
			fmt.Fprintln(std.out)
		}
		return nil
	}
	if len(output) == 0 {
		output = json.RawMessage("null")
	}
	return writeJSON(std.out, output)
}

// sayOutcome tells how a run ended that did not succeed, and what to do.
func sayOutcome(o engine.Outcome, code int, place *placeFlags) string {
	switch o.Status {
	case engine.StatusCanceled:
		return sayCanceled(o)
	case engine.StatusPaused:
		return sayPaused(o, place)
	case engine.StatusRunning:
		return "it has not ended, and nobody drives it\nGo on with it: " + commandFor(place, "resume", o.Run, "")
	}
	text := "failed"
	if o.Reason != "" {
		text += " (" + o.Reason + ")"
	}
	if e := o.Error; e != nil {
		text += ": " + sayError(e)
	}
	if len(o.Pending) > 0 {
		text += "\nNot finished: " + strings.Join(o.Pending, ", ")
	}
	if code == exitLimit && place != nil {
		return text + "\nRaise the limit (timeout, limits), or give it less to do, in another run: this one keeps its limits"
	} else if code == exitLimit {
		return text + "\nRaise the limit (timeout, limits), or give it less to do"
	}
	if place != nil {
		return text + "\nSee what each task did: " + commandFor(place, "show", o.Run, "") + "\nDo what failed again: " + commandFor(place, "retry", o.Run, "")
	}
	return text + "\nSee what each task did: graflow-wasm run … -o json"
}

func sayCanceled(o engine.Outcome) string {
	if o.Task == "" && strings.HasPrefix(o.Message, "canceled ") { // by a signal
		return o.Message
	}
	text := "canceled"
	if o.Task != "" {
		text += " by task " + o.Task
	}
	if o.Message != "" {
		text += ": " + o.Message
	}
	return text
}

// sayError names task, kind and attempts where the message does not.
func sayError(e *engine.TaskError) string {
	text := e.Message
	if e.Task != "" && !strings.Contains(text, e.Task) {
		text = "task " + e.Task + ": " + text
	}
	if e.Kind != "" && e.Kind != engine.KindError {
		text += " [" + e.Kind + "]"
	}
	if e.Attempts > 1 {
		text += fmt.Sprintf(" after %d attempts", e.Attempts)
	}
	if e.Fallback != nil {
		text += "\nIts fallback failed too: " + e.Fallback.Message
	}
	if e.Rollback != nil {
		text += "\nIts rollback failed too: " + e.Rollback.Message
	}
	if e.Stack != "" {
		text += "\n" + strings.TrimRight(e.Stack, "\n")
	}
	return text
}
