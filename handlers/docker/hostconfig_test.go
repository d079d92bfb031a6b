package docker

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// TestDefaultContainer has all of what a task without any wish runs in.
func TestDefaultContainer(t *testing.T) {
	t.Parallel()
	s := parsed(t, Policy{}, `{"image":"a","command":["run"],"environment":{"B":"2","A":"x=y"}}`)
	config, host := s.containerConfig(place{
		Dir: "/dev/shm/a1", Image: "sha256:1", ImageUser: "root", Cmd: []string{"sh"}, CPUs: 4,
		Labels: map[string]string{"run": "r"}, Env: map[string]string{"GRAFLOW_RUN": "r"},
	})
	grace, pids := 2, int64(256)
	wantConfig := &container.Config{
		Image: "sha256:1", User: "65534:65534", Env: []string{"A=x=y", "B=2", "GRAFLOW_RUN=r"}, Cmd: []string{"run"}, Labels: map[string]string{"run": "r"},
		AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true,
		StopSignal: "SIGTERM", StopTimeout: &grace, Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	wantHost := &container.HostConfig{
		NetworkMode: "none", ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		IpcMode: "private", CgroupnsMode: "private", RestartPolicy: container.RestartPolicy{Name: "no"}, LogConfig: container.LogConfig{Type: "none"},
		ShmSize: 64 << 20, Tmpfs: map[string]string{"/tmp": "rw,nosuid,nodev,exec,size=67108864,mode=1777"},
		Mounts: []mount.Mount{bound("/dev/shm/a1", "/run/graflow", true)},
		Resources: container.Resources{
			Memory: 512 << 20, MemorySwap: 512 << 20, NanoCPUs: 1e9, PidsLimit: &pids,
			Ulimits: []*container.Ulimit{{Name: "core"}, {Name: "nofile", Soft: 1024, Hard: 1024}},
		},
	}
	same(t, config, wantConfig)
	same(t, host, wantHost)
}

// TestLooseContainer has all that an operator can allow.
func TestLooseContainer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := open()
	p.Mounts = []Mount{{Host: dir, Writable: true}}
	s := parsed(t, p, fmt.Sprintf(`{"image":"a","entrypoint":["/e"],"environment":{"A":"1"},"workdir":"/w","user":"app","volumes":{%q:"/data"},
		"tmpfs":{"/tmp":"1MiB","/cache":"2MiB"},"shm_size":"1MiB","network":"bridge","read_only":false,"cap_add":["CAP_NET_RAW","chown","NET_RAW"],
		"auto_mount":true,"stop_timeout":"90s","result":{"file":"/data/r"},"files_in":{"/in.json":"."},"files_out":["**/*.png"]}`, dir))
	config, host := s.containerConfig(place{
		Dir: "/a", Image: "i", ImageUser: "9", Entrypoint: []string{"/image"}, Cmd: []string{"sh"}, Binary: "/b", CPUs: 1,
		Volumes: []string{"/data", "/var/lib/x", "/out/", "/run/graflow"}, Env: map[string]string{"A": "2"}, FilesIn: map[string]string{"/in.json": "/a/in"},
	})
	if config.User != "app" || config.WorkingDir != "/w" || *config.StopTimeout != 90 {
		t.Errorf("got user %q in %q, stopped in %d", config.User, config.WorkingDir, *config.StopTimeout)
	}
	same(t, config.Env, []string{"A=2", `GRAFLOW_FILES_OUT=["**/*.png"]`, "GRAFLOW_OUT=/out", "GRAFLOW_RESULT_FILE=/data/r"})
	same(t, host.Tmpfs, map[string]string{
		"/tmp": "rw,nosuid,nodev,exec,size=1048576,mode=1777", "/cache": "rw,nosuid,nodev,exec,size=2097152,mode=1777",
		"/out": "rw,nosuid,nodev,exec,size=67108864,mode=1777",
	})
	same(t, host.Mounts, []mount.Mount{
		bound("/a", "/run/graflow", true), bound("/b", "/run/graflow/graflow", true), bound("/b", "/run/graflow/graflow-call", true),
		bound("/a/in", "/in.json", true), bound(s.volumes[0].source, "/data", false),
		{Type: "tmpfs", Target: "/var/lib/x", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 64 << 20, Mode: 0o1777}},
	})
	if host.ReadonlyRootfs || host.NetworkMode != "bridge" || host.ShmSize != 1<<20 || strings.Join(host.CapAdd, " ") != "CHOWN NET_RAW" {
		t.Errorf("got %+v", host)
	}
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	const own = "/run/graflow/graflow graflow-inside "
	for spec, want := range map[string]string{ // the image has the entrypoint E and the command C
		`{}`:                                     "|C",
		`{"command":["c"]}`:                      "|c",
		`{"command":[]}`:                         "|",
		`{"entrypoint":["e"]}`:                   "e|",
		`{"entrypoint":["e"],"command":["c"]}`:   "e|c",
		`{"auto_mount":true}`:                    own + "run --|E C",
		`{"auto_mount":true,"command":["c"]}`:    own + "run --|E c",
		`{"auto_mount":true,"entrypoint":["e"]}`: own + "run --|e",
		`{"auto_mount":true,"entrypoint":[]}`:    own + "run --|C",
		`{"auto_mount_graflow":true}`:            own + "run --|E C",
		`{"files_out":["*"]}`:                    own + "run --|E C",
		`{"files_out":[]}`:                       "|C",
		`{"result":{"file":"/tmp/r"}}`:           own + "run --|E C",
		`{"result":"file"}`:                      "|C",
		`{"reuse":"pool"}`:                       own + "serve|",
		`{"wasm":"./m.wasm#f"}`:                  own + "wasm|/run/graflow/module.wasm f",
		`{"wasm":"./m#1.wasm"}`:                  own + "wasm|/run/graflow/module.wasm 1.wasm",
	} {
		spec := strings.Replace(`{"image":"a",`+spec[1:], ",}", "}", 1)
		config, _ := parsed(t, open(), spec).containerConfig(place{Entrypoint: []string{"E"}, Cmd: []string{"C"}})
		if got := strings.Join(config.Entrypoint, " ") + "|" + strings.Join(config.Cmd, " "); got != want {
			t.Errorf("%s: got %s, want %s", spec, got, want)
		}
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ asked, image, want string }{
		{"", "", nobody},
		{"", "root", nobody},
		{"", "0", nobody},
		{"", "+0", nobody},
		{"", "-0", nobody},
		{"", "000", nobody},
		{"", " root", nobody},
		{"", ":5", nobody},
		{"", "0:5", nobody},
		{"", "root:root", nobody},
		{"", "-1", nobody},
		{"", "app", "app"},
		{"", "1000", "1000"},
		{"", "1001:0", "1001:0"},
		{"1000", "root", "1000:1000"},
		{"1000:50", "", "1000:50"},
		{"app", "root", "app"},
		{"root", "app", "root"},
		{"0", "app", "0"},
	} {
		spec := `{"image":"a"}`
		if test.asked != "" {
			spec = `{"image":"a","user":"` + test.asked + `"}`
		}
		config, _ := parsed(t, open(), spec).containerConfig(place{ImageUser: test.image})
		if config.User != test.want {
			t.Errorf("asked for %q, of the image %q: got %q, want %q", test.asked, test.image, config.User, test.want)
		}
	}
}

