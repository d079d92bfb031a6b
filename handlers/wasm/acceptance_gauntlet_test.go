package wasm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// attack is what the gauntlet's manifest tells of a case, as far as it is needed.
type attack struct {
	Name, Group, File string
	Exports           []string
	Input             string
	Limits            map[string]int64
	Setup             map[string]any
	Verdict           struct {
		Refused   string
		Stopped   []string
		Contained bool
	}
}

// inProcess are the groups whose modules are run here, in this process and by the
// engine: those that need no servers, directories or minutes. All of them, each in
// a process of its own whose size and time are watched: `make gauntlet`.
var inProcess = []string{"control", "decode", "feature", "table", "recursion", "power", "pointer", "forge"}

// gauntlet runs modules that attack their host as tasks. Each ends as its verdict
// says, and afterwards the engine and the sandbox work as before.
func gauntlet(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("half a minute; without -short")
	}
	dir := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), "go", "run", "../../wasmhost/gauntlet/cmd/gauntlet", "write", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Cases []attack }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	tr := try(t, wasm.Config{Dir: dir}, nil)
	ran := map[string]int{}
	for _, c := range manifest.Cases {
		if !slices.Contains(inProcess, c.Group) || len(c.Setup) > 0 {
			continue
		}
		ran[c.Group]++
		for _, export := range c.Exports {
			tr.suffer(c, export)
		}
	}
	for _, group := range inProcess {
		if ran[group] == 0 {
			t.Errorf("no case of group %q was run", group)
		}
	}
	tr.wantSucceeded(tr.run("1", engine.Seq(task(t, "a", "count"), task(t, "b", "echo"))), "3")
}

// suffer runs one export as a task and compares how it ended.
func (t *trial) suffer(c attack, export string) {
	t.Helper()
	limits := map[string]any{}
	for name, value := range c.Limits {
		switch name {
		case "compile_ns":
		case "timeout_ns":
			limits["timeout"] = time.Duration(value).String()
		default:
			limits[name] = value
		}
	}
	spec := map[string]string{"module": filepath.FromSlash(c.File), "export": export}
	a := engine.Task{ID: "a", Handler: "wasm", Spec: marshal(t, spec), Limits: marshal(t, limits)}
	if c.Group == "pointer" { // what it asks the run for is not the matter
		a.Grants = json.RawMessage(`{"control":false}`)
	}
	g, err := engine.NewGraph("flow", a)
	if err != nil {
		t.Fatal(err)
	}
	input := json.RawMessage(c.Input)
	if c.Input == "" {
		input = nil
	}
	r, err := t.Start(t.Context(), g, engine.Start{Input: input})
	if err != nil {
		if c.Verdict.Refused == "" || !regexp.MustCompile(c.Verdict.Refused).MatchString(err.Error()) {
			t.Errorf("%s: refused: %v, want %+v", c.Name, err, c.Verdict)
		}
		return
	}
	out := t.wait(r)
	switch {
	case out.Status == engine.StatusSucceeded && c.Verdict.Contained:
	case out.Error != nil && slices.Contains(c.Verdict.Stopped, out.Error.Kind):
	default:
		t.Errorf("%s %s: got %s, want %+v", c.Name, export, marshal(t, out), c.Verdict)
	}
	if out.Error != nil && !strings.Contains(out.Error.Message, filepath.ToSlash(c.File)) {
		t.Errorf("%s: got %q, want the module named", c.Name, out.Error.Message)
	}
}
