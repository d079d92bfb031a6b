package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// observed is what a container that a spec makes says, and what the daemon says of it.
type observed struct {
	stdout, stderr string
	exit           int64
	inspect        container.InspectResponse
}

// run makes a container of an image as the handler would, and runs a script in it.
func run(t *testing.T, c *Config, image, spec, limits, script string) observed {
	t.Helper()
	docker := dial(t)
	command, err := json.Marshal([]string{"sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	spec = strings.Replace(`{"image":"a","command":`+string(command)+`,`+spec[1:], ",}", "}", 1)
	s, err := parseSettings(c, &engine.Task{Spec: json.RawMessage(spec), Limits: json.RawMessage(limits)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	about, err := docker.ImageInspect(ctx, image)
	if err != nil {
		t.Fatal(err)
	}
	var volumes []string
	for at := range about.Config.Volumes {
		volumes = append(volumes, at)
	}
	config, hostConfig := s.containerConfig(place{Image: about.ID, ImageUser: about.Config.User, Volumes: volumes, Dir: attemptDir(t)})
	created, err := docker.ContainerCreate(ctx, config, hostConfig, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	removeAtEnd(t, docker, created.ID)
	return start(ctx, t, docker, created.ID)
}

func dial(t *testing.T) *client.Client {
	t.Helper()
	docker, err := client.NewClientWithOpts(client.WithHost(dockertest.Daemon(t)), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	return docker
}

func removeAtEnd(t *testing.T, docker *client.Client, id string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			t.Error(err)
		}
	})
}

func start(ctx context.Context, t *testing.T, docker *client.Client, id string) observed {
	t.Helper()
	streams, err := docker.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()
	ended, failed := docker.ContainerWait(ctx, id, container.WaitConditionNextExit)
	if err = docker.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if _, err = stdcopy.StdCopy(&stdout, &stderr, streams.Reader); err != nil {
		t.Fatal(err)
	}
	o := observed{}
	select {
	case end := <-ended:
		o.exit = end.StatusCode
	case err = <-failed:
		t.Fatal(err)
	}
	o.stdout, o.stderr = stdout.String(), stderr.String()
	if o.inspect, err = docker.ContainerInspect(ctx, id); err != nil {
		t.Fatal(err)
	}
	return o
}

// attemptDir is a directory that any user in a container can read.
func attemptDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; strings.HasPrefix(d, os.TempDir()+string(os.PathSeparator)); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "input.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestHardened has one wall a line: what a script in a container under the zero
// policy finds.
func TestHardened(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	for name, test := range map[string]struct{ script, want string }{
		"no network but loopback": {`ls /sys/class/net; cat /proc/net/route | wc -l`, "lo\n1\n"},
		"root is read-only":       {`touch /x /bin/x /etc/x 2>&1 | grep -c Read-only; touch /sys/x /proc/x /run/graflow/x 2>/dev/null || echo no`, "3\nno\n"},
		"mount point of the root": {`grep " / " /proc/mounts | cut -d" " -f4 | cut -d, -f1`, "ro\n"},
		"attempt's directory":     {`cat /run/graflow/input.json; echo x 2>/dev/null >/run/graflow/input.json || echo kept`, "{}kept\n"},
		"/tmp is bounded":         {`head -c 2000000 /dev/zero >/tmp/a 2>/dev/null; wc -c </tmp/a; grep -o " /tmp tmpfs rw,nosuid,nodev,[a-z]*" /proc/mounts`, "1048576\n /tmp tmpfs rw,nosuid,nodev,relatime\n"},
		"/tmp is executable":      {`printf "#!/bin/sh\necho hi" >/tmp/x && chmod +x /tmp/x && /tmp/x`, "hi\n"},
		"no capabilities":         {`grep "^Cap" /proc/self/status | tr -d "\t"`, "CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapBnd:0000000000000000\nCapAmb:0000000000000000\n"},
		"no new privileges":       {`grep NoNewPrivs /proc/self/status`, "NoNewPrivs:\t1\n"},
		"a seccomp filter":        {`grep "^Seccomp:" /proc/self/status`, "Seccomp:\t2\n"},
		"nobody":                  {`id -u; id -g; id -G`, "65534\n65534\n65534\n"},
		"open files":              {`ulimit -n; ulimit -Hn; ulimit -c`, "100\n100\n0\n"},
		"no environment":          {`env | cut -d= -f1 | sort | tr "\n" " "`, "HOME HOSTNAME PATH PWD SHLVL "},
		"own processes alone":     {`set -- /proc/[0-9]*; echo $#`, "1\n"},
		"no devices":              {`ls /dev | grep -v -x -E "core|fd|full|mqueue|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero"; mknod /tmp/d b 8 0 2>&1 | grep -c permitted`, "1\n"},
		"own control groups":      {`cut -d: -f3 /proc/self/cgroup | sort -u`, "/\n"},
		"kernel's files":          {`cat /proc/kcore /proc/sysrq-trigger 2>/dev/null | head -c 1 | wc -c; echo 1 2>/dev/null >/proc/sys/kernel/panic || echo no`, "0\nno\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, &Config{}, image, `{}`, `{"disk_bytes":"1MiB","open_files":100}`, test.script)
			if o.stdout != test.want {
				t.Errorf("got %q, want %q; stderr %s", o.stdout, test.want, o.stderr)
			}
		})
	}
}

