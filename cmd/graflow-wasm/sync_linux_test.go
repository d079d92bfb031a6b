package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncsFail makes the command one whose syncs fail, as of a disk that is broken, from
// SIGUSR1 on.
const syncsFail = "GRAFLOW_TEST_SYNCS_FAIL"

func init() {
	if os.Getenv(syncsFail) == "" {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		<-asked
		if err := failSyncs(); err != nil {
			fmt.Fprintln(os.Stderr, "syncs can't be made to fail:", err)
			return
		}
		fmt.Fprintln(os.Stderr, "syncs fail")
	}()
}

// failSyncs has the kernel answer all syncs of this process with EIO.
func failSyncs() error {
	const number, errno = 0, unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FSYNC, Jt: 2},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: errno},
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno2 := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno2 != 0 {
		return errno2
	}
	if thread != 0 {
		return fmt.Errorf("thread %d has another filter", thread)
	}
	return nil
}

// beginBreakable is begin, of a process whose syncs break can make fail.
func beginBreakable(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	cmd := inDir(t, dir, args...)
	cmd.Env = append(cmd.Env, syncsFail+"=1")
	return beginCommand(t, cmd)
}

// breakDisk has all syncs of the process fail from here on.
func breakDisk(t *testing.T, p *process) {
	t.Helper()
	p.signal(syscall.SIGUSR1)
	if why := p.await("^syncs (fail|can't be made to fail: .*)$"); why != "fail" {
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip("NOT TESTED: what a broken disk does: syncs ", why)
	}
}

// TestSyncFails: when a commit can't be synced nothing follows it, the run says so and
// ends, and goes on in the next process, with one commit of each task.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	dir, arrived, answer := t.TempDir(), make(chan struct{}, 9), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		fmt.Fprint(w, "heard")
	}))
	defer server.Close()
	hear := sync.OnceFunc(func() { close(answer) })
	defer hear()
	save(t, dir+"/asks.flow.yaml", "name: asks\nmodules: {guest: "+guest+"}\ntasks:\n"+
		"  ask: {wasm: guest#fetch, grants: {http: [\"127.0.0.1:*\"], http_networks: [127.0.0.0/8]}}\n"+
		"  last: {builtin: choice, with: {items: [\"done\"]}}\nflow: ask >> last\n")
	run := beginBreakable(t, dir, "run", "asks.flow.yaml", "--input", `"`+server.URL+`"`, "--state", "state", "--id", "asks", "-q")
	select {
	case <-arrived:
	case <-run.ended:
		t.Fatalf("it has ended before it asked:\n%s", run.all())
	}
	breakDisk(t, run)
	hear()
	if code := run.exit(); code != exitFailed {
		t.Errorf("it ends with %d, want %d", code, exitFailed)
	}
	matches(t, run.all(), `state/runs/asks/\d+\.journal: .*input/output error`)
	matches(t, run.all(), `(?m)^Once that is mended, go on with it: graflow-wasm runs resume asks --state state$`)
	if out := want(t, dir, 0, "runs", "resume", "asks", "--state", "state", "-q"); out != "\"done\"\n" {
		t.Errorf("the run ends with %s, want done", out)
	}
	onceEach(t, want(t, dir, 0, "runs", "show", "asks", "--events", "--state", "state"), "", 2)
}

// TestSyncFailsOfServer: a server whose disk fails to sync ends, and the next one has
// all that was acknowledged.
func TestSyncFailsOfServer(t *testing.T) {
	t.Parallel()
	for _, class := range []string{"default", "always"} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			save(t, dir+"/many.flow.yaml", manyFlow)
			serve := []string{"server", "--dir", "srv", "--name", "one", "--sync", class, "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0"}
			server := beginBreakable(t, dir, serve...)
			server.await("ready$")
			want(t, dir, 0, "run", "many.flow.yaml", "--id", "many", "--detach", "-q", "--nats", "./srv")
			breakDisk(t, server)
			if code := server.exit(); code != exitFailed {
				t.Errorf("the server ends with %d, want %d", code, exitFailed)
			}
			matches(t, server.all(), `(?m)^graflow-wasm: NATS server in srv: the store has failed: .*input/output error$`)
			server = begin(t, dir, serve...)
			server.await("ready$")
			matches(t, want(t, dir, 0, "runs", "watch", "many", "-o", "json", "--nats", "./srv"), `"status":"succeeded","output":"done"`)
			onceEach(t, want(t, dir, 0, "runs", "show", "many", "--events", "--nats", "./srv"), "", tasksOfMany)
			server.signal(syscall.SIGTERM)
			server.exit()
		})
	}
}
