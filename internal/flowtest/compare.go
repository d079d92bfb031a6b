package flowtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// comparison collects what differs.
type comparison struct{ diffs []Diff }

func (c *comparison) add(what string, expected, got any, partly bool) {
	c.diffs = append(c.diffs, Diff{What: what, Expected: encode(expected), Got: encode(got), Partly: partly})
}

// encode is v as JSON; nothing is nothing.
func encode(v any) json.RawMessage {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // plain data always encodes
	}
	return raw
}

// compare tells what came otherwise than expected.
func (x *expectation) compare(g *got) []Diff {
	c := &comparison{}
	c.same("status", x.wantedStatus(), g.status)
	if len(c.diffs) > 0 && g.outcome.Error != nil && x.fail == nil {
		c.add("error", nil, errorView(g.outcome.Error), false)
	}
	c.optional("reason", x.reason, g.outcome.Reason)
	c.part("message", x.message, g.outcome.Message)
	c.value("output", x.output, x.outputHas, g.outcome.Output)
	c.fail("error", x.fail, g.outcome.Error)
	c.names("order", x.order, g.order)
	if x.ran != nil {
		c.names("ran", sortedSet(x.ran), sortedSet(g.order))
	}
	for _, path := range slices.Sorted(maps.Keys(x.tasks)) {
		c.task(path, x.tasks[path], g.tasks[path])
	}
	for _, key := range slices.Sorted(maps.Keys(x.channel)) {
		c.value("channel."+key, x.channel[key], nil, g.channel[key])
	}
	c.names("checkpoints", x.checkpoints, checkpointNames(g.outcome))
	c.names("pauses", x.pauses, pauseNames(g.outcome))
	c.names("warnings", x.warnings, g.warnings)
	for _, name := range slices.Sorted(maps.Keys(x.files)) {
		text, ok := g.files[name]
		if !ok {
			c.add("files."+name, x.files[name], nil, false)
			continue
		}
		c.same("files."+name, x.files[name], text)
	}
	if x.took != nil && time.Duration(*x.took) != g.took {
		c.add("took", time.Duration(*x.took).String(), g.took.String(), false)
	}
	return c.diffs
}

func (x *expectation) wantedStatus() string {
	switch {
	case x.status != "":
		return x.status
	case x.fail != nil:
		return string(engine.StatusFailed)
	}
	return string(engine.StatusSucceeded)
}

func (c *comparison) task(path string, x *expectedTask, g *gotTask) {
	at := "tasks." + path + "."
	if g == nil {
		g = &gotTask{} // it was neither run nor skipped
	}
	c.optional(at+"status", x.status, g.status)
	c.part(at+"why", x.why, g.why)
	c.count(at+"runs", x.runs, g.runs)
	c.count(at+"attempts", x.attempts, g.attempts)
	c.value(at+"input", x.input, x.inputHas, g.input)
	c.value(at+"output", x.output, x.outputHas, g.output)
	c.fail(at+"error", x.fail, g.fail)
}

func (c *comparison) same(what, expected, got string) {
	if expected != got {
		c.add(what, expected, got, false)
	}
}

func (c *comparison) optional(what string, expected *string, got string) {
	if expected != nil {
		c.same(what, *expected, got)
	}
}

// part wants got to have the text expected in it.
func (c *comparison) part(what string, expected *string, got string) {
	if expected != nil && (!strings.Contains(got, *expected) || *expected == "" && got != "") {
		c.add(what, *expected, got, true)
	}
}

func (c *comparison) count(what string, expected *int, got int) {
	if expected != nil && *expected != got {
		c.add(what, *expected, got, false)
	}
}

// value compares JSON: with all of it, or with a part.
func (c *comparison) value(what string, all, part, got json.RawMessage) {
	if all != nil && !equal(got, all) {
		c.add(what, all, got, false)
	}
	if part != nil && !contains(got, part) {
		c.add(what+"_has", part, got, true)
	}
}

func (c *comparison) names(what string, expected, got []string) {
	if expected == nil || slices.Equal(expected, got) {
		return
	}
	if got == nil {
		got = []string{}
	}
	c.add(what, expected, got, false)
}

func (c *comparison) fail(what string, x *expectedError, got *engine.TaskError) {
	if x == nil {
		return
	}
	if got == nil {
		c.add(what, x.view(), nil, true)
		return
	}
	c.optional(what+".kind", x.kind, got.Kind)
	c.optional(what+".task", x.task, got.Task)
	c.part(what+".message", x.message, got.Message)
	c.count(what+".attempts", x.attempts, max(got.Attempts, got.Attempt))
}

func (x *expectedError) view() map[string]any {
	view := map[string]any{}
	for key, text := range map[string]*string{"kind": x.kind, "task": x.task, "message": x.message} {
		if text != nil {
			view[key] = *text
		}
	}
	if x.attempts != nil {
		view["attempts"] = *x.attempts
	}
	return view
}

func errorView(e *engine.TaskError) map[string]any {
	view := map[string]any{"kind": e.Kind, "message": e.Message}
	if e.Task != "" {
		view["task"] = e.Task
	}
	return view
}

func sortedSet(names []string) []string {
	set := slices.Clone(names)
	slices.Sort(set)
	return slices.Compact(set)
}

func checkpointNames(o engine.Outcome) []string {
	names := []string{}
	for _, c := range o.Checkpoints {
		names = append(names, c.Name)
	}
	return names
}

func pauseNames(o engine.Outcome) []string {
	names := []string{}
	for _, p := range o.Pauses {
		names = append(names, p.Name)
	}
	return names
}

// list is names for a message.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
