package cell_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// eachWay runs a test for each way to start cells that works here.
func eachWay(t *testing.T, config cell.Config, test func(t *testing.T, p *cell.Pool)) {
	t.Helper()
	for way, name := range cell.Ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := cell.NewIn(config, way)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
			c, err := p.Get(t.Context(), cell.Want{Tenant: "first"})
			if err != nil && way < len(cell.Ways)-1 {
				t.Skipf("NOT TESTED: this kernel does not start cells so: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Done()
			test(t, p)
		})
	}
}

// outcome asks a cell for a deed, and says what came of it: "done: …", "failed: …"
// or how the cell ended.
func outcome(t *testing.T, p *cell.Pool, deed, data string) string {
	t.Helper()
	c := get(t, p, "attacker")
	if err := c.Write(kindDo, []byte(deed), []byte(data)); err != nil {
		t.Fatal(err)
	}
	f, err := c.Read()
	if err != nil {
		d := c.Lost()
		t.Logf("%s %s: %s: %.400s", deed, data, d, d.Stderr)
		return d.String()
	}
	c.Done()
	return map[byte]string{kindDone: "done: ", kindFailed: "failed: "}[f.Kind] + string(f.Data)
}

// requireWalls fails if a wall is missing that this kernel can have, and skips the
// test if it can't.
func requireWalls(t *testing.T, walls cell.Report) {
	t.Helper()
	missing := func(name string, possible bool) {
		switch {
		case walls.Stands(name):
		case possible:
			t.Fatalf("no wall of %s, though this kernel has it:\n%s", name, walls)
		default:
			t.Skipf("NOT TESTED: no wall of %s here:\n%s", name, walls)
		}
	}
	_, _, filters := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, 0) // EFAULT where there are any
	missing(cell.WallSystemCalls, filters == unix.EFAULT && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"))
	if !walls.Stands(cell.WallMounts) {
		_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
		withC := strings.Contains(walls.String(), "this program is linked with C")
		missing(cell.WallLandlock, errno == 0 && !withC)
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	ours := filepath.Join(t.TempDir(), "ours")
	if err := os.WriteFile(ours, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	self := fmt.Sprint(os.Getpid())
	eachWay(t, cell.Config{}, func(t *testing.T, p *cell.Pool) { //nolint:thelper // it is a test
		c := get(t, p, "attacker")
		walls := c.Walls()
		c.Done()
		requireWalls(t, walls)
		killed := "signal: SIGSYS"
		for _, a := range []struct {
			deed, data string
			want       []string // one of these is how the outcome begins
		}{
			{"read", "/etc/passwd", []string{"failed: "}},
			{"read", ours, []string{"failed: "}},
			{"read", "/proc/" + self + "/environ", []string{"failed: "}},
			{"read", "/proc/1/root/etc/passwd", []string{"failed: "}},
			{"read", "/proc/self/cwd/etc/passwd", []string{"failed: "}},
			{"read", "../../../../etc/passwd", []string{"failed: "}},
			{"list", "/home", []string{"failed: "}},
			{"list", "/etc", []string{"failed: "}},
			{"write", ours, []string{"failed: "}},
			{"write", "/etc/graflow-wasm-cell", []string{"failed: "}},
			{"write", "/proc/sys/kernel/core_pattern", []string{"failed: "}},
			{"write", "/proc/self/oom_score_adj", []string{"failed: "}},
			{"connect", "tcp " + listener.Addr().String(), []string{"failed: "}},
			{"connect", "udp 127.0.0.1:53", []string{"failed: "}},
			{"connect", "unix /run/docker.sock", []string{"failed: "}},
			{"kill", self, []string{"failed: operation not permitted"}},
			{"kill", "-1", []string{"failed: operation not permitted"}},
			{"run", "/bin/true", []string{killed, "failed: "}},
			{"fork", "", []string{killed}},
			{"ptrace", self, []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_UNSHARE), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_BPF), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_IO_URING_SETUP), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_PERF_EVENT_OPEN), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_KEYCTL), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_MOUNT), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_USERFAULTFD), []string{killed}},
			{"syscall", fmt.Sprint(unix.SYS_CLONE3), []string{"failed: function not implemented"}},
			{"syscall", fmt.Sprint(unix.SYS_SOCKET), []string{"failed: operation not permitted"}},
			{"syscall", fmt.Sprint(unix.SYS_SETUID), []string{"failed: operation not permitted"}},
			{"syscall", "100000", []string{"failed: operation not permitted"}},
		} {
			got := outcome(t, p, a.deed, a.data)
			stopped := false
			for _, want := range a.want {
				stopped = stopped || strings.HasPrefix(got, want)
			}
			if !stopped {
				t.Errorf("%s %s: %s, want %q", a.deed, a.data, got, a.want)
			}
		}
		// What the worker's environment is, its cells are not told.
		for _, got := range []string{outcome(t, p, "environment", ""), outcome(t, p, "read", "/proc/self/environ")} {
			for _, v := range strings.FieldsFunc(strings.TrimPrefix(got, "done: "), func(r rune) bool { return r == 0 || r == '\n' }) {
				name, _, _ := strings.Cut(v, "=")
				if !slices.Contains([]string{"TMPDIR", "GOMAXPROCS", "GORACE", selfexec.Variable}, name) {
					t.Errorf("environment: %q", got)
				}
			}
		}
		got := outcome(t, p, "ids", "")
		want := []string{"NoNewPrivs:1", "Seccomp:2"}
		if walls.Stands(cell.WallCapabilities) {
			want = append(want, "CapEff:0000000000000000")
		}
		for _, want := range want {
			if !strings.Contains(got, want) {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
	if b, err := os.ReadFile(ours); err != nil || string(b) != "secret" {
		t.Errorf("our file has %q, %v", b, err)
	}
}
