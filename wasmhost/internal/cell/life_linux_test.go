package cell_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary a parent of cells, to be killed.
const roleVariable = "CELL_TEST_ROLE"

// playParent starts a cell, says its id on stdout, and never ends.
func playParent(way string) {
	n, _ := strconv.Atoi(way)
	p, err := cell.NewIn(cell.Config{}, n)
	if err != nil {
		panic(err)
	}
	c, err := p.Get(context.Background(), cell.Want{Tenant: "orphan"})
	if err != nil {
		panic(err)
	}
	// It sees no end of its socket or pipe by now: the kernel must end it.
	if err := c.Write(kindDo, []byte("deaf"), nil); err != nil {
		panic(err)
	}
	if _, err := c.Read(); err != nil {
		panic(err)
	}
	fmt.Println(c.PID())
	select {}
}

// TestParentDies: no cell outlives its parent, though that had no time to end it.
func TestParentDies(t *testing.T) {
	t.Parallel()
	eachWay(t, cell.Config{}, func(t *testing.T, _ *cell.Pool) { //nolint:thelper // it is a test
		way := slices.IndexFunc(cell.Ways, func(name string) bool {
			return strings.HasSuffix(t.Name(), "/"+strings.ReplaceAll(name, " ", "_"))
		})
		parent := exec.Command("/proc/self/exe")
		parent.Env = []string{roleVariable + "=" + strconv.Itoa(way)}
		parent.Stderr = os.Stderr
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		watch, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(watch)
		if err := parent.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = parent.Wait() // it was killed
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}, 10000)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}, 10000)
		}
		if n != 1 || err != nil {
			t.Errorf("the cell outlived its parent: %v", err)
		}
	})
}

// TestNothingLeaks is not parallel: it counts the descriptors of this process.
func TestNothingLeaks(t *testing.T) { //nolint:paralleltest // see above
	if !cell.Enabled() {
		t.Skip("this system has no cells")
	}
	before, old := descriptors(t), scratchDirectories(t)
	p, err := cell.NewIn(cell.Config{Max: 3}, len(cell.Ways)-1)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for i := range 12 {
		c := get(t, p, fmt.Sprint(i))
		pids = append(pids, c.PID())
		switch i % 4 {
		case 0:
			c.Kill("test")
		case 1:
			do(t, c, "crash", "")
			lost(t, c)
		case 2:
			do(t, c, "rights", "")
			for range 101 {
				if _, err := c.Read(); err != nil {
					t.Fatal(c.Lost())
				}
			}
			c.Done()
		default:
			c.Done()
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	for _, dir := range scratchDirectories(t) {
		if !slices.Contains(old, dir) {
			t.Errorf("left %s", dir)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func scratchDirectories(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("/dev/shm/graflow-wasm-cell-*")
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// TestInherited: what this process has open for its children is not for cells.
func TestInherited(t *testing.T) {
	t.Parallel()
	fd, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0) // without O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(t, fd)
	const high = 77
	if err := unix.Dup3(fd, high, 0); err != nil {
		t.Fatal(err)
	}
	defer closeFD(t, high)
	p := newPool(t, cell.Config{})
	got := outcome(t, p, "descriptors", "")
	if strings.Contains(got, " 77:") || !strings.HasPrefix(got, "done: 0:20000 1:10000 2:10000 3:140000") {
		t.Error(got)
	}
}

func closeFD(t *testing.T, fd int) {
	t.Helper()
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	eachWay(t, cell.Config{Memory: 64 << 20, Scratch: 32 << 20, Heartbeat: 300 * time.Millisecond, Calls: 1}, func(t *testing.T, p *cell.Pool) { //nolint:thelper // it is a test
		if got := outcome(t, p, "memory", ""); !strings.Contains(got, "cannot allocate memory") && got != "exit code 2" {
			t.Errorf("memory: %s", got)
		}
		c := get(t, p, "a")
		own := c.Walls().Stands(cell.WallMounts)
		c.Done()
		if own {
			if got := outcome(t, p, "fill", "/tmp/big"); !strings.Contains(got, "no space left on device") {
				t.Errorf("scratch: %s", got)
			}
		}
		if got := outcome(t, p, "share", ""); got != "failed: operation not permitted" {
			t.Errorf("shared memory: %s", got)
		}
		if got := outcome(t, p, "hoard", ""); !strings.HasPrefix(got, "killed: held ") {
			t.Errorf("files in memory: %s", got)
		}
		if got := outcome(t, p, "memfd", ""); !strings.Contains(got, "file too large") {
			t.Errorf("a file in memory: %s", got)
		}
		if own && strings.HasSuffix(t.Name(), "nobody") {
			if got := outcome(t, p, "threads", ""); got != "exit code 2" && !strings.Contains(got, "no sign of life") {
				t.Errorf("threads: %s", got)
			}
		}
		if got := outcome(t, p, "scratch", ""); got != "done: was here" {
			t.Errorf("temporary files: %s", got)
		}
		got := outcome(t, p, "descriptors", "")
		for _, one := range strings.Fields(strings.TrimPrefix(got, "done: "))[4:] {
			// Beside its own, only what Go opens: nothing that has a path.
			if kind := one[strings.Index(one, ":")+1:]; kind != "0" && kind != "100000" {
				t.Errorf("descriptors: %s", got)
			}
		}
	})
}
