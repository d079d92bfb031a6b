package wasm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// outputIsNoEvent returns and logs what looks like the engine's own records: it
// stays a value, and the tasks that it names are what they are.
func outputIsNoEvent(t *testing.T) {
	t.Helper()
	for _, forged := range []string{
		`{"type":"completed","activation":"b","attempt":1,"value":"forged"}`,
		`[{"seq":1,"type":"run_canceled","message":"forged"}]`,
		`{"b.__result__":"forged","effects":{"channel":[{"op":"set","key":"k","value":1}],"terminate":"forged"}}`,
		`{"errors":{"b":{"kind":"error","message":"forged"}},"status":"failed"}`,
		`"{\"type\":\"run_canceled\"}\n{\"seq\":9}"`,
		`{"ok":1,"error":{"kind":"worker_lost"}}`,
	} {
		tr := try(t, wasm.Config{}, nil)
		r := tr.start(forged, engine.Seq(task(t, "a", "echo"), engine.Par(task(t, "b", "meta"), task(t, "c", "echo")).Named("g")))
		out := tr.wait(r)
		if out.Status != engine.StatusSucceeded || out.Steps != 3 {
			t.Errorf("%s: got %s, want all to succeed", forged, marshal(t, out))
		}
		for _, id := range []string{"a", "c"} {
			if got := tr.report(r.ID(), id).Output; !sameJSON(t, got, json.RawMessage(forged)) {
				t.Errorf("result of %s: got %s, want %s", id, got, forged)
			}
		}
		var meta abi.Meta
		if err := json.Unmarshal(tr.report(r.ID(), "b").Output, &meta); err != nil || meta.Task != "b" {
			t.Errorf("result of b: got %+v, %v, want its own", meta, err)
		}
	}
}

// reservedKeys wants a guest that writes where results are read stopped.
func reservedKeys(t *testing.T) {
	t.Helper()
	for _, key := range []string{"b.__result__", "a.__result__", "nobody.__result__", ".__result__"} {
		tr := try(t, wasm.Config{}, nil)
		out := tr.run(string(marshal(t, key)), engine.Seq(task(t, "a", "set"), task(t, "b", "echo")))
		tr.wantFailed(out, engine.KindError, `task "a"`, key)
		if !errors.Is(out.Error, engine.ErrReservedKey) {
			t.Errorf("got %v, want %v", out.Error.Err, engine.ErrReservedKey)
		}
	}
	tr := try(t, wasm.Config{}, nil)
	tr.wantSucceeded(tr.run(`"b.__result__x"`, task(t, "a", "set")), "null") // which is nobody's
}

// nextTaskReplacesNothing asks for a task that exists with another's code and
// grants. It runs as the graph has it; so does one that an earlier task added.
func nextTaskReplacesNothing(t *testing.T) {
	t.Helper()
	forged := abi.NextTask{ID: "c", Spec: json.RawMessage(`"#crash"`), Input: json.RawMessage(`"given"`)}
	tr := try(t, wasm.Config{}, nil)
	r := tr.start(string(marshal(t, []abi.NextTask{forged})), engine.Seq(task(t, "a", "spawn"), task(t, "b", "echo"), task(t, "c", "echo")))
	tr.wantSucceeded(tr.wait(r), `"given"`)
	if got := tr.report(r.ID(), "b"); got.Status != engine.StatusSkipped {
		t.Errorf("b %s, want it jumped over as by any goto", got.Status)
	}

	added := abi.NextTask{ID: "new", Spec: json.RawMessage(`"#spawn"`), Input: marshal(t, []abi.NextTask{
		{ID: "new", Spec: json.RawMessage(`"#echo"`), Input: json.RawMessage(`[]`)},
	})}
	r = tr.start(string(marshal(t, []abi.NextTask{added})), task(t, "a", "spawn"))
	tr.wantSucceeded(tr.wait(r), `"spawned"`) // twice the first one: an echo would say []
}

// idsOfOthers asks for tasks whose ids are those of activations, of keys, of none.
func idsOfOthers(t *testing.T) {
	t.Helper()
	for _, id := range []string{"b#2", "g/b", "b[0]", "b.__result__", "a/b", "b:fallback", "b ", "../b", "b\n", "ｂ", "#1"} {
		tr := try(t, wasm.Config{}, nil)
		next := marshal(t, []abi.NextTask{{ID: id, Spec: json.RawMessage(`"#echo"`)}})
		out := tr.run(string(next), engine.Seq(task(t, "a", "spawn"), task(t, "b", "echo")))
		tr.wantFailed(out, engine.KindInvalidInput, fmt.Sprintf("id %q", id))
		if out.Steps != 1 {
			t.Errorf("%q: got %s, want nothing to follow", id, marshal(t, out))
		}
	}
}

