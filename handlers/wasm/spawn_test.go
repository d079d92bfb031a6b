package wasm_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// spawnDir holds the test guest under several names.
func spawnDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"own.wasm", "img.wasm", "a[1].wasm", "lib/a.wasm", "lib/b.wasm"} {
		if err := os.Symlink(guest(t), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// spawns lets the guest own.wasm ask for a task.
func spawns(t *testing.T, h *wasm.Handler, grant []string, next abi.NextTask) (engine.Result, error) {
	t.Helper()
	call := newCall(t, "spawn", []abi.NextTask{next})
	call.Task.Spec = json.RawMessage(`"own.wasm#spawn"`)
	call.Task.Grants = marshal(t, map[string]any{"spawn": grant})
	return h.Handle(t.Context(), call)
}

func TestSpawnGrant(t *testing.T) {
	t.Parallel()
	dir := spawnDir(t)
	h := newHandler(t, wasm.Config{Dir: dir})
	for _, c := range []struct {
		handler, spec string
		grant         string // by space
		want          bool
	}{
		{"", ``, "", true}, // an existing task
		{"", `"#echo"`, "", true},
		{"wasm", `{"export":"echo"}`, "", true},
		{"wasm", `"own.wasm#echo"`, "", true},
		{"wasm", `"./own.wasm#echo"`, "", false}, // may be another one to who loads it
		{"wasm", `"./own.wasm#echo"`, "own.wasm", true},
		{"wasm", `"img.wasm#echo"`, "", false},
		{"", `"img.wasm#echo"`, "", false},
		{"", `{"module":"img.wasm","export":"echo"}`, "", false},
		{"", `"img.wasm#echo"`, "img.wasm", true},
		{"", `"img.wasm#echo"`, "./img.wasm", true},
		{"", `"./img.wasm#echo"`, "img.wasm", true},
		{"", `"img.wasm#echo"`, filepath.Join(dir, "*.wasm"), true},
		{"", filepath.Join(dir, "img.wasm") + "#echo", "img.wasm", true},
		{"", `"lib/a.wasm#echo"`, "./lib/*.wasm", true},
		{"", `"lib/a.wasm#echo"`, "./lib/b* lib/*a*", true},
		{"", `"lib/a.wasm#echo"`, "*.wasm", false}, // a star stops at /
		{"", `"lib/a.wasm#echo"`, "lib", false},
		{"", `"lib/a.wasm#echo"`, "lib/*.was", false},
		{"", `"lib/../img.wasm#echo"`, "./*.wasm", false}, // roundabout
		{"", `"lib/../lib/a.wasm#echo"`, "lib/*.wasm", false},
		{"", `"lib//a.wasm#echo"`, "lib/*.wasm", false},
		{"", `"a[1].wasm#echo"`, "a[1].wasm", true},
		{"", `"lib/a.wasm#echo"`, "lib/?.wasm lib/[a].wasm", false},
		{"", `"img.wasm#echo"`, "*", true},
		{"", `"lib/../img.wasm#echo"`, "*", true},
		{"", `"img.wasm#echo"`, "wasm:*", true},
		{"", `"img.wasm#echo"`, "builtin:*", false},
		{"builtin", `{"name":"now"}`, "", false},
		{"builtin", `{"name":"now"}`, "builtin:*", true},
		{"builtin", ``, "builtin", false},
		{"builtin", ``, "wasm:* built*:*", false},
		{"docker", `{"image":"x"}`, "builtin:*", false},
		{"docker", `{"image":"x"}`, "*", true},
	} {
		spec := c.spec
		if strings.HasPrefix(spec, "/") {
			spec = string(marshal(t, spec))
		}
		_, err := spawns(t, h, strings.Fields(c.grant), abi.NextTask{ID: "n", Handler: c.handler, Spec: json.RawMessage(spec)})
		if c.want {
			if err != nil {
				t.Errorf("%s %s with %q: got %v", c.handler, spec, c.grant, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s %s with %q: got no error", c.handler, spec, c.grant)
			continue
		}
		te := taskError(t, err)
		if te.Kind != engine.KindDenied || !te.Permanent || !strings.Contains(te.Message, `next task "n"`) || !strings.Contains(te.Message, `grants.spawn of task "t"`) {
			t.Errorf("%s %s with %q: got %+v, want denied, naming grants.spawn", c.handler, spec, c.grant, te)
		}
	}
}

func TestSpawnRefusalNamesTheGrant(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{Dir: spawnDir(t)})
	r, err := spawns(t, h, []string{"lib/*"}, abi.NextTask{ID: "n", Handler: "builtin"})
	if want := `handler "builtin" is not granted: list "builtin:*" in grants.spawn of task "t", now "lib/*"`; !strings.Contains(taskError(t, err).Message, want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
	if len(r.Effects.Next) > 0 {
		t.Errorf("got %s, want no effects", marshal(t, r.Effects))
	}
	_, err = spawns(t, h, nil, abi.NextTask{ID: "n", Spec: json.RawMessage(`"img.wasm"`)})
	if want := `module "img.wasm" is not granted: list it in grants.spawn of task "t", now empty`; !strings.Contains(taskError(t, err).Message, want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// TestSpawnIsInherited wants a spawned task to have the grant of its spawner,
// and no more.
func TestSpawnIsInherited(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{Dir: spawnDir(t)})
	r, err := spawns(t, h, []string{"lib/a.wasm"}, abi.NextTask{ID: "n", Spec: json.RawMessage(`"lib/a.wasm#spawn"`)})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]bool{"lib/a.wasm#echo": true, "#echo": true, "lib/b.wasm#echo": false, "own.wasm#echo": false} {
		call := newCall(t, "spawn", []abi.NextTask{{ID: "m", Spec: marshal(t, ref)}})
		call.Task = &r.Effects.Next[0].Task
		if _, err := h.Handle(t.Context(), call); (err == nil) != want {
			t.Errorf("%s: got %v", ref, err)
		}
	}
}

// TestSpawnMaximum looks at what is in Config; the rest is tested with guest.Spawn.
func TestSpawnMaximum(t *testing.T) {
	t.Parallel()
	dir := spawnDir(t)
	for _, c := range []struct {
		most  []string
		asked string
		want  bool
	}{
		{nil, "*", true},
		{[]string{}, "img.wasm", false},
		{[]string{"lib/*"}, filepath.Join(dir, "lib/a.wasm"), true},
		{[]string{"lib/*"}, "*", false},
		{[]string{"builtin:*"}, "builtin:*", true},
	} {
		h := newHandler(t, wasm.Config{Dir: dir, Spawn: c.most})
		task := engine.Task{Spec: json.RawMessage(`"own.wasm#echo"`), Grants: marshal(t, map[string]any{"spawn": []string{c.asked}})}
		if c.want {
			check(t, h, task)
		} else {
			check(t, h, task, "grants.spawn[0]: the operator does not allow ")
		}
	}
}

// vault has one secret, and one tool that answers with its arguments.
type vault struct{}

func (vault) Secret(_ context.Context, name string) ([]byte, error) {
	if name == "api-key" {
		return []byte("hunter2"), nil
	}
	return nil, abi.NotFound
}

func (vault) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	if name != "echo" {
		return nil, errors.New("no such tool")
	}
	return args, nil
}

func TestHandleSecretsAndTools(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{Secrets: vault{}, Redactor: newRedactor, Tools: vault{}})
	bare := newHandler(t, wasm.Config{})
	for _, c := range []struct {
		h              *wasm.Handler
		export, input  string
		grants         string
		want, wantKind string
	}{
		{h, "secret", "api-key", `{"secrets":["api-key"],"allow_secret_output":true}`, `"hunter2"`, ""},
		{h, "secret", "other", `{"secrets":["other"]}`, "", engine.KindDenied},
		{h, "secret", "other", `{"secrets":["api-key"]}`, "", engine.KindDenied},
		{h, "secret", "api-key", ``, "", engine.KindDenied},
		{bare, "secret", "api-key", `{"secrets":["api-key"]}`, "", "error"},
		{h, "tool", "echo", `{"tools":["echo"]}`, `{"n":1}`, ""},
		{h, "tool", "echo", `{"tools":["*"]}`, `{"n":1}`, ""},
		{h, "tool", "echo", `{"tools":["other"]}`, "", engine.KindDenied},
		{bare, "tool", "echo", `{"tools":["echo"]}`, "", "error"},
	} {
		call := newCall(t, c.export, c.input)
		call.Task.Grants = json.RawMessage(c.grants)
		r, err := c.h.Handle(t.Context(), call)
		if c.wantKind == "" {
			if err != nil || string(r.Value) != c.want {
				t.Errorf("%s with %s: got %s, %v, want %s", c.export, c.grants, r.Value, err, c.want)
			}
			continue
		}
		if te := taskError(t, err); te.Kind != c.wantKind {
			t.Errorf("%s with %s: got %v, want kind %s", c.export, c.grants, te, c.wantKind)
		}
	}
}

func TestNewChecksTheMaximum(t *testing.T) {
	t.Parallel()
	onHost, err := host()
	if err != nil {
		t.Fatal(err)
	}
	_, err = wasm.New(wasm.Config{Host: onHost, Grants: &wasmhost.Grants{HTTP: []string{"a b"}, Clock: "slow"}})
	for _, want := range []string{"Config.Grants", `host "a b"`, `"slow"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
