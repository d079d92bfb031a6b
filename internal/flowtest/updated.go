package flowtest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// updated is what came, in the keys of what is expected.
func (x *expectation) updated(g *got) []pair {
	u := &updating{}
	bare := x.isBare()
	if g.status != string(engine.StatusSucceeded) || x.status == g.status {
		u.add(true, "status", g.status)
	}
	u.add(x.reason != nil && g.outcome.Reason != "", "reason", g.outcome.Reason)
	u.add(x.message != nil && g.outcome.Message != "", "message", g.outcome.Message)
	u.value("output", x.output != nil || bare && g.status == string(engine.StatusSucceeded), x.outputHas, g.outcome.Output)
	if e := g.outcome.Error; e != nil {
		u.fail(x.fail, e)
	}
	const readable = 20 // tasks; of more their order tells nobody anything
	u.add(x.order != nil || bare && len(g.order) <= readable, "order", nonNil(g.order))
	u.add(x.ran != nil || bare && len(g.order) > readable, "ran", nonNil(sortedSet(g.order)))
	u.tasks(x, g)
	u.add(x.channel != nil, "channel", keysOf(x.channel, g.channel))
	u.add(x.checkpoints != nil, "checkpoints", checkpointNames(g.outcome))
	u.add(x.pauses != nil || g.status == string(engine.StatusPaused), "pauses", pauseNames(g.outcome))
	u.add(x.warnings != nil, "warnings", nonNil(g.warnings))
	u.add(x.files != nil, "files", keysOf(x.files, g.files))
	u.add(x.took != nil, "took", g.took.String())
	return u.pairs
}

// isBare tells that nothing is expected yet.
func (x *expectation) isBare() bool { return x.at.Kind() == flowfile.Null || len(x.at.Entries()) == 0 }

// updating collects what is to be written.
type updating struct{ pairs []pair }

func (u *updating) add(wanted bool, key string, value any) {
	if wanted {
		u.pairs = append(u.pairs, pair{key, value})
	}
}

func (u *updating) value(key string, wanted bool, part, got json.RawMessage) {
	if got == nil {
		got = json.RawMessage("null")
	}
	u.add(wanted, key, got)
	if part != nil {
		u.add(true, key+"_has", partOf(got, part))
	}
}

// located is what comes before the message of a guest: where its code was found is
// not the same in each working directory.
var located = regexp.MustCompile(`^task "[^"]*": (module|script) "[^"]*"( export "[^"]*")?: `)

// fail writes an error: in the keys that were expected, else in all.
func (u *updating) fail(x *expectedError, e *engine.TaskError) {
	inner := &updating{}
	all := x == nil || *x == expectedError{}
	inner.add(all || x.kind != nil, "kind", e.Kind)
	inner.add((all || x.task != nil) && e.Task != "", "task", e.Task)
	inner.add(all || x.message != nil, "message", located.ReplaceAllString(e.Message, ""))
	if !all {
		inner.add(x.attempts != nil, "attempts", max(e.Attempts, e.Attempt))
	}
	u.add(true, "error", inner.pairs)
}

func (u *updating) tasks(x *expectation, g *got) {
	all := &updating{}
	for _, path := range slices.Sorted(maps.Keys(x.tasks)) {
		want, got := x.tasks[path], g.tasks[path]
		if got == nil {
			got = &gotTask{}
		}
		one := &updating{}
		one.add(want.status != nil && got.status != "", "status", got.status)
		one.add(want.why != nil, "why", got.why)
		one.add(want.runs != nil, "runs", got.runs)
		one.add(want.attempts != nil, "attempts", got.attempts)
		one.value("input", want.input != nil, want.inputHas, got.input)
		one.value("output", want.output != nil, want.outputHas, got.output)
		if want.fail != nil && got.fail != nil {
			one.fail(want.fail, got.fail)
		}
		all.add(true, path, one.pairs)
	}
	u.add(x.tasks != nil, "tasks", all.pairs)
}

// keysOf is what came under the keys that were expected.
func keysOf[T any](expected, got map[string]T) []pair {
	pairs := []pair{}
	for _, key := range slices.Sorted(maps.Keys(expected)) {
		if v, ok := got[key]; ok {
			pairs = append(pairs, pair{key, v})
		}
	}
	return pairs
}

// partOf is what of a value has the keys of a part.
func partOf(value, part json.RawMessage) json.RawMessage {
	raw, err := json.Marshal(pick(decode(value), decode(part)))
	if err != nil {
		return value // what was JSON is
	}
	return raw
}

func pick(value, part any) any {
	got, isObject := value.(map[string]any)
	want, partly := part.(map[string]any)
	if !isObject || !partly {
		return value
	}
	out := map[string]any{}
	for key, w := range want {
		if v, ok := got[key]; ok {
			out[key] = pick(v, w)
		}
	}
	return out
}

func nonNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
