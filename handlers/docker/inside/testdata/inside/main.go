//go:build linux

// Command inside is what tests run in containers: the package under test, and
// what a hostile command would do there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"golang.org/x/sys/unix"
)

func main() {
	inside.Child()
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	if err := deeds[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

var deeds = map[string]func(args []string) error{
	"nothing":  func([]string) error { return nil },
	"prepare":  prepare,
	"exit":     exit,
	"kill":     kill,
	"wait":     wait,
	"ignore":   ignore,
	"orphan":   orphan,
	"zombies":  zombies,
	"files":    files,
	"litter":   litter,
	"find":     find,
	"meddle":   meddle,
	"spy":      spy,
	"forkbomb": forkbomb,
	"hog":      hog,
}

// prepare is on the host's side: this program's code, as wazero knows it, is
// that of the program in the container.
func prepare(args []string) error {
	module, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	return inside.PrepareCache(context.Background(), args[0], module)
}

func exit(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err == nil {
		os.Exit(n)
	}
	return err
}

// kill sends signals to processes: SIGNAL PID….
func kill(args []string) error {
	n, err := strconv.Atoi(args[0])
	for _, arg := range args[1:] {
		pid, convErr := strconv.Atoi(arg)
		if err == nil {
			err = convErr
		}
		if arg == "self" {
			pid, err = os.Getpid(), nil
		}
		if err == nil {
			err = syscall.Kill(pid, syscall.Signal(n))
		}
	}
	return err
}

// wait says so, and then waits for a signal, of which it says the name.
func wait([]string) error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	fmt.Println("waiting")
	fmt.Println(<-c)
	os.Exit(3)
	return nil
}

func ignore([]string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("waiting")
	for {
		time.Sleep(time.Hour)
	}
}

// again starts this program once more, in a session of its own.
func again(args ...string) (int, error) {
	return syscall.ForkExec("/proc/self/exe", append([]string{"inside"}, args...), &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// orphan leaves a process that ignores signals.
func orphan([]string) error {
	_, err := again("ignore")
	return err
}

// zombies leaves children of ended parents to PID 1 until it has reaped them.
func zombies([]string) error {
	for range 4 {
		if _, err := again("orphan-exit"); err != nil {
			return err
		}
	}
	for left := 1; left > 0; time.Sleep(10 * time.Millisecond) {
		left = 0
		paths, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, _ := os.ReadFile(path)
			fields := strings.Fields(string(text))
			if len(fields) > 3 && fields[2] == "Z" && fields[3] == "1" {
				left++
			}
		}
		for { // ours
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
	}
	return nil
}

func init() {
	// A parent that ends before its child.
	deeds["orphan-exit"] = func([]string) error {
		_, err := again("short")
		return err
	}
	deeds["short"] = func([]string) error { time.Sleep(50 * time.Millisecond); return nil }
}

// files makes N files in GRAFLOW_OUT.
func files(args []string) error {
	n, err := strconv.Atoi(args[0])
	for i := range n {
		if err == nil {
			path := filepath.Join(os.Getenv("GRAFLOW_OUT"), fmt.Sprintf("%02d", i%100), fmt.Sprintf("%05d", i))
			_ = os.Mkdir(filepath.Dir(path), 0o755)
			err = os.WriteFile(path, []byte(strconv.Itoa(i)), 0o644)
		}
	}
	return err
}

// litter leaves whatever outlives a process.
func litter([]string) error {
	for _, dir := range []string{"/tmp", "/out", "/dev/shm"} {
		if err := os.WriteFile(dir+"/.left", []byte("by a job"), 0o600); err != nil {
			return err
		}
		path := dir + "/deep/deeper/deepest"
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		for path != dir {
			if err := os.Chmod(path, 0); err != nil {
				return err
			}
			path = filepath.Dir(path)
		}
	}
	shm, err := unix.SysvShmGet(4711, 4096, unix.IPC_CREAT|0o666)
	if err != nil {
		return err
	}
	memory, err := unix.SysvShmAttach(shm, 0, 0)
	if err != nil {
		return err
	}
	copy(memory, "secret")
	if _, _, errno := unix.Syscall(unix.SYS_MSGGET, 4711, unix.IPC_CREAT|0o666, 0); errno != 0 {
		return errno
	}
	if _, _, errno := unix.Syscall(unix.SYS_SEMGET, 4711, 1, unix.IPC_CREAT|0o666); errno != 0 {
		return errno
	}
	name := []byte("/left\x00")[1:]
	if _, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name[0])), unix.O_CREAT|unix.O_RDWR, 0o666, 0, 0, 0); errno != 0 {
		return errno
	}
	_, err = again("ignore")
	return err
}

// find tells of all that litter leaves.
func find([]string) error {
	for _, dir := range []string{"/tmp", "/out", "/dev/shm", "/dev/mqueue"} {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			fmt.Println("file", filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	for _, kind := range []string{"shm", "msg", "sem"} {
		text, err := os.ReadFile("/proc/sysvipc/" + kind)
		if err != nil {
			return err
		}
		for range strings.Count(string(text), "\n") - 1 {
			fmt.Println("ipc", kind)
		}
	}
	paths, err := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		if path != "/proc/1" && path != fmt.Sprint("/proc/", os.Getpid()) {
			fmt.Println("process", path)
		}
	}
	for _, name := range []string{"LEFT", "GRAFLOW_RESULT_FILE"} {
		if value, ok := os.LookupEnv(name); ok {
			fmt.Println("environment", name, value)
		}
	}
	if dir, _ := os.Getwd(); dir != "/" {
		fmt.Println("directory", dir)
	}
	return err
}

// meddle changes what a job can of PID 1.
func meddle(args []string) error {
	switch args[0] {
	case "limits":
		limit := unix.Rlimit{Cur: 64, Max: 64}
		return unix.Prlimit(1, unix.RLIMIT_NOFILE, &limit, nil)
	case "nice":
		return unix.Setpriority(unix.PRIO_PROCESS, 1, 10)
	case "processors":
		var set unix.CPUSet
		set.Set(0)
		return unix.SchedSetaffinity(1, &set)
	}
	return os.ErrInvalid
}

// spy tells what of PID 1 can be reached.
func spy([]string) error {
	for _, path := range []string{"/proc/1/mem", "/proc/1/environ", "/proc/1/fd", "/proc/1/oom_score_adj"} {
		flag := os.O_RDONLY
		if strings.HasSuffix(path, "adj") {
			flag = os.O_WRONLY
		}
		if f, err := os.OpenFile(path, flag, 0); err == nil {
			fmt.Println("opened", path)
			_ = f.Close()
		}
	}
	if err := unix.PtraceAttach(1); err == nil {
		fmt.Println("traces 1")
	}
	if fd, err := unix.PidfdOpen(1, 0); err == nil {
		for n := range 32 {
			if _, err := unix.PidfdGetfd(fd, n, 0); err == nil {
				fmt.Println("took file", n, "of 1")
			}
		}
	}
	return nil
}

// forkbomb takes every pid that there is.
func forkbomb([]string) error {
	for range 4 {
		_, _ = again("forkbomb")
	}
	for {
		time.Sleep(time.Hour)
	}
}

// hog takes memory.
func hog([]string) error {
	for taken := [][]byte{}; ; {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		taken = append(taken, b)
	}
}
