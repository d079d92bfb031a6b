package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ErrMissing tells that a server isn't installed.
var ErrMissing = errors.New("not installed: apt-get install redis-server postgresql")

// patience is how long a server may take to start or to end.
const patience = 30 * time.Second

// process is a server that runs.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *bytes.Buffer // what it said; read only once it has ended
	ended  chan struct{} // closed once it has ended
}

// start starts a server and waits until ready answers nil. It outlives ctx: only
// stop ends it.
func start(ctx context.Context, cmd *exec.Cmd, ready func(context.Context) error) (*process, error) {
	p := &process{name: cmd.Args[0], cmd: cmd, output: new(bytes.Buffer), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // that it was ended by a signal is what we wanted
	}()
	if err := p.await(ctx, ready); err != nil {
		return nil, errors.Join(err, p.stop(syscall.SIGKILL))
	}
	return p, nil
}

func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.name, strings.TrimSpace(p.output.String()))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.name, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop asks the server to end, and makes it if it doesn't.
func (p *process) stop(signal syscall.Signal) error {
	_ = p.cmd.Process.Signal(signal) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end within %v of %v and was killed", p.name, patience, signal)
}

// freePort is one that nobody listened on a moment ago.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }() // it was only asked for its port
	return l.Addr().(*net.TCPAddr).Port, nil
}
