package docker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// told are the lines that a task's log has got.
func told(call *engine.Call) []string {
	lines := call.Sink.(recorder).lines
	close(lines)
	var all []string
	for line := range lines {
		all = append(all, line)
	}
	return all
}

// effect is a line of a shell that asks the engine for something.
func effect(request string) string { return "echo '" + request + "' > $GRAFLOW_EFFECTS\n" }

// TestForged drops what is said to come from another task, and says so once.
func TestForged(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{})
	script := ""
	for _, whose := range []string{`"task":"other"`, `"run":"other"`, `"activation":"t#2"`, `"task":"other"`, `"task":{"a":1}`, `"task":"t","task":"other"`, `"TASK":"other"`} {
		script += effect(`{"op":"channel_set","key":"forged","value":1,` + whose + `}`)
	}
	script += effect(`{"op":"channel_set","key":"own","value":1,"task":"t","run":"run","activation":"t#1"}`)
	call := callOf(shell(dockertest.Busybox(t), script), "")
	got, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if fx := got.Effects.Channel; len(fx) != 1 || fx[0].Key != "own" {
		t.Errorf("writes %+v, want its own only", fx)
	}
	warned := slices.DeleteFunc(told(call), func(line string) bool { return !strings.Contains(line, "which are not this attempt's") })
	if len(warned) != 1 {
		t.Errorf("%d warnings, want one: %q", len(warned), warned)
	}
}

// TestFlood has a task take more connections than it may, and ask more than it may.
func TestFlood(t *testing.T) {
	t.Parallel()
	image := dockertest.Image(t, "flood", map[string]dockertest.File{"hostile": {Path: dockertest.Program(t, "./testdata/hostile")}}, `ENTRYPOINT ["/hostile"]`)
	h := newHandler(t, Config{})
	for _, way := range []string{"connections", "requests", "idle", "line"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			call := callOf(deed(image, "flood", way), "")
			call.Task.Limits = json.RawMessage(`{"host_calls":500,"timeout":"20s","output_bytes":"1MiB"}`)
			got, err := h.Handle(t.Context(), call)
			if way == "idle" || way == "line" {
				want := map[string]string{"idle": `"16 of 100"`, "line": `"hung up"`}[way]
				if err != nil || string(got.Value) != want {
					t.Errorf("%s, %v; want %s", got.Value, err, want)
				}
				return
			}
			if failed := failureOf(t, err, KindHostCalls); !failed.Permanent {
				t.Errorf("%+v: want it to last", failed)
			}
		})
	}
}

