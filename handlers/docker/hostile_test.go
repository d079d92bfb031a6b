package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// hostileImage has the hostile program, a shell and no users but root's.
func hostileImage(t *testing.T) string {
	t.Helper()
	program := dockertest.Program(t, "./testdata/hostile")
	return dockertest.Image(t, "hostile", map[string]dockertest.File{
		"hostile": {Path: program}, "setuid": {Path: program, Mode: 0o755 | fs.ModeSetuid},
	}, `ENTRYPOINT ["/hostile"]`)
}

func deed(image string, words ...string) string {
	command, err := json.Marshal(words)
	if err != nil {
		panic(err)
	}
	return `{"image":"` + image + `","stop_timeout":"1s","command":` + string(command) + `}`
}

// TestEscape wants that nothing comes of what a task tries.
func TestEscape(t *testing.T) {
	t.Setenv("GRAFLOW_TEST_HOST", "a value of the host") // which must not get in
	image := hostileImage(t)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	name := fmt.Sprintf("graflow-test-%d", time.Now().UnixNano())
	abstract, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = abstract.Close() }()
	h := newHandler(t, Config{Binary: dockertest.Program(t, "./inside/testdata/inside"), Policy: Policy{Pool: true}})
	spec := deed(image, "escape", tcp.Addr().String(), name)
	for name, spec := range map[string]string{ //nolint:paralleltest // the environment is that of the process
		"by itself": spec, "under the engine's process": with(spec, `"auto_mount":true`), "in a pool": with(spec, `"reuse":"pool"`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.Handle(t.Context(), callOf(spec, ""))
			if err != nil || string(got.Value) != "null" {
				t.Errorf("it got away with %s, %v", got.Value, err)
			}
		})
	}
}

// TestExhaust has tasks take all there is of something.
func TestExhaust(t *testing.T) {
	t.Parallel()
	image, shellImage := hostileImage(t), dockertest.Busybox(t)
	h := newHandler(t, Config{Binary: dockertest.Program(t, "./inside/testdata/inside"), Policy: Policy{Pool: true}})
	small := `{"memory":"32MiB","timeout":"20s","pids":50,"disk_bytes":"8MiB","output_bytes":"1MiB","log_bytes":"10KiB"}`
	for name, test := range map[string]struct {
		spec   string
		limits string
		kind   string
		value  string
	}{
		"memory of the first process": {spec: deed(image, "hog"), kind: KindMemory},
		"memory of a child":           {spec: deed(image, "child"), kind: KindMemory},
		"memory, wrapped":             {spec: with(deed(image, "hog"), `"auto_mount":true`), kind: KindMemory},
		"memory, in a pool":           {spec: with(deed(image, "hog"), `"reuse":"pool"`), kind: KindMemory},
		"memory by shared memory":     {spec: deed(image, "shm"), kind: KindMemory},
		"memory by files": {
			spec: deed(image, "tmp"), kind: KindMemory,
			limits: `{"memory":"32MiB","timeout":"20s","disk_bytes":"64MiB"}`,
		},
		"files":     {spec: deed(image, "tmp"), value: `"8 write /tmp/x: no space left on device"`},
		"the root":  {spec: shell(shellImage, "echo x > /x || echo x > /etc/x || echo x > /root/x; echo full"), value: `"full"`},
		"fork bomb": {spec: with(deed(image, "forkbomb"), `"result":"file"`), kind: "timeout", limits: `{"pids":50,"timeout":"2s","memory":"64MiB"}`},
		"fork bomb, wrapped": {
			spec: with(deed(image, "forkbomb"), `"result":"file","auto_mount":true`), kind: "timeout", limits: `{"pids":50,"timeout":"2s","memory":"64MiB"}`,
		},
		"fork bomb in a pool": {
			spec: with(deed(image, "forkbomb"), `"result":"file","reuse":"pool"`), kind: "timeout", limits: `{"pids":50,"timeout":"2s","memory":"64MiB"}`,
		},
		"stdout":              {spec: shell(shellImage, "yes"), kind: KindOutput},
		"stdout, one line":    {spec: shell(shellImage, "cat /dev/zero"), kind: KindOutput},
		"stdout in a pool":    {spec: with(shell(shellImage, "yes"), `"reuse":"pool"`), kind: KindOutput},
		"stderr":              {spec: with(shell(shellImage, "yes >&2"), `"stop_timeout":"1s"`), kind: "timeout", limits: `{"timeout":"2s","log_bytes":"10KiB"}`},
		"stderr, one line":    {spec: with(shell(shellImage, "cat /dev/zero >&2"), `"stop_timeout":"1s"`), kind: "timeout", limits: `{"timeout":"2s","log_bytes":"10KiB"}`},
		"garbage on both":     {spec: shell(shellImage, "head -c 100000 /dev/urandom >&2; head -c 1000 /dev/urandom"), kind: wasmhost.KindInvalidOutput},
		"the FIFO of results": {spec: shell(shellImage, "cat /dev/zero > $GRAFLOW_RESULT; sleep 1000"), kind: KindOutput},
		"the FIFO of effects": {spec: shell(shellImage, "yes > $GRAFLOW_EFFECTS"), kind: KindHostCalls, limits: `{"host_calls":1000,"timeout":"20s"}`},
		"garbage for effects": {spec: shell(shellImage, "head -c 1000000 /dev/urandom > $GRAFLOW_EFFECTS; echo 1"), value: "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := callOf(test.spec, "")
			call.Task.Limits = json.RawMessage(small)
			if test.limits != "" {
				call.Task.Limits = json.RawMessage(test.limits)
			}
			within(t, 40*time.Second, func() {
				got, err := h.Handle(t.Context(), call)
				if test.kind == "" {
					if err != nil || string(got.Value) != test.value {
						t.Errorf("value %s, %v; want %s", got.Value, err, test.value)
					}
					return
				}
				var failed *engine.TaskError
				if name == "memory of a child" && errors.As(err, &failed) && failed.Kind == KindExit {
					t.Logf("the daemon did not hear why the child was killed: %v", err)
					return
				}
				wantKind(t, err, test.kind)
			})
		})
	}
}

