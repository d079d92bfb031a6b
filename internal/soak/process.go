package soak

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// process is a child that is started again and again. It is safe for concurrent use.
type process struct {
	config childConfig
	log    string // file
	start  chan<- func()
	links  []*link // of a worker, to the servers

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	stdin   io.Closer
	exited  chan struct{} // closed once it has
	meant   bool          // its end
	crashed []string      // ends that were not meant
}

// starter runs functions on one thread that lasts as long as the program: children
// are killed when the thread ends that has started them.
func starter() chan<- func() {
	in := make(chan func())
	go runLocked(in)
	return in
}

func newProcess(c childConfig, logs string, start chan<- func()) *process {
	return &process{config: c, log: filepath.Join(logs, c.Name+".log"), start: start}
}

// Start begins the process, and with ready waits until it does what it is for.
func (p *process) Start(ready time.Duration) error {
	done := make(chan error, 1)
	said := make(chan struct{})
	p.start <- func() { done <- p.begin(said) }
	if err := <-done; err != nil {
		return fmt.Errorf("start %s: %w", p.config.Name, err)
	}
	if ready == 0 {
		return nil
	}
	select {
	case <-said:
		return nil
	case <-time.After(ready):
		return fmt.Errorf("start %s: it is not ready after %s: see %s", p.config.Name, ready, p.log)
	}
}

func (p *process) begin(said chan<- struct{}) error {
	text, err := json.Marshal(p.config)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has it
	cmd := exec.Command(self, "child", string(text))
	cmd.Stderr, cmd.SysProcAttr = log, attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Fprintf(log, "--- %s pid %d begins\n", time.Now().Format(time.RFC3339Nano), cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.stdin, p.exited, p.meant = cmd, stdin, make(chan struct{}), false
	go p.attend(cmd, stdout, said, p.exited)
	return nil
}

// attend waits for the end of a child.
func (p *process) attend(cmd *exec.Cmd, stdout io.Reader, said chan<- struct{}, exited chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if lines.Text() == readyLine {
			close(said)
			said = nil
		}
		if said == nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
	err := cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.meant {
		p.crashed = append(p.crashed, fmt.Sprintf("%s ended by itself: %v; see %s", p.config.Name, err, p.log))
	}
	close(exited)
}

// pid is that of the process, or of the one that it was.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Signal sends a signal; with end the process is to end of it.
func (p *process) Signal(s os.Signal, end bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meant = p.meant || end
	return p.cmd.Process.Signal(s)
}

// Exited waits until the process has ended; false: it has not.
func (p *process) Exited(within time.Duration) bool {
	p.mu.Lock()
	exited := p.exited
	p.mu.Unlock()
	select {
	case <-exited:
		return true
	case <-time.After(within):
		return false
	}
}

// Kill ends the process, if it is there.
func (p *process) Kill() error {
	p.mu.Lock()
	started := p.cmd != nil
	p.mu.Unlock()
	if !started {
		return nil
	}
	if err := p.Signal(os.Kill, true); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.config.Name, err)
	}
	if !p.Exited(10 * time.Second) {
		return fmt.Errorf("kill %s: it is still there", p.config.Name)
	}
	return nil
}

// Crashes are the ends that were not meant.
func (p *process) Crashes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashed
}