// TestSecrets wants secrets to be files in memory that are nowhere else, and gone.
func TestSecrets(t *testing.T) {
	t.Parallel()
	image, value := dockertest.Busybox(t), "correct-horse-battery"
	for _, reuse := range []string{"none", "pool"} { //nolint:paralleltest // each looks for what the one before left
		h := newHandler(t, Config{
			Secrets: secretsOf{"pass": value, "other": "not granted"}, Redactor: newFinder,
			Policy: Policy{Pool: true}, Binary: dockertest.Program(t, "./inside/testdata/inside"),
		})
		for name, test := range map[string]struct{ script, kind string }{
			"used":          {script: `test $(wc -c < $GRAFLOW_SECRETS/pass) = 21 && test $(ls $GRAFLOW_SECRETS) = pass && ! env | grep correct`},
			"logged":        {script: `cat $GRAFLOW_SECRETS/pass >&2`},
			"as the result": {script: `cat $GRAFLOW_SECRETS/pass`, kind: engine.KindDenied},
			"in an error":   {script: `cat $GRAFLOW_SECRETS/pass >&2; exit 1`, kind: KindExit},
			"as a kind": {
				script: `echo "{\"op\":\"fail\",\"kind\":\"$(cat $GRAFLOW_SECRETS/pass)\",\"message\":\"$(cat $GRAFLOW_SECRETS/pass)\"}" > $GRAFLOW_EFFECTS`, kind: "***",
			},
			"in the channel": {
				script: `echo "{\"op\":\"channel_set\",\"key\":\"k\",\"value\":\"$(cat $GRAFLOW_SECRETS/pass)\"}" > $GRAFLOW_EFFECTS`, kind: engine.KindDenied,
			},
			"changed": {script: `echo x > $GRAFLOW_SECRETS/pass`, kind: KindExit},
		} {
			t.Run(reuse+", "+name, func(t *testing.T) {
				call := callOf(with(shell(image, test.script), `"reuse":"`+reuse+`"`), "")
				call.Task.Grants = json.RawMessage(`{"secrets":["pass"]}`)
				got, err := h.Handle(t.Context(), call)
				if test.kind != "" {
					if failed := failureOf(t, err, test.kind); strings.Contains(failed.Error()+failed.Kind, value) {
						t.Errorf("%v tells the secret", failed)
					}
				} else if err != nil {
					t.Error(err)
				}
				if strings.Contains(string(got.Value)+string(got.Ledger)+strings.Join(told(call), "\n"), value) {
					t.Errorf("the secret is in %s or the log", got.Value)
				}
				left, err := filepath.Glob(filepath.Join(h.scratch.dir, "*", secretsDir))
				if err != nil || len(left) > 0 {
					t.Errorf("left: %v, %v", left, err)
				}
			})
		}
	}
	t.Run("on disk", func(t *testing.T) {
		t.Parallel()
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		h := newHandler(t, Config{Secrets: secretsOf{"pass": value}, Redactor: newFinder})
		h.scratch.asked = dir
		call := callOf(shell(image, "true"), "")
		call.Task.Grants = json.RawMessage(`{"secrets":["pass"]}`)
		if inMemory(dir) {
			t.Skip("this machine has its temporary directory in memory")
		}
		_, err = h.Handle(t.Context(), call)
		wantKind(t, err, engine.KindDenied)
	})
}

// TestNext has a task ask for next tasks that are more than it is.
func TestNext(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{Policy: Policy{Networks: []string{"host"}, Users: []string{"root"}, WritableRoot: true, Mounts: []Mount{{Host: "/", Writable: true}}}})
	for name, test := range map[string]struct{ spec, kind string }{
		"the same":         {spec: `{"command":["true"]}`},
		"another image":    {spec: `{"image":"graflow-test/other:1"}`, kind: engine.KindDenied},
		"volumes":          {spec: `{"volumes":{"/":"/host"}}`, kind: engine.KindDenied},
		"a network":        {spec: `{"network":"host"}`, kind: engine.KindDenied},
		"privileged":       {spec: `{"privileged":true}`, kind: engine.KindDenied},
		"root":             {spec: `{"user":"root"}`, kind: engine.KindDenied},
		"a root to write":  {spec: `{"read_only":false}`, kind: engine.KindDenied},
		"a registry":       {spec: `{"registry_auth":"pass"}`, kind: engine.KindDenied},
		"the engine's own": {spec: `{"environment":{"GRAFLOW_SOCKET":"/x"}}`, kind: engine.KindInvalidInput},
		"a driver":         {spec: `{"gpus":"all"}`, kind: engine.KindDenied},
		"no object":        {spec: `[1]`, kind: engine.KindInvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := effect(`{"op":"next_task","id":"n","handler":"docker","spec":`+test.spec+`}`) + "sleep 1000"
			if test.kind == "" {
				script = strings.TrimSuffix(script, "sleep 1000")
			}
			call := callOf(shell(image, script), "")
			call.Task.Grants = json.RawMessage(`{"spawn":["image:graflow-test/busybox:*"]}`)
			call.Task.Limits = json.RawMessage(`{"timeout":"10s"}`)
			got, err := h.Handle(t.Context(), call)
			if test.kind == "" {
				if err != nil || len(got.Effects.Next) != 1 {
					t.Errorf("%+v, %v", got.Effects, err)
				}
				return
			}
			if err == nil || len(got.Effects.Next) > 0 {
				t.Fatalf("%+v, %v: want it refused", got.Effects, err)
			}
			wantKind(t, err, test.kind)
		})
	}
}