// TestLimitsHold inspects what the daemon made of limits, and looks at the kernel's
// own numbers from within.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	const group = `cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max`
	for limits, want := range map[string]string{`{}`: "256\n536870912\n", `{"pids":30,"memory":"32MiB","cpus":0.5}`: "30\n33554432\n"} {
		o := run(t, &Config{}, image, `{}`, limits, group)
		if o.stdout != want {
			t.Errorf("%s: got %q, want %q; stderr %s", limits, o.stdout, want, o.stderr)
		}
		h := o.inspect.HostConfig
		if h.Memory != h.MemorySwap || h.NanoCPUs != map[bool]int64{true: 1e9, false: 5e8}[limits == `{}`] || h.AutoRemove || h.Privileged {
			t.Errorf("%s: got %+v", limits, h)
		}
	}
	if o := run(t, &Config{}, image, `{}`, `{"pids":20}`, `for i in $(seq 40); do sleep 9 & done; echo more`); !strings.Contains(o.stderr, "fork") {
		t.Errorf("41 processes of 20: got %q, %q", o.stdout, o.stderr)
	}
	if o := run(t, &Config{}, image, `{}`, `{"memory":"16MiB"}`, `head -c 64m /dev/zero | tail`); o.exit == 0 && !o.inspect.State.OOMKilled {
		t.Errorf("64 MiB of 16: got exit %d, %q", o.exit, o.stderr)
	}
}

