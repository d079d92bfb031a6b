package docker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// open is a policy that allows all that can be allowed, but mounts.
func open() Policy {
	return Policy{
		Pull: []string{"**"}, Networks: []string{"bridge", "host"}, GPUs: true, Devices: []string{"cdi"}, Users: []string{"root", "app"},
		Capabilities: []string{"NET_RAW", "cap_chown"}, WritableRoot: true, Pool: true, Keep: true,
	}
}

// parsed is what a spec becomes under a policy.
func parsed(t *testing.T, p Policy, spec string) *settings {
	t.Helper()
	s, err := parseSettings(&Config{Policy: p}, &engine.Task{Spec: json.RawMessage(spec)})
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return s
}

// refused wants one line of an error.
func refused(t *testing.T, c *Config, task *engine.Task, want string) {
	t.Helper()
	_, err := parseSettings(c, task)
	if err == nil {
		t.Errorf("%s %s %s: got no error, want %s", task.Spec, task.Limits, task.Grants, want)
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line == want || strings.HasSuffix(want, "…") && strings.HasPrefix(line, strings.TrimSuffix(want, "…")) {
			return
		}
	}
	t.Errorf("%s %s %s: got\n%v\nwant\n%s", task.Spec, task.Limits, task.Grants, err, want)
}

