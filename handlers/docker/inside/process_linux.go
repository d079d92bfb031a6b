package inside

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a started command and all that comes of it.
type process struct{ pid int }

// wait reaps children, whoever left them here, until the command has ended, and
// returns its code.
func (p *process) wait() int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return ExitFailed // no child is left, also not the command: its status is lost
		case pid == p.pid && status.Signaled():
			return exitSignal + int(status.Signal())
		case pid == p.pid && status.Exited():
			return status.ExitStatus()
		}
	}
}

// signal sends a signal to the command's process group.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.pid, s) }

// cleanup is how long killed processes may take to go. Only one that hangs in
// the kernel takes longer.
const cleanup = 10 * time.Second

// errSurvivors says that killing was of no use.
var errSurvivors = errors.New("processes are left that can't be killed")

// killAll kills whatever the command left, and reaps it. As PID 1 that is every
// process of the container, which can't escape by forking: the kernel does it in
// one go. Otherwise it is all descendants, which fast ones do escape.
func killAll() error {
	deadline := time.Now().Add(cleanup)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for killChildren() && time.Now().Before(deadline) {
			reap()
		}
	}()
	timer := time.NewTimer(cleanup)
	defer timer.Stop()
	select {
	case <-done:
		if anyLeft() {
			return errSurvivors
		}
		return nil
	case <-timer.C:
		return errSurvivors
	}
}

// killChildren kills, and says whether there was anything.
func killChildren() bool {
	if os.Getpid() == 1 {
		return !errors.Is(syscall.Kill(-1, syscall.SIGKILL), syscall.ESRCH)
	}
	children := children()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(children) > 0
}

func anyLeft() bool {
	if os.Getpid() == 1 {
		return !errors.Is(syscall.Kill(-1, 0), syscall.ESRCH)
	}
	return len(children()) > 0
}

// reap waits for one child, and then for all that have ended.
func reap() {
	flags := 0
	for {
		pid, err := syscall.Wait4(-1, nil, flags, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.ECHILD) && flags == 0 { // killed, but another's to reap, as what docker exec starts
			time.Sleep(time.Millisecond)
		}
		if err != nil || pid <= 0 {
			return
		}
		flags = syscall.WNOHANG
	}
}

// children are those of this process, ended ones included.
func children() []int {
	tasks, _ := os.ReadDir("/proc/self/task")
	var pids []int
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// adopt makes processes whose parent ends this one's children, which they are of
// PID 1 anyway.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }
