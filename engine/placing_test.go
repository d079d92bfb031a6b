package engine_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

func TestPlacing(t *testing.T) {
	t.Parallel()
	flow := json.RawMessage(`{"name":"in","tasks":[{"id":"b","handler":"h","queue":"q q"}]}`)
	for name, test := range map[string]struct {
		task engine.Task
		at   string // "": nothing is wrong
	}{
		"all":               {engine.Task{Queue: "a_B-1", Priority: engine.PriorityLow, Requires: map[string]string{"nvidia.com/gpu": "a-1"}}, ""},
		"bad queue":         {engine.Task{Queue: "a.b"}, "tasks.a.queue"},
		"bad priority":      {engine.Task{Priority: "urgent"}, "tasks.a.priority"},
		"empty label":       {engine.Task{Requires: map[string]string{"": "1"}}, "tasks.a.requires"},
		"empty value":       {engine.Task{Requires: map[string]string{"gpu": ""}}, "tasks.a.requires.gpu"},
		"label of two":      {engine.Task{Requires: map[string]string{"gpu": "1,zone=b"}}, "tasks.a.requires.gpu"},
		"in a sub-flow":     {engine.Task{Handler: engine.FlowHandler, Spec: flow}, "tasks.a.spec.tasks.b.queue"},
		"of a sub-flow":     {engine.Task{Handler: engine.FlowHandler, Priority: "high", Spec: json.RawMessage(`{"name":"in","tasks":[{"id":"b"}]}`)}, "tasks.a"},
		"nothing":           {engine.Task{}, ""},
		"an empty requires": {engine.Task{Requires: map[string]string{}}, ""},
	} {
		test.task.ID = "a"
		_, err := engine.Spec{Name: "x", Tasks: []engine.Task{test.task}}.Build()
		fault, _ := errors.AsType[*engine.BuildError](err)
		if got := fault; test.at == "" && err != nil || test.at != "" && (got == nil || got.At != test.at) {
			t.Errorf("%s: got %v, want a fault at %q", name, err, test.at)
		}
	}
}