// TestFlatMemory has the host's memory stay as it is whatever a task prints.
func TestFlatMemory(t *testing.T) { //nolint:paralleltest // others take memory too
	h := newHandler(t, Config{})
	call := callOf(with(shell(dockertest.Busybox(t), "cat /dev/zero >&2 & cat /dev/zero & wait"), `"result":"file","stop_timeout":"1s"`), "")
	call.Task.Limits = json.RawMessage(`{"timeout":"2s"}`)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, done := heap(), uint64(0), make(chan error, 1)
	go func() {
		_, err := h.Handle(t.Context(), call)
		done <- err
	}()
	for {
		select {
		case err := <-done:
			wantKind(t, err, "timeout")
			if most > before+16<<20 {
				t.Errorf("the heap went from %d to %d bytes", before, most)
			}
			return
		case <-time.After(100 * time.Millisecond):
			most = max(most, heap())
		}
	}
}

// TestRude has commands that don't do what is expected of them.
func TestRude(t *testing.T) {
	t.Parallel()
	image, shellImage := hostileImage(t), dockertest.Busybox(t)
	h := newHandler(t, Config{Binary: dockertest.Program(t, "./inside/testdata/inside"), Policy: Policy{Pool: true}})
	large := `"` + strings.Repeat("x", 16<<20) + `"`
	for name, test := range map[string]struct {
		spec, value string
	}{
		"closes stdin":                {spec: deed(image, "deaf"), value: `"deaf"` + "\n"},
		"never reads":                 {spec: shell(shellImage, "echo 1"), value: "1\n"},
		"never reads, in a pool":      {spec: with(shell(shellImage, "echo 1"), `"reuse":"pool"`), value: "1\n"},
		"leaves a child":              {spec: deed(image, "orphan"), value: `"left"`},
		"leaves a child, wrapped":     {spec: with(deed(image, "orphan"), `"auto_mount":true`), value: `"left"`},
		"leaves a child, in a pool":   {spec: with(deed(image, "orphan"), `"reuse":"pool"`), value: `"left"`},
		"leaves a child that shouts":  {spec: shell(shellImage, "yes >&2 & echo 2"), value: "2\n"},
		"closes stdout":               {spec: shell(shellImage, "exec >&- 2>&-; sleep 0.1"), value: "null"},
		"reads all, and writes to it": {spec: shell(shellImage, "wc -c; echo 1 >&0 || true"), value: "16777219\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 40*time.Second, func() {
				got, err := h.Handle(t.Context(), callOf(test.spec, large))
				if err != nil || string(got.Value) != test.value {
					t.Errorf("value %.100s, %v; want %s", got.Value, err, test.value)
				}
			})
		})
	}
}
