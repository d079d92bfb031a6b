package inside

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// run is the verb run.
func run(args []string) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return usage("%s: want -- COMMAND ARGS…", VerbRun)
	}
	spare()
	adopt()
	signals := make(chan os.Signal, 64)
	signal.Notify(signals) // all: as PID 1 nothing but the host may end this process
	j := job{
		command:  command{argv: args, env: os.Environ(), files: [3]uintptr{0, 1, 2}},
		problems: os.Stderr,
	}
	started, err := j.start()
	if err != nil {
		return j.failedStart(err)
	}
	done := make(chan struct{})
	defer close(done)
	go forward(signals, done, started)
	return j.finish(context.Background(), started.wait())
}

// forward passes on what a command may be told from outside.
func forward(signals <-chan os.Signal, done <-chan struct{}, p *process) {
	for {
		select {
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok && passedOn(s) {
				p.signal(s)
			}
		case <-done:
			return
		}
	}
}

func passedOn(s syscall.Signal) bool {
	switch s {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH:
		return true
	}
	return false
}

// job is a command with what belongs to it before and after.
type job struct {
	command
	problems *os.File // where the wrapper's own words go
}

// failedStart tells why a command did not start, and returns its code.
func (j job) failedStart(err error) int {
	errorf(j.problems, "%v", err)
	var start *startError
	if errors.As(err, &start) {
		return start.code
	}
	return ExitFailed
}

// finish ends what the command, which exited with code, has left running, and
// sends what it leaves to the run. It returns the code to exit with.
func (j job) finish(ctx context.Context, code int) int {
	if err := killAll(); err != nil {
		errorf(j.problems, "after the command: %v", err)
		return ExitFailed
	}
	if code != 0 {
		return code
	}
	if err := j.deliver(ctx); err != nil {
		errorf(j.problems, "%v", err)
		return ExitFailed
	}
	return 0
}