// TestDeviceRequests wants the daemon to get what was asked for, in each form.
func TestDeviceRequests(t *testing.T) {
	t.Parallel()
	gpu := [][]string{{"gpu"}}
	for spec, want := range map[string][]container.DeviceRequest{
		`"gpus":"all"`:            {{Count: -1, Capabilities: gpu}},
		`"gpus":true`:             {{Count: -1, Capabilities: gpu}},
		`"gpu":true`:              {{Count: -1, Capabilities: gpu}},
		`"gpus":2`:                {{Count: 2, Capabilities: gpu}},
		`"gpus":["0","GPU-3a23"]`: {{DeviceIDs: []string{"0", "GPU-3a23"}, Capabilities: gpu}},
		`"gpus":0`:                nil,
		`"gpus":false`:            nil,
		`"gpus":null`:             nil,
		`"device_requests":[]`:    nil,
		`"device_requests":[{"driver":"nvidia","count":1,"capabilities":[["gpu","compute"],["gpu","utility"]],"options":{"a":"b"}},{"count":-1,"capabilities":[["gpu"]]}]`: {
			{Driver: "nvidia", Count: 1, Capabilities: [][]string{{"gpu", "compute"}, {"gpu", "utility"}}, Options: map[string]string{"a": "b"}},
			{Count: -1, Capabilities: gpu},
		},
		`"device_requests":[{"driver":"cdi","device_ids":["nvidia.com/gpu=0"]}]`: {{Driver: "cdi", DeviceIDs: []string{"nvidia.com/gpu=0"}}},
	} {
		_, host := parsed(t, Policy{GPUs: true, Devices: []string{"cdi"}}, `{"image":"a",`+spec+`}`).containerConfig(place{})
		if !reflect.DeepEqual(host.DeviceRequests, want) {
			t.Errorf("%s: got %+v, want %+v", spec, host.DeviceRequests, want)
		}
	}
}

