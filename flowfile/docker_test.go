package flowfile_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

// everyDockerKey has each key of a container's spec.
const everyDockerKey = `image: debian:12, command: [echo, ""], entrypoint: [/e], environment: {A: "1"}, workdir: /w, user: 1000,
      volumes: {./data: {bind: /data, mode: ro}, ../up: /up, /abs: {bind: /abs}}, tmpfs: {/cache: 1MiB, /small: 10}, shm_size: 1.5KiB,
      gpus: [a], gpu: null, device_requests: [{driver: nvidia, count: -1, device_ids: [a], capabilities: [[gpu]], options: {a: b}}],
      network: none, read_only: true, cap_add: [NET_RAW], privileged: false, pull: never, registry_auth: token,
      auto_remove: true, auto_mount: true, auto_mount_graflow: null, reuse: pool, stop_timeout: 3s, result: {file: /r},
      files_in: {/in: .}, files_out: ["*.png"], wasm: img#resize`

func TestDocker(t *testing.T) {
	t.Parallel()
	dir := filepath.FromSlash("flows/")
	text := `name: x
modules: {img: ./img.wasm}
defaults: {limits: {fuel: 1e9, pids: 9, memory: 1GiB}, grants: {clock: virtual, channel: false}}
tasks:
  a:
    docker: {` + everyDockerKey + `}
    limits: {timeout: 1m, memory: 64MiB, cpus: 0.5, pids: 1e3, output_bytes: 1, log_bytes: 1, open_files: 1, disk_bytes: 1KiB, host_calls: 1, channel_ops: 1}
    grants: {secrets: [s], tools: ["*"], spawn: ["image:debian:*", "image:x/", "*"], channel: true, control: false, allow_secret_output: true}
  b: {handler: docker, handler_kwargs: {image: a, volumes: {data: /data}}}
  c: {wasm: img#resize}
  d: {python: {}}
`
	f, err := flowfile.Parse(dir+"x.flow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][3]string{
		"a": {
			`{"image":"debian:12","command":["echo",""],"entrypoint":["/e"],"environment":{"A":"1"},"workdir":"/w","user":1000,` +
				`"volumes":{"./flows/data":{"bind":"/data","mode":"ro"},"./up":"/up","/abs":{"bind":"/abs"}},"tmpfs":{"/cache":1048576,"/small":10},"shm_size":1536,` +
				`"gpus":["a"],"gpu":null,"device_requests":[{"driver":"nvidia","count":-1,"device_ids":["a"],"capabilities":[["gpu"]],"options":{"a":"b"}}],` +
				`"network":"none","read_only":true,"cap_add":["NET_RAW"],"privileged":false,"pull":"never","registry_auth":"token",` +
				`"auto_remove":true,"auto_mount":true,"auto_mount_graflow":null,"reuse":"pool","stop_timeout":"3s","result":{"file":"/r"},` +
				`"files_in":{"/in":"."},"files_out":["*.png"],"wasm":"./flows/img.wasm#resize"}`,
			`{"timeout":"1m","memory":67108864,"cpus":0.5,"pids":1000,"output_bytes":1,"log_bytes":1,"open_files":1,"disk_bytes":1024,"host_calls":1,"channel_ops":1}`,
			`{"secrets":["s"],"tools":["*"],"spawn":["image:debian:*","image:x/","*"],"channel":true,"control":false,"allow_secret_output":true}`,
		},
		"b": {`{"image":"a","volumes":{"./flows/data":"/data"}}`, `{"pids":9,"memory":1073741824}`, `{"channel":false}`},
		"c": {`{"module":"./flows/img.wasm","export":"resize"}`, `{"fuel":1000000000,"memory":1073741824}`, `{"clock":"virtual","channel":false}`},
		"d": {`{}`, `{"fuel":1000000000,"pids":9,"memory":1073741824}`, `{"clock":"virtual","channel":false}`},
	}
	for _, task := range f.Spec.Tasks {
		if got := [3]string{string(task.Spec), string(task.Limits), string(task.Grants)}; got != want[task.ID] {
			t.Errorf("%s: got\n%s\nwant\n%s", task.ID, strings.Join(got[:], "\n"), strings.Join(func() []string { w := want[task.ID]; return w[:] }(), "\n"))
		}
	}
	if line, _ := f.Position("tasks.a.spec.volumes./abs"); line != 7 {
		t.Errorf("got line %d of a volume, want 7", line)
	}
	checkRoundTrip(t, f.Spec)
	if err := validate(t, compiledSchema(t), text); err != nil {
		t.Errorf("the schema says %v", err)
	}
}