// TestDevicesArrive wants the daemon to have each request as it was asked for. No
// device has to be there: none is looked for until the container starts.
func TestDevicesArrive(t *testing.T) {
	t.Parallel()
	docker, image := dial(t), dockertest.Busybox(t)
	for _, spec := range []string{
		`"gpus":"all"`, `"gpus":2`, `"gpus":["0","GPU-3a23"]`,
		`"device_requests":[{"driver":"nvidia","count":-1,"capabilities":[["gpu","compute"]],"options":{"a":"b"}},{"driver":"cdi","device_ids":["v.com/g=0"]}]`,
	} {
		config, host := parsed(t, open(), `{"image":"a",`+spec+`}`).containerConfig(place{Image: image})
		created, err := docker.ContainerCreate(t.Context(), config, host, nil, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		removeAtEnd(t, docker, created.ID)
		got, err := docker.ContainerInspect(t.Context(), created.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got.HostConfig.DeviceRequests, host.DeviceRequests)
	}
}

// TestImageVolumes are in memory and bounded: the daemon's own would be on disk.
func TestImageVolumes(t *testing.T) {
	t.Parallel()
	image := dockertest.Image(t, "volumes", busyboxFiles(t), `VOLUME /data /tmp`, `USER root`)
	o := run(t, &Config{}, image, `{}`, `{"disk_bytes":"1MiB"}`, `id -u; head -c 2000000 /dev/zero >/data/a 2>/dev/null; wc -c </data/a; grep -c "^tmpfs /data" /proc/mounts`)
	if want := "65534\n1048576\n1\n"; o.stdout != want {
		t.Errorf("got %q, want %q; stderr %s", o.stdout, want, o.stderr)
	}
	for _, m := range o.inspect.Mounts {
		if m.Type == "volume" {
			t.Errorf("the daemon made a volume for %s", m.Destination)
		}
	}
}

// TestVolumesHold writes where it may, and not where it may not; what is mounted
// below a volume on this machine is not there.
func TestVolumesHold(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	read, write := attemptDir(t), attemptDir(t)
	if err := os.Chmod(write, 0o777); err != nil {
		t.Fatal(err)
	}
	config := &Config{Policy: Policy{Mounts: []Mount{{Host: read}, {Host: write, Writable: true}}}}
	spec := fmt.Sprintf(`{"volumes":{%q:{"bind":"/r","mode":"ro"},%q:"/w"}}`, read, write)
	o := run(t, config, image, spec, ``, `cat /r/input.json; touch /r/x 2>/dev/null || echo no; echo 1 >/w/x; ls /w`)
	if want := "{}no\ninput.json\nx\n"; o.stdout != want {
		t.Errorf("got %q, want %q; stderr %s", o.stdout, want, o.stderr)
	}
	if data, err := os.ReadFile(filepath.Join(write, "x")); string(data) != "1\n" {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestRootByName wants to know before a container starts whom Docker runs an
// image's user as: by a name of its own an image makes anybody root, by number nobody.
func TestRootByName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ line, user, want string }{
		{"app:x:1000:1000::/:", "app", "1000"},
		{"app:x:0:1000::/:", "app", "0"},
		{"app", "app", "0"},
		{"app:x:x:1::/:", "app", "0"},
		{"app:x:1:1::/:\napp:x:0:0::/:", "app", "1"},
		{"65534:x:0:0::/:", nobody, "65534"},
		{"65534:x:0:0::/:", "", "65534"},
	} {
		files := busyboxFiles(t)
		files["etc/passwd"] = dockertest.File{Mode: 0o644, Data: []byte("root:x:0:0::/:\n" + test.line + "\n")}
		var changes []string
		if test.user != "" {
			changes = append(changes, "USER "+test.user)
		}
		image := dockertest.Image(t, "passwd", files, changes...)
		o := run(t, &Config{}, image, `{}`, ``, `id -u`)
		if got := strings.TrimSpace(o.stdout); got != test.want {
			t.Errorf("%s: Docker runs %s as %s, want %s; stderr %s", test.line, test.user, got, test.want, o.stderr)
		}
		root, err := isRootThere(t.Context(), dial(t), o.inspect.ID, o.inspect.Config.User)
		if err != nil || root != (test.want == "0") {
			t.Errorf("%s: %s: got root %t, %v", test.line, test.user, root, err)
		}
	}
}

// TestNoPasswd takes a user that it can't look up for root.
func TestNoPasswd(t *testing.T) {
	t.Parallel()
	files := busyboxFiles(t)
	files["etc/passwd"] = dockertest.File{Link: "/tmp/passwd"}
	image := dockertest.Image(t, "passwd-link", files)
	for user, want := range map[string]bool{"app": true, "1000": false, "1000:app": false, "0": true} {
		o := run(t, &Config{}, image, `{}`, ``, `id`)
		if got, err := isRootThere(t.Context(), dial(t), o.inspect.ID, user); got != want || err != nil {
			t.Errorf("%s: got %t, %v", user, got, err)
		}
	}
}

func TestRootIn(t *testing.T) {
	t.Parallel()
	const passwd = "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\napp:x:1000:1000::/:\n1001:x:0:0::/:\n"
	for user, want := range map[string]bool{
		"root": true, "0": true, "": true, "toor": true, "toor:app": true, "app": false, "1000": false, "1000:0": false, "1001": false, "absent": false,
	} {
		if got := rootIn([]byte(passwd), user); got != want {
			t.Errorf("%q: got %t", user, got)
		}
	}
}

// busyboxFiles are those of an image with the shell and few tools.
func busyboxFiles(t *testing.T) map[string]dockertest.File {
	t.Helper()
	const binary = "/bin/busybox"
	if _, err := os.Stat(binary); err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("no static busybox: ", err)
	}
	files := map[string]dockertest.File{"bin/busybox": {Path: binary}}
	for _, tool := range []string{"sh", "id", "head", "wc", "grep"} {
		files["bin/"+tool] = dockertest.File{Link: "busybox"}
	}
	return files
}
