package termtest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal and its screen. It is safe for concurrent use.
type Terminal struct {
	// Line is what a program has as its standard streams.
	Line *os.File

	tb     testing.TB
	master *os.File
	done   chan struct{} // closed when there is nothing more to read

	mu      sync.Mutex // guards what follows
	screen  *Screen
	changed chan struct{} // closed when the screen changes
}

// Open opens a terminal of a size. It is closed when the test ends.
func Open(tb testing.TB, width, height int) *Terminal {
	tb.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	number := 0
	control(tb, master, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	term := &Terminal{
		Line: line, tb: tb, master: master, done: make(chan struct{}), screen: NewScreen(width, height), changed: make(chan struct{}),
	}
	term.Resize(width, height)
	go term.read()
	tb.Cleanup(func() {
		_ = line.Close()
		_ = master.Close() // which ends the reading
		<-term.done
	})
	return term
}

// control does something with a file without making it block.
func control(tb testing.TB, f *os.File, deed func(fd int) error) {
	tb.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		tb.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = deed(int(fd)) }); err != nil || failed != nil {
		tb.Fatal(err, failed)
	}
}

func (p *Terminal) read() {
	defer close(p.done)
	data := make([]byte, 4096)
	for {
		n, err := p.master.Read(data)
		p.mu.Lock()
		_, _ = p.screen.Write(data[:n]) // it takes everything
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Start runs a command on the terminal, as the leader of its session. What it inherits
// of the environment is in cmd. It is killed when the test ends, if it runs still.
func (p *Terminal) Start(cmd *exec.Cmd) {
	p.tb.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Line, p.Line, p.Line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	p.tb.Cleanup(func() { _ = cmd.Process.Kill() })
}

// Send presses keys.
func (p *Terminal) Send(keys string) {
	p.tb.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.tb.Fatal(err)
	}
}

// Resize makes the terminal another size, which its program is told by a signal.
func (p *Terminal) Resize(width, height int) {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.Resize(width, height)
	control(p.tb, p.master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)}) //nolint:gosec // sizes of terminals
	})
}

// See calls f with the screen.
func (p *Terminal) See(f func(*Screen)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.screen)
}

// Within bounds how long WaitFor waits.
const Within = time.Minute

// WaitFor waits until something is seen, and fails the test if it never is. It returns
// the text of the screen then.
func (p *Terminal) WaitFor(what string, seen func(*Screen) bool) string {
	p.tb.Helper()
	end := time.After(Within)
	for {
		p.mu.Lock()
		ok, text, changed := seen(p.screen), p.screen.Text(), p.changed
		p.mu.Unlock()
		if ok {
			return text
		}
		select {
		case <-changed:
		case <-p.done:
			p.tb.Fatalf("the terminal was closed before %s; it shows\n%s", what, text)
		case <-end:
			p.tb.Fatalf("never %s; the terminal shows\n%s", what, text)
		}
	}
}

// WaitText waits until all of some texts are seen.
func (p *Terminal) WaitText(texts ...string) string {
	p.tb.Helper()
	return p.WaitFor(strings.Join(texts, ", "), func(s *Screen) bool {
		shown := s.Text()
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return false
			}
		}
		return true
	})
}

// Mode is how the terminal takes what is typed, to be compared before and after.
func (p *Terminal) Mode() unix.Termios {
	p.tb.Helper()
	var mode *unix.Termios
	control(p.tb, p.Line, func(fd int) (err error) {
		mode, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return *mode
}
