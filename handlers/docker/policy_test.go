package docker

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

func TestZeroPolicy(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		`{"network":"host"}`:          `docker.network: the operator does not allow "host": they would write networks: ["host"] in the policy; without it a task has none`,
		`{"network":"container:abc"}`: `docker.network: the operator does not allow "container:abc": …`,
		`{"network":"None"}`:          `docker.network: the operator does not allow "None": …`,
		`{"network":"none "}`:         `docker.network: the operator does not allow "none ": …`,
		`{"user":"root"}`:             `docker.user: the operator does not allow root, as "root" is: …`,
		`{"user":0}`:                  `docker.user: …`,
		`{"user":"0"}`:                `docker.user: the operator does not allow root, as "0" is: …`,
		`{"user":"0:0"}`:              `docker.user: the operator does not allow root, as "0:0" is: …`,
		`{"user":"root:1"}`:           `docker.user: the operator does not allow root, as "root:1" is: …`,
		`{"user":"1:0"}`:              `docker.user: the operator does not allow root, as "1:0" is: …`,
		`{"user":"1:root"}`:           `docker.user: the operator does not allow root, as "1:root" is: …`,
		`{"user":"toor"}`:             `docker.user: a name is what the image says it is, …`,
		`{"user":"1000:wheel"}`:       `docker.user: a name is what the image says it is, …`,
		`{"cap_add":["cap_net_raw"]}`: `docker.cap_add: the operator does not allow "NET_RAW": they would write capabilities: ["NET_RAW"] in the policy`,
		`{"cap_add":["ALL"]}`:         `docker.cap_add: the operator does not allow "ALL": …`,
		`{"read_only":false}`:         `docker.read_only: the operator does not allow a writable root: …`,
		`{"reuse":"pool"}`:            `docker.reuse: the operator does not allow pools: they would write pool: true in the policy`,
		`{"auto_remove":false}`:       `docker.auto_remove: the operator does not allow containers to be kept: they would write keep: true in the policy`,
		`{"gpus":"all"}`:              `docker.gpus: the operator allows no GPUs: they would write gpus: true in the policy`,
		`{"pull":"always"}`:           `docker.pull: the operator does not allow pulling from docker.io: …`,
		`{"pull":"missing"}`:          `docker.pull: the operator does not allow pulling from docker.io: …`,
		`{"device_requests":[{"driver":"cdi","count":1}]}`:                                  `docker.device_requests[0].driver: the operator does not allow "cdi": they would write devices: ["cdi"] in the policy`,
		`{"device_requests":[{"count":1,"capabilities":[["tpu"]]}]}`:                        `docker.device_requests[0]: want capabilities with gpu, or a driver that the operator allows`,
		`{"device_requests":[{"driver":"cdi","count":1,"capabilities":[["gpu"]]}]}`:         `docker.device_requests[0].driver: the operator does not allow "cdi": …`,
		`{"device_requests":[{"count":1,"capabilities":[["gpu"],["tpu"]]}]}`:                `docker.device_requests[0]: want capabilities with gpu, …`,
		`{"volumes":{"/":{"bind":"/host","mode":"ro"}}}`:                                    `docker.volumes["/"]: / is, holds or is in /, which is the machine's own: …`,
		`{"volumes":{"../../../../../../../../../../../etc":{"bind":"/host","mode":"ro"}}}`: `docker.volumes["../../../../../../../../../../../etc"]: the operator does not allow /etc: they would write mounts: [{host: "/etc", writable: false}] in the policy`,
	} {
		spec = `{"image":"a",` + spec[1:]
		refused(t, &Config{}, &engine.Task{Spec: json.RawMessage(spec)}, want)
		if strings.Contains(spec, `"user":"1000:wheel"`) || strings.Contains(spec, "toor") || strings.Contains(spec, "volumes") {
			continue
		}
		p := open()
		p.Networks = append(p.Networks, "container:abc", "None", "none ")
		p.Capabilities = append(p.Capabilities, "ALL")
		p.Devices = append(p.Devices, "")
		if _, err := parseSettings(&Config{Policy: p}, &engine.Task{Spec: json.RawMessage(spec)}); err != nil && !strings.Contains(spec, "tpu") {
			t.Errorf("%s under an open policy: %v", spec, err)
		}
	}
	for _, spec := range []string{`{"user":"1000"}`, `{"user":1000}`, `{"user":"1000:1000"}`, `{"network":"none"}`, `{"read_only":true}`, `{"pull":"never"}`, `{"gpus":false}`, `{"gpus":0}`, `{"privileged":false}`} {
		parsed(t, Policy{}, `{"image":"a",`+spec[1:])
	}
}