func TestCPUsThereAre(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked string
		there int
		want  int64
	}{{`{"cpus":8}`, 2, 2e9}, {`{"cpus":8}`, 0, 8e9}, {`{"cpus":0.29}`, 2, 290_000_000}} {
		s, err := parseSettings(&Config{}, &engine.Task{Spec: json.RawMessage(`{"image":"a"}`), Limits: json.RawMessage(test.asked)})
		if err != nil {
			t.Fatal(err)
		}
		if _, host := s.containerConfig(place{CPUs: test.there}); host.NanoCPUs != test.want {
			t.Errorf("%s of %d: got %d", test.asked, test.there, host.NanoCPUs)
		}
	}
}

// FuzzSettings wants that nothing is accepted under the zero policy that takes a
// wall away.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"image":"a"}`), []byte(`{"memory":"1GiB","cpus":2}`), []byte(`{"secrets":["a"]}`))
	f.Add([]byte(`{"image":"a:1@sha256:00","gpus":"all","user":"0","network":"host","volumes":{"/":"/x"}}`), []byte(`{"pids":1e9}`), []byte(`{}`))
	f.Add([]byte(`{"image":"a","tmpfs":{"/x":1},"files_in":{"/y":"."},"files_out":["**"],"result":{"file":"/r"},"cap_add":["ALL"]}`), []byte(``), []byte(``))
	f.Add([]byte(`{"image":"a","wasm":"m#f","reuse":"pool","device_requests":[{"count":1}],"read_only":false,"user":"1:1"}`), []byte(`[]`), []byte(`null`))
	f.Fuzz(func(t *testing.T, spec, limits, grants []byte) {
		s, err := parseSettings(&Config{}, &engine.Task{Spec: spec, Limits: limits, Grants: grants})
		if err != nil {
			return
		}
		config, host := s.containerConfig(place{Dir: "/d", Image: "i", Binary: "/b", Module: "/m"})
		for _, m := range host.Mounts {
			if m.Type != mount.TypeBind || !m.ReadOnly || !strings.HasPrefix(m.Target, ownDir) {
				t.Errorf("mounts %+v", m)
			}
		}
		for at, options := range host.Tmpfs {
			if !strings.HasPrefix(options, "rw,nosuid,nodev,exec,size=") || strings.Count(options, ",") != 5 || checkPath(at) != nil || isWithin(at, ownDir) {
				t.Errorf("tmpfs %q %q", at, options)
			}
		}
		for _, pair := range config.Env {
			if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, reservedPrefix) && name != abi.EnvOut && name != inside.EnvFilesOut && name != inside.EnvResultFile {
				t.Errorf("environment %q", pair)
			}
		}
		hard := host.NetworkMode == "none" && host.ReadonlyRootfs && len(host.CapDrop) == 1 && host.CapDrop[0] == "ALL" && len(host.CapAdd) == 0 &&
			!host.Privileged && len(host.SecurityOpt) == 1 && len(host.Binds) == 0 && len(host.DeviceRequests) == 0 && len(host.Devices) == 0 &&
			host.PidMode == "" && host.IpcMode == "private" && host.UTSMode == "" && host.UsernsMode == "" &&
			*host.PidsLimit > 0 && host.Memory >= leastMemory && host.MemorySwap == host.Memory && host.NanoCPUs > 0
		if !hard || isRoot(config.User) {
			t.Errorf("user %q, %+v", config.User, host)
		}
	})
}

func bound(source, target string, readOnly bool) mount.Mount {
	return mount.Mount{
		Type: "bind", Source: source, Target: target, ReadOnly: readOnly,
		BindOptions: &mount.BindOptions{Propagation: "rprivate", NonRecursive: true},
	}
}

// same compares as JSON, which is what the daemon gets.
func same(t *testing.T, got, want any) {
	t.Helper()
	g, gotErr := json.MarshalIndent(got, "", " ")
	w, wantErr := json.MarshalIndent(want, "", " ")
	if string(g) != string(w) || gotErr != nil || wantErr != nil {
		t.Errorf("got %s\nwant %s", g, w)
	}
}
