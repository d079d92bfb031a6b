package docker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestKinds wants each way to fail to be told from the others, with what to do.
func TestKinds(t *testing.T) {
	t.Parallel()
	shellImage := dockertest.Busybox(t)
	image := dockertest.Image(t, "kinds", map[string]dockertest.File{
		"hostile": {Path: dockertest.Program(t, "./testdata/hostile")}, "text": {Mode: 0o644, Data: []byte("text")},
		"garbage": {Data: []byte("\x7fELF, it says")}, "script": {Data: []byte("#!/no/such/shell\n")},
	})
	h := newHandler(t, Config{
		Binary: dockertest.Program(t, "./inside/testdata/inside"),
		Policy: Policy{GPUs: true, Pool: true},
	})
	for name, test := range map[string]struct {
		spec, kind, want string
		permanent        bool
	}{
		"no such image":      {spec: deed("graflow-test/missing:1", "x"), kind: KindImageMissing, permanent: true, want: "pull"},
		"no GPU":             {spec: with(deed(image, "/hostile", "id"), `"gpus":1`), kind: KindNoGPU, permanent: true, want: "fallback"},
		"all GPUs":           {spec: with(deed(image, "/hostile", "id"), `"gpus":"all"`), kind: KindNoGPU, permanent: true, want: "fallback"},
		"no such command":    {spec: deed(image, "nowhere"), kind: KindCommand, permanent: true, want: "command"},
		"no such file":       {spec: deed(image, "/nowhere"), kind: KindCommand, permanent: true, want: "command"},
		"not executable":     {spec: deed(image, "/text"), kind: KindCommand, permanent: true, want: "command"},
		"no interpreter":     {spec: deed(image, "/script"), kind: KindExit, want: "no such file"},
		"a directory":        {spec: deed(image, "/tmp"), kind: KindCommand, permanent: true},
		"workdir is a file":  {spec: with(deed(image, "/hostile", "id"), `"workdir":"/text"`), kind: KindCommand, permanent: true, want: "workdir"},
		"no command":         {spec: `{"image":"` + image + `"}`, kind: engine.KindInvalidInput, permanent: true},
		"wrapped, missing":   {spec: with(deed(image, "/nowhere"), `"auto_mount":true`), kind: KindExit, want: "nowhere"},
		"exit code":          {spec: shell(shellImage, "echo why >&2; exit 7"), kind: KindExit, want: "exit code 7: why"},
		"exit code, wrapped": {spec: with(shell(shellImage, "echo why >&2; exit 7"), `"auto_mount":true`), kind: KindExit, want: "exit code 7: why"},
		"exit code, pool":    {spec: with(shell(shellImage, "echo why >&2; exit 7"), `"reuse":"pool"`), kind: KindExit, want: "exit code 7: why"},
		"killed by a signal": {spec: shell(shellImage, "kill -9 $$; echo; (kill -SEGV $(exec sh -c 'echo $PPID')); exit 139"), kind: KindExit, want: "139"},
		"its own kind":       {spec: shell(shellImage, `echo '{"op":"fail","kind":"mine","message":"no","permanent":true}' > $GRAFLOW_EFFECTS; exit 1`), kind: "mine", permanent: true, want: "no"},
		"its own kind, at 0": {spec: shell(shellImage, `echo '{"op":"fail","kind":"mine","message":"no"}' > $GRAFLOW_EFFECTS`), kind: "mine", want: "no"},
		"denied":             {spec: with(deed(image, "x"), `"privileged":true`), kind: engine.KindInvalidInput, permanent: true, want: "privileged"},
		"result is missing":  {spec: with(shell(shellImage, "true"), `"result":{"file":"/tmp/r"}`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "/tmp/r"},
		"result is a link":   {spec: with(shell(shellImage, "ln -s /etc/passwd /tmp/r"), `"result":{"file":"/tmp/r"}`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "link"},
		"result is a FIFO":   {spec: with(shell(shellImage, "mkfifo /tmp/r"), `"result":{"file":"/tmp/r"}`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "pipe"},
		"result is a device": {spec: with(shell(shellImage, "true"), `"result":{"file":"/dev/zero"}`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "device"},
		"result is a tree":   {spec: with(shell(shellImage, "mkdir /tmp/r"), `"result":{"file":"/tmp/r"}`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "directory"},
		"result is too long": {spec: with(shell(shellImage, "head -c 20000000 /dev/zero > /tmp/r"), `"result":{"file":"/tmp/r"}`), kind: KindOutput, permanent: true},
		"file out is a link": {spec: with(shell(shellImage, "ln -s /etc/passwd /out/x"), `"files_out":["*"]`), kind: wasmhost.KindInvalidOutput, permanent: true, want: "link"},
		"file out through a link": {
			spec: with(shell(shellImage, "ln -s /etc /out/x"), `"files_out":["x/passwd"]`), kind: wasmhost.KindInvalidOutput, permanent: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := callOf(test.spec, "")
			call.Files = &fileStore{files: map[string]string{}}
			_, err := h.Handle(t.Context(), call)
			failed := failureOf(t, err, test.kind)
			if failed.Permanent != test.permanent || !strings.Contains(failed.Message, test.want) {
				t.Errorf("permanent %t, %q: want permanent %t, and %q", failed.Permanent, failed.Message, test.permanent, test.want)
			}
		})
	}
}

// TestDevices wants a container to have exactly the devices that its task asks for.
func TestDevices(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{Policy: Policy{GPUs: true}})
	if err := h.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer h.running.Done()
	found, err := h.docker.ImageInspect(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	for keys, want := range map[string][]container.DeviceRequest{
		`"gpus":1`:         {{Count: 1, Capabilities: [][]string{{"gpu"}}}},
		`"gpus":"all"`:     {{Count: -1, Capabilities: [][]string{{"gpu"}}}},
		`"gpus":["a","b"]`: {{DeviceIDs: []string{"a", "b"}, Capabilities: [][]string{{"gpu"}}}},
		`"device_requests":[{"driver":"nvidia","count":2,"capabilities":[["gpu","compute"]],"options":{"k":"v"}}]`: {{
			Driver: "nvidia", Count: 2, Capabilities: [][]string{{"gpu", "compute"}}, Options: map[string]string{"k": "v"},
		}},
	} {
		s, err := parseSettings(&h.config, &engine.Task{ID: "t", Spec: json.RawMessage(with(shell(image, "true"), keys))})
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := h.create(t.Context(), s, found, place{Labels: h.labels()})
		if err != nil {
			t.Fatal(err)
		}
		made, err := h.docker.ContainerInspect(t.Context(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		if got := made.HostConfig.DeviceRequests; !reflect.DeepEqual(normal(got), normal(want)) {
			t.Errorf("%s: %+v, want %+v", keys, got, want)
		}
		if err := c.remove(t.Context()); err != nil {
			t.Error(err)
		}
		c.close()
	}
}

// normal has nothing for what is empty, as the daemon may write it.
func normal(all []container.DeviceRequest) []container.DeviceRequest {
	var same []container.DeviceRequest
	for _, r := range all {
		if len(r.Options) == 0 {
			r.Options = nil
		}
		if len(r.DeviceIDs) == 0 {
			r.DeviceIDs = nil
		}
		same = append(same, r)
	}
	return same
}