func TestPolicyOfImages(t *testing.T) {
	t.Parallel()
	p := Policy{Images: []string{"debian:12", "ghcr.io/acme/*"}, Pull: []string{"ghcr.io"}}
	for image, pull := range map[string]string{"debian:12": pullNever, "docker.io/library/debian:12": pullNever, "ghcr.io/acme/tool": pullMissing} {
		if got := parsed(t, p, `{"image":"`+image+`"}`).pull; got != pull {
			t.Errorf("%s: got pull %q, want %q", image, got, pull)
		}
	}
	if got := parsed(t, p, `{"image":"ghcr.io/acme/tool","pull":"always","registry_auth":"token"}`); got.pull != pullAlways || got.registryAuth != "token" {
		t.Errorf("got pull %q with %q", got.pull, got.registryAuth)
	}
	for _, image := range []string{"debian", "debian:13", "evil.com/library/debian:12", "ghcr.io/acme/a/b", "sha256:" + strings.Repeat("0", 64)} {
		refused(t, &Config{Policy: p}, &engine.Task{Spec: json.RawMessage(`{"image":"` + image + `"}`)}, fmt.Sprintf("docker.image: the operator does not allow %q: …", image))
	}
	refused(t, &Config{Policy: Policy{Images: []string{}}}, &engine.Task{Spec: json.RawMessage(`{"image":"a"}`)}, `docker.image: the operator does not allow "a": …`)
	if got := parsed(t, Policy{}, `{"image":"sha256:`+strings.Repeat("0", 64)+`"}`).pull; got != pullNever {
		t.Errorf("an id: got pull %q", got)
	}
}

// TestPolicyOfMounts tries to leave the directories that are allowed.
func TestPolicyOfMounts(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, name := range []string{"data/sub", "database", "scratch/run1", "write"} {
		if err := os.MkdirAll(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"data/out": "../database", "data/in": "sub", "data/etc": "/etc", "alias": "data"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	// A socket's path has to be short.
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	socket := filepath.Join(short, "s")
	listener, err := net.Listen("unix", socket) //nolint:noctx // a file is made, nobody waits
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })

	allowed := Policy{Mounts: []Mount{{Host: at("data")}, {Host: at("write"), Writable: true}, {Host: at("absent")}, {Host: short}}}
	for _, test := range []struct {
		host, mode, want string // want is the source, or an error if it has a space
	}{
		{"data", "ro", at("data")},
		{"./data/sub", "ro", at("data/sub")},
		{"data/in", "ro", at("data/sub")},
		{"alias/sub", "ro", at("data/sub")},
		{"data/../write", "rw", at("write")},
		{at("write"), "ro", at("write")},
		{"data", "rw", `.mode: the operator allows ` + at("data") + ` for reading: write mode: ro`},
		{"data/../database", "ro", `: the operator does not allow ` + at("database") + `: …`},
		{"database", "ro", `: the operator does not allow ` + at("database") + `: …`},
		{"data/out", "ro", `: the operator does not allow ` + at("database") + `: …`},
		{"data/etc", "ro", `: the operator does not allow /etc: …`},
		{".", "ro", `: ` + dir + ` is, holds or is in ` + at("scratch") + `, which is the machine's own: …`},
		{"scratch/run1", "ro", `: ` + at("scratch/run1") + ` is, holds or is in ` + at("scratch") + `, …`},
		{socket, "ro", `: ` + socket + ` is, holds or is in ` + socket + `, which is the machine's own: …`},
		{"/proc/self/root/etc", "ro", `: …`},
		{"/dev/null", "ro", `: /dev/null is, holds or is in /dev, …`},
		{"/sys/fs", "ro", `: /sys/fs is, holds or is in /sys, …`},
		{"/var/lib", "ro", `: /var/lib is, holds or is in …`},
	} {
		config := &Config{Dir: dir, Scratch: at("scratch"), Policy: allowed}
		spec, err := json.Marshal(map[string]any{"image": "a", "volumes": map[string]any{test.host: map[string]string{"bind": "/x", "mode": test.mode}}})
		if err != nil {
			t.Fatal(err)
		}
		task := &engine.Task{Spec: spec}
		if strings.Contains(test.want, " ") || strings.Contains(test.want, "…") {
			refused(t, config, task, fmt.Sprintf("docker.volumes[%q]", test.host)+test.want)
			continue
		}
		s, err := parseSettings(config, task)
		if err != nil || len(s.volumes) != 1 || s.volumes[0].source != test.want || s.volumes[0].writable != (test.mode == "rw") {
			t.Errorf("%s: got %+v, %v, want %s", test.host, s.volumes, err, test.want)
		}
	}
	for _, name := range []string{"/", "/dev/null", "/proc", socket, at("scratch")} { // allowed by their very paths
		for _, prefix := range []string{name, filepath.Dir(name)} {
			config := &Config{Scratch: at("scratch"), Policy: Policy{Mounts: []Mount{{Host: prefix, Writable: true}}}}
			spec := fmt.Sprintf(`{"image":"a","volumes":{%q:"/x"}}`, name)
			if _, err := parseSettings(config, &engine.Task{Spec: json.RawMessage(spec)}); (err == nil) != (prefix == name) {
				t.Errorf("%s allowed by %s: got %v", name, prefix, err)
			}
		}
	}
}

