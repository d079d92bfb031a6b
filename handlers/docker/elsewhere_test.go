package docker_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker"
)

// TestElsewhere wants all to be asked for that an operator could allow, and nothing
// of this machine to be looked at.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		`{"image":"a","volumes":{"/srv/not here":"/data"},"network":"web","user":"root","read_only":false,"cap_add":["NET_RAW"],"gpus":"all","reuse":"pool","pull":"always"}`: "",
		`{"image":"a","volumes":{"./data":"/data"}}`:  `docker.volumes["./data"]: it is relative to a directory of this machine, and the task runs on another`,
		`{"image":"a","volumes":{"/data":"/proc/x"}}`: "/proc/x is the kernel's",
		`{"imag":"a"}`:                    `unknown key "imag", did you mean "image"?`,
		`{"image":"a","privileged":true}`: "docker.privileged:",
	} {
		err := docker.Elsewhere{}.Check(t.Context(), &engine.Task{ID: "t", Handler: "docker", Spec: json.RawMessage(spec)})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", spec, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", spec, err, want)
		}
	}
	task := &engine.Task{ID: "t", Limits: json.RawMessage(`{"fuel":1}`), Grants: json.RawMessage(`{"mounts":[]}`), Spec: json.RawMessage(`{"image":"a"}`)}
	err := docker.Elsewhere{}.Check(t.Context(), task)
	for _, want := range []string{`task "t": `, "limits.fuel", "grants.mounts"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := (docker.Elsewhere{}).Handle(t.Context(), &engine.Call{Task: task}); err == nil {
		t.Error("it runs a task")
	}
}