// TestDockerFaults wants the schema to refuse what the parser does.
func TestDockerFaults(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for options, want := range map[string]string{
		`docker: debian`:                              `15: want a mapping, as {image: debian:12, command: [ls]}, not "debian"`,
		`docker: {imgae: a}`:                          `16: docker: unknown key "imgae" (did you mean "image"?)`,
		`docker: {image: 3}`:                          `23: want a string, not 3`,
		`docker: {command: echo hi}`:                  `25: want a list of strings, not "echo hi"`,
		`docker: {command: [sleep, 3]}`:               `33: want a string, not 3`,
		`docker: {environment: {A: 1}}`:               `33: environment.A: want a string, not a number; quote it to make it one`,
		`docker: {read_only: "no"}`:                   `27: want true or false, not "no"`,
		`docker: {pull: mising}`:                      `22: want one of missing, always, never, not "mising" (did you mean "missing"?)`,
		`docker: {reuse: true}`:                       `23: want one of none, pool, not true`,
		`docker: {stop_timeout: 3}`:                   `30: want a duration above 0 with a unit, as 300ms, 10s or 1h, not 3`,
		`docker: {shm_size: 64 Mb}`:                   `26: want a size above 0, as 64KiB, 16MiB or 1GiB, not "64 Mb"`,
		`docker: {tmpfs: {/t: 0}}`:                    `28: want a size above 0, as 64KiB, 16MiB or 1GiB, not 0`,
		`docker: {tmpfs: [/t]}`:                       `23: want a mapping of paths to sizes, as {/cache: 64MiB}, not a list`,
		`docker: {volumes: [./a]}`:                    `25: want a mapping, as {./data: {bind: /data, mode: ro}}, not a list`,
		`docker: {volumes: {a: 3}}`:                   `29: want where the container sees it, as /data or {bind: /data, mode: ro}, not 3`,
		`docker: {volumes: {a: {mode: ro}}}`:          `26: volume: the key "bind" is missing: where the container sees a`,
		`docker: {volumes: {a: {bind: /a, mode: r}}}`: `46: want one of ro, rw, not "r" (did you mean "ro"?)`,
		`docker: {volumes: {a: {bnid: /a}}}`:          `26: volume: the key "bind" is missing: where the container sees a`,
		`docker: {volumes: {"": /a}}`:                 `26: want a path of this machine, as ./data`,
		`docker: {user: true}`:                        `22: want a user, as "1000:1000", not true`,
		`docker: {gpus: some}`:                        `22: want all, a number of GPUs, or a list of their ids, not "some"`,
		`docker: {result: stderr}`:                    `24: want stdout, file, or {file: PATH}, not "stderr"`,
		`docker: {result: {path: /a}}`:                `25: result: unknown key "path"`,
		`docker: {device_requests: {}}`:               `33: want a list, as [{driver: nvidia, count: 1, capabilities: [[gpu]]}], not a mapping`,
		`docker: {device_requests: [{drivr: a}]}`:     `35: device_requests: unknown key "drivr" (did you mean "driver"?)`,
		`docker: {device_requests: [a]}`:              `34: want a mapping, as {driver: nvidia, count: 1, capabilities: [[gpu]]}, not "a"`,
		`limits: {fuel: 1}, docker: {}`:               `16: limits: fuel is the sandbox's; bound a container with timeout and cpus`,
		`limits: {memroy: 1}, docker: {}`:             `16: limits: unknown key "memroy" (did you mean "memory"?)`,
		`limits: {cpus: 0}, docker: {}`:               `22: want a number of processors from 0.01 on, as 0.5 or 2, not 0`,
		`limits: {pids: 1.5}, docker: {}`:             `22: want a whole number above 0, as 1000 or 1e9, not 1.5`,
		`limits: {pids: 1}, wasm: m.wasm`:             `16: limits: unknown key "pids"`,
		`grants: {mounts: []}, docker: {}`:            `16: grants: mounts is the sandbox's; a container has docker: {volumes: {HOST: {bind: /PATH, mode: ro}}}`,
		`grants: {env: {A: b}}, docker: {}`:           `16: grants: env is the sandbox's; a container has docker: {environment: {NAME: value}}`,
		`grants: {spawn: "*"}, docker: {}`:            `23: want a list of strings, not "*"`,
	} {
		text := "name: x\ntasks:\n  a: {" + options + "}\n"
		_, err := flowfile.Parse("x", []byte(text))
		if err == nil {
			t.Errorf("%s: got no error, want %s", options, want)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != "x:3:"+want {
			t.Errorf("%s: got %s, want x:3:%s", options, got, want)
		}
		if validate(t, schema, text) == nil {
			t.Errorf("the schema permits %s", options)
		}
	}
	if _, err := flowfile.Parse("x", []byte("name: x\ntasks:\n  a: {docker: {wasm: \"#f\"}}\n")); err == nil {
		t.Error("a module without a name is taken")
	}
	twice := "name: x\ntasks:\n  a: {docker: {volumes: {./a: /a, a: /b}}}\n"
	if _, err := flowfile.Parse("x", []byte(twice)); err == nil || !strings.Contains(err.Error(), `"a" is here twice`) {
		t.Errorf("one directory twice: got %v", err)
	}
}