func TestMountsTogether(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	config := &Config{Policy: Policy{Mounts: []Mount{{Host: a, Writable: true}, {Host: b, Writable: true}}}}
	for volumes, want := range map[string]string{
		`%q:"/x",%q:"/x"`:   `docker.volumes[%[2]q]: docker.volumes[%[1]q] is mounted at /x too; choose another path for one of them`,
		`%q:"/x",%q:"/x/y"`: `docker.volumes[%[2]q]: /x/y is in /x, which is a volume; mount it beside that`,
		`%q:"/x",%q:"/tmp"`: `docker.volumes[%[2]q]: /tmp would hide /tmp, which is the engine's; mount it elsewhere`,
		`%q:"/x",%q:"/"`:    `docker.volumes[%[2]q]: / would hide /run/graflow, which is the engine's; mount it elsewhere`,
	} {
		spec := fmt.Sprintf(`{"image":"a","volumes":{`+volumes+`}}`, a, b)
		refused(t, config, &engine.Task{Spec: json.RawMessage(spec)}, fmt.Sprintf(want, a, b))
	}
	spec := fmt.Sprintf(`{"image":"a","volumes":{%q:"/x"},"files_in":{"/x/in":"."},"tmpfs":{"/x/t":"1MiB","/y":"1MiB"}}`, a)
	refused(t, config, &engine.Task{Spec: json.RawMessage(spec)}, `docker.files_in["/x/in"]: /x/in is in /x, which is a volume; mount it beside that`)
	refused(t, config, &engine.Task{Spec: json.RawMessage(spec)}, `docker.tmpfs["/x/t"]: /x/t is in /x, which is a volume; mount it beside that`)
}

func TestLimitsWithin(t *testing.T) {
	t.Parallel()
	task := &engine.Task{Spec: json.RawMessage(`{"image":"a"}`), Limits: json.RawMessage(`{"memory":"1GiB","cpus":"0.5","timeout":"1h","pids":5}`)}
	config := &Config{Limits: Limits{Memory: 600 << 20, Timeout: time.Minute}, Policy: Policy{Limits: Limits{Memory: 800 << 20, PIDs: 10, OpenFiles: 100, CPUs: 4}}}
	s, err := parseSettings(config, task)
	if err != nil {
		t.Fatal(err)
	}
	want := Limits{
		Timeout: time.Minute, Memory: 600 << 20, CPUs: 0.5, PIDs: 5, OutputBytes: 16 << 20, LogBytes: 1 << 20, OpenFiles: 100,
		DiskBytes: 64 << 20, HostCalls: 100_000, ChannelOps: 100_000,
	}
	if s.limits != want {
		t.Errorf("got %+v\nwant %+v", s.limits, want)
	}
}

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	got, err := ParsePolicy([]byte(`{"images":["a"],"pull":["b"],"mounts":[{"host":"/srv","writable":true}],"networks":["c"],"gpus":true,"devices":["d"],
		"users":["root"],"capabilities":["NET_RAW"],"writable_root":true,"deny_auto_mount":true,"pool":true,"keep":true,"limits":{"memory":"1GiB","timeout":"1m"}}`))
	want := Policy{
		Images: []string{"a"}, Pull: []string{"b"}, Mounts: []Mount{{Host: "/srv", Writable: true}}, Networks: []string{"c"}, GPUs: true,
		Devices: []string{"d"}, Users: []string{"root"}, Capabilities: []string{"NET_RAW"}, WritableRoot: true, DenyAutoMount: true,
		Pool: true, Keep: true, Limits: Limits{Memory: 1 << 30, Timeout: time.Minute},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	_, err = ParsePolicy([]byte(`{"image":["a"],"gpus":1,"mounts":[{"host":"srv"},{"hosts":"/srv"}],"capabilities":["NET_ROW"],"limits":{"memory":"x"}}`))
	for _, want := range []string{
		`policy: unknown key "image", did you mean "images"?`, `policy.gpus: got 1`, `policy.mounts[0].host: got "srv", want an absolute path`,
		`policy.mounts[1]: unknown key "hosts", did you mean "host"?`, `policy.capabilities[0]: "NET_ROW" is no capability`, `limits.memory: got "x"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}