// TestSpecErrors has one spec a line; each is allowed as far as the policy goes.
func TestSpecErrors(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		`3`:                                                         `docker: want an object with "image", …`,
		`{}`:                                                        `docker.image: missing: write the image that the task runs in, as "debian:12"`,
		`{"image":"a","imgae":"b"}`:                                 `docker: unknown key "imgae", did you mean "image"?: …`,
		`{"image":"Debian"}`:                                        `docker.image: "Debian": names of images are in lower case`,
		`{"image":"debian:"}`:                                       `docker.image: "debian:": "" is no tag: want up to 128 letters, digits, "_", "." and "-"`,
		`{"image":"debian:1 2"}`:                                    `docker.image: "debian:1 2": "1 2" is no tag: …`,
		`{"image":"debian@sha256:ab"}`:                              `docker.image: "debian@sha256:ab": want sha256: and 64 hex digits in lower case after the @`,
		`{"image":"-x"}`:                                            `docker.image: "-x" is no image: …`,
		`{"image":"../x"}`:                                          `docker.image: "../x": ".." is no registry: want a host, or host:port`,
		`{"image":"a\nb"}`:                                          `docker.image: "a\nb" is no image: …`,
		`{"image":"a","pull":"often"}`:                              `docker.pull: got "often", want one of "missing", "always", "never"`,
		`{"image":"a","command":"echo hi"}`:                         `docker.command: got "echo hi", want a list of strings, as ["sh", "-c", "echo hello"]: no shell splits it`,
		`{"image":"a","command":["a",null]}`:                        `docker.command: got ["a",null], want a list of strings, …`,
		`{"image":"a","command":["a\u0000"]}`:                       `docker.command[0]: it has a NUL byte, which no argument can hold`,
		`{"image":"a","entrypoint":[""]}`:                           `docker.entrypoint[0]: it is empty: want a program`,
		`{"image":"a","environment":{"A":1}}`:                       `docker.environment: got {"A":1}, want an object of strings`,
		`{"image":"a","environment":{"A=B":"1"}}`:                   `docker.environment["A=B"]: no name of a variable: it is empty or has "=" or a control character`,
		`{"image":"a","environment":{"":"1"}}`:                      `docker.environment[""]: no name of a variable: …`,
		`{"image":"a","environment":{"A\u0000":"1"}}`:               `docker.environment["A\x00"]: no name of a variable: …`,
		`{"image":"a","environment":{"A":"x\u0000y"}}`:              `docker.environment["A"]: the value has a NUL byte, which no variable can hold`,
		`{"image":"a","environment":{"GRAFLOW_SOCKET":""}}`:         `docker.environment["GRAFLOW_SOCKET"]: names with GRAFLOW_ are the engine's; take another one`,
		`{"image":"a","workdir":"app"}`:                             `docker.workdir: got "app", want an absolute path in the container, as "/data"`,
		`{"image":"a","workdir":"/a/../b"}`:                         `docker.workdir: got "/a/../b", want it written straight, as "/b"`,
		`{"image":"a","user":"+0"}`:                                 `docker.user: got "+0", want "UID:GID" as "1000:1000", or a name that the operator allows`,
		`{"image":"a","user":" root"}`:                              `docker.user: got " root", want …`,
		`{"image":"a","user":"00"}`:                                 `docker.user: got "00", want …`,
		`{"image":"a","user":"1:+0"}`:                               `docker.user: got "1:+0", want …`,
		`{"image":"a","user":"4294967296"}`:                         `docker.user: got "4294967296", want …`,
		`{"image":"a","user":""}`:                                   `docker.user: got "", want …`,
		`{"image":"a","user":-1}`:                                   `docker.user: got -1, want …`,
		`{"image":"a","network":""}`:                                `docker.network: got "", want "none", or the name of a network that the operator allows`,
		`{"image":"a","privileged":true}`:                           `docker.privileged: a privileged container is no wall at all, …`,
		`{"image":"a","cap_add":["NET_ROW"]}`:                       `docker.cap_add[0]: "NET_ROW" is no capability, did you mean "NET_RAW"?`,
		`{"image":"a","reuse":"pol"}`:                               `docker.reuse: got "pol", want one of "none", "pool", did you mean "pool"?`,
		`{"image":"a","reuse":"pool","auto_remove":false}`:          `docker.auto_remove: a container of a pool is removed with the pool; leave auto_remove out, or reuse`,
		`{"image":"a","stop_timeout":"1h"}`:                         `docker.stop_timeout: got "1h", want at most 10m0s`,
		`{"image":"a","stop_timeout":10}`:                           `docker.stop_timeout: got 10, want a number above 0 with a unit, …`,
		`{"image":"a","auto_mount":true,"auto_mount_graflow":true}`: `docker.auto_mount_graflow: it is another name of auto_mount; write one of them`,
		`{"image":"a","auto_mount":false,"files_out":["*"]}`:        `docker.auto_mount: docker.files_out needs the engine's binary in the container; leave auto_mount out`,
		`{"image":"a","auto_mount_graflow":false,"wasm":"x#y"}`:     `docker.auto_mount: docker.wasm needs the engine's binary in the container; leave auto_mount out`,
		`{"image":"a","wasm":"x#"}`:                                 `docker.wasm: got "x#", want a module, as "./img.wasm#resize"`,
		`{"image":"a","wasm":"x#y","command":["a"]}`:                `docker.command: the task is that of docker.wasm; leave one of them out`,
		`{"image":"a","result":"stderr"}`:                           `docker.result: got "stderr", want "stdout", "file" for …`,
		`{"image":"a","result":{"file":"out.json"}}`:                `docker.result.file: got "out.json", want an absolute path in the container, as "/data"`,
		`{"image":"a","result":{"file":"/run/graflow/x"}}`:          `docker.result.file: /run/graflow/x is the engine's; …`,
		`{"image":"a","files_in":{"/in":"a..b"}}`:                   `docker.files_in["/in"]: got "a..b", want a field of the input as "photo" or "order.photo", or "." for all of it`,
		`{"image":"a","files_in":{"in":"."}}`:                       `docker.files_in["in"]: got "in", want an absolute path …`,
		`{"image":"a","files_in":{"/tmp":"."}}`:                     `docker.files_in["/tmp"]: /tmp would hide /tmp, which is the engine's; mount it elsewhere`,
		`{"image":"a","files_in":{"/a":".","/a/b":"."}}`:            `docker.files_in["/a/b"]: /a/b is in /a, which is a file of files_in; mount it beside that`,
		`{"image":"a","tmpfs":{"/a":"1MiB"},"files_in":{"/a":"."}}`: `docker.files_in["/a"]: docker.tmpfs["/a"] is mounted at /a too; choose another path for one of them`,
		`{"image":"a","files_out":["/etc/*"]}`:                      `docker.files_out[0]: got "/etc/*", want a path relative to /out, as "*.png"`,
		`{"image":"a","files_out":["a/../../x"]}`:                   `docker.files_out[0]: got "a/../../x", which leads out of /out; want files below it`,
		`{"image":"a","files_out":["a//b"]}`:                        `docker.files_out[0]: got "a//b", want it written straight, …`,
		`{"image":"a","files_out":["[a"]}`:                          `docker.files_out[0]: got "[a", want "*", …`,
		`{"image":"a","files_out":["a\\..\\b"]}`:                    `docker.files_out[0]: got "a\\..\\b", want a path without backslashes and control characters`,
		`{"image":"a","tmpfs":{"/t":0}}`:                            `docker.tmpfs["/t"]: 0 is no limit …`,
		`{"image":"a","tmpfs":{"/t":"-1MiB"}}`:                      `docker.tmpfs["/t"]: got "-1MiB", want a number of bytes, …`,
		`{"image":"a","tmpfs":{"/t":null}}`:                         `docker.tmpfs["/t"]: got null, want a size, as "64MiB"`,
		`{"image":"a","tmpfs":{"/t:exec":"1MiB"}}`:                  `docker.tmpfs["/t:exec"]: got "/t:exec", want a path without ":", "," and control characters; …`,
		`{"image":"a","tmpfs":{"/":"1MiB"}}`:                        `docker.tmpfs["/"]: / would hide /run/graflow, which is the engine's; mount it elsewhere`,
		`{"image":"a","tmpfs":{"/run":"1MiB"}}`:                     `docker.tmpfs["/run"]: /run would hide /run/graflow, …`,
		`{"image":"a","tmpfs":{"/run/graflow/x":"1MiB"}}`:           `docker.tmpfs["/run/graflow/x"]: /run/graflow/x is in /run/graflow, …`,
		`{"image":"a","tmpfs":{"/out":"1MiB"}}`:                     `docker.tmpfs["/out"]: /out would hide /out, …`,
		`{"image":"a","tmpfs":{"/proc/self":"1MiB"}}`:               `docker.tmpfs["/proc/self"]: /proc/self is the kernel's; nothing is mounted there`,
		`{"image":"a","gpus":-1}`:                                   `docker.gpus: got -1, want "all", a number of GPUs as 1, or …`,
		`{"image":"a","gpus":1.5}`:                                  `docker.gpus: got 1.5, want "all", …`,
		`{"image":"a","gpus":["0,1"]}`:                              `docker.gpus: got ["0,1"], want "all", …`,
		`{"image":"a","gpus":[]}`:                                   `docker.gpus: got [], want "all", …`,
		`{"image":"a","gpus":1,"gpu":true}`:                         `docker.gpu: it is another name of gpus; write one of them`,
		`{"image":"a","gpus":1,"device_requests":[{}]}`:             `docker.device_requests[0].count: missing: …`,
		`{"image":"a","gpus":1,"device_requests":[]}`:               `docker.device_requests: gpus is a short form of it; write one of them`,
		`{"image":"a","device_requests":{}}`:                        `docker.device_requests: got {}, want a list, …`,
		`{"image":"a","device_requests":[{"count":1,"device_ids":["0"],"capabilities":[["gpu"]]}]}`: `docker.device_requests[0].count: device_ids say which devices, …`,
		`{"image":"a","device_requests":[{"count":1}]}`:                                             `docker.device_requests[0].capabilities: missing: …`,
		`{"image":"a","device_requests":[{"count":-2,"driver":"cdi"}]}`:                             `docker.device_requests[0].count: got -2, want a number of devices, or -1 for all of them`,
		`{"image":"a","device_requests":[{"count":1,"capabilities":["gpu"]}]}`:                      `docker.device_requests[0].capabilities: got ["gpu"], want a list of lists of words, as [[gpu, compute]]`,
		`{"image":"a","device_requests":[{"driver":"cdi","device_ids":["a,b"]}]}`:                   `docker.device_requests[0].device_ids[0]: "a,b" is no id of a device: …`,
		`{"image":"a","device_requests":[{"drivr":"cdi","count":1}]}`:                               `docker.device_requests[0]: unknown key "drivr", did you mean "driver"?: …`,
		`{"image":"a","volumes":[]}`:                                                                `docker.volumes: got [], want a mapping`,
		`{"image":"a","volumes":{"/":{"bind":"/x","mode":"rx"}}}`:                                   `docker.volumes["/"].mode: got "rx", want one of "ro", "rw", did you mean "ro"?`,
		`{"image":"a","volumes":{"/":{"mode":"ro"}}}`:                                               `docker.volumes["/"].bind: missing: write where the container sees it, as "/data"`,
		`{"image":"a","volumes":{"/":{"bind":"/x","mood":"ro"}}}`:                                   `docker.volumes["/"]: unknown key "mood", did you mean "mode"?: …`,
		`{"image":"a","volumes":{"/":"/x:rw"}}`:                                                     `docker.volumes["/"].bind: got "/x:rw", want a path without ":", "," and control characters; options have keys of their own, as mode: ro`,
		`{"image":"a","volumes":{"":"/x"}}`:                                                         `docker.volumes[""]: want the path of a file or directory, without control characters`,
		`{"image":"a","volumes":{"/no/such:rw":"/x"}}`:                                              `docker.volumes["/no/such:rw"]: there is no /no/such:rw: make it first; volumes with a name of their own are not supported`,
	} {
		refused(t, &Config{Policy: open()}, &engine.Task{Spec: json.RawMessage(spec)}, want)
	}
}

func TestLimitAndGrantErrors(t *testing.T) {
	t.Parallel()
	no := false
	config := &Config{
		DenySecretOutput: true, Spawn: []string{"builtin:*"},
		Grants: &Grants{Secrets: []string{"a"}, Tools: []string{"add"}, Channel: &no, Control: &no},
	}
	for _, test := range []struct{ limits, grants, want string }{
		{`{"memroy":1}`, ``, `limits: unknown key "memroy", did you mean "memory"?: …`},
		{`{"memory":"1MiB"}`, ``, `limits.memory: got "1MiB", want at least 6MiB, below which no container starts`},
		{`{"memory":-5}`, ``, `limits.memory: got -5, want a number of bytes, …`},
		{`{"memory":1e300}`, ``, `limits.memory: got 1e300, want a number of bytes, …`},
		{`{"pids":0}`, ``, `limits.pids: 0 is no limit that a task could keep; leave it out for the default`},
		{`{"pids":9223372036854775808}`, ``, `limits.pids: got 9223372036854775808, want a whole number, as 1000 or 1e9`},
		{`{"pids":5000000}`, ``, `limits.pids: got 5000000, want at most 4194304`},
		{`{"open_files":1e9}`, ``, `limits.open_files: got 1e9, want at most 1048576`},
		{`{"cpus":0}`, ``, `limits.cpus: got 0, want a number of processors from 0.01 on, as 0.5 or 2`},
		{`{"cpus":"NaN"}`, ``, `limits.cpus: got "NaN", want a number of processors …`},
		{`{"cpus":-1}`, ``, `limits.cpus: got -1, want a number of processors …`},
		{`{"timeout":"-1s"}`, ``, `limits.timeout: got "-1s", want a number above 0 with a unit, …`},
		{`{"fuel":1}`, ``, `limits.fuel: the instructions of a container can't be counted; bound its time with timeout, and cpus`},
		{`{"http_bytes":1,"memroy":1}`, ``, `limits: unknown key "memroy", did you mean "memory"?: …`},
		{``, `{"mounts":[]}`, `grants.mounts: a container's directories are in its spec: …`},
		{``, `{"env":{}}`, `grants.env: a container's environment is in its spec: …`},
		{``, `{"http":["a"]}`, `grants.http: the hosts that a container reaches can't be told apart: …`},
		{``, `{"sekrets":[]}`, `grants: unknown key "sekrets", did you mean "secrets"?: …`},
		{``, `{"secrets":["a","b"]}`, `grants.secrets: the operator does not allow "b"`},
		{``, `{"tools":["*"]}`, `grants.tools: the operator does not allow "*"`},
		{``, `{"channel":true}`, `grants.channel: the operator does not allow it`},
		{``, `{"control":true}`, `grants.control: the operator does not allow it`},
		{``, `{"allow_secret_output":true}`, `grants.allow_secret_output: the operator does not allow it`},
		{``, `{"spawn":["wasm:*"]}`, `grants.spawn[0]: the operator does not allow "wasm:*"`},
	} {
		refused(t, config, &engine.Task{Spec: json.RawMessage(`{"image":"a"}`), Limits: json.RawMessage(test.limits), Grants: json.RawMessage(test.grants)}, test.want)
	}
	refused(t, config, &engine.Task{Spec: json.RawMessage(`{"image":"a"}`), Secrets: []string{"c"}}, `grants.secrets: the operator does not allow "c"`)
	auth := &engine.Task{Spec: json.RawMessage(`{"image":"a","registry_auth":"c"}`)}
	refused(t, config, auth, `docker.registry_auth: the operator does not allow "c"`)
	refused(t, config, auth, `docker.registry_auth: the operator does not allow pulling from docker.io, so no credentials are sent there`)
}

func TestAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parseSettings(&Config{}, &engine.Task{
		Spec: json.RawMessage(`{"network":"host","gpus":"some","user":"root"}`), Limits: json.RawMessage(`{"pids":0}`), Grants: json.RawMessage(`{"env":{}}`),
	})
	for _, want := range []string{"docker.image", "docker.network", "docker.gpus", "docker.user", "limits.pids", "grants.env"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := &Config{
		Dir:      dir,
		Policy:   Policy{Mounts: []Mount{{Host: dir}}},
		Defaults: json.RawMessage(`{"image":"a","command":["x","y"],"environment":{"A":"1","B":"1"},"volumes":{"data":{"bind":"/data","mode":"ro"}},"user":"7"}`),
	}
	s, err := parseSettings(config, &engine.Task{Spec: json.RawMessage(`{"command":["z"],"environment":{"B":"2"},"user":null}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.command, " "); got != "z" {
		t.Errorf("got command %q, want the task's", got)
	}
	if s.environment["A"] != "1" || s.environment["B"] != "2" || s.user != "" || len(s.volumes) != 1 {
		t.Errorf("got environment %v, user %q, volumes %v", s.environment, s.user, s.volumes)
	}
	config.Defaults = json.RawMessage(`[]`)
	refused(t, config, &engine.Task{}, `Config.Defaults: want a mapping, as {image: NAME}: …`)
}

func TestReferences(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("ab", 32)
	for text, want := range map[string]string{
		"debian":                   "docker.io/library/debian:latest",
		"debian:12":                "docker.io/library/debian:12",
		"acme/tool":                "docker.io/acme/tool:latest",
		"index.docker.io/x":        "docker.io/library/x:latest",
		"localhost/x":              "localhost/x:latest",
		"localhost:5000/a/b:1":     "localhost:5000/a/b:1",
		"[::1]:5000/a":             "[::1]:5000/a:latest",
		"ghcr.io/a@sha256:" + id:   "ghcr.io/a@sha256:" + id,
		"ghcr.io/a:1@sha256:" + id: "ghcr.io/a@sha256:" + id,
		"sha256:" + id:             "sha256:" + id,
		id:                         "sha256:" + id,
		"deadbeef":                 "docker.io/library/deadbeef:latest", // no id: a daemon would find one
		"a__b/c--d.e":              "docker.io/a__b/c--d.e:latest",
		"sha256:" + id[:12]:        "docker.io/library/sha256:" + id[:12],
		strings.Repeat("a", 230):   "docker.io/library/" + strings.Repeat("a", 230) + ":latest",
	} {
		r, err := parseReference(text)
		if err != nil || r.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, r, err, want)
		}
	}
	for _, text := range []string{
		"", ":", "@", "/", "a/", "/a", "a//b", "a b", "a:b:c", "a.", "_a", "a:" + strings.Repeat("t", 129), "http://a/b", "a@sha256:" + strings.ToUpper(id),
		strings.Repeat("a", 256), "a\x00", "ä", "-a.io/b", "a_b.io/c", "host:port/x", "a@" + id, "a:latest\n",
	} {
		if r, err := parseReference(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, r)
		}
	}
}

func TestGlobs(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0", 64)
	for _, test := range []struct {
		pattern, image string
		want           bool
	}{
		{"debian", "debian:12", true},
		{"debian", "docker.io/library/debian" + digest, true},
		{"docker.io/library/debian:12", "debian:12", true},
		{"debian:1*", "debian:12", true},
		{"debian:1*", "debian:1" + digest, false},
		{"debian:12", "debian:12" + digest, false},
		{"debian*", "debian.evil.com/x", false},
		{"*", "debian", true},
		{"*", "evil.com/debian", false},
		{"**", "evil.com/a/debian:1", true},
		{"acme/*", "acme/tool:1", true},
		{"acme/*", "acme/team/tool:1", false},
		{"acme/**", "acme/team/tool:1", true},
		{"acme/**", "evil.com/acme/tool", false},
		{"ghcr.io/acme/*", "ghcr.io/acme/tool" + digest, true},
		{"ghcr.io/acme/*", "ghcr.io.evil.com/acme/tool", false},
		{"**", "sha256:" + strings.Repeat("0", 64), true},
		{"debian", "sha256:" + strings.Repeat("0", 64), false},
	} {
		r, err := parseReference(test.image)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.matches(test.pattern); got != test.want {
			t.Errorf("%s on %s: got %t", test.pattern, test.image, got)
		}
	}
}