// kindsOfFailure names failures of the engine's. A guest has the kind that it
// names, and that is all: the run has failed by its task, for no reason of its own.
func kindsOfFailure(t *testing.T) {
	t.Helper()
	for _, kind := range []string{
		engine.KindCanceled, engine.KindTimeout, engine.KindDeadline, engine.KindCycleLimit, engine.KindRunTimeout,
		"step_limit", "worker_lost", "paused", "group", "stopped",
	} {
		tr := try(t, wasm.Config{}, nil)
		a := task(t, "a", "fail")
		a.Retry = &engine.Retry{Max: 1}
		out := tr.run(string(marshal(t, map[string]string{"Kind": kind, "Message": "forged"})), engine.Seq(a, task(t, "b", "echo")))
		tr.wantFailed(out, kind, `task "a"`, "forged")
		if out.Reason != "" || out.Error.Task != "a" || out.Error.Attempts != 2 || len(out.Pauses) > 0 {
			t.Errorf("%s: got %s, want the failure of a task after a retry", kind, marshal(t, out))
		}
	}
}

// namesOfPauses pauses under the name of another task's activation: an answer that
// could be for either is taken by none.
func namesOfPauses(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	pause := func(id, name string) engine.Task {
		p := task(t, id, "wait")
		p.With = map[string]json.RawMessage{"name": marshal(t, name)}
		return p
	}
	r := tr.start("null", pause("a", "b"), pause("b", "approve"))
	if out := tr.wait(r); out.Status != engine.StatusPaused || len(out.Pauses) != 2 {
		t.Fatalf("got %s, want two pauses", marshal(t, out))
	}
	if err := r.Resume("b", json.RawMessage(`"for b"`)); !errors.Is(err, engine.ErrAmbiguous) {
		t.Errorf("got %v, want %v", err, engine.ErrAmbiguous)
	}
	for name, answer := range map[string]string{"approve": `"for b"`, "a": `"for a"`} {
		if err := r.Resume(name, json.RawMessage(answer)); err != nil {
			t.Error(err)
		}
	}
	tr.wantSucceeded(tr.wait(r), `{"a":"for a","b":"for b"}`)
}

// references makes a task refer to the blob that another task's result is kept as:
// who reads it gets that result, which any task of the run may read.
func references(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	kept := task(t, "kept", "echo")
	kept.With, kept.Output = map[string]json.RawMessage{"large": json.RawMessage(`"xxxxxxxx"`)}, engine.OutputBlob
	digest := blobOf(t, tr.report(tr.succeeded("null", kept), "kept").Output)
	forge := hostile(t, "forge", "refer")
	forge.With = map[string]json.RawMessage{"digest": marshal(t, digest)}
	out := tr.run("null", engine.Seq(kept, forge, task(t, "after", "echo")))
	tr.wantSucceeded(out, `{"large":"xxxxxxxx"}`)
	if got := blobOf(t, tr.report(out.Run, "forge").Output); got != digest {
		t.Errorf("the result of forge is kept as %s, want its own %s", got, digest)
	}
	forge.With["times"] = json.RawMessage("3")
	tr.wantSucceeded(tr.run("null", engine.Seq(kept, forge, task(t, "after", "echo"))), `[{"large":"xxxxxxxx"},{"large":"xxxxxxxx"},{"large":"xxxxxxxx"}]`)
}

// referencesToNothing refers to what the run does not have, another run's blob
// among it: that stands for nothing but itself, wherever it goes.
func referencesToNothing(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	kept := task(t, "kept", "echo")
	kept.Output = engine.OutputBlob
	others := blobOf(t, tr.report(tr.succeeded(`"of another run"`, kept), "kept").Output)
	for _, digest := range []string{others, "sha256:" + strings.Repeat("0", 64), "../../lock", "x"} {
		ref := fmt.Sprintf(`{"$blob":%q,"size":1}`, digest)
		for where, want := range map[string]string{"": ref, "channel": ref, "next": ref} {
			forge := hostile(t, "forge", "refer")
			forge.With = map[string]json.RawMessage{"digest": marshal(t, digest), "where": marshal(t, where)}
			after := task(t, "after", "echo")
			if where == "channel" {
				after.With = map[string]json.RawMessage{"k": json.RawMessage(`"${channel.k}"`)}
				want = `{"k":` + ref + `}`
			}
			out := tr.run("null", engine.Seq(kept, forge, after))
			tr.wantSucceeded(out, want)
			if _, err := tr.Export(t.Context(), out.Run, "#1"); err != nil {
				t.Errorf("%s in %q: %v, want the run to be kept as any", digest, where, err)
			}
		}
	}
}

// succeeded runs nodes to a good end and returns the run's id.
func (t *trial) succeeded(input string, nodes ...engine.Node) string {
	t.Helper()
	out := t.run(input, nodes...)
	if out.Status != engine.StatusSucceeded {
		t.Fatalf("got %s, want success", marshal(t, out))
	}
	return out.Run
}

// blobOf is the digest of what a value stands for.
func blobOf(t *testing.T, value json.RawMessage) string {
	t.Helper()
	var ref struct {
		Blob string `json:"$blob"`
	}
	if err := json.Unmarshal(value, &ref); err != nil || ref.Blob == "" {
		t.Fatalf("got %s, want a reference", value)
	}
	return ref.Blob
}
